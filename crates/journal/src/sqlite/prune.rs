//! Forgetting. What may go is looked for by a reader; the writer removes it a few legs at a time, between
//! which others get their turn.

use calls::{AccountId, LegId};
use rusqlite::{Connection, OptionalExtension, params};

use super::digest;
use super::errors::StoreError;
use super::remembered::{Clock, Remembered, hour_of, listed_to};
use super::settle::history_of;
use crate::{EventSeq, PRUNED_AT_ONCE, WallTime};

/// How many legs the writer removes before others get their turn.
pub(super) const LEGS_A_JOB: usize = 25;

/// Ends of legs between two places, received before a moment, of an account or (NULL) of all.
const BY_PLACE: &str = "SELECT leg FROM events
    WHERE seq BETWEEN ?1 AND ?2 AND kind = 3 AND received_at < ?3 AND (?4 IS NULL OR account = ?4) ORDER BY seq";
/// The same of an account, along its list.
const LISTED: &str = "SELECT leg FROM by_account CROSS JOIN events ON events.seq = by_account.seq
    WHERE by_account.account = ?4 AND by_account.seq BETWEEN ?1 AND ?2 AND kind = 3 AND received_at < ?3
    ORDER BY by_account.seq";

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
    let listed_to = listed_to(conn)?;
    let mut legs = Vec::new();
    let mut gather = |sql: &str, first: i64, last: i64| -> Result<(), StoreError> {
        let mut select = conn.prepare_cached(sql)?;
        let mut rows = select.query(params![first, last, before.0, account.map(AccountId::as_str)])?;
        while legs.len() < PRUNED_AT_ONCE
            && let Some(row) = rows.next()?
        {
            let leg: String = row.get(0)?;
            if !has_pending(conn, &leg)? {
                legs.push(LegId::new(leg));
            }
        }
        Ok(())
    };
    match account {
        Some(_) => {
            gather(LISTED, i64::MIN, end.min(listed_to))?;
            gather(BY_PLACE, listed_to.saturating_add(1), end)?;
        }
        None => gather(BY_PLACE, i64::MIN, end)?,
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

pub(super) fn run(conn: &Connection, memory: &mut Remembered, legs: &[LegId]) -> Result<u64, StoreError> {
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
    let ended = conn
        .prepare_cached("SELECT ended FROM legs WHERE leg = ?1")?
        .query_row([leg.as_str()], |row| row.get::<_, Option<i64>>(0))
        .optional()?;
    if let Some(ended) = ended.flatten() {
        digest::forget(conn, EventSeq(ended))?;
    }
    let mut delete =
        conn.prepare_cached("DELETE FROM legs WHERE leg = ?1 RETURNING incoming, answered, outgoing, ended")?;
    let places = delete.query_row([leg.as_str()], |row| {
        Ok::<[Option<i64>; 4], _>([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
    });
    let Some(places) = places.optional()? else { return Ok(0) };
    drop(delete);
    let mut gone = 0;
    for seq in places.into_iter().flatten() {
        let mut delete = conn.prepare_cached("DELETE FROM events WHERE seq = ?1 RETURNING call, account")?;
        let was = delete.query_row([seq], |row| Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?)));
        let Some((call, account)) = was.optional()? else { continue };
        gone += 1;
        conn.prepare_cached("DELETE FROM calls WHERE call = ?1 AND leg = ?2")?
            .execute(params![call, leg.as_str()])?;
        conn.prepare_cached("DELETE FROM by_account WHERE account = ?1 AND seq = ?2")?
            .execute(params![account, seq])?;
        conn.prepare_cached(
            "DELETE FROM details WHERE id IN (SELECT detail_id FROM history WHERE id BETWEEN ?1 AND ?2)",
        )?
        .execute(history_of(seq))?;
        conn.prepare_cached("DELETE FROM history WHERE id BETWEEN ?1 AND ?2")?.execute(history_of(seq))?;
        conn.prepare_cached("DELETE FROM given_up WHERE event = ?1")?.execute([seq])?;
    }
    Ok(gone)
}
