//! What the ended legs of a stretch of time come to: whole days of UTC from their sums, long spans of them at
//! once, the rest of the first and the last day leg by leg, and what is not digested yet event by event. A day of a time zone that
//! begins at a half or a quarter past is added up as exactly as any other.

use std::ops::Range;

use calls::{AccountId, PbxTime};
use rusqlite::{Connection, Row, Rows, params};

use super::super::digest::{DAY_MICROS, LONG_SPANS, outcome_of, row as digested};
use super::super::errors::StoreError;
use super::super::remembered::{Clock, hour_of};
use super::outlined::walk_undigested;
use crate::sums::{Outline, Person, QUARTER_MICROS, Quarter, Sums, Tally};

/// By day, by quarter, leg by leg, and by a long span of days.
pub(super) const STATEMENTS: [&str; 4] = [
    "SELECT employee, name, taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred
         FROM day_sums WHERE account = ?1 AND day >= ?2 AND day < ?3",
    "SELECT quarter, calls FROM quarter_sums WHERE account = ?1 AND quarter >= ?2 AND quarter < ?3 AND calls > 0",
    "SELECT employee, name, begun_at, outcome, outgoing, talk_secs, ring_micros, transferred FROM outlines
         WHERE account = ?1 AND seq BETWEEN ?2 AND ?3 AND begun_at >= ?4 AND begun_at < ?5",
    "SELECT employee, name, taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred
         FROM long_sums WHERE account = ?1 AND block >= ?2 AND block < ?3 AND span = ?4",
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
    for (span, blocks) in covering(days, &LONG_SPANS) {
        let (account, first, end) = (account.as_str(), blocks.start, blocks.end);
        if span == 1 {
            let mut select = conn.prepare_cached(STATEMENTS[0])?;
            add_people(select.query(params![account, first, end])?, sums)?;
        } else {
            let mut select = conn.prepare_cached(STATEMENTS[3])?;
            add_people(select.query(params![account, first, end, span])?, sums)?;
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

/// The fewest spans that are these days, each with its blocks: long ones inside, single days at the ends.
fn covering(days: &Range<i64>, spans: &[i64]) -> Vec<(i64, Range<i64>)> {
    let Some((span, shorter)) = spans.split_first() else {
        return if days.is_empty() { Vec::new() } else { vec![(1, days.clone())] };
    };
    let blocks = -(-days.start).div_euclid(*span)..days.end.div_euclid(*span);
    if blocks.is_empty() {
        return covering(days, shorter);
    }
    let mut all = covering(&(days.start..blocks.start * span), shorter);
    all.extend(covering(&(blocks.end * span..days.end), shorter));
    all.push((*span, blocks));
    all
}

fn add_people(mut rows: Rows<'_>, sums: &mut Sums) -> Result<(), StoreError> {
    let mut person = Person { number: String::new(), name: String::new() };
    while let Some(row) = rows.next()? {
        read_person(row, &mut person)?;
        let tally = tally(row)?;
        match sums.people.get_mut(&person) {
            Some(sum) => sum.add(&tally),
            None => drop(sums.people.insert(person.clone(), tally)),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_cover_each_day_once_and_a_year_is_few_of_them() {
        for start in -130..130 {
            for length in [0, 1, 7, 8, 9, 15, 63, 64, 65, 128, 140, 365, 400] {
                let days = start..start + length;
                let spans = covering(&days, &LONG_SPANS);
                let mut covered: Vec<i64> =
                    spans.iter().flat_map(|(span, blocks)| blocks.start * span..blocks.end * span).collect();
                covered.sort_unstable();
                assert_eq!(covered, days.clone().collect::<Vec<_>>(), "{days:?}");
                let read: i64 = spans.iter().map(|(_, blocks)| blocks.end - blocks.start).sum();
                assert!(read <= 14 + 14 + length / 64, "{days:?}: {read} rows a person");
            }
        }
    }
}
