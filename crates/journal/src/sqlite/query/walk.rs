//! Walking over kept events in the order and along the tree that suit a filter.

use calls::{AccountId, CallId, EventKind, LegId};
use rusqlite::types::ToSql;
use rusqlite::{Connection, Row};

use super::super::append::{Clock, hour_of};
use super::super::errors::StoreError;
use super::events::{COLUMNS, kept, kind};
use crate::{EventSeq, Filter, Kept};

/// The places of a leg's events, and of a call's.
pub(super) const PLACES: [&str; 2] = [
    "SELECT incoming, answered, outgoing, ended FROM legs WHERE leg = ?1",
    "SELECT incoming, answered, outgoing, ended FROM calls JOIN legs USING (leg) WHERE call = ?1",
];

/// Shows every event the filter accepts, in its order, until the visitor has enough (`false`).
/// `only` keeps kinds out before anything is read of them.
pub(super) fn walk(
    conn: &Connection,
    filter: &Filter,
    only: impl Fn(EventKind) -> bool,
    mut visit: impl FnMut(Kept) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let Some(span) = Span::of(conn, filter)? else { return Ok(()) };
    if let Some(places) = named_places(conn, filter)? {
        return walk_places(conn, filter, &span, places, only, visit);
    }
    let (sql, account) = statement(filter);
    let mut select = conn.prepare_cached(&sql)?;
    let mut arguments: Vec<&dyn ToSql> = vec![&span.first, &span.last];
    arguments.extend(account.as_ref().map(|account| account as &dyn ToSql));
    let mut rows = select.query(arguments.as_slice())?;
    while let Some(row) = rows.next()? {
        if !outline_accepted(filter, row, &only)? {
            continue;
        }
        let kept = kept(row)?;
        if filter.accepts(&kept.event) && !visit(kept)? {
            break;
        }
    }
    Ok(())
}

/// The statement for a filter without leg or call.
pub(super) fn statement(filter: &Filter) -> (String, Option<&str>) {
    let order = if filter.after.is_some() { "ASC" } else { "DESC" };
    match filter.account.as_ref().map(AccountId::as_str) {
        Some(account) => (
            format!("{COLUMNS} WHERE account = ?3 AND seq BETWEEN ?1 AND ?2 ORDER BY seq {order}"),
            Some(account),
        ),
        None => (format!("{COLUMNS} WHERE seq BETWEEN ?1 AND ?2 ORDER BY seq {order}"), None),
    }
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
struct Span {
    first: i64,
    last: i64,
}

impl Span {
    /// `None` if there are none. The hours of the PBXs' clocks narrow a search by time.
    fn of(conn: &Connection, filter: &Filter) -> Result<Option<Self>, StoreError> {
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

/// The places of a leg's events, in order.
pub(super) fn places_of_leg(conn: &Connection, leg: &LegId) -> Result<Vec<i64>, StoreError> {
    places(conn, PLACES[0], leg.as_str())
}

fn places_of_call(conn: &Connection, call: &CallId) -> Result<Vec<i64>, StoreError> {
    places(conn, PLACES[1], call.as_str())
}

fn places(conn: &Connection, sql: &str, name: &str) -> Result<Vec<i64>, StoreError> {
    let mut select = conn.prepare_cached(sql)?;
    let mut rows = select.query([name])?;
    let mut places = Vec::new();
    while let Some(row) = rows.next()? {
        for column in 0..4 {
            places.extend(row.get::<_, Option<i64>>(column)?);
        }
    }
    places.sort_unstable();
    Ok(places)
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
        let Some(kept) = super::events::get(conn, EventSeq(place))? else { continue };
        if only(kept.event.kind()) && filter.accepts(&kept.event) && !visit(kept)? {
            break;
        }
    }
    Ok(())
}
