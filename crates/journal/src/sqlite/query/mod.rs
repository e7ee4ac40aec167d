//! Questions. Each finds its rows by a tree that is in the order it lists them, so that a page costs the
//! same in a small store and in a large one.

pub(super) mod deliveries;
pub(super) mod events;
pub(super) mod legs;
pub(super) mod pending;
pub(super) mod settings;
mod walk;

use std::path::Path;

use rusqlite::Connection;

use super::bytes_on_disk;
use super::errors::StoreError;
use crate::Size;

/// How much is kept. Events are counted by their places, which have no gaps but for what was pruned.
pub(super) fn size(conn: &Connection, place: &Path) -> Result<Size, StoreError> {
    let events: u64 = conn
        .prepare_cached(
            "SELECT max((SELECT coalesce(max(seq), 0) FROM events), (SELECT value FROM meta WHERE name = 'last_seq'))
             - (SELECT value FROM meta WHERE name = 'pruned')",
        )?
        .query_row([], |row| row.get(0))?;
    let pending = conn.prepare_cached("SELECT count(*) FROM pending")?.query_row([], |row| row.get(0))?;
    Ok(Size { bytes: bytes_on_disk(place), events, pending })
}
