//! The audit log: a table that is appended to, in the transaction of what was done where that is a change of settings.

use calls::AccountId;
use tokio_postgres::{Client, Row, Transaction};

use super::column::plain;
use super::errors::Fault;
use crate::audit::{AUDIT_KEPT_AT_MOST, AUDIT_OF_PEOPLE_KEPT, AUDIT_PRUNED_AT_ONCE};
use crate::record::{Unreadable, audit};
use crate::{AuditEntry, AuditFilter, AuditPage, Cursor, WallTime};

const APPEND: &str = "INSERT INTO audit (at, kind, actor, account, what, subject, detail, address)
    SELECT * FROM unnest($1::int8[], $2::int2[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[])";

pub(super) async fn append(transaction: &Transaction<'_>, entries: &[AuditEntry]) -> Result<(), Fault> {
    if entries.is_empty() {
        return Ok(());
    }
    let entries: Vec<AuditEntry> = entries.iter().cloned().map(AuditEntry::bounded).collect();
    let texts =
        |of: fn(&AuditEntry) -> String| entries.iter().map(|entry| plain(&of(entry))).collect::<Vec<_>>();
    transaction
        .execute(
            APPEND,
            &[
                &entries.iter().map(|entry| entry.at.0).collect::<Vec<_>>(),
                &entries.iter().map(|entry| i16::from(audit::kind_number(entry.kind))).collect::<Vec<_>>(),
                &texts(|entry| entry.actor.clone()),
                &texts(|entry| entry.account.as_ref().map_or("", AccountId::as_str).to_owned()),
                &texts(|entry| entry.what.clone()),
                &texts(|entry| entry.subject.clone()),
                &texts(|entry| entry.detail.clone()),
                &texts(|entry| entry.address.map(|address| address.to_string()).unwrap_or_default()),
            ],
        )
        .await?;
    Ok(())
}

pub(super) async fn page(client: &Client, filter: &AuditFilter) -> Result<AuditPage, Fault> {
    let limit = filter.bounded_limit();
    let rows = client
        .query(
            "SELECT id, at, kind, actor, account, what, subject, detail, address FROM audit
             WHERE id < $4 AND ($1::text IS NULL OR account = $1) AND ($2::text IS NULL OR actor = $2)
               AND ($3::int2 IS NULL OR kind = $3)
             ORDER BY id DESC LIMIT $5",
            &[
                &filter.account.as_ref().map(|account| plain(account.as_str())),
                &filter.actor.as_deref().map(plain),
                &filter.kind.map(|kind| i16::from(audit::kind_number(kind))),
                &filter.after.map_or(i64::MAX, |cursor| cursor.place),
                &i64::try_from(limit + 1).unwrap_or(i64::MAX),
            ],
        )
        .await?;
    let shown = &rows[..rows.len().min(limit)];
    Ok(AuditPage {
        entries: shown.iter().map(entry).collect::<Result<_, _>>()?,
        next: shown.last().filter(|_| rows.len() > limit).map(|row| Cursor::at(row.get(0))),
    })
}

fn entry(row: &Row) -> Result<AuditEntry, Fault> {
    let kind: i16 = row.get(2);
    let account: String = row.get(4);
    let kind = u8::try_from(kind).ok().and_then(audit::kind_of);
    Ok(AuditEntry {
        at: WallTime(row.get(1)),
        kind: kind.ok_or_else(|| Unreadable {
            what: "entry of the audit log",
            why: "there is no such kind of actor".to_owned(),
        })?,
        actor: row.get(3),
        address: row.get::<_, String>(8).parse().ok(),
        account: (!account.is_empty()).then(|| AccountId::new(account)),
        what: row.get(5),
        subject: row.get(6),
        detail: row.get(7),
    })
}

/// Forgets what is older than a moment, and what is too much. The newest of all stays, so that no place is ever given
/// twice.
pub(super) async fn prune(transaction: &Transaction<'_>, before: WallTime) -> Result<u64, Fault> {
    let bound = |many: usize| i64::try_from(many).unwrap_or(i64::MAX);
    Ok(transaction
        .execute(
            "WITH bounds AS (SELECT
                 coalesce((SELECT id FROM audit WHERE kind = 0 ORDER BY id DESC OFFSET $2 LIMIT 1), 0) AS old_of_people,
                 coalesce((SELECT id FROM audit WHERE kind = 0 ORDER BY id DESC OFFSET $3 LIMIT 1), 0) AS many_of_people,
                 coalesce((SELECT id FROM audit WHERE kind <> 0 ORDER BY id DESC OFFSET $3 LIMIT 1), 0) AS many_of_others)
             DELETE FROM audit WHERE id IN (
                 SELECT id FROM audit, bounds
                 WHERE id < (SELECT max(id) FROM audit)
                   AND CASE kind WHEN 0 THEN id <= many_of_people OR (at < $1 AND id <= old_of_people)
                       ELSE id <= many_of_others OR at < $1 END
                 ORDER BY id LIMIT $4)",
            &[&before.0, &bound(AUDIT_OF_PEOPLE_KEPT), &bound(AUDIT_KEPT_AT_MOST), &bound(AUDIT_PRUNED_AT_ONCE)],
        )
        .await?)
}
