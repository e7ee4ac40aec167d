//! Walking over kept events in the order and along the tree that suit a filter.

use calls::EventKind;
use rusqlite::Connection;

use super::super::errors::StoreError;
use super::super::table::events::{get, places_of_call, places_of_leg};
use super::lines::walk_employee;
use super::span::Span;
use super::stretch::walk_stretches;
use crate::{EventSeq, Filter, Kept};

/// Shows every event the filter accepts, in its order, until the visitor has enough (`false`).
/// `only` keeps kinds out before anything is read of them.
pub(in crate::sqlite) fn walk(
    conn: &Connection,
    filter: &Filter,
    only: impl Fn(EventKind) -> bool,
    mut visit: impl FnMut(Kept) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let Some(span) = Span::of(conn, filter)? else { return Ok(()) };
    if let Some(places) = named_places(conn, filter)? {
        return walk_places(conn, filter, &span, places, only, visit);
    }
    if let (Some(account), Some(employee), None) = (&filter.account, &filter.employee, filter.after) {
        return walk_employee(conn, (account, employee), &span, |place| {
            let kept = get(conn, EventSeq(place))?;
            match kept.filter(|kept| only(kept.event.kind()) && filter.accepts(&kept.event)) {
                Some(kept) => visit(kept),
                None => Ok(true),
            }
        });
    }
    walk_stretches(conn, filter, span, only, visit)
}

/// The places of the events of the leg or the call a filter names; `None` if it names neither.
fn named_places(conn: &Connection, filter: &Filter) -> Result<Option<Vec<i64>>, StoreError> {
    match (&filter.leg, &filter.call) {
        (Some(leg), _) => places_of_leg(conn, leg).map(Some),
        (None, Some(call)) => places_of_call(conn, call).map(Some),
        (None, None) => Ok(None),
    }
}

fn walk_places(
    conn: &Connection,
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
        let Some(kept) = get(conn, EventSeq(place))? else { continue };
        if only(kept.event.kind()) && filter.accepts(&kept.event) && !visit(kept)? {
            break;
        }
    }
    Ok(())
}
