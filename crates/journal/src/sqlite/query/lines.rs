//! Lists of an account that are looked for by outcome, employee or number: along its rows of ended legs, and what
//! is not rolled up yet. What a list shows is read from the events, and asked of them once more.

use std::collections::BinaryHeap;

use calls::{AccountId, Event, LegId};
use rusqlite::{Connection, params};

use super::super::errors::StoreError;
use super::super::rollup::{longest, rolled_up_to};
use super::super::table::events::{get_from, kept, places_of_leg};
use super::super::table::packed::Shelf;
use super::along::{Along, Wanted};
use super::leg::begun_by;
use super::span::Span;
use crate::rules::begins;
use crate::{EventSeq, Filter, LegOutcome, LegRecord};

/// The legs of an account that have not ended. They are few, and have no tree by account.
const OPEN: &str =
    "SELECT leg FROM open_legs CROSS JOIN events ON events.seq = open_legs.seq WHERE account = ?1";

/// Whether a filter is better served along the rows of legs than by walking over the events.
pub(super) fn serves(filter: &Filter) -> bool {
    let narrow = filter.outcome.is_some() || filter.employee.is_some() || filter.number.is_some();
    let named = filter.leg.is_some() || filter.call.is_some();
    narrow && !named && filter.account.is_some() && filter.after.is_none()
}

pub(super) fn list(conn: &Connection, filter: &Filter) -> Result<Vec<LegRecord>, StoreError> {
    let (Some(account), Some(span)) = (&filter.account, Span::of(conn, filter)?) else {
        return Ok(Vec::new());
    };
    let limit = filter.bounded_limit();
    let recent = recent(conn, filter, account, &span)?;
    let mut found = Vec::new();
    let shelf = Shelf::new(conn);
    let visit = |place| {
        found.extend(accepted(&shelf, filter, place)?);
        Ok(found.len() < limit)
    };
    if filter.outcome == Some(LegOutcome::Running) {
        // None of them has ended.
        return merge(recent, || Ok(None), visit).map(|()| found);
    }
    let mut along = Along::of(conn, account, Wanted::by(filter), span);
    let mut places = Vec::new();
    let next = || {
        while places.is_empty()
            && let Some((_, legs)) = along.next()?
        {
            let begun = legs.iter().filter_map(|leg| leg.begun);
            places.extend(begun.filter(|place| (span.first..=span.last).contains(place)));
            places.sort_unstable();
        }
        Ok(places.pop())
    };
    merge(recent, next, visit)?;
    Ok(found)
}

/// Shows the places of an account's employee's events, newest first, until the visitor has enough.
pub(super) fn walk_employee(
    conn: &Connection,
    (account, employee): (&AccountId, &str),
    span: &Span,
    visit: impl FnMut(i64) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let all = Filter { account: Some(account.clone()), ..Filter::default() };
    let recent = recent(conn, &all, account, span)?;
    let longest = longest(conn)?;
    let theirs = Filter { employee: Some(employee.to_owned()), ..all };
    let begun = Span { first: span.first.saturating_sub(longest), last: span.last.saturating_add(longest) };
    let mut along = Along::of(conn, account, Wanted::by(&theirs), begun);
    let mut places = BinaryHeap::new();
    // No leg further back has an event behind this place.
    let mut behind = i64::MAX;
    let next = || {
        while places.peek().is_none_or(|place| *place < behind) && behind > span.first {
            let Some((key, legs)) = along.next()? else {
                behind = i64::MIN;
                break;
            };
            let all = legs.into_iter().flat_map(|leg| leg.places);
            places.extend(all.filter(|at| (span.first..=span.last).contains(at)));
            behind = key.saturating_add(longest);
        }
        Ok(places.pop())
    };
    merge(recent, next, visit)
}

/// Both newest first, as one list.
fn merge(
    mut recent: Vec<i64>,
    mut next: impl FnMut() -> Result<Option<i64>, StoreError>,
    mut visit: impl FnMut(i64) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let mut listed = next()?;
    loop {
        let place = match (recent.last().copied(), listed) {
            (Some(recent_place), place) if place.is_none_or(|place| recent_place > place) => {
                recent.pop();
                recent_place
            }
            (_, Some(place)) => {
                listed = next()?;
                place
            }
            (_, None) => return Ok(()),
        };
        if !visit(place)? {
            return Ok(());
        }
    }
}

fn accepted(shelf: &Shelf<'_>, filter: &Filter, place: i64) -> Result<Option<LegRecord>, StoreError> {
    let begun = get_from(shelf, EventSeq(place))?
        .filter(|begun| begins(begun.event.kind()) && filter.accepts(&begun.event));
    let Some(begun) = begun else { return Ok(None) };
    Ok(begun_by(shelf, &begun)?.filter(|leg| filter.accepts_outcome(leg)))
}

/// The last events of an account's legs that are not rolled up yet. They are in rows: what is packed is rolled up.
pub(super) const NOT_ROLLED_UP: &str =
    "SELECT seq, kind, at, received_at, account, leg, call, body FROM events
    WHERE seq > ?1 AND kind = 3 AND account = ?2 ORDER BY seq";

/// Shows the last events of an account's legs that are not rolled up yet.
pub(super) fn walk_not_rolled_up(
    conn: &Connection,
    account: &AccountId,
    mut visit: impl FnMut(Event) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let mut select = conn.prepare_cached(NOT_ROLLED_UP)?;
    let mut rows = select.query(params![rolled_up_to(conn)?, account.as_str()])?;
    while let Some(row) = rows.next()? {
        visit(kept(row)?.event)?;
    }
    Ok(())
}

/// The places of legs that have no outline yet, oldest first.
fn recent(
    conn: &Connection,
    filter: &Filter,
    account: &AccountId,
    span: &Span,
) -> Result<Vec<i64>, StoreError> {
    let mut legs = Vec::new();
    if filter.outcome != Some(LegOutcome::Running) {
        walk_not_rolled_up(conn, account, |ended| {
            legs.push(ended.leg);
            Ok(())
        })?;
    }
    if filter.outcome.is_none_or(|outcome| outcome == LegOutcome::Running) {
        let mut select = conn.prepare_cached(OPEN)?;
        let mut rows = select.query([account.as_str()])?;
        while let Some(row) = rows.next()? {
            legs.push(LegId::new(row.get::<_, String>(0)?));
        }
    }
    let mut places = Vec::new();
    for leg in legs {
        places.extend(places_of_leg(conn, &leg)?);
    }
    places.retain(|place| (span.first..=span.last).contains(place));
    places.sort_unstable();
    Ok(places)
}
