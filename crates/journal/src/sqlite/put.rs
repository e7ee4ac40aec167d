//! Writing settings. Their versions are the revisions of the store, so that one number tells what is new.

use rusqlite::{Connection, OptionalExtension, params};

use super::errors::StoreError;
use crate::record::setting;
use crate::seal::Sealer;
use crate::settings::{IntegrationId, Setting, SettingKey};
use crate::{JournalError, WallTime};

/// A setting to write or remove.
pub(super) struct Put {
    pub(super) key: SettingKey,
    pub(super) value: Option<Setting>,
    pub(super) expected: Option<u64>,
    pub(super) at: WallTime,
}

/// The inner result is the caller's: a conflict fails nobody else.
pub(super) fn run(
    conn: &Connection,
    sealer: &Sealer,
    put: &Put,
) -> Result<Result<u64, JournalError>, StoreError> {
    let (kind, owner, part) = setting::key_columns(&put.key);
    let mut select = conn.prepare_cached(
        "SELECT version FROM settings WHERE kind = ?1 AND owner = ?2 AND part = ?3 AND value IS NOT NULL",
    )?;
    let found: Option<u64> = select.query_row(params![kind, owner, part], |row| row.get(0)).optional()?;
    let found = found.unwrap_or(0);
    if let Some(expected) = put.expected
        && expected != found
    {
        return Ok(Err(JournalError::Conflict { expected, found }));
    }
    if put.value.is_none() && found == 0 {
        return Ok(Ok(0));
    }
    let version: u64 = count_up(conn, "revision")?;
    let value = put.value.as_ref().map(|value| setting::write(sealer, &put.key, value));
    conn.prepare_cached("INSERT OR REPLACE INTO settings VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
        .execute(params![kind, owner, part, value, version, put.at.0])?;
    Ok(Ok(version))
}

pub(super) fn allocate(conn: &Connection) -> Result<IntegrationId, StoreError> {
    Ok(IntegrationId { number: count_up(conn, "integrations")? })
}

fn count_up<T: rusqlite::types::FromSql>(conn: &Connection, name: &str) -> Result<T, StoreError> {
    let mut update =
        conn.prepare_cached("UPDATE meta SET value = value + 1 WHERE name = ?1 RETURNING value")?;
    Ok(update.query_row([name], |row| row.get(0))?)
}
