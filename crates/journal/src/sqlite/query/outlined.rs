//! Lists of an account that are looked for by outcome, employee or number: along the outlines of legs, the texts
//! of their numbers or the list of an employee's events, and what is not digested yet. What a list shows is read
//! from the events, and asked of them once more.

use calls::{AccountId, Event, EventKind, LegId};
use memchr::memmem::Finder;
use rusqlite::{Connection, Rows, params};

use super::super::digest::numbers::{self, BLOCK, findable};
use super::super::digest::{digested_to, outcome_number};
use super::super::errors::StoreError;
use super::events::get;
use super::legs::begun_by;
use super::walk::{Span, places_of_leg, walk};
use crate::rules::begins;
use crate::{Cursor, EventSeq, Filter, LegOutcome, LegRecord};

/// The legs of an account that have not ended. They are few, and have no tree by account.
const OPEN: &str =
    "SELECT leg FROM open_legs CROSS JOIN events ON events.seq = open_legs.seq WHERE account = ?1";

/// Whether a filter is better served along the outlines than by walking over the events.
pub(super) fn serves(filter: &Filter) -> bool {
    let narrow = filter.outcome.is_some() || filter.employee.is_some() || filter.number.is_some();
    let named = filter.leg.is_some() || filter.call.is_some();
    narrow && !named && filter.account.is_some() && filter.after.is_none()
}

/// Along the outlines, newest first, by the tree that suits the filter; an employee has fewer calls than an
/// outcome. Named, for without figures about its trees SQLite chooses the wrong one of two that would do.
pub(super) fn along(filter: &Filter) -> String {
    let (tree, employee, outcome) = match (&filter.employee, filter.outcome) {
        (Some(_), Some(_)) => ("INDEXED BY outlines_by_employee", "employee = ?4", "outcome = ?5"),
        (Some(_), None) => ("INDEXED BY outlines_by_employee", "employee = ?4", "?5 IS NULL"),
        (None, Some(_)) => ("INDEXED BY outlines_by_outcome", "?4 IS NULL", "outcome = ?5"),
        (None, None) => ("", "?4 IS NULL", "?5 IS NULL"),
    };
    let number = if filter.number.is_some() { "instr(numbers, ?6) > 0" } else { "?6 IS NULL" };
    format!(
        "SELECT seq FROM outlines {tree} WHERE account = ?1 AND seq BETWEEN ?2 AND ?3
         AND {employee} AND {outcome} AND {number} ORDER BY seq DESC"
    )
}

pub(super) fn list(conn: &Connection, filter: &Filter) -> Result<Vec<LegRecord>, StoreError> {
    let (Some(account), Some(span)) = (&filter.account, Span::of(conn, filter)?) else {
        return Ok(Vec::new());
    };
    let limit = filter.bounded_limit();
    let recent = recent(conn, filter, account, &span)?;
    let mut found = Vec::new();
    let visit = |place| {
        found.extend(accepted(conn, filter, place)?);
        Ok(found.len() < limit)
    };
    if let (Some(part), None) = (filter.number.as_deref().filter(|part| findable(part)), &filter.employee) {
        along_numbers(conn, (account, part, filter.outcome), &span, recent, visit)?;
        return Ok(found);
    }
    let mut select = conn.prepare_cached(&along(filter))?;
    let mut rows = select.query(params![
        account.as_str(),
        span.first,
        span.last,
        filter.employee,
        filter.outcome.map(outcome_number),
        filter.number,
    ])?;
    merge(recent, || next_place(&mut rows), visit)?;
    Ok(found)
}

/// The numbers of an account, block by block.
pub(super) const NUMBERS: &str = "SELECT block, listed FROM number_lists
    WHERE account = ?1 AND block BETWEEN ?2 AND ?3 ORDER BY block DESC";

fn along_numbers(
    conn: &Connection,
    (account, part, outcome): (&AccountId, &str, Option<LegOutcome>),
    span: &Span,
    recent: Vec<i64>,
    visit: impl FnMut(i64) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let part = Finder::new(part);
    let mut select = conn.prepare_cached(NUMBERS)?;
    let blocks = (span.first.div_euclid(BLOCK), span.last.div_euclid(BLOCK));
    let mut rows = select.query(params![account.as_str(), blocks.0, blocks.1])?;
    let mut places = Vec::new();
    let next = || {
        while places.is_empty()
            && let Some(row) = rows.next()?
        {
            let listed = row.get_ref(1)?.as_str().map_err(|error| StoreError::Damaged(error.to_string()))?;
            numbers::found((row.get(0)?, listed), &part, outcome, &mut places);
            places.retain(|place| (span.first..=span.last).contains(place));
        }
        Ok(places.pop())
    };
    merge(recent, next, visit)
}

fn next_place(rows: &mut Rows<'_>) -> Result<Option<i64>, StoreError> {
    Ok(rows.next()?.map(|row| row.get(0)).transpose()?)
}

/// The events of an employee.
pub(super) const OF_EMPLOYEE: &str = "SELECT seq FROM by_employee
    WHERE account = ?1 AND employee = ?2 AND seq BETWEEN ?3 AND ?4 ORDER BY seq DESC";

/// Shows the places of an account's employee's events, newest first, until the visitor has enough.
pub(super) fn walk_employee(
    conn: &Connection,
    (account, employee): (&AccountId, &str),
    span: &Span,
    visit: impl FnMut(i64) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let all = Filter { account: Some(account.clone()), ..Filter::default() };
    let recent = recent(conn, &all, account, span)?;
    let mut select = conn.prepare_cached(OF_EMPLOYEE)?;
    let mut rows = select.query(params![account.as_str(), employee, span.first, span.last])?;
    merge(recent, || next_place(&mut rows), visit)
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

fn accepted(conn: &Connection, filter: &Filter, place: i64) -> Result<Option<LegRecord>, StoreError> {
    let begun = get(conn, EventSeq(place))?
        .filter(|begun| begins(begun.event.kind()) && filter.accepts(&begun.event));
    let Some(begun) = begun else { return Ok(None) };
    Ok(begun_by(conn, &begun)?.filter(|leg| filter.accepts_outcome(leg)))
}

/// Shows the last events of an account's legs that are not digested yet.
pub(super) fn walk_undigested(
    conn: &Connection,
    account: &AccountId,
    mut visit: impl FnMut(Event) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let ended = Filter {
        account: Some(account.clone()),
        kind: Some(EventKind::Ended),
        after: Some(Cursor(digested_to(conn)?)),
        ..Filter::default()
    };
    walk(conn, &ended, |kind| kind == EventKind::Ended, |kept| visit(kept.event).map(|()| true))
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
        walk_undigested(conn, account, |ended| {
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
