//! Sums of ended legs, by the day they began and person, and by quarter of an hour: one row an account and day, and
//! more of them only where many people are on the phone. Spans of 8 and of 64 days are added up once their days are
//! over; a leg that is added to such a day afterwards is added there too, and one that is forgotten takes its spans
//! with it: who asks adds up the days instead. And by outcome in which hours legs began that came out so: who looks
//! for what is rare leaves the others out.

mod adding;
mod begun;
mod block;
mod hours;
mod part;
mod renewing;

use std::collections::BTreeMap;
use std::ops::Range;

use rusqlite::{Connection, params};

use super::super::errors::StoreError;
use super::entry::{Entry, outcome_at};
use crate::sums::{QUARTER_MICROS, Quarter};
pub(in crate::sqlite) use adding::add_days;
use block::Block;
#[cfg(feature = "conformance")]
pub(in crate::sqlite) use hours::DAYS;
pub(in crate::sqlite) use hours::{Sought, hours_with};
use part::Part;
pub(in crate::sqlite) use renewing::{Mark, Renewed, renew};

pub(in crate::sqlite) const DAY_MICROS: i64 = 86_400 * 1_000_000;
/// Spans of days that are added up too, the longest first, each a multiple of the next: a year is some twenty rows
/// instead of 365.
pub(in crate::sqlite) const LONG_SPANS: [i64; 2] = [64, 8];
const QUARTERS_A_DAY: i64 = DAY_MICROS / QUARTER_MICROS;
const HOURS_A_DAY: i64 = 24;
/// The rows of an account's blocks of a span, in order.
pub(in crate::sqlite) const BLOCKS: &str = "SELECT block, part, body FROM day
    WHERE account = ?1 AND span = ?2 AND block >= ?3 AND block < ?4 ORDER BY block, part";
/// The last day before one.
pub(in crate::sqlite) const DAY_BEFORE: &str =
    "SELECT max(block) FROM day WHERE account = ?1 AND span = 1 AND block < ?2";

/// The first rows of an account's days from one on.
pub(in crate::sqlite) const FIRST_ROWS: &str =
    "SELECT block, body FROM day WHERE account = ?1 AND span = 1 AND block >= ?2 AND part = 0";

/// How many calls of an account began in a quarter of an hour or later. Read is no more than the days' quarters.
pub(in crate::sqlite) fn calls_since(
    conn: &Connection,
    account: &str,
    since: Quarter,
) -> Result<u64, StoreError> {
    let mut select = conn.prepare_cached(FIRST_ROWS)?;
    let mut rows = select.query(params![account, since.0.div_euclid(QUARTERS_A_DAY)])?;
    let mut calls = 0;
    while let Some(row) = rows.next()? {
        let begins: i64 = row.get::<_, i64>(0)?.saturating_mul(QUARTERS_A_DAY);
        let body = row.get_ref(1)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
        let quarters = Part::quarters_of(body)?;
        let wanted = quarters.iter().filter(|(at, _)| begins.saturating_add(i64::from(**at)) >= since.0);
        calls += wanted.map(|(_, calls)| calls).sum::<u64>();
    }
    Ok(calls)
}

/// Shows the rows of some blocks.
fn each(
    conn: &Connection,
    account: &str,
    span: i64,
    blocks: &Range<i64>,
    mut visit: impl FnMut(i64, i64, Part),
) -> Result<(), StoreError> {
    let mut select = conn.prepare_cached(BLOCKS)?;
    let mut rows = select.query(params![account, span, blocks.start, blocks.end])?;
    while let Some(row) = rows.next()? {
        let body = row.get_ref(2)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
        visit(row.get(0)?, row.get(1)?, Part::read(body)?);
    }
    Ok(())
}

/// The day a leg began, and the quarter of an hour in it.
fn day_of(leg: &Entry) -> Option<(i64, i64)> {
    let at = leg.began_at()?.as_micros();
    Some((at.div_euclid(DAY_MICROS), at.rem_euclid(DAY_MICROS) / QUARTER_MICROS))
}

/// When a leg began, within a block.
#[derive(Clone, Copy)]
struct Within {
    quarter: u16,
    /// The hour within a day, or the day within a longer span.
    bit: u8,
}

fn within(span: i64, day: i64, quarter: i64) -> Within {
    let day = day.rem_euclid(span);
    let bit = if span == 1 { quarter * HOURS_A_DAY / QUARTERS_A_DAY } else { day };
    Within {
        quarter: u16::try_from(day * QUARTERS_A_DAY + quarter).unwrap_or(u16::MAX),
        bit: u8::try_from(bit).unwrap_or(u8::MAX),
    }
}

/// Blocks that are to be written, by account.
#[derive(Default)]
pub(super) struct Days(BTreeMap<String, OfAccount>);

/// Those of one account, by span.
#[derive(Default)]
struct OfAccount {
    blocks: BTreeMap<(i64, i64), Block>,
}

impl Days {
    /// Adds a leg to its day, and to the spans of its day that are there. The first leg of a day means that the days
    /// before it are over.
    pub(super) fn add(&mut self, conn: &Connection, account: &str, leg: &Entry) -> Result<(), StoreError> {
        let Some((day, quarter)) = day_of(leg) else { return Ok(()) };
        if let Some(days) = self.0.get_mut(account) {
            return days.add(conn, account, leg, (day, quarter));
        }
        self.0.entry(account.to_owned()).or_default().add(conn, account, leg, (day, quarter))
    }

    pub(super) fn many(&self) -> usize {
        self.0.values().map(|days| days.blocks.len()).sum()
    }

    pub(super) fn write(&self, conn: &Connection) -> Result<(), StoreError> {
        let mut insert = conn.prepare_cached(
            "INSERT INTO day VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET body = excluded.body",
        )?;
        for (account, days) in &self.0 {
            for ((span, block), rows) in &days.blocks {
                for (number, (part, _)) in rows.parts.iter().filter(|(_, (_, changed))| *changed) {
                    insert.execute(params![account, span, block, number, part.write()])?;
                }
            }
        }
        Ok(())
    }
}

impl OfAccount {
    fn add(
        &mut self,
        conn: &Connection,
        account: &str,
        leg: &Entry,
        (day, quarter): (i64, i64),
    ) -> Result<(), StoreError> {
        let of_day = self.block(conn, account, 1, day)?;
        let is_new = of_day.is_empty();
        of_day.add_leg(leg, within(1, day, quarter));
        if is_new {
            self.finish_before(conn, account, day)?;
        }
        for span in LONG_SPANS {
            let long = self.block(conn, account, span, day.div_euclid(span))?;
            if !long.is_empty() {
                long.add_leg(leg, within(span, day, quarter));
            }
        }
        Ok(())
    }

    fn block(
        &mut self,
        conn: &Connection,
        account: &str,
        span: i64,
        block: i64,
    ) -> Result<&mut Block, StoreError> {
        Ok(match self.blocks.entry((span, block)) {
            std::collections::btree_map::Entry::Occupied(there) => there.into_mut(),
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(Block::load(conn, account, span, block)?)
            }
        })
    }

    /// Adds up the spans that ended with the last day before this one.
    fn finish_before(&mut self, conn: &Connection, account: &str, day: i64) -> Result<(), StoreError> {
        let kept: Option<i64> =
            conn.prepare_cached(DAY_BEFORE)?.query_row(params![account, day], |row| row.get(0))?;
        let at_hand = self.blocks.range((1, i64::MIN)..(1, day)).rfind(|(_, block)| !block.is_empty());
        let Some(before) = kept.max(at_hand.map(|((_, day), _)| *day)) else { return Ok(()) };
        for span in LONG_SPANS {
            let block = before.div_euclid(span);
            if block == day.div_euclid(span) || !self.block(conn, account, span, block)?.is_empty() {
                continue;
            }
            let mut long = Block::default();
            for day in block * span..(block + 1) * span {
                let begins = within(span, day, 0);
                match self.blocks.get(&(1, day)) {
                    Some(of_day) => long.add_day(of_day, begins),
                    None => long.add_day(&Block::load(conn, account, 1, day)?, begins),
                }
            }
            self.blocks.insert((span, block), long);
        }
        Ok(())
    }
}

/// Takes a leg out of its day that is in its account's lists no more; a row without any goes, and the spans that have the
/// day.
pub(super) fn forget(conn: &Connection, account: &str, leg: &Entry) -> Result<(), StoreError> {
    let Some((day, quarter)) = day_of(leg) else { return Ok(()) };
    let mut block = Block::load(conn, account, 1, day)?;
    let at = within(1, day, quarter);
    block.take_leg(leg, at);
    if let Some(outcome) = outcome_at(leg.outline.outcome)
        && begun::is_none_left(conn, account, (day, at.bit), outcome)?
    {
        block.take_outcome(outcome, at);
    }
    for (number, (part, _)) in block.parts.iter().filter(|(_, (_, changed))| *changed) {
        // An update would take new pages before it gives the old ones back, and a store that is full has none.
        conn.prepare_cached("DELETE FROM day WHERE account = ?1 AND span = 1 AND block = ?2 AND part = ?3")?
            .execute(params![account, day, number])?;
        if !part.is_empty() {
            conn.prepare_cached("INSERT INTO day VALUES (?1, 1, ?2, ?3, ?4)")?.execute(params![
                account,
                day,
                number,
                part.write()
            ])?;
        }
    }
    for span in LONG_SPANS {
        conn.prepare_cached("DELETE FROM day WHERE account = ?1 AND span = ?2 AND block = ?3")?
            .execute(params![account, span, day.div_euclid(span)])?;
    }
    Ok(())
}
