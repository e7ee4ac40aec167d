//! How much of an account is kept, from the newest backward: it costs what is to stay, not what there is.

use calls::{AccountId, EventKind, LegId};
use rusqlite::{Connection, OptionalExtension};

use super::errors::StoreError;
use super::query::walk;
use super::table::events::places_of_leg;
use super::table::history::history_of;
use super::table::packed::{Event, Shelf};
use crate::{Filter, WallTime};

/// Behind the end of the newest leg with which the account's ended legs take more than so many bytes.
pub(super) fn kept_within(
    conn: &Connection,
    account: &AccountId,
    bytes: u64,
) -> Result<Option<WallTime>, StoreError> {
    let ends = Filter { account: Some(account.clone()), kind: Some(EventKind::Ended), ..Filter::default() };
    let (mut sum, mut behind) = (0_u64, None);
    let shelf = Shelf::new(conn);
    walk(
        &shelf,
        &ends,
        |kind| kind == EventKind::Ended,
        |end| {
            sum = sum.saturating_add(weight(&shelf, &end.event.leg)?);
            behind = (sum > bytes).then(|| WallTime(end.received_at.0.saturating_add(1)));
            Ok(behind.is_none())
        },
    )?;
    Ok(behind)
}

fn bytes_of(event: &Event) -> usize {
    let noted = event.noted.iter().filter_map(|noted| noted.detail.as_ref()).map(Vec::len);
    event.raw.body.len() + noted.sum::<usize>()
}

/// Bytes of a leg's events and attempts, as they are before they are packed.
fn weight(shelf: &Shelf<'_>, leg: &LegId) -> Result<u64, StoreError> {
    let conn = shelf.conn();
    let mut event = conn.prepare_cached("SELECT length(body) FROM events WHERE seq = ?1")?;
    let mut attempts = conn.prepare_cached(
        "SELECT coalesce(sum(coalesce(length(history.detail), length(details.detail))), 0)
         FROM history LEFT JOIN details ON details.id = history.detail_id WHERE history.id BETWEEN ?1 AND ?2",
    )?;
    let places = places_of_leg(conn, leg)?;
    let packed = match places.last() {
        Some(last) => shelf.ended_at(*last)?,
        None => None,
    };
    let packed = packed.iter().flat_map(|leg| &leg.events);
    let mut sum = packed.map(bytes_of).sum::<usize>() as u64;
    for place in places {
        sum += event.query_row([place], |row| row.get::<_, u64>(0)).optional()?.unwrap_or(0);
        sum += attempts.query_row(history_of(place), |row| row.get::<_, u64>(0))?;
    }
    Ok(sum)
}
