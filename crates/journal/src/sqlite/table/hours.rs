//! Which events an hour of a clock can have, and up to where the accounts' lists are filled.

use rusqlite::Connection;

use super::super::errors::StoreError;

const HOUR_MICROS: i64 = 3_600_000_000;

/// The places that events of some hours of a clock can have.
pub(in crate::sqlite) const PLACES_OF_HOURS: &str =
    "SELECT min(first), max(last) FROM hours WHERE clock = ?1 AND hour BETWEEN ?2 AND ?3";

/// Whose hours.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(in crate::sqlite) enum Clock {
    Pbx = 0,
    Wall = 1,
}

/// The hour a moment is in.
pub(in crate::sqlite) fn hour_of(micros: i64) -> i64 {
    micros.div_euclid(HOUR_MICROS)
}

/// Up to where the accounts' lists are filled.
pub(in crate::sqlite) fn listed_to(conn: &Connection) -> Result<i64, StoreError> {
    let mut select = conn.prepare_cached("SELECT value FROM meta WHERE name = 'by_account_to'")?;
    Ok(select.query_row([], |row| row.get(0))?)
}
