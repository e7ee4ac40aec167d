//! Deliveries, as people see them.

use rusqlite::{Connection, params};

use super::super::errors::StoreError;
use super::super::table::events::get_from;
use super::super::table::history::{DELIVERED, delivered_with, history_of};
use super::super::table::packed::{Found, Noted, Shelf};
use super::walk::walk;
use crate::record::attempt;
use crate::rules;
use crate::settings::IntegrationId;
use crate::{Attempt, DeliveryId, DeliveryRecord, DeliveryState, EventSeq, Filter, Kept, Reason, WallTime};

/// What is asked of one event: its pending deliveries, its given-up ones, the integrations it came through to,
/// how it came through to one, and the attempts of one.
pub(super) const OF_EVENT: [&str; 5] = [
    "SELECT integration, held, attempts, coalesce(due_at, created_at), last, coalesce(updated_at, created_at)
         FROM pending WHERE event = ?1",
    "SELECT integration, state, attempts, last, updated_at FROM given_up WHERE event = ?1",
    "SELECT integration FROM history WHERE id BETWEEN ?1 AND ?2 AND delivered = 1",
    DELIVERED,
    "SELECT number, coalesce(history.detail, details.detail) AS whole
         FROM history LEFT JOIN details ON details.id = detail_id
         WHERE history.id BETWEEN ?1 AND ?2 AND integration = ?3 AND whole IS NOT NULL ORDER BY history.id",
];

/// Where a delivery stands.
struct Stand {
    integration: i64,
    state: DeliveryState,
    attempts: u16,
    last: String,
    updated_at: WallTime,
}

pub(in crate::sqlite) fn list(conn: &Connection, filter: &Filter) -> Result<Vec<DeliveryRecord>, StoreError> {
    let limit = filter.bounded_limit();
    let mut found = Vec::new();
    let shelf = Shelf::new(conn);
    let mut visit = |kept: Kept| {
        for stand in of_event(&shelf, kept.seq)? {
            if filter.accepts_state(&stand.state) {
                found.push(record(&kept, stand)?);
            }
        }
        Ok(found.len() < limit)
    };
    if filter.leg.is_some() || filter.call.is_some() || lists_delivered(filter) {
        walk(&shelf, filter, |_| true, visit)?;
    } else {
        walk_undelivered(&shelf, filter, &mut visit)?;
    }
    Ok(found)
}

fn lists_delivered(filter: &Filter) -> bool {
    filter.accepts_state(&DeliveryState::Delivered)
}

/// Those that did not come through (yet) have trees of their own, which are small beside that of all events.
fn walk_undelivered(
    shelf: &Shelf<'_>,
    filter: &Filter,
    visit: &mut impl FnMut(Kept) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    let mut select = shelf.conn().prepare_cached(&undelivered(filter))?;
    let first = filter.after.map_or(i64::MIN, |after| after.place.saturating_add(1));
    let last = filter.before.map_or(i64::MAX, |before| before.place.saturating_sub(1));
    let account = filter.account.as_ref().map(|account| account.as_str());
    let mut rows = select.query(params![first, last, account])?;
    while let Some(row) = rows.next()? {
        let Some(kept) = get_from(shelf, EventSeq(row.get(0)?))? else { continue };
        if filter.accepts(&kept.event) && !visit(kept)? {
            break;
        }
    }
    Ok(())
}

/// The statement that lists events with deliveries in the states a filter wants, none of them delivered.
pub(super) fn undelivered(filter: &Filter) -> String {
    let wants = |state: DeliveryState| filter.accepts_state(&state);
    let pending = wants(DeliveryState::Waiting)
        || wants(DeliveryState::Paused)
        || wants(DeliveryState::Retrying(WallTime::default()));
    let given_up =
        wants(DeliveryState::Expired) || wants(DeliveryState::Failed) || wants(DeliveryState::Cancelled);
    let account = if filter.account.is_some() { "account = ?3" } else { "?3 IS NULL" };
    let from = |table: &str| format!("SELECT event FROM {table} WHERE event BETWEEN ?1 AND ?2 AND {account}");
    let tables = match (pending, given_up) {
        (true, true) => format!("{} UNION {}", from("pending"), from("given_up")),
        (true, false) => from("pending"),
        (false, _) => from("given_up"),
    };
    let order = if filter.after.is_some() { "ASC" } else { "DESC" };
    let distinct = if pending && given_up { "" } else { "GROUP BY event" };
    format!("{tables} {distinct} ORDER BY event {order}")
}

/// The deliveries of an event, by integration.
fn of_event(shelf: &Shelf<'_>, event: EventSeq) -> Result<Vec<Stand>, StoreError> {
    let conn = shelf.conn();
    let mut stands = pending(conn, event)?;
    let mut settled = given_up(conn, event)?;
    let found = shelf.with_event(event)?;
    let packed = found.as_ref().map_or(&[][..], Found::noted);
    for integration in delivered_to(conn, event, packed)? {
        settled.extend(delivered_with(conn, event.0, integration, packed)?.map(|came| Stand {
            integration,
            state: DeliveryState::Delivered,
            attempts: came.attempts,
            last: came.last,
            updated_at: came.at,
        }));
    }
    for stand in settled {
        if stands.iter().all(|other| other.integration != stand.integration) {
            stands.push(stand);
        }
    }
    stands.sort_by_key(|stand| stand.integration);
    Ok(stands)
}

fn pending(conn: &Connection, event: EventSeq) -> Result<Vec<Stand>, StoreError> {
    let mut select = conn.prepare_cached(OF_EVENT[0])?;
    let stands = select.query_map([event.0], |row| {
        let attempts = row.get(2)?;
        Ok(Stand {
            integration: row.get(0)?,
            state: rules::pending_state(row.get(1)?, attempts, WallTime(row.get(3)?)),
            attempts,
            last: row.get::<_, Option<String>>(4)?.unwrap_or_default(),
            updated_at: WallTime(row.get(5)?),
        })
    })?;
    Ok(stands.collect::<Result<_, _>>()?)
}

fn given_up(conn: &Connection, event: EventSeq) -> Result<Vec<Stand>, StoreError> {
    let mut select = conn.prepare_cached(OF_EVENT[1])?;
    let mut rows = select.query([event.0])?;
    let mut stands = Vec::new();
    while let Some(row) = rows.next()? {
        stands.push(Stand {
            integration: row.get(0)?,
            state: match row.get(1)? {
                1 => DeliveryState::Expired,
                2 => DeliveryState::Failed,
                3 => DeliveryState::Cancelled,
                state => return Err(StoreError::Damaged(format!("there is no state {state}"))),
            },
            attempts: row.get(2)?,
            last: row.get(3)?,
            updated_at: WallTime(row.get(4)?),
        });
    }
    Ok(stands)
}

fn delivered_to(conn: &Connection, event: EventSeq, packed: &[Noted]) -> Result<Vec<i64>, StoreError> {
    let mut select = conn.prepare_cached(OF_EVENT[2])?;
    let found = select.query_map(history_of(event.0), |row| row.get(0))?;
    let mut found: Vec<i64> = found.collect::<Result<_, _>>()?;
    found.extend(packed.iter().filter(|noted| noted.delivered).map(|noted| noted.integration));
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

fn record(kept: &Kept, stand: Stand) -> Result<DeliveryRecord, StoreError> {
    let number = u32::try_from(stand.integration)
        .map_err(|_| StoreError::Damaged(format!("there is no integration {}", stand.integration)))?;
    Ok(DeliveryRecord {
        id: DeliveryId { event: kept.seq, integration: IntegrationId { number } },
        event: kept.clone(),
        state: stand.state,
        attempts: stand.attempts,
        last: Reason::from_kept(&stand.last),
        updated_at: stand.updated_at,
    })
}

/// Those that were packed with the leg are older than those in the history.
pub(in crate::sqlite) fn attempts(conn: &Connection, id: DeliveryId) -> Result<Vec<Attempt>, StoreError> {
    let integration = i64::from(id.integration.number);
    let mut found = Vec::new();
    let packed = Shelf::new(conn).with_event(id.event)?;
    let packed = packed.as_ref().map_or(&[][..], Found::noted);
    for noted in packed.iter().filter(|noted| noted.integration == integration) {
        if let Some(detail) = &noted.detail {
            found.push(attempt::read(noted.number, detail)?);
        }
    }
    let mut select = conn.prepare_cached(OF_EVENT[4])?;
    let [first, last] = history_of(id.event.0);
    let mut rows = select.query([first, last, integration])?;
    while let Some(row) = rows.next()? {
        let detail: Vec<u8> = row.get(1)?;
        found.push(attempt::read(row.get(0)?, &detail)?);
    }
    Ok(found)
}
