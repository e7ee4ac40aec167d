//! Kept events.

use std::sync::Arc;

use calls::{AccountId, CallId, EventId, EventKind, LegId, PbxTime};
use rusqlite::{Connection, OptionalExtension, Row};

use super::super::errors::StoreError;
use super::walk::{places_of_leg, walk};
use crate::record::event::{self, Columns, kind_of};
use crate::{EventSeq, Filter, Kept, WallTime};

/// What [`kept`] reads.
pub(in crate::sqlite) const COLUMNS: &str =
    "SELECT events.seq, kind, at, received_at, events.account, leg, call, body";

pub(in crate::sqlite) fn list(conn: &Connection, filter: &Filter) -> Result<Vec<Arc<Kept>>, StoreError> {
    let limit = filter.bounded_limit();
    let mut found = Vec::new();
    walk(
        conn,
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
    for seq in events {
        found.extend(get(conn, *seq)?.map(Arc::new));
    }
    Ok(found)
}

pub(in crate::sqlite) fn get(conn: &Connection, seq: EventSeq) -> Result<Option<Kept>, StoreError> {
    let mut select = conn.prepare_cached(&format!("{COLUMNS} FROM events WHERE seq = ?1"))?;
    let mut rows = select.query([seq.0])?;
    rows.next()?.map(kept).transpose()
}

pub(in crate::sqlite) fn newest_at(conn: &Connection) -> Result<Option<WallTime>, StoreError> {
    let mut select = conn.prepare_cached("SELECT received_at FROM events ORDER BY seq DESC LIMIT 1")?;
    Ok(select.query_row([], |row| row.get(0)).optional()?.map(WallTime))
}

/// How many dashes of an event's id are tried as dots: a PBX's name and its channel's id have two or three.
const DASHES_TRIED: usize = 8;

/// The event of an id. The id is the leg's with its dots replaced, and the kind: every leg it can be of is
/// looked up.
pub(in crate::sqlite) fn find(conn: &Connection, id: &EventId) -> Result<Option<Arc<Kept>>, StoreError> {
    let Some((leg, _)) = id.as_str().rsplit_once('-') else { return Ok(None) };
    for leg in legs_written_as(conn, leg)? {
        for place in places_of_leg(conn, &leg)? {
            let kept = get(conn, EventSeq(place))?;
            if let Some(kept) = kept.filter(|kept| kept.event.id() == *id) {
                return Ok(Some(Arc::new(kept)));
            }
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

/// The event of a row of [`COLUMNS`].
pub(in crate::sqlite) fn kept(row: &Row<'_>) -> Result<Kept, StoreError> {
    let text = |column| row.get_ref(column)?.as_str().map_err(|error| StoreError::Damaged(error.to_string()));
    let columns = Columns {
        kind: kind(row.get(1)?)?,
        at: PbxTime::from_micros(row.get(2)?),
        account: AccountId::new(text(4)?),
        leg: LegId::new(text(5)?),
        call: CallId::new(text(6)?),
    };
    let body = row.get_ref(7)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
    let (pbx, event) = event::read(columns, body)?;
    Ok(Kept { seq: EventSeq(row.get(0)?), received_at: WallTime(row.get(3)?), pbx, event })
}

pub(super) fn kind(number: u8) -> Result<EventKind, StoreError> {
    kind_of(number).ok_or_else(|| StoreError::Damaged(format!("there is no kind of event {number}")))
}
