//! Sums of ended legs, by the day they began and person, and by quarter of an hour: one row an account and day, and
//! more of them only where many people are on the phone. Spans of 8 and of 64 days are added up once their days are
//! over; a leg that is added to such a day afterwards is added there too, and one that is forgotten takes its spans
//! with it: who asks adds up the days instead.

use std::collections::BTreeMap;
use std::ops::Range;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};

use super::super::errors::StoreError;
use super::entry::Entry;
use crate::sums::{Person, QUARTER_MICROS, Quarter, Sums, Tally};
use crate::waits::{Wait, Waits};

pub(in crate::sqlite) const DAY_MICROS: i64 = 86_400 * 1_000_000;
/// Spans of days that are added up too, the longest first, each a multiple of the next: a year is some twenty rows
/// instead of 365.
pub(in crate::sqlite) const LONG_SPANS: [i64; 2] = [64, 8];
const QUARTERS_A_DAY: i64 = DAY_MICROS / QUARTER_MICROS;
/// A row that has about so many bytes takes no more people: the next row does.
const FULL: usize = 3_000;
/// About what a person takes besides number and name.
const PERSON_BYTES: usize = 16;
/// About what a length of a wait takes, with how many there were.
const LENGTH_BYTES: usize = 3;
/// The first byte of a row.
const VERSION: u8 = 2;
/// Before this version it had no waits.
const WITHOUT_WAITS: u8 = 1;

/// The rows of an account's blocks of a span, in order.
pub(in crate::sqlite) const BLOCKS: &str = "SELECT block, part, body FROM day
    WHERE account = ?1 AND span = ?2 AND block >= ?3 AND block < ?4 ORDER BY block, part";
/// The last day before one.
pub(in crate::sqlite) const DAY_BEFORE: &str =
    "SELECT max(block) FROM day WHERE account = ?1 AND span = 1 AND block < ?2";

/// What one person's legs come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sum {
    number: String,
    name: String,
    legs: u64,
    /// The counts of a tally, in its order.
    counts: [u64; 8],
    waits: Waits,
}

/// The same before [`VERSION`].
#[derive(Serialize, Deserialize)]
struct Sum1 {
    number: String,
    name: String,
    legs: u64,
    counts: [u64; 8],
}

impl From<Sum1> for Sum {
    fn from(older: Sum1) -> Self {
        let Sum1 { number, name, legs, counts } = older;
        Self { number, name, legs, counts, waits: Waits::default() }
    }
}

impl Sum {
    fn is(&self, person: &Person) -> bool {
        self.number == person.number && self.name == person.name
    }

    fn add(&mut self, legs: u64, counts: [u64; 8], waits: &Waits) {
        self.legs += legs;
        self.waits.add(waits);
        self.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }

    fn take(&mut self, counts: [u64; 8], wait: Option<Wait>) {
        if let Some(wait) = wait {
            self.waits.discount(wait);
        }
        self.legs = self.legs.saturating_sub(1);
        self.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum = sum.saturating_sub(count));
    }
}

fn counts(tally: &Tally) -> [u64; 8] {
    let Tally { taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred } = *tally;
    [taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred]
}

fn tally(counts: [u64; 8]) -> Tally {
    let [taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred] = counts;
    Tally { taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred }
}

/// One row.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
struct Part {
    /// Calls by the quarter of an hour, counted from the block's beginning; all of them are in the first row.
    quarters: BTreeMap<u16, u64>,
    people: Vec<Sum>,
    /// By the queue callers came through; all of them are in the first row.
    queues: BTreeMap<String, Waits>,
}

/// The same before [`VERSION`].
#[derive(Serialize, Deserialize)]
struct Part1 {
    quarters: BTreeMap<u16, u64>,
    people: Vec<Sum1>,
}

impl Part {
    fn read(body: &[u8]) -> Result<Self, StoreError> {
        let damaged = |why: &dyn std::fmt::Display| StoreError::Damaged(format!("the sums of a day: {why}"));
        match body.split_first() {
            Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|error| damaged(&error)),
            Some((&WITHOUT_WAITS, rest)) => {
                let Part1 { quarters, people } =
                    postcard::from_bytes(rest).map_err(|error| damaged(&error))?;
                let people = people.into_iter().map(Sum::from).collect();
                Ok(Self { quarters, people, queues: BTreeMap::new() })
            }
            Some((version, _)) => Err(damaged(&format_args!("version {version} is not known"))),
            None => Err(damaged(&"they are empty")),
        }
    }

    fn write(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("sums can be written to memory")
    }

    fn is_empty(&self) -> bool {
        self.quarters.is_empty() && self.people.is_empty() && self.queues.is_empty()
    }

    fn bytes(&self) -> usize {
        let waits = |waits: &Waits| waits.lengths() * LENGTH_BYTES;
        let people = self
            .people
            .iter()
            .map(|sum| PERSON_BYTES + sum.number.len() + sum.name.len() + waits(&sum.waits));
        let queues = self.queues.iter().map(|(queue, of)| queue.len() + waits(of));
        self.quarters.len() * 3 + people.sum::<usize>() + queues.sum::<usize>()
    }
}

/// The rows of one block: a day, or some of them.
#[derive(Clone, Debug, Default)]
struct Block {
    /// By their number, each with whether it is to be written.
    parts: BTreeMap<i64, (Part, bool)>,
}

impl Block {
    fn load(conn: &Connection, account: &str, span: i64, block: i64) -> Result<Self, StoreError> {
        let mut parts = BTreeMap::new();
        each(conn, account, span, &(block..block + 1), |_, number, part| {
            parts.insert(number, (part, false));
        })?;
        Ok(Self { parts })
    }

    fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    fn add(&mut self, person: &Person, legs: u64, sums: [u64; 8], waits: &Waits) {
        let found = self.parts.values_mut().find_map(|(part, changed)| {
            let sum = part.people.iter_mut().find(|sum| sum.is(person))?;
            Some((sum, changed))
        });
        if let Some((sum, changed)) = found {
            sum.add(legs, sums, waits);
            *changed = true;
            return;
        }
        let next = match self.parts.last_key_value() {
            Some((number, (part, _))) if part.bytes() >= FULL => number + 1,
            Some((number, _)) => *number,
            None => 0,
        };
        let (part, changed) = self.parts.entry(next).or_default();
        *changed = true;
        let (number, name) = (person.number.clone(), person.name.clone());
        part.people.push(Sum { number, name, legs, counts: sums, waits: waits.clone() });
    }

    fn add_calls(&mut self, quarter: u16, calls: u64) {
        if calls > 0 {
            let (part, changed) = self.parts.entry(0).or_default();
            *part.quarters.entry(quarter).or_default() += calls;
            *changed = true;
        }
    }

    fn add_leg(&mut self, leg: &Entry, quarter: u16) {
        let tally = leg.outline.tally();
        let mut waits = Waits::default();
        leg.wait.into_iter().for_each(|wait| waits.count(wait));
        self.add(&leg.person, 1, counts(&tally), &waits);
        self.add_calls(quarter, tally.calls());
        self.add_queue(&leg.queue, &waits);
    }

    fn add_queue(&mut self, queue: &str, waits: &Waits) {
        if !queue.is_empty() && !waits.is_empty() {
            let (part, changed) = self.parts.entry(0).or_default();
            part.queues.entry(queue.to_owned()).or_default().add(waits);
            *changed = true;
        }
    }

    fn take_leg(&mut self, leg: &Entry, quarter: u16) {
        let tally = leg.outline.tally();
        for (part, changed) in self.parts.values_mut() {
            if let Some(at) = part.people.iter().position(|sum| sum.is(&leg.person)) {
                part.people[at].take(counts(&tally), leg.wait);
                if part.people[at].legs == 0 {
                    part.people.swap_remove(at);
                }
                *changed = true;
            }
            if let Some(calls) = part.quarters.get_mut(&quarter)
                && tally.calls() > 0
            {
                *calls = calls.saturating_sub(tally.calls());
                *changed = true;
            }
            part.quarters.retain(|_, calls| *calls > 0);
            if let (Some(waits), Some(wait)) = (part.queues.get_mut(&leg.queue), leg.wait) {
                waits.discount(wait);
                *changed = true;
            }
            part.queues.retain(|_, waits| !waits.is_empty());
        }
    }

    /// Adds another block that lies so many quarters behind the beginning of this one.
    fn add_block(&mut self, other: &Self, quarters: i64) {
        for (part, _) in other.parts.values() {
            for sum in &part.people {
                let person = Person { number: sum.number.clone(), name: sum.name.clone() };
                self.add(&person, sum.legs, sum.counts, &sum.waits);
            }
            for (quarter, calls) in &part.quarters {
                self.add_calls(u16::try_from(i64::from(*quarter) + quarters).unwrap_or(u16::MAX), *calls);
            }
            part.queues.iter().for_each(|(queue, waits)| self.add_queue(queue, waits));
        }
    }
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

fn within(span: i64, day: i64, quarter: i64) -> u16 {
    u16::try_from(day.rem_euclid(span) * QUARTERS_A_DAY + quarter).unwrap_or(u16::MAX)
}

/// Blocks that are to be written.
#[derive(Default)]
pub(super) struct Days {
    blocks: BTreeMap<(String, i64, i64), Block>,
}

impl Days {
    /// Adds a leg to its day, and to the spans of its day that are there. The first leg of a day means that the days
    /// before it are over.
    pub(super) fn add(&mut self, conn: &Connection, account: &str, leg: &Entry) -> Result<(), StoreError> {
        let Some((day, quarter)) = day_of(leg) else { return Ok(()) };
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
        Ok(match self.blocks.entry((account.to_owned(), span, block)) {
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
        let at_hand = (account.to_owned(), 1, i64::MIN)..(account.to_owned(), 1, day);
        let at_hand = self.blocks.range(at_hand).rfind(|(_, block)| !block.is_empty());
        let Some(before) = kept.max(at_hand.map(|((_, _, day), _)| *day)) else { return Ok(()) };
        for span in LONG_SPANS {
            let block = before.div_euclid(span);
            if block == day.div_euclid(span) || !self.block(conn, account, span, block)?.is_empty() {
                continue;
            }
            let mut long = Block::default();
            for day in block * span..(block + 1) * span {
                let quarters = day.rem_euclid(span) * QUARTERS_A_DAY;
                match self.blocks.get(&(account.to_owned(), 1, day)) {
                    Some(of_day) => long.add_block(of_day, quarters),
                    None => long.add_block(&Block::load(conn, account, 1, day)?, quarters),
                }
            }
            self.blocks.insert((account.to_owned(), span, block), long);
        }
        Ok(())
    }

    pub(super) fn many(&self) -> usize {
        self.blocks.len()
    }

    pub(super) fn write(&self, conn: &Connection) -> Result<(), StoreError> {
        let mut insert = conn.prepare_cached(
            "INSERT INTO day VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO UPDATE SET body = excluded.body",
        )?;
        for ((account, span, block), rows) in &self.blocks {
            for (number, (part, _)) in rows.parts.iter().filter(|(_, (_, changed))| *changed) {
                insert.execute(params![account, span, block, number, part.write()])?;
            }
        }
        Ok(())
    }
}

/// Takes a leg out of its day; a row without any goes, and the spans that have the day.
pub(super) fn forget(conn: &Connection, account: &str, leg: &Entry) -> Result<(), StoreError> {
    let Some((day, quarter)) = day_of(leg) else { return Ok(()) };
    let mut block = Block::load(conn, account, 1, day)?;
    block.take_leg(leg, within(1, day, quarter));
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

/// Adds whole days of an account: by the longest spans that are there.
pub(in crate::sqlite) fn add_days(
    conn: &Connection,
    account: &str,
    days: &Range<i64>,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    for (span, blocks) in covering(days, &LONG_SPANS) {
        add_blocks(conn, account, span, blocks, sums)?;
    }
    Ok(())
}

fn add_blocks(
    conn: &Connection,
    account: &str,
    span: i64,
    blocks: Range<i64>,
    sums: &mut Sums,
) -> Result<(), StoreError> {
    let mut missing = blocks.start;
    let mut gaps = Vec::new();
    each(conn, account, span, &blocks, |block, _, part| {
        if missing < block {
            gaps.push(missing..block);
        }
        missing = missing.max(block + 1);
        add_part(span, block, &part, sums);
    })?;
    if span == 1 {
        return Ok(());
    }
    gaps.push(missing..blocks.end);
    let shorter =
        LONG_SPANS.iter().position(|long| *long == span).map_or(&[][..], |at| &LONG_SPANS[at + 1..]);
    for gap in gaps {
        for (span, blocks) in covering(&(gap.start * span..gap.end * span), shorter) {
            add_blocks(conn, account, span, blocks, sums)?;
        }
    }
    Ok(())
}

fn add_part(span: i64, block: i64, part: &Part, sums: &mut Sums) {
    for sum in &part.people {
        let person = Person { number: sum.number.clone(), name: sum.name.clone() };
        if !sum.waits.is_empty() {
            sums.waits.entry(person.clone()).or_default().add(&sum.waits);
        }
        sums.people.entry(person).or_default().add(&tally(sum.counts));
    }
    for (queue, waits) in &part.queues {
        sums.queues.entry(queue.clone()).or_default().add(waits);
    }
    for (quarter, calls) in &part.quarters {
        let quarter = Quarter(block * span * QUARTERS_A_DAY + i64::from(*quarter));
        *sums.quarters.entry(quarter).or_default() += calls;
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_of_an_older_program_has_no_waits_and_takes_some() {
        let sum = Sum1 { number: "101".to_owned(), name: "Åse".to_owned(), legs: 2, counts: [1; 8] };
        let older = Part1 { quarters: [(7, 2)].into(), people: vec![sum] };
        let older = postcard::to_extend(&older, vec![WITHOUT_WAITS]).unwrap();
        let mut part = Part::read(&older).unwrap();
        assert_eq!((part.people[0].legs, part.people[0].waits.is_empty()), (2, true));
        part.people[0].waits.count(Wait { secs: 4, answered: true });
        let again = Part::read(&part.write()).unwrap();
        assert_eq!((again.people[0].waits.answered(), again.quarters[&7]), (1, 2));
    }

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
                assert!(read <= 14 + 14 + length / 64, "{days:?}: {read} rows");
            }
        }
    }
}
