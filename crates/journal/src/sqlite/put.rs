//! Writing settings. Their versions are the revisions of the store, so that one number tells what is new.

use rusqlite::{Connection, OptionalExtension, params};

use super::errors::StoreError;
use super::{audit, schema};
use crate::record::setting;
use crate::seal::Sealer;
use crate::settings::IntegrationId;
use crate::{AuditEntry, JournalError, Put, WallTime};

/// What is done at once.
pub(super) struct Change {
    pub(super) puts: Vec<Put>,
    pub(super) noted: Vec<AuditEntry>,
    pub(super) at: WallTime,
}

impl Change {
    pub(super) fn weight(&self) -> usize {
        self.puts.len() + self.noted.len()
    }
}

/// The inner result is the caller's: a conflict fails nobody else, and nothing of its change is done.
pub(super) fn run(
    conn: &Connection,
    sealer: &Sealer,
    change: &Change,
) -> Result<Result<Vec<u64>, JournalError>, StoreError> {
    // Another process may have sealed everything anew since this store was opened: in this very transaction it is
    // known, and nothing is left behind that the new key does not open.
    if change.puts.iter().any(|put| put.value.is_some()) && !schema::is_sealed_with(conn, sealer)? {
        let place = conn.path().unwrap_or_default().to_owned();
        return Ok(Err(JournalError::WrongKey { place }));
    }
    let mut found = Vec::with_capacity(change.puts.len());
    for put in &change.puts {
        let version = version(conn, put)?;
        if let Some(expected) = put.expected
            && expected != version
        {
            return Ok(Err(JournalError::Conflict { expected, found: version }));
        }
        found.push(version);
    }
    let mut versions = Vec::with_capacity(found.len());
    for (put, found) in change.puts.iter().zip(found) {
        let removes_nothing = put.value.is_none() && found == 0;
        versions.push(if removes_nothing { 0 } else { write(conn, sealer, put, change.at)? });
    }
    if versions.is_empty() || versions.iter().any(|version| *version > 0) {
        audit::append(conn, &change.noted)?;
    }
    Ok(Ok(versions))
}

/// The version that is there; 0 for none.
fn version(conn: &Connection, put: &Put) -> Result<u64, StoreError> {
    let (kind, owner, part) = setting::key_columns(&put.key);
    let mut select = conn.prepare_cached(
        "SELECT version FROM settings WHERE kind = ?1 AND owner = ?2 AND part = ?3 AND value IS NOT NULL",
    )?;
    Ok(select.query_row(params![kind, owner, part], |row| row.get(0)).optional()?.unwrap_or(0))
}

fn write(conn: &Connection, sealer: &Sealer, put: &Put, at: WallTime) -> Result<u64, StoreError> {
    let (kind, owner, part) = setting::key_columns(&put.key);
    let version: u64 = count_up(conn, "revision")?;
    let value = put.value.as_ref().map(|value| setting::write(sealer, &put.key, value));
    conn.prepare_cached("INSERT OR REPLACE INTO settings VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![kind, owner, part, value, version, at.0])?;
    Ok(version)
}

pub(super) fn allocate(conn: &Connection) -> Result<IntegrationId, StoreError> {
    Ok(IntegrationId { number: count_up(conn, "integrations")? })
}

fn count_up<T: rusqlite::types::FromSql>(conn: &Connection, name: &str) -> Result<T, StoreError> {
    let mut update =
        conn.prepare_cached("UPDATE meta SET value = value + 1 WHERE name = ?1 RETURNING value")?;
    Ok(update.query_row([name], |row| row.get(0))?)
}
