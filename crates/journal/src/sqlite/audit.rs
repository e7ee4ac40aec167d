//! The audit log: a table that is appended to, in the transaction of what was done where that is a change of
//! settings. Whoever reads has a snapshot of their own and keeps no writer waiting.

use calls::AccountId;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::errors::StoreError;
use crate::audit::{AUDIT_KEPT_AT_MOST, AUDIT_OF_PEOPLE_KEPT, AUDIT_PRUNED_AT_ONCE};
use crate::record::{Unreadable, audit, setting};
use crate::seal::Sealer;
use crate::settings::{Setting, SettingKey};
use crate::{AuditEntry, AuditFilter, AuditPage, Cursor, WallTime};

pub(super) fn append(conn: &Connection, entries: &[AuditEntry]) -> Result<(), StoreError> {
    let mut insert = conn.prepare_cached(
        "INSERT INTO audit (at, kind, actor, account, what, subject, detail, address)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    )?;
    for entry in entries {
        let AuditEntry { at, kind, actor, address, account, what, subject, detail } = entry.clone().bounded();
        let address = address.map(|address| address.to_string()).unwrap_or_default();
        let account = account.as_ref().map_or("", AccountId::as_str);
        let kind = audit::kind_number(kind);
        insert.execute(params![at.0, kind, actor, account, what, subject, detail, address])?;
    }
    Ok(())
}

/// The statement for a filter: along the tree of what narrows it most.
fn statement(filter: &AuditFilter) -> String {
    let tree = match (&filter.account, &filter.actor) {
        (Some(_), _) => "INDEXED BY audit_by_account WHERE account = ?1",
        (None, Some(_)) => "INDEXED BY audit_by_actor WHERE actor = ?2",
        (None, None) => "WHERE true",
    };
    format!(
        "SELECT id, at, kind, actor, account, what, subject, detail, address FROM audit {tree} AND id < ?4
         AND (?1 IS NULL OR account = ?1) AND (?2 IS NULL OR actor = ?2) AND (?3 IS NULL OR kind = ?3)
         ORDER BY id DESC LIMIT ?5"
    )
}

/// The same, so that a test can look at its plan.
#[cfg(feature = "conformance")]
pub fn statement_of(filter: &AuditFilter) -> String {
    statement(filter)
}

pub(super) fn page(conn: &Connection, filter: &AuditFilter) -> Result<AuditPage, StoreError> {
    let limit = filter.bounded_limit();
    let mut select = conn.prepare_cached(&statement(filter))?;
    let mut rows = select.query(params![
        filter.account.as_ref().map(AccountId::as_str),
        filter.actor,
        filter.kind.map(audit::kind_number),
        filter.after.map_or(i64::MAX, |cursor| cursor.place),
        limit + 1,
    ])?;
    let mut page = AuditPage::default();
    let mut last = None;
    while let Some(row) = rows.next()? {
        if page.entries.len() == limit {
            page.next = last;
            break;
        }
        last = Some(Cursor::at(row.get(0)?));
        page.entries.push(entry(row)?);
    }
    Ok(page)
}

fn entry(row: &Row<'_>) -> Result<AuditEntry, StoreError> {
    let kind = row.get(2)?;
    let account: String = row.get(4)?;
    Ok(AuditEntry {
        at: WallTime(row.get(1)?),
        kind: audit::kind_of(kind).ok_or_else(|| Unreadable {
            what: "entry of the audit log",
            why: format!("no kind of actor {kind}"),
        })?,
        actor: row.get(3)?,
        address: row.get::<_, String>(8)?.parse().ok(),
        account: (!account.is_empty()).then(|| AccountId::new(account)),
        what: row.get(5)?,
        subject: row.get(6)?,
        detail: row.get(7)?,
    })
}

/// The last place that goes whatever its age, of people or of the others: behind it there are enough.
const TOO_MANY_OF_PEOPLE: &str = "SELECT id FROM audit WHERE kind = 0 ORDER BY id DESC LIMIT 1 OFFSET ?1";
const TOO_MANY_OF_OTHERS: &str = "SELECT id FROM audit WHERE kind <> 0 ORDER BY id DESC LIMIT 1 OFFSET ?1";

/// Forgets what is older than a moment, and what is too much. The newest of all stays, so that no place is ever
/// given twice.
pub(super) fn prune(conn: &Connection, before: WallTime) -> Result<u64, StoreError> {
    let beyond = |sql: &str, kept: usize| -> Result<i64, StoreError> {
        let found = conn.prepare_cached(sql)?.query_row([kept], |row| row.get(0)).optional()?;
        Ok(found.unwrap_or(0))
    };
    let mut delete = conn.prepare_cached(
        "DELETE FROM audit WHERE id IN (
             SELECT id FROM audit
             WHERE id < (SELECT max(id) FROM audit)
               AND CASE kind WHEN 0 THEN id <= ?3 OR (at < ?1 AND id <= ?2) ELSE id <= ?4 OR at < ?1 END
             ORDER BY id LIMIT ?5)",
    )?;
    let gone = delete.execute(params![
        before.0,
        beyond(TOO_MANY_OF_PEOPLE, AUDIT_OF_PEOPLE_KEPT)?,
        beyond(TOO_MANY_OF_PEOPLE, AUDIT_KEPT_AT_MOST)?,
        beyond(TOO_MANY_OF_OTHERS, AUDIT_KEPT_AT_MOST)?,
        AUDIT_PRUNED_AT_ONCE,
    ])?;
    Ok(gone as u64)
}

/// The name of the setting that was the whole log in an older store.
const WAS: &str = "audit";

/// Brings the log of an older store over, and removes the setting it was.
pub(super) fn take_over(conn: &Connection, sealer: &Sealer) -> Result<(), StoreError> {
    let key = SettingKey::System(WAS.to_owned());
    let (kind, owner, part) = setting::key_columns(&key);
    let mut take = conn.prepare_cached(
        "DELETE FROM settings WHERE kind = ?1 AND owner = ?2 AND part = ?3 RETURNING value",
    )?;
    let was: Option<Option<String>> =
        take.query_row(params![kind, owner, part], |row| row.get(0)).optional()?;
    let Some(value) = was.flatten() else { return Ok(()) };
    match setting::read(sealer, &key, &value)? {
        Setting::System(text) => append(conn, &audit::of_old_text(text.expose())),
        _ => Ok(()),
    }
}
