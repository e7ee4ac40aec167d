//! Kept events by their places, and the places of a leg's and of a call's.

use calls::{AccountId, CallId, EventKind, LegId, PbxTime};
use rusqlite::{Connection, Row};

use super::super::errors::StoreError;
use crate::record::event::{self, Columns, kind_of};
use crate::{EventSeq, Kept, WallTime};

/// What [`kept`] reads.
pub(in crate::sqlite) const COLUMNS: &str =
    "SELECT events.seq, kind, at, received_at, events.account, leg, call, body";

/// The places of a leg's events, and of a call's.
pub(in crate::sqlite) const PLACES: [&str; 2] = [
    "SELECT incoming, answered, outgoing, ended FROM legs WHERE leg = ?1",
    "SELECT incoming, answered, outgoing, ended FROM calls JOIN legs USING (leg) WHERE call = ?1",
];

pub(in crate::sqlite) fn get(conn: &Connection, seq: EventSeq) -> Result<Option<Kept>, StoreError> {
    let mut select = conn.prepare_cached(&format!("{COLUMNS} FROM events WHERE seq = ?1"))?;
    let mut rows = select.query([seq.0])?;
    rows.next()?.map(kept).transpose()
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

pub(in crate::sqlite) fn kind(number: u8) -> Result<EventKind, StoreError> {
    kind_of(number).ok_or_else(|| StoreError::Damaged(format!("there is no kind of event {number}")))
}

/// The places of a leg's events, in order.
pub(in crate::sqlite) fn places_of_leg(conn: &Connection, leg: &LegId) -> Result<Vec<i64>, StoreError> {
    places(conn, PLACES[0], leg.as_str())
}

/// The places of a call's events, in order.
pub(in crate::sqlite) fn places_of_call(conn: &Connection, call: &CallId) -> Result<Vec<i64>, StoreError> {
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
