//! What the ended legs of a stretch of time come to: whole days of UTC from their sums, the rest of the
//! first and the last day leg by leg, and what is not digested yet event by event. A day of a time zone that
//! begins at a half or a quarter past is added up as exactly as any other.

use std::ops::Range;

use calls::{AccountId, PbxTime};
use rusqlite::{Connection, Row, params};

use super::super::digest::{DAY_MICROS, outcome_of, row as digested};
use super::super::errors::StoreError;
use super::super::remembered::{Clock, hour_of};
use super::outlined::walk_undigested;
use crate::sums::{Outline, Person, QUARTER_MICROS, Quarter, Sums, Tally};

/// By day, by quarter, and leg by leg.
pub(super) const STATEMENTS: [&str; 3] = [
    "SELECT employee, name, taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred
         FROM day_sums WHERE account = ?1 AND day >= ?2 AND day < ?3",
    "SELECT quarter, calls FROM quarter_sums WHERE account = ?1 AND quarter >= ?2 AND quarter < ?3 AND calls > 0",
    "SELECT employee, name, begun_at, outcome, outgoing, talk_secs, ring_micros, transferred FROM outlines
         WHERE account = ?1 AND seq BETWEEN ?2 AND ?3 AND begun_at >= ?4 AND begun_at < ?5",
];

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
        add_days(conn, account, &days, &mut sums)?;
        add_legs(conn, account, whole.end..until, &mut sums)?;
    }
    add_undigested(conn, account, within, &mut sums)?;
    Ok(sums)
}

fn add_days(
    conn: &Connection,
    account: &AccountId,
    days: &Range<i64>,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    let mut select = conn.prepare_cached(STATEMENTS[0])?;
    let mut rows = select.query(params![account.as_str(), days.start, days.end])?;
    let mut person = Person { number: String::new(), name: String::new() };
    while let Some(row) = rows.next()? {
        read_person(row, &mut person)?;
        let tally = tally(row)?;
        match sums.people.get_mut(&person) {
            Some(sum) => sum.add(&tally),
            None => drop(sums.people.insert(person.clone(), tally)),
        }
    }
    let quarters_a_day = DAY_MICROS / QUARTER_MICROS;
    let mut select = conn.prepare_cached(STATEMENTS[1])?;
    let mut rows =
        select.query(params![account.as_str(), days.start * quarters_a_day, days.end * quarters_a_day])?;
    while let Some(row) = rows.next()? {
        *sums.quarters.entry(Quarter(row.get(0)?)).or_default() += row.get::<_, u64>(1)?;
    }
    Ok(())
}

fn read_person(row: &Row<'_>, person: &mut Person) -> Result<(), StoreError> {
    let text = |column| row.get_ref(column)?.as_str().map_err(|error| StoreError::Damaged(error.to_string()));
    text(0)?.clone_into(&mut person.number);
    text(1)?.clone_into(&mut person.name);
    Ok(())
}

fn tally(row: &Row<'_>) -> Result<Tally, StoreError> {
    Ok(Tally {
        taken: row.get(2)?,
        missed: row.get(3)?,
        elsewhere: row.get(4)?,
        made: row.get(5)?,
        talks: row.get(6)?,
        talk_secs: row.get(7)?,
        ring_micros: row.get(8)?,
        transferred: row.get(9)?,
    })
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
        .prepare_cached(
            "SELECT min(first), max(last) FROM hours WHERE clock = ?1 AND hour BETWEEN ?2 AND ?3",
        )?
        .query_row([Clock::Pbx as i64, hour_of(within.start), hour_of(within.end - 1)], |row| {
            Ok((row.get(0)?, row.get(1)?))
        })?;
    let (Some(first), Some(last)) = (first, last) else { return Ok(()) };
    let mut select = conn.prepare_cached(STATEMENTS[2])?;
    let mut rows = select.query(params![account.as_str(), first, last, within.start, within.end])?;
    let mut person = Person { number: String::new(), name: String::new() };
    while let Some(row) = rows.next()? {
        read_person(row, &mut person)?;
        let outline = Outline {
            outcome: outcome_of(row.get(3)?)?,
            outgoing: row.get(4)?,
            talk_secs: row.get(5)?,
            ring_micros: row.get(6)?,
            transferred: row.get(7)?,
        };
        sums.add_tally(person.clone(), PbxTime::from_micros(row.get(2)?), &outline.tally());
    }
    Ok(())
}

fn add_undigested(
    conn: &Connection,
    account: &AccountId,
    within: &Range<PbxTime>,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    walk_undigested(conn, account, |ended| {
        if let Some(leg) = digested(conn, &ended)?
            && let Some(begun_at) = leg.begun_at().filter(|begun_at| within.contains(begun_at))
        {
            let (person, tally) = leg.into_tally();
            sums.add_tally(person, begun_at, &tally);
        }
        Ok(())
    })
}
