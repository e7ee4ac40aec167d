//! What is not settled.

use std::collections::HashMap;

use calls::AccountId;
use rusqlite::Connection;

use super::super::errors::StoreError;
use super::events::kind;
use crate::settings::IntegrationId;
use crate::{DeliveryId, EventSeq, Pending, WallTime};

/// All of it, oldest first. Deliveries of one account share its id.
pub(in crate::sqlite) fn load(conn: &Connection) -> Result<Vec<Pending>, StoreError> {
    let count: usize = conn.query_row("SELECT count(*) FROM pending", [], |row| row.get(0))?;
    let mut select = conn.prepare_cached(
        "SELECT event, integration, account, kind, call_hash, created_at, attempts, held, coalesce(due_at, created_at)
         FROM pending ORDER BY event, integration",
    )?;
    let mut accounts: HashMap<String, AccountId> = HashMap::new();
    let mut found = Vec::with_capacity(count);
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(2)?.as_str().map_err(|error| StoreError::Damaged(error.to_string()))?;
        let account = match accounts.get(name) {
            Some(account) => account.clone(),
            None => accounts.entry(name.to_owned()).or_insert_with(|| AccountId::new(name)).clone(),
        };
        found.push(Pending {
            id: DeliveryId {
                event: EventSeq(row.get(0)?),
                integration: IntegrationId { number: row.get(1)? },
            },
            account,
            kind: kind(row.get(3)?)?,
            call_hash: row.get::<_, i64>(4)?.cast_unsigned(),
            created_at: WallTime(row.get(5)?),
            attempts: row.get(6)?,
            held: row.get(7)?,
            due_at: WallTime(row.get(8)?),
        });
    }
    Ok(found)
}
