//! Kept events.

use std::sync::Arc;

use calls::{AccountId, CallId, EventId, EventKind, LegId, PbxTime};
use rusqlite::{Connection, Row};

use super::super::errors::StoreError;
use super::walk::{places_of_leg, walk};
use crate::record::event::{self, Columns, kind_of};
use crate::{EventSeq, Filter, Kept, WallTime};

/// What [`kept`] reads.
pub(super) const COLUMNS: &str = "SELECT events.seq, kind, at, received_at, events.account, leg, call, body";

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

pub(super) fn get(conn: &Connection, seq: EventSeq) -> Result<Option<Kept>, StoreError> {
    let mut select = conn.prepare_cached(&format!("{COLUMNS} FROM events WHERE seq = ?1"))?;
    let mut rows = select.query([seq.0])?;
    rows.next()?.map(kept).transpose()
}

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

/// The legs whose id is this one once its dots are dashes: those between the least and the greatest text
/// that can be meant, a range of the tree, and a narrow one, since only its dots are unknown.
fn legs_written_as(conn: &Connection, dashed: &str) -> Result<Vec<LegId>, StoreError> {
    let mut found = Vec::new();
    // A PBX's own ids have their last dot where the id has its last dash; try the likely ones first.
    let mut likely = vec![dashed.to_owned()];
    likely.extend(dashed.rmatch_indices('-').map(|(at, _)| {
        let mut leg = dashed.to_owned();
        leg.replace_range(at..=at, ".");
        leg
    }));
    for leg in likely {
        if conn.prepare_cached("SELECT 1 FROM legs WHERE leg = ?1")?.exists([&leg])? {
            found.push(LegId::new(leg));
        }
    }
    if !found.is_empty() {
        return Ok(found);
    }
    let first_dash = dashed.find('-').unwrap_or(dashed.len());
    let (stem, _) = dashed.split_at(first_dash);
    let mut select = conn.prepare_cached(
        "SELECT leg FROM legs WHERE leg >= ?1 AND leg < ?2 AND length(leg) = ?3 AND replace(leg, '.', '-') = ?4",
    )?;
    let length = i64::try_from(dashed.chars().count()).unwrap_or(i64::MAX);
    let mut rows = select.query((stem, format!("{stem}/"), length, dashed))?;
    while let Some(row) = rows.next()? {
        found.push(LegId::new(row.get::<_, String>(0)?));
    }
    Ok(found)
}

/// The event of a row of [`COLUMNS`].
pub(super) fn kept(row: &Row<'_>) -> Result<Kept, StoreError> {
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
