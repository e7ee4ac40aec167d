//! Forgetting. What may go is looked for by a reader; the writer removes it a few legs at a time, between
//! which others get their turn.

use calls::{AccountId, LegId};
use rusqlite::{Connection, OptionalExtension, params};

use super::append::{Clock, Memory, hour_of};
use super::errors::StoreError;
use crate::{PRUNED_AT_ONCE, WallTime};

/// How many legs the writer removes before others get their turn.
pub(super) const LEGS_A_JOB: usize = 25;

/// Legs that ended before a moment and have nothing pending, oldest first.
pub(super) fn candidates(
    conn: &Connection,
    account: Option<&AccountId>,
    before: WallTime,
) -> Result<Vec<LegId>, StoreError> {
    let end: Option<i64> = conn
        .prepare_cached("SELECT max(last) FROM hours WHERE clock = ?1 AND hour <= ?2")?
        .query_row(params![Clock::Wall as i64, hour_of(before.0)], |row| row.get(0))?;
    let Some(end) = end else { return Ok(Vec::new()) };
    // `+` keeps the planner from any other tree than the one in the order we want.
    let by_account =
        "SELECT leg FROM events WHERE account = ?3 AND seq <= ?1 AND +kind = 3 AND received_at < ?2";
    let by_place = "SELECT leg FROM events WHERE seq <= ?1 AND kind = 3 AND received_at < ?2 AND ?3 IS NULL";
    let ended = if account.is_some() { by_account } else { by_place };
    let mut select = conn.prepare_cached(&format!("{ended} ORDER BY seq"))?;
    let mut rows = select.query(params![end, before.0, account.map(AccountId::as_str)])?;
    let mut legs = Vec::new();
    while let Some(row) = rows.next()? {
        let leg: String = row.get(0)?;
        if !has_pending(conn, &leg)? {
            legs.push(LegId::new(leg));
        }
        if legs.len() == PRUNED_AT_ONCE {
            break;
        }
    }
    Ok(legs)
}

fn has_pending(conn: &Connection, leg: &str) -> Result<bool, StoreError> {
    let pending = conn
        .prepare_cached(
            "SELECT 1 FROM legs JOIN pending
             ON pending.event IN (legs.incoming, legs.answered, legs.outgoing, legs.ended)
             WHERE legs.leg = ?1 LIMIT 1",
        )?
        .exists([leg])?;
    Ok(pending)
}

pub(super) fn run(conn: &Connection, memory: &mut Memory, legs: &[LegId]) -> Result<u64, StoreError> {
    let mut gone = 0;
    for leg in legs {
        // Something may have been wanted again since it was looked for.
        if !has_pending(conn, leg.as_str())? {
            gone += remove(conn, leg)?;
        }
    }
    conn.prepare_cached("UPDATE meta SET value = value + ?1 WHERE name = 'pruned'")?.execute([gone])?;
    conn.prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'last_seq'")?
        .execute([memory.last_seq()])?;
    conn.prepare_cached("DELETE FROM hours WHERE last < coalesce((SELECT min(seq) FROM events), 0)")?
        .execute([])?;
    memory.forget_removed();
    Ok(gone)
}

fn remove(conn: &Connection, leg: &LegId) -> Result<u64, StoreError> {
    let mut delete =
        conn.prepare_cached("DELETE FROM legs WHERE leg = ?1 RETURNING incoming, answered, outgoing, ended")?;
    let places = delete.query_row([leg.as_str()], |row| {
        Ok::<[Option<i64>; 4], _>([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
    });
    let Some(places) = places.optional()? else { return Ok(0) };
    drop(delete);
    let mut gone = 0;
    for seq in places.into_iter().flatten() {
        let mut delete = conn.prepare_cached("DELETE FROM events WHERE seq = ?1 RETURNING call")?;
        let call: Option<String> = delete.query_row([seq], |row| row.get(0)).optional()?;
        let Some(call) = call else { continue };
        gone += 1;
        conn.prepare_cached("DELETE FROM calls WHERE call = ?1 AND leg = ?2")?
            .execute(params![call, leg.as_str()])?;
        conn.prepare_cached("DELETE FROM history WHERE event = ?1")?.execute([seq])?;
        conn.prepare_cached("DELETE FROM given_up WHERE event = ?1")?.execute([seq])?;
    }
    Ok(gone)
}
