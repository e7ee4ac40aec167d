//! Attempts, and deliveries that came through, by the event they are of.

use rusqlite::{Connection, OptionalExtension};

use super::super::errors::StoreError;
use super::packed::{Found, Noted, Shelf};
use crate::record::attempt;
use crate::rules::Standing;
use crate::settings::IntegrationId;
use crate::{DeliveryId, EventSeq, Grant, Outcome, Settle, WallTime};

/// How many bits of an id in the history number the entries of one event.
pub(in crate::sqlite) const HISTORY_BITS: u32 = 20;

/// How a delivery came through, the last time it did.
pub(in crate::sqlite) const DELIVERED: &str = "SELECT number, at, coalesce(history.detail, details.detail)
    FROM history LEFT JOIN details ON details.id = detail_id
    WHERE history.id BETWEEN ?1 AND ?2 AND integration = ?3 AND delivered = 1
    ORDER BY history.id DESC LIMIT 1";

/// A delivery that came through.
pub(in crate::sqlite) struct Delivered {
    pub(in crate::sqlite) attempts: u16,
    pub(in crate::sqlite) last: String,
    pub(in crate::sqlite) at: WallTime,
}

/// The ids of an event's part of the history, both ends included.
pub(in crate::sqlite) fn history_of(event: i64) -> [i64; 2] {
    [event << HISTORY_BITS, (event << HISTORY_BITS) | ((1 << HISTORY_BITS) - 1)]
}

/// How a delivery came through, if it did.
pub(in crate::sqlite) fn delivered(
    conn: &Connection,
    event: i64,
    integration: i64,
) -> Result<Option<Delivered>, StoreError> {
    let found = Shelf::new(conn).with_event(EventSeq(event))?;
    delivered_with(conn, event, integration, found.as_ref().map_or(&[], Found::noted))
}

/// The same, with what was packed of the event. What was noted before its leg was packed is older.
pub(in crate::sqlite) fn delivered_with(
    conn: &Connection,
    event: i64,
    integration: i64,
    packed: &[Noted],
) -> Result<Option<Delivered>, StoreError> {
    let mut select = conn.prepare_cached(DELIVERED)?;
    let [first, last] = history_of(event);
    let found = select.query_row([first, last, integration], |row| {
        Ok((row.get::<_, u16>(0)?, WallTime(row.get(1)?), row.get::<_, Option<Vec<u8>>>(2)?))
    });
    let found = match found.optional()? {
        Some(found) => Some(found),
        None => packed
            .iter()
            .rfind(|noted| noted.delivered && noted.integration == integration)
            .map(|noted| (noted.number, WallTime(noted.at), noted.detail.clone())),
    };
    let Some((attempts, at, detail)) = found else { return Ok(None) };
    let attempt = detail.map(|detail| attempt::read(attempts, &detail)).transpose()?.map(Box::new);
    let id = DeliveryId { event: EventSeq(event), integration: IntegrationId { number: 0 } };
    let Standing { last, .. } =
        Standing::default().after(&Settle { grant: Grant::ALONE, id, attempt, outcome: Outcome::Delivered });
    Ok(Some(Delivered { attempts, last, at }))
}
