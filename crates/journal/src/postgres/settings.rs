//! Settings. Their versions are the revisions of the store; whoever writes them has the row of the revision.

use tokio_postgres::{Client, Row, Transaction};

use super::audit;
use super::column::plain;
use super::errors::Fault;
use crate::record::Unreadable;
use crate::record::setting;
use crate::seal::Sealer;
use crate::settings::{IntegrationId, Versioned};
use crate::{AuditEntry, JournalError, Put, SettingChange, WallTime};

const COLUMNS: &str = "SELECT kind, owner, part, value, version, changed_at FROM setting";

/// What is done at once.
pub(super) struct Change {
    pub(super) puts: Vec<Put>,
    pub(super) noted: Vec<AuditEntry>,
    pub(super) at: WallTime,
}

/// The inner result is the caller's: a conflict is no fault, and nothing of its change is done.
pub(super) async fn put(
    client: &mut Client,
    sealer: &Sealer,
    change: &Change,
) -> Result<Result<Vec<u64>, JournalError>, Fault> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT value FROM meta WHERE name = 'revision' FOR UPDATE", &[]).await?;
    let mut found = Vec::with_capacity(change.puts.len());
    for put in &change.puts {
        let version = version(&transaction, put).await?;
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
        versions.push(if removes_nothing { 0 } else { write(&transaction, sealer, put, change.at).await? });
    }
    if versions.is_empty() || versions.iter().any(|version| *version > 0) {
        audit::append(&transaction, &change.noted).await?;
    }
    transaction.commit().await?;
    Ok(Ok(versions))
}

type Key = (i16, String, String);

fn columns(put: &Put) -> Key {
    let (kind, owner, part) = setting::key_columns(&put.key);
    (kind.into(), plain(&owner), plain(&part))
}

/// The version that is there; 0 for none.
async fn version(transaction: &Transaction<'_>, put: &Put) -> Result<u64, Fault> {
    let (kind, owner, part) = columns(put);
    let select =
        "SELECT version FROM setting WHERE kind = $1 AND owner = $2 AND part = $3 AND value IS NOT NULL";
    let row = transaction.query_opt(select, &[&kind, &owner, &part]).await?;
    Ok(row.map_or(0, |row| row.get::<_, i64>(0).cast_unsigned()))
}

async fn write(
    transaction: &Transaction<'_>,
    sealer: &Sealer,
    put: &Put,
    at: WallTime,
) -> Result<u64, Fault> {
    let (kind, owner, part) = columns(put);
    let value = put.value.as_ref().map(|value| setting::write(sealer, &put.key, value));
    let row = transaction
        .query_one(
            "WITH next AS (UPDATE meta SET value = value + 1 WHERE name = 'revision' RETURNING value)
             INSERT INTO setting SELECT $1::int2, $2::text, $3::text, $4::text, next.value, $5::int8 FROM next
             ON CONFLICT (kind, owner, part) DO UPDATE
             SET value = excluded.value, version = excluded.version, changed_at = excluded.changed_at
             RETURNING version",
            &[&kind, &owner, &part, &value, &at.0],
        )
        .await?;
    Ok(row.get::<_, i64>(0).cast_unsigned())
}

pub(super) async fn allocate(client: &Client) -> Result<IntegrationId, Fault> {
    let update = "UPDATE meta SET value = value + 1 WHERE name = 'integrations' RETURNING value";
    let number: i64 = client.query_one(update, &[]).await?.get(0);
    let number = u32::try_from(number).map_err(|_| Fault::Undone("no number is left".to_owned()))?;
    Ok(IntegrationId { number })
}

pub(super) async fn all(client: &Client, sealer: &Sealer) -> Result<Vec<Versioned>, Fault> {
    let select = format!("{COLUMNS} WHERE value IS NOT NULL ORDER BY kind, owner, part");
    let mut found = Vec::new();
    for row in client.query(&select, &[]).await? {
        let SettingChange { key, value, version, changed_at } = change(&row, sealer)?;
        found.extend(value.map(|value| Versioned { key, value, version, changed_at }));
    }
    Ok(found)
}

pub(super) async fn since(
    client: &Client,
    sealer: &Sealer,
    revision: u64,
) -> Result<Vec<SettingChange>, Fault> {
    let select = format!("{COLUMNS} WHERE version > $1 ORDER BY version");
    let rows = client.query(&select, &[&revision.cast_signed()]).await?;
    rows.iter().map(|row| change(row, sealer)).collect()
}

pub(super) async fn revision(client: &Client) -> Result<u64, Fault> {
    let row = client.query_one("SELECT value FROM meta WHERE name = 'revision'", &[]).await?;
    Ok(row.get::<_, i64>(0).cast_unsigned())
}

fn change(row: &Row, sealer: &Sealer) -> Result<SettingChange, Fault> {
    let kind: i16 = row.get(0);
    let kind = u8::try_from(kind)
        .map_err(|_| Unreadable { what: "setting", why: format!("there is no kind {kind}") })?;
    let key = setting::key_of((kind, row.get(1), row.get(2)))?;
    let value: Option<String> = row.get(3);
    let value = value.map(|value| setting::read(sealer, &key, &value)).transpose()?;
    Ok(SettingChange {
        key,
        value,
        version: row.get::<_, i64>(4).cast_unsigned(),
        changed_at: WallTime(row.get(5)),
    })
}
