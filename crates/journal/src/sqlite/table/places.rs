//! Where the events of packed legs are: of a thousand places each the leg it is in, by the place of the leg's last
//! event. Four bytes a place, so that a row is a page of the tree.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use rusqlite::{Connection, OptionalExtension, Rows, params};

use super::super::errors::StoreError;

/// Places in a row.
const BLOCK: i64 = 1_000;
const BYTES: usize = 4;

const ROW: &str = "SELECT body FROM place WHERE block = ?1";
/// No packed event has a place before this one; none: there are none.
pub(in crate::sqlite) fn first(conn: &Connection) -> Result<Option<i64>, StoreError> {
    let block: Option<i64> =
        conn.prepare_cached("SELECT min(block) FROM place")?.query_row([], |row| row.get(0))?;
    Ok(block.map(|block| block * BLOCK))
}

/// The statements of this table, so that a test can look at their plans.
pub(in crate::sqlite) const PLACES_BETWEEN: [&str; 2] = [
    "SELECT block, body FROM place WHERE block BETWEEN ?1 AND ?2 ORDER BY block",
    "SELECT block, body FROM place WHERE block BETWEEN ?1 AND ?2 ORDER BY block DESC",
];

fn within(seq: i64) -> (i64, usize) {
    (seq.div_euclid(BLOCK), usize::try_from(seq.rem_euclid(BLOCK)).unwrap_or(0) * BYTES)
}

/// How far the last event is behind, and one; 0 for an event that is not packed.
fn read(body: &[u8], at: usize) -> u32 {
    let bytes = body.get(at..at + BYTES).and_then(|bytes| bytes.try_into().ok());
    bytes.map_or(0, u32::from_le_bytes)
}

/// The place of the last event of the packed leg that has this one.
pub(in crate::sqlite) fn last_of(conn: &Connection, seq: i64) -> Result<Option<i64>, StoreError> {
    let (block, at) = within(seq);
    let mut select = conn.prepare_cached(ROW)?;
    let mut rows = select.query([block])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let body = row.get_ref(0)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
    Ok(last(seq, read(body, at)))
}

fn last(seq: i64, far: u32) -> Option<i64> {
    far.checked_sub(1).map(|far| seq.saturating_add(far.into()))
}

/// Rows that are to be written.
#[derive(Default)]
pub(in crate::sqlite) struct Blocks {
    rows: BTreeMap<i64, Vec<u8>>,
}

impl Blocks {
    /// Notes that an event is in the packed leg with this last event.
    pub(in crate::sqlite) fn put(
        &mut self,
        conn: &Connection,
        seq: i64,
        last: i64,
    ) -> Result<(), StoreError> {
        let far = u32::try_from(last - seq + 1).map_err(|_| {
            StoreError::Damaged(format!("the leg from place {seq} to {last} is longer than a leg can be"))
        })?;
        self.set(conn, seq, far)
    }

    /// Notes that an event is gone.
    pub(in crate::sqlite) fn take(&mut self, conn: &Connection, seq: i64) -> Result<(), StoreError> {
        self.set(conn, seq, 0)
    }

    fn set(&mut self, conn: &Connection, seq: i64, far: u32) -> Result<(), StoreError> {
        let (block, at) = within(seq);
        let body = match self.rows.entry(block) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                let mut select = conn.prepare_cached(ROW)?;
                let found: Option<Vec<u8>> = select.query_row([block], |row| row.get(0)).optional()?;
                free.insert(found.unwrap_or_default())
            }
        };
        if body.len() < at + BYTES {
            body.resize(at + BYTES, 0);
        }
        body[at..at + BYTES].copy_from_slice(&far.to_le_bytes());
        Ok(())
    }

    pub(in crate::sqlite) fn many(&self) -> usize {
        self.rows.len()
    }

    /// A row without any event goes.
    pub(in crate::sqlite) fn write(&self, conn: &Connection) -> Result<(), StoreError> {
        for (block, body) in &self.rows {
            if body.iter().all(|byte| *byte == 0) {
                conn.prepare_cached("DELETE FROM place WHERE block = ?1")?.execute([block])?;
            } else {
                conn.prepare_cached(
                    "INSERT INTO place VALUES (?1, ?2) ON CONFLICT DO UPDATE SET body = excluded.body",
                )?
                .execute(params![block, body])?;
            }
        }
        Ok(())
    }
}

/// The places of packed events between two, with the last of their legs, one after the other.
pub(in crate::sqlite) struct Walk<'stmt> {
    rows: Rows<'stmt>,
    between: RangeInclusive<i64>,
    /// Of the row at hand, the next at the end.
    at_hand: Vec<(i64, i64)>,
    oldest_first: bool,
}

/// The arguments of [`PLACES_BETWEEN`].
pub(in crate::sqlite) fn blocks_of(between: &RangeInclusive<i64>) -> [i64; 2] {
    [between.start().div_euclid(BLOCK), between.end().div_euclid(BLOCK)]
}

impl<'stmt> Walk<'stmt> {
    pub(in crate::sqlite) fn of(rows: Rows<'stmt>, between: RangeInclusive<i64>, oldest_first: bool) -> Self {
        Self { rows, between, at_hand: Vec::new(), oldest_first }
    }

    pub(in crate::sqlite) fn next(&mut self) -> Result<Option<(i64, i64)>, StoreError> {
        while self.at_hand.is_empty() {
            let Some(row) = self.rows.next()? else { return Ok(None) };
            let block: i64 = row.get(0)?;
            let body = row.get_ref(1)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
            let places =
                (block * BLOCK..).zip(body.chunks(BYTES)).filter(|(seq, _)| self.between.contains(seq));
            self.at_hand = places.filter_map(|(seq, far)| Some((seq, last(seq, read(far, 0))?))).collect();
            if self.oldest_first {
                self.at_hand.reverse();
            }
        }
        Ok(self.at_hand.pop())
    }
}
