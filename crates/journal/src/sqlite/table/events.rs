//! Kept events by their places, in a row of their own or packed with their leg, and the places of a leg's and of a
//! call's.

use calls::{AccountId, CallId, LegId, PbxTime};
use rusqlite::{Connection, OptionalExtension, Row};

use super::super::errors::StoreError;
use super::packed::Shelf;
use super::raw::kind;
use crate::record::event::{self, Columns};
use crate::{EventSeq, Kept, WallTime};

/// What [`kept`] reads.
pub(in crate::sqlite) const COLUMNS: &str =
    "SELECT events.seq, kind, at, received_at, events.account, leg, call, body";

/// The places of a leg's events, and of a call's.
pub(in crate::sqlite) const PLACES: [&str; 2] = [
    "SELECT incoming, answered, outgoing, ended FROM legs WHERE leg = ?1",
    "SELECT incoming, answered, outgoing, ended FROM calls JOIN legs USING (leg) WHERE call = ?1",
];

/// The event of a place, and of a leg's places, wherever they lie.
pub(in crate::sqlite) const OF_PLACE: &str =
    "SELECT events.seq, kind, at, received_at, events.account, leg, call, body FROM events WHERE seq = ?1";

/// The event of a place, wherever it lies.
pub(in crate::sqlite) fn get(conn: &Connection, seq: EventSeq) -> Result<Option<Kept>, StoreError> {
    get_from(&Shelf::new(conn), seq)
}

/// The same, within a question that asks for more.
pub(in crate::sqlite) fn get_from(shelf: &Shelf<'_>, seq: EventSeq) -> Result<Option<Kept>, StoreError> {
    if let Some(kept) = in_row(shelf.conn(), seq)? {
        return Ok(Some(kept));
    }
    shelf.with_event(seq)?.map(|found| found.kept()).transpose()
}

/// The event of a place, if it has a row of its own.
pub(in crate::sqlite) fn in_row(conn: &Connection, seq: EventSeq) -> Result<Option<Kept>, StoreError> {
    let mut select = conn.prepare_cached(OF_PLACE)?;
    let mut rows = select.query([seq.0])?;
    rows.next()?.map(kept).transpose()
}

/// The events of a leg that are kept, in order.
pub(in crate::sqlite) fn of_leg(conn: &Connection, leg: &LegId) -> Result<Vec<Kept>, StoreError> {
    of_leg_from(&Shelf::new(conn), leg)
}

/// The same, within a question that asks for more.
pub(in crate::sqlite) fn of_leg_from(shelf: &Shelf<'_>, leg: &LegId) -> Result<Vec<Kept>, StoreError> {
    let conn = shelf.conn();
    let places = places_of_leg(conn, leg)?;
    if let Some(last) = places.last()
        && let Some(packed) = shelf.ended_at(*last)?
    {
        return (0..packed.events.len()).map(|at| packed.kept(at)).collect();
    }
    let mut events = Vec::with_capacity(places.len());
    for place in places {
        events.extend(in_row(conn, EventSeq(place))?);
    }
    Ok(events)
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

/// The place of the event a leg ended with, if it has ended.
pub(in crate::sqlite) fn ended(conn: &Connection, leg: &LegId) -> Result<Option<i64>, StoreError> {
    let mut select = conn.prepare_cached("SELECT ended FROM legs WHERE leg = ?1")?;
    Ok(select.query_row([leg.as_str()], |row| row.get::<_, Option<i64>>(0)).optional()?.flatten())
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
