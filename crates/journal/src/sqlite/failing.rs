//! Webhooks that fail: a small table, written when one begins to fail for long and when it works again.

use std::time::Duration;

use rusqlite::{Connection, params};

use super::errors::StoreError;
use crate::Failing;
use crate::settings::IntegrationId;

pub(super) fn all(conn: &Connection) -> Result<Vec<Failing>, StoreError> {
    let mut select =
        conn.prepare_cached("SELECT integration, url, lasted FROM failing ORDER BY integration, url")?;
    let rows = select.query_map([], |row| {
        Ok(Failing {
            integration: IntegrationId { number: row.get(0)? },
            url: row.get(1)?,
            lasted: Duration::from_micros(row.get(2)?),
            streak: 0,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

pub(super) fn note(conn: &Connection, notes: &[Failing]) -> Result<(), StoreError> {
    let mut insert = conn.prepare_cached("INSERT OR REPLACE INTO failing VALUES (?1, ?2, ?3)")?;
    let mut delete = conn.prepare_cached("DELETE FROM failing WHERE integration = ?1 AND url = ?2")?;
    for Failing { integration, url, lasted, streak: _ } in notes {
        if lasted.is_zero() {
            delete.execute(params![integration.number, url])?;
        } else {
            let micros = i64::try_from(lasted.as_micros()).unwrap_or(i64::MAX);
            insert.execute(params![integration.number, url, micros])?;
        }
    }
    Ok(())
}
