//! Walking over kept events in the order and along the tree that suit a filter.

use calls::{AccountId, EventKind};
use rusqlite::{Connection, Row, params};

use super::super::errors::StoreError;
use super::super::table::events::{COLUMNS, get, kept, kind, places_of_call, places_of_leg};
use super::super::table::hours::{Clock, hour_of, listed_to};
use super::lines::walk_employee;
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
    for (sql, part) in stretches(filter, span, listed_to(conn)?) {
        if !walk_stretch(conn, filter, &sql, &part, &only, &mut visit)? {
            break;
        }
    }
    Ok(())
}

/// The statements for a filter without leg or call, each with the places it covers, in the filter's order.
/// An account's events are in its list up to a place; those after it are few, and looked through.
fn stretches(filter: &Filter, span: Span, listed_to: i64) -> Vec<(String, Span)> {
    let [by_place, listed] = statements(filter);
    if filter.account.is_none() {
        return vec![(by_place, span)];
    }
    let tail = Span { first: span.first.max(listed_to.saturating_add(1)), last: span.last };
    let list = Span { first: span.first, last: span.last.min(listed_to) };
    match filter.after {
        Some(_) => vec![(listed, list), (by_place, tail)],
        None => vec![(by_place, tail), (listed, list)],
    }
}

/// By place, and along an account's list.
pub(super) fn statements(filter: &Filter) -> [String; 2] {
    let order = if filter.after.is_some() { "ASC" } else { "DESC" };
    [
        format!("{COLUMNS} FROM events WHERE (?3 IS NULL OR account = ?3) AND seq BETWEEN ?1 AND ?2 ORDER BY seq {order}"),
        format!(
            "{COLUMNS} FROM by_account CROSS JOIN events ON events.seq = by_account.seq
             WHERE by_account.account = ?3 AND by_account.seq BETWEEN ?1 AND ?2 ORDER BY by_account.seq {order}"
        ),
    ]
}

/// Whether the visitor wants more.
fn walk_stretch(
    conn: &Connection,
    filter: &Filter,
    sql: &str,
    span: &Span,
    only: &impl Fn(EventKind) -> bool,
    visit: &mut impl FnMut(Kept) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    let mut select = conn.prepare_cached(sql)?;
    let account = filter.account.as_ref().map(AccountId::as_str);
    let mut rows = select.query(params![span.first, span.last, account])?;
    while let Some(row) = rows.next()? {
        if !outline_accepted(filter, row, only)? {
            continue;
        }
        let kept = kept(row)?;
        if filter.accepts(&kept.event) && !visit(kept)? {
            return Ok(false);
        }
    }
    Ok(true)
}

fn outline_accepted(
    filter: &Filter,
    row: &Row<'_>,
    only: impl Fn(EventKind) -> bool,
) -> Result<bool, StoreError> {
    let kind = kind(row.get(1)?)?;
    Ok(only(kind) && filter.accepts_outline(kind, calls::PbxTime::from_micros(row.get(2)?)))
}

/// The places a filter can reach, both ends included.
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Span {
    /// `None` if there are none. The hours of the PBXs' clocks narrow a search by time.
    pub(super) fn of(conn: &Connection, filter: &Filter) -> Result<Option<Self>, StoreError> {
        let mut span = Self {
            first: filter.after.map_or(i64::MIN, |after| after.0.saturating_add(1)),
            last: filter.before.map_or(i64::MAX, |before| before.0.saturating_sub(1)),
        };
        if filter.from.is_some() || filter.until.is_some() {
            let from = filter.from.map_or(i64::MIN, |from| hour_of(from.as_micros()));
            let until = filter.until.map_or(i64::MAX, |until| hour_of(until.as_micros()));
            let (first, last): (Option<i64>, Option<i64>) = conn
                .prepare_cached(
                    "SELECT min(first), max(last) FROM hours WHERE clock = ?1 AND hour BETWEEN ?2 AND ?3",
                )?
                .query_row([Clock::Pbx as i64, from, until], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
            span = Self { first: span.first.max(first), last: span.last.min(last) };
        }
        Ok((span.first <= span.last).then_some(span))
    }
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
