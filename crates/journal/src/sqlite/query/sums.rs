//! What the ended legs of a stretch of time come to: whole days of UTC from their sums, the rest of the first and
//! the last day leg by leg, and what is not rolled up yet event by event. A day of a time zone that begins at a half
//! or a quarter past is added up as exactly as any other.

use std::ops::Range;

use calls::{AccountId, PbxTime};
use rusqlite::{Connection, params};

use super::super::errors::StoreError;
use super::super::rollup::day::{DAY_MICROS, add_days};
use super::super::rollup::leg;
use super::super::rollup::line::LINES;
use super::super::table::hours::{Clock, PLACES_OF_HOURS, hour_of};
use super::along::LineRows;
use super::lines::walk_not_rolled_up;
use crate::sums::Sums;

pub(in crate::sqlite) fn of(
    conn: &Connection,
    account: &AccountId,
    within: &Range<PbxTime>,
) -> Result<Sums, StoreError> {
    let mut sums = Sums::default();
    let (from, until) = (within.start.as_micros(), within.end.as_micros());
    if from >= until {
        return Ok(sums);
    }
    let days = from.div_euclid(DAY_MICROS) + i64::from(from.rem_euclid(DAY_MICROS) > 0)
        ..until.div_euclid(DAY_MICROS);
    if days.is_empty() {
        add_legs(conn, account, from..until, &mut sums)?;
    } else {
        let whole = days.start * DAY_MICROS..days.end * DAY_MICROS;
        add_legs(conn, account, from..whole.start, &mut sums)?;
        add_days(conn, account.as_str(), &days, &mut sums)?;
        add_legs(conn, account, whole.end..until, &mut sums)?;
    }
    add_not_rolled_up(conn, account, within, &mut sums)?;
    Ok(sums)
}

/// Leg by leg. The hours of the PBXs' clocks say which places they can have.
fn add_legs(
    conn: &Connection,
    account: &AccountId,
    within: Range<i64>,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    if within.is_empty() {
        return Ok(());
    }
    let (first, last): (Option<i64>, Option<i64>) = conn
        .prepare_cached(PLACES_OF_HOURS)?
        .query_row([Clock::Pbx as i64, hour_of(within.start), hour_of(within.end - 1)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let (Some(first), Some(last)) = (first, last) else { return Ok(()) };
    let within = PbxTime::from_micros(within.start)..PbxTime::from_micros(within.end);
    let mut select = conn.prepare_cached(LINES)?;
    let mut rows = LineRows(select.query(params![account.as_str(), last])?);
    while let Some((key, row)) = rows.next(|_| true, |_| true)? {
        for leg in row {
            if let Some(begun_at) = leg.began_at().filter(|begun_at| within.contains(begun_at)) {
                sums.add_wait(&leg.person, &leg.queue, leg.wait);
                let tally = leg.outline.tally();
                sums.add_tally(leg.person, begun_at, &tally);
            }
        }
        if key <= first {
            break;
        }
    }
    Ok(())
}

fn add_not_rolled_up(
    conn: &Connection,
    account: &AccountId,
    within: &Range<PbxTime>,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    walk_not_rolled_up(conn, account, |ended| {
        if let Some(leg) = leg(conn, &ended)?
            && let Some(begun_at) = leg.began_at().filter(|begun_at| within.contains(begun_at))
        {
            sums.add_wait(&leg.person, &leg.queue, leg.wait);
            let tally = leg.outline.tally();
            sums.add_tally(leg.person, begun_at, &tally);
        }
        Ok(())
    })
}
