//! Kept events.

use std::sync::Arc;

use calls::{EventId, LegId};
use rusqlite::{Connection, OptionalExtension};

use super::super::errors::StoreError;
use super::super::table::events::{get_from, of_leg};
use super::super::table::packed::{Shelf, ended_at};
use super::walk::walk;
use crate::{EventSeq, Filter, Kept, WallTime};

pub(in crate::sqlite) fn list(conn: &Connection, filter: &Filter) -> Result<Vec<Arc<Kept>>, StoreError> {
    let limit = filter.bounded_limit();
    let mut found = Vec::new();
    walk(
        &Shelf::new(conn),
        filter,
        |_| true,
        |kept| {
            found.push(Arc::new(kept));
            Ok(found.len() < limit)
        },
    )?;
    Ok(found)
}

pub(in crate::sqlite) fn bodies(
    conn: &Connection,
    events: &[EventSeq],
) -> Result<Vec<Arc<Kept>>, StoreError> {
    let mut found = Vec::with_capacity(events.len());
    let shelf = Shelf::new(conn);
    for seq in events {
        found.extend(get_from(&shelf, *seq)?.map(Arc::new));
    }
    Ok(found)
}

pub(in crate::sqlite) fn newest_at(conn: &Connection) -> Result<Option<WallTime>, StoreError> {
    let mut select = conn.prepare_cached("SELECT seq, received_at FROM events ORDER BY seq DESC LIMIT 1")?;
    let in_row: Option<(i64, i64)> = select.query_row([], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let newest = in_row.max(newest_packed(conn)?);
    Ok(newest.map(|(_, received_at)| WallTime(received_at)))
}

/// The last event of the packed leg that ended last, with when it was received.
fn newest_packed(conn: &Connection) -> Result<Option<(i64, i64)>, StoreError> {
    let last: Option<i64> =
        conn.prepare_cached("SELECT max(last) FROM leg")?.query_row([], |row| row.get(0))?;
    let Some(last) = last else { return Ok(None) };
    let leg = ended_at(conn, last)?;
    Ok(leg.and_then(|leg| leg.events.last().map(|event| (event.raw.seq, event.raw.received_at))))
}

/// How many dashes of an event's id are tried as dots: a PBX's name and its channel's id have two or three.
const DASHES_TRIED: usize = 8;

/// The event of an id. The id is the leg's with its dots replaced, and the kind: every leg it can be of is
/// looked up.
pub(in crate::sqlite) fn find(conn: &Connection, id: &EventId) -> Result<Option<Arc<Kept>>, StoreError> {
    let Some((leg, _)) = id.as_str().rsplit_once('-') else { return Ok(None) };
    for leg in legs_written_as(conn, leg)? {
        if let Some(kept) = of_leg(conn, &leg)?.into_iter().find(|kept| kept.event.id() == *id) {
            return Ok(Some(Arc::new(kept)));
        }
    }
    Ok(None)
}

/// The legs whose id is this one once its dots are dashes: each dash may have been a dot.
fn legs_written_as(conn: &Connection, dashed: &str) -> Result<Vec<LegId>, StoreError> {
    let dashes: Vec<usize> = dashed.match_indices('-').map(|(at, _)| at).take(DASHES_TRIED).collect();
    let mut select = conn.prepare_cached("SELECT 1 FROM legs WHERE leg = ?1")?;
    let mut found = Vec::new();
    for choice in 0_u32..1 << dashes.len() {
        let mut leg = dashed.to_owned();
        let dots = dashes.iter().enumerate().filter(|(bit, _)| choice >> bit & 1 == 1);
        dots.for_each(|(_, at)| leg.replace_range(*at..=*at, "."));
        if select.exists([&leg])? {
            found.push(LegId::new(leg));
        }
    }
    Ok(found)
}
