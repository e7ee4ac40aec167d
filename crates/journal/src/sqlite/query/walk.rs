//! Walking over kept events in the order and along the tree that suit a filter.

use super::super::errors::StoreError;
use super::super::table::events::{get_from, places_of_call, places_of_leg};
use super::super::table::packed::Shelf;
use super::lines::walk_employee;
use super::span::Span;
use super::stretch::walk_stretches;
use crate::{EventSeq, Filter, Kept};
use calls::EventKind;

/// Shows every event the filter accepts, in its order, until the visitor has enough (`false`).
/// `only` keeps kinds out before anything is read of them.
pub(in crate::sqlite) fn walk(
    shelf: &Shelf<'_>,
    filter: &Filter,
    only: impl Fn(EventKind) -> bool,
    mut visit: impl FnMut(Kept) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let conn = shelf.conn();
    let Some(span) = Span::of(conn, filter)? else { return Ok(()) };
    if let Some(places) = named_places(conn, filter)? {
        return walk_places(shelf, filter, &span, places, only, visit);
    }
    if let (Some(account), Some(employee), None) = (&filter.account, &filter.employee, filter.after) {
        return walk_employee(conn, (account, employee), &span, |place| {
            let kept = get_from(shelf, EventSeq(place))?;
            match kept.filter(|kept| only(kept.event.kind()) && filter.accepts(&kept.event)) {
                Some(kept) => visit(kept),
                None => Ok(true),
            }
        });
    }
    walk_stretches(shelf, filter, span, only, visit)
}

/// The places of the events of the leg or the call a filter names; `None` if it names neither.
fn named_places(conn: &rusqlite::Connection, filter: &Filter) -> Result<Option<Vec<i64>>, StoreError> {
    match (&filter.leg, &filter.call) {
        (Some(leg), _) => places_of_leg(conn, leg).map(Some),
        (None, Some(call)) => places_of_call(conn, call).map(Some),
        (None, None) => Ok(None),
    }
}

fn walk_places(
    shelf: &Shelf<'_>,
    filter: &Filter,
    span: &Span,
    mut places: Vec<i64>,
    only: impl Fn(EventKind) -> bool,
    mut visit: impl FnMut(Kept) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    places.retain(|place| (span.first..=span.last).contains(place));
    if filter.after.is_none() {
        places.reverse();
    }
    for place in places {
        let Some(kept) = get_from(shelf, EventSeq(place))? else { continue };
        if only(kept.event.kind()) && filter.accepts(&kept.event) && !visit(kept)? {
            break;
        }
    }
    Ok(())
}
