//! What is not settled.

use std::collections::HashMap;

use calls::AccountId;
use rusqlite::{Connection, params};

use super::super::errors::StoreError;
use super::super::table::raw::kind;
use crate::rules;
use crate::settings::IntegrationId;
use crate::{DeliveryId, EventSeq, LOADED_AT_ONCE, Pending, WallTime};

pub(super) const LOAD: &str =
    "SELECT event, integration, account, kind, call_hash, created_at, attempts, held, coalesce(due_at, created_at)
     FROM pending WHERE (event, integration) > (?1, ?2) ORDER BY event, integration LIMIT ?3";

/// The next of it, oldest first. Deliveries of one account share its id.
pub(in crate::sqlite) fn load(
    conn: &Connection,
    after: Option<DeliveryId>,
    now: WallTime,
) -> Result<Vec<Pending>, StoreError> {
    let (event, integration) = after.map_or((i64::MIN, 0), |id| (id.event.0, id.integration.number));
    let mut select = conn.prepare_cached(LOAD)?;
    let mut accounts: HashMap<String, AccountId> = HashMap::new();
    let mut found = Vec::new();
    let mut rows = select.query(params![event, integration, LOADED_AT_ONCE])?;
    while let Some(row) = rows.next()? {
        let name = row.get_ref(2)?.as_str().map_err(|error| StoreError::Damaged(error.to_string()))?;
        let account = match accounts.get(name) {
            Some(account) => account.clone(),
            None => accounts.entry(name.to_owned()).or_insert_with(|| AccountId::new(name)).clone(),
        };
        let (age, due_at_age) = rules::age(WallTime(row.get(5)?), WallTime(row.get(8)?), now);
        found.push(Pending {
            id: DeliveryId {
                event: EventSeq(row.get(0)?),
                integration: IntegrationId { number: row.get(1)? },
            },
            account,
            kind: kind(row.get(3)?)?,
            call_hash: row.get::<_, i64>(4)?.cast_unsigned(),
            age,
            attempts: row.get(6)?,
            held: row.get(7)?,
            due_at_age,
        });
    }
    if found.is_empty() {
        // All was read, page for page and once: it is not asked for again.
        drop(rows);
        conn.release_memory()?;
    }
    Ok(found)
}
