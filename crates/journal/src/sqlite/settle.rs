//! Settling deliveries. The common case, a delivery that came through, is one row deleted and one added.

use rusqlite::{Connection, OptionalExtension, params};

use super::errors::StoreError;
use super::statements::Statements;
use super::table::events::get;
use super::table::history::{self, HISTORY_BITS, history_of};
use crate::record::attempt;
use crate::record::event::kind_number;
use crate::rules::{self, Standing};
use crate::{DeliveryId, Outcome, Settle, Settled, WallTime, call_hash};

/// A settlement, its attempt written out by whoever asked for it.
pub(super) struct Row {
    pub(super) id: DeliveryId,
    pub(super) outcome: Outcome,
    /// When one that waits is due, if the outcome says so.
    pub(super) due_at: Option<WallTime>,
    /// The attempt's number, and what came of it; nothing of that for a delivery that came through.
    pub(super) tried: Option<(u16, String)>,
    pub(super) detail: Option<Vec<u8>>,
    pub(super) at: WallTime,
}

impl Row {
    pub(super) fn of(settle: &Settle, now: WallTime) -> Self {
        let Settle { grant: _, id, attempt, outcome } = settle;
        let came_to = |attempt| match outcome {
            Outcome::Delivered => String::new(),
            _ => rules::came_to(attempt),
        };
        Self {
            id: *id,
            outcome: outcome.clone(),
            due_at: match outcome {
                Outcome::RetryIn(delay) | Outcome::Again(delay) => Some(now.plus(*delay)),
                _ => None,
            },
            tried: attempt.as_ref().map(|attempt| (attempt.number, came_to(attempt))),
            detail: attempt.as_deref().map(attempt::write),
            at: rules::settled_at(settle, now),
        }
    }

    fn key(&self) -> [i64; 2] {
        [self.id.event.0, self.id.integration.number.into()]
    }
}

/// One whose leg is in the tables.
pub(super) fn run(statements: &mut Statements<'_>, row: &Row) -> Result<Settled, StoreError> {
    match &row.outcome {
        Outcome::Delivered => delivered(statements, row),
        Outcome::Expired => give_up(statements, row, GivenUp::Expired),
        Outcome::Failed(_) => give_up(statements, row, GivenUp::Failed),
        Outcome::Cancelled => give_up(statements, row, GivenUp::Cancelled),
        Outcome::RetryIn(_) | Outcome::Held => keep(statements, row),
        Outcome::Again(_) => again(statements, row),
    }
}

fn delivered(statements: &mut Statements<'_>, row: &Row) -> Result<Settled, StoreError> {
    let [event, integration] = row.key();
    let number = match &row.tried {
        Some((number, _)) => {
            let deleted = statements.delete_pending.execute([event, integration])?;
            (deleted == 1).then_some(*number)
        }
        None => {
            let mut delete = statements.conn.prepare_cached(
                "DELETE FROM pending WHERE event = ?1 AND integration = ?2 RETURNING attempts",
            )?;
            let attempts: Option<u16> =
                delete.query_row([event, integration], |row| row.get(0)).optional()?;
            attempts.map(|attempts| attempts.saturating_add(1))
        }
    };
    let Some(number) = number else { return Ok(Settled::Gone) };
    add_to_history(statements, row, number, true)?;
    Ok(Settled::Done)
}

fn add_to_history(
    statements: &mut Statements<'_>,
    row: &Row,
    number: u16,
    delivered: bool,
) -> Result<(), StoreError> {
    let [event, integration] = row.key();
    let detail = row.detail.as_ref().map(|detail| statements.insert_detail.insert([detail])).transpose()?;
    // Nearly always it is the first of its event. Where others were before it they may be packed already, or some of
    // them: it lies behind those that are there.
    let mut id = if number > 1 { next_in_history(statements.conn, event)? } else { event << HISTORY_BITS };
    while statements.insert_history.execute(params![id, integration, number, delivered, row.at.0, detail])?
        == 0
    {
        id = next_in_history(statements.conn, event)?;
    }
    Ok(())
}

fn next_in_history(conn: &Connection, event: i64) -> Result<i64, StoreError> {
    let mut select =
        conn.prepare_cached("SELECT coalesce(max(id) + 1, ?1) FROM history WHERE id BETWEEN ?1 AND ?2")?;
    Ok(select.query_row(history_of(event), |row| row.get(0))?)
}

/// How a delivery ends that did not come through.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum GivenUp {
    Expired = 1,
    Failed = 2,
    Cancelled = 3,
}

impl GivenUp {
    pub(super) const fn number(self) -> i64 {
        self as i64
    }
}

fn give_up(statements: &mut Statements<'_>, row: &Row, state: GivenUp) -> Result<Settled, StoreError> {
    let [event, integration] = row.key();
    let conn = statements.conn;
    let mut delete = conn.prepare_cached(
        "DELETE FROM pending WHERE event = ?1 AND integration = ?2 RETURNING account, attempts, last",
    )?;
    let was = delete.query_row([event, integration], |row| {
        Ok((row.get::<_, String>(0)?, standing(row.get(1)?, row.get(2)?)))
    });
    let Some((account, standing)) = was.optional()? else { return Ok(Settled::Gone) };
    let standing = standing.after_outcome(&row.outcome, row.tried.clone());
    conn.prepare_cached("INSERT OR REPLACE INTO given_up VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?.execute(
        params![event, integration, account, state.number(), standing.attempts, standing.last, row.at.0],
    )?;
    if row.tried.is_some() {
        add_to_history(statements, row, standing.attempts, false)?;
    }
    Ok(Settled::Done)
}

fn standing(attempts: u16, last: Option<String>) -> Standing {
    Standing { attempts, last: last.unwrap_or_default() }
}

/// It stays pending: due at a moment, or held.
fn keep(statements: &mut Statements<'_>, row: &Row) -> Result<Settled, StoreError> {
    let [event, integration] = row.key();
    let conn = statements.conn;
    let mut select =
        conn.prepare_cached("SELECT attempts, last FROM pending WHERE event = ?1 AND integration = ?2")?;
    let was = select.query_row([event, integration], |row| Ok(standing(row.get(0)?, row.get(1)?)));
    let Some(standing) = was.optional()? else { return Ok(Settled::Gone) };
    let standing = standing.after_outcome(&row.outcome, row.tried.clone());
    conn.prepare_cached(
        "UPDATE pending SET attempts = ?3, last = ?4, updated_at = ?5, held = ?6, due_at = coalesce(?7, due_at)
         WHERE event = ?1 AND integration = ?2",
    )?
    .execute(params![
        event,
        integration,
        standing.attempts,
        standing.last,
        row.at.0,
        row.due_at.is_none(),
        row.due_at.map(|at| at.0),
    ])?;
    if row.tried.is_some() {
        add_to_history(statements, row, standing.attempts, false)?;
    }
    Ok(Settled::Done)
}

/// Wanted again: a settled one becomes pending once more, as long as its event is kept.
fn again(statements: &mut Statements<'_>, row: &Row) -> Result<Settled, StoreError> {
    if keep(statements, row)? == Settled::Done {
        return Ok(Settled::Done);
    }
    let [event, integration] = row.key();
    let conn = statements.conn;
    let Some(kept) = get(conn, row.id.event)? else { return Ok(Settled::Gone) };
    let (standing, updated_at) = take_back(conn, event, integration)?.unwrap_or_default();
    conn.prepare_cached(
        "INSERT INTO pending (event, integration, account, kind, call_hash, created_at, attempts, last, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)",
    )?
    .execute(params![
        event,
        integration,
        kept.event.account().as_str(),
        kind_number(kept.event.kind()),
        call_hash(&kept.event.call).cast_signed(),
        kept.received_at.0,
        standing.attempts,
        standing.last,
        updated_at,
    ])?;
    keep(statements, row)
}

/// What a settled delivery had come to.
fn take_back(
    conn: &Connection,
    event: i64,
    integration: i64,
) -> Result<Option<(Standing, Option<i64>)>, StoreError> {
    let mut delete = conn.prepare_cached(
        "DELETE FROM given_up WHERE event = ?1 AND integration = ?2 RETURNING attempts, last, updated_at",
    )?;
    let given_up = delete
        .query_row([event, integration], |row| Ok((standing(row.get(0)?, row.get(1)?), Some(row.get(2)?))));
    if let Some(given_up) = given_up.optional()? {
        return Ok(Some(given_up));
    }
    let Some(delivered) = history::delivered(conn, event, integration)? else {
        return Ok(None);
    };
    let standing = Standing { attempts: delivered.attempts, last: delivered.last };
    Ok(Some((standing, Some(delivered.at.0))))
}
