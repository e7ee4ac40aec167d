//! Settings.

use rusqlite::{Connection, Row};

use super::super::errors::StoreError;
use crate::record::setting;
use crate::seal::Sealer;
use crate::settings::Versioned;
use crate::{SettingChange, WallTime};

const COLUMNS: &str = "SELECT kind, owner, part, value, version, changed_at FROM settings";

pub(in crate::sqlite) fn all(conn: &Connection, sealer: &Sealer) -> Result<Vec<Versioned>, StoreError> {
    let mut select =
        conn.prepare_cached(&format!("{COLUMNS} WHERE value IS NOT NULL ORDER BY kind, owner, part"))?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let SettingChange { key, value, version, changed_at } = change(row, sealer)?;
        found.extend(value.map(|value| Versioned { key, value, version, changed_at }));
    }
    Ok(found)
}

pub(in crate::sqlite) fn since(
    conn: &Connection,
    sealer: &Sealer,
    revision: u64,
) -> Result<Vec<SettingChange>, StoreError> {
    let mut select = conn.prepare_cached(&format!("{COLUMNS} WHERE version > ?1 ORDER BY version"))?;
    let mut rows = select.query([revision])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(change(row, sealer)?);
    }
    Ok(found)
}

pub(in crate::sqlite) fn revision(conn: &Connection) -> Result<u64, StoreError> {
    let mut select = conn.prepare_cached("SELECT value FROM meta WHERE name = 'revision'")?;
    Ok(select.query_row([], |row| row.get(0))?)
}

fn change(row: &Row<'_>, sealer: &Sealer) -> Result<SettingChange, StoreError> {
    let key = setting::key_of((row.get(0)?, row.get(1)?, row.get(2)?))?;
    let value: Option<String> = row.get(3)?;
    let value = value.map(|value| setting::read(sealer, &key, &value)).transpose()?;
    Ok(SettingChange { key, value, version: row.get(4)?, changed_at: WallTime(row.get(5)?) })
}
