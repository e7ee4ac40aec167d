//! What lists and reports find an account's ended legs by, made of the events that have gathered: rows of some
//! fifteen legs (`line`), and sums by day (`day`); and the legs themselves, packed in a row each (`pack`). A thread of
//! its own (`thread`) reads and adds up when little else is to do, and the writer only puts the rows away, between the
//! jobs of those who wait for it. What is not rolled up yet is looked through by whoever asks, so that an answer never
//! depends on how far this has come.

pub(super) mod day;
pub(super) mod entry;
pub(super) mod line;
mod pack;
mod thread;

use calls::{Event, EventKind, LegId};
use rusqlite::Connection;

use super::errors::StoreError;
use super::table::events::{get, of_leg, places_of_leg};
use super::table::hours::listed_to;
use super::table::packed::{Leg, ended_at};
use super::table::raw::{Raw, kept_of, kind};
use crate::EventSeq;
use crate::rules::begins;
use day::{Days, Mark, Renewed};
use entry::Entry;
use line::Lines;
use pack::Packs;
#[cfg(feature = "conformance")]
pub(super) use pack::{NOTED, WAITS};
pub(super) use thread::Roller;
pub use thread::RollingUp;

/// The ends of legs between two places.
const ENDS: &str = "SELECT seq, leg FROM events WHERE seq BETWEEN ?1 AND ?2 AND kind = 3 ORDER BY seq";
/// A stretch ends when what is packed of it takes so many bytes.
const PACKED_BYTES: usize = 4 * 1024 * 1024;

/// An ended leg by its last event; `None` for any other event.
pub(super) fn leg(conn: &Connection, ended: &Event) -> Result<Option<Entry>, StoreError> {
    let events = of_leg(conn, &ended.leg)?;
    let begun = events.iter().find(|kept| begins(kept.event.kind()));
    Ok(Entry::of(events.iter().map(|kept| kept.seq.0).collect(), begun, ended))
}

/// A stretch of events: what lists and reports find its ended legs by, those legs in a row each, or both.
pub(super) struct Rollup {
    from: i64,
    to: i64,
    /// How many events were forgotten when it was made: forgetting changes the rows it was made of.
    pruned: i64,
    /// How many folds there had been: they change the same rows.
    folds: i64,
    found_by: Option<FoundBy>,
    packs: Option<Packs>,
    /// Days of an older program.
    renewed: Option<Renewed>,
}

#[derive(Default)]
struct FoundBy {
    longest: i64,
    lines: Lines,
    days: Days,
}

impl FoundBy {
    fn add(
        &mut self,
        conn: &Connection,
        leg: &LegId,
        places: &[i64],
        raws: &[&Raw],
    ) -> Result<(), StoreError> {
        let of = |wanted: fn(EventKind) -> bool| {
            let found = raws.iter().find(|raw| kind(raw.kind).is_ok_and(wanted));
            found.map(|raw| kept_of(leg, raw)).transpose()
        };
        let Some(ended) = of(|kind| kind == EventKind::Ended)? else { return Ok(()) };
        match Entry::of(places.to_vec(), of(begins)?.as_ref(), &ended.event) {
            Some(entry) => self.add_entry(conn, ended.event.account().as_str(), &entry),
            None => Ok(()),
        }
    }

    fn add_entry(&mut self, conn: &Connection, account: &str, entry: &Entry) -> Result<(), StoreError> {
        self.lines.add(conn, account, entry)?;
        self.days.add(conn, account, entry)?;
        self.longest = entry.reach().max(self.longest);
        Ok(())
    }
}

impl Rollup {
    pub(super) fn weight(&self) -> usize {
        let found_by =
            self.found_by.as_ref().map_or(0, |found_by| found_by.lines.many() + found_by.days.many());
        let renewed = self.renewed.as_ref().map_or(0, Renewed::many);
        found_by + renewed + self.packs.as_ref().map_or(0, Packs::many)
    }
}

/// Legs that come out of the log when they have ended: packed, and found by lists and sums, at once. So whatever is
/// packed is found.
pub(super) struct Folded {
    found_by: FoundBy,
    packs: Packs,
}

impl Folded {
    pub(super) fn new() -> Result<Self, StoreError> {
        Ok(Self { found_by: FoundBy::default(), packs: Packs::new()? })
    }

    /// Where what an account's legs are found by is damaged, lists and sums of it are; its legs are kept all the same.
    pub(super) fn add(
        &mut self,
        conn: &Connection,
        leg: &Leg,
        entry: Option<&Entry>,
    ) -> Result<(), StoreError> {
        let account = leg.events.last().map_or("", |ended| &ended.raw.account);
        let found = entry.map_or(Ok(()), |entry| self.found_by.add_entry(conn, account, entry));
        match found {
            Err(error @ (StoreError::Damaged(_) | StoreError::Unreadable(_))) => {
                tracing::warn!(%error, leg = leg.leg.as_str(), "lists and reports do not find a leg");
            }
            found => found?,
        }
        self.packs.put(conn, leg)
    }

    pub(super) fn write(mut self, conn: &Connection, last_seq: i64) -> Result<(), StoreError> {
        self.found_by.lines.write(conn)?;
        self.found_by.days.write(conn)?;
        self.packs.write(conn)?;
        let mut set = conn.prepare_cached("UPDATE meta SET value = max(value, ?2) WHERE name = ?1")?;
        set.execute(("longest_leg", self.found_by.longest))?;
        set.execute(("last_seq", last_seq))?;
        conn.prepare_cached("UPDATE meta SET value = value + 1 WHERE name = 'folds'")?.execute([])?;
        Ok(())
    }
}

/// Up to where events are rolled up.
pub(super) fn rolled_up_to(conn: &Connection) -> Result<i64, StoreError> {
    meta(conn, "rolled_up_to")
}

/// Up to where every ended leg is packed.
pub(super) fn packed_to(conn: &Connection) -> Result<i64, StoreError> {
    meta(conn, "packed_to")
}

/// How many places an ended leg's last event is behind its first, at most.
pub(super) fn longest(conn: &Connection) -> Result<i64, StoreError> {
    meta(conn, "longest_leg")
}

fn meta(conn: &Connection, name: &str) -> Result<i64, StoreError> {
    let mut select = conn.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0))?)
}

/// What is to be done next.
struct Stretch {
    from: i64,
    to: i64,
    rolls_up: bool,
    packs: bool,
    /// Of what is behind this place nothing is packed that still waits.
    young: i64,
}

impl Stretch {
    /// What has gathered, if it is enough, at most so many events; otherwise what an older program rolled up and did not
    /// pack. Accounts' lists are made of rows: what is not in them yet stays in rows.
    fn next(conn: &Connection, when: &RollingUp, at_most: i64) -> Result<Option<Self>, StoreError> {
        let (rolled_up, packed) = (rolled_up_to(conn)?, packed_to(conn)?);
        let last: Option<i64> = conn.query_row("SELECT max(seq) FROM events", [], |row| row.get(0))?;
        let last = last.unwrap_or(0).max(rolled_up);
        let young = last.saturating_sub(when.waits);
        let listed = listed_to(conn)?;
        let both = rolled_up == packed;
        let end = if both { last.min(listed) } else { last };
        if end.saturating_sub(rolled_up) >= when.at {
            let to = end.min(rolled_up.saturating_add(at_most));
            return Ok(Some(Self { from: rolled_up, to, rolls_up: true, packs: both, young }));
        }
        let to = rolled_up.min(packed.saturating_add(at_most)).min(listed);
        let left = when.at < i64::MAX && packed < to;
        Ok(left.then_some(Self { from: packed, to, rolls_up: false, packs: true, young }))
    }
}

/// The next stretch of at most so many events, if there is one to be seen to.
fn gather(conn: &Connection, when: &RollingUp, at_most: i64) -> Result<Option<Rollup>, StoreError> {
    let Some(stretch) = Stretch::next(conn, when, at_most)? else { return Ok(None) };
    let mut select = conn.prepare_cached(ENDS)?;
    let mut ends = select.query([stretch.from + 1, stretch.to])?;
    let mut found_by = stretch.rolls_up.then(FoundBy::default);
    let mut packs = stretch.packs.then(Packs::new).transpose()?;
    let (mut to, mut held_up) = (stretch.to, false);
    while let Some(row) = ends.next()? {
        let (seq, leg): (i64, String) = (row.get(0)?, row.get(1)?);
        let leg = LegId::new(leg);
        let places = places_of_leg(conn, &leg)?;
        if packs.is_some() && seq > stretch.young && pack::waits(conn, &places)? {
            (to, held_up) = (seq - 1, true);
            break;
        }
        let raws = pack::raws(conn, &places)?;
        if let Some(found_by) = &mut found_by {
            found_by.add(conn, &leg, &places, &raws.iter().collect::<Vec<_>>())?;
        }
        if let Some(packs) = &mut packs {
            packs.add(conn, &leg, raws)?;
            if packs.bytes() > PACKED_BYTES {
                to = seq;
                break;
            }
        }
    }
    let at_least = if held_up && stretch.rolls_up { when.at.min(at_most) } else { 1 };
    let (pruned, folds) = (meta(conn, "pruned")?, meta(conn, "folds")?);
    let from = stretch.from;
    Ok((to - from >= at_least).then_some(Rollup { from, to, pruned, folds, found_by, packs, renewed: None }))
}

/// The next days of an older program that do not know when their outcomes were.
fn renew(conn: &Connection, mark: &mut Mark) -> Result<Option<Rollup>, StoreError> {
    let Some(renewed) = day::renew(conn, mark)? else { return Ok(None) };
    let (pruned, folds) = (meta(conn, "pruned")?, meta(conn, "folds")?);
    let (found_by, packs, renewed) = (None, None, Some(renewed));
    Ok(Some(Rollup { from: 0, to: 0, pruned, folds, found_by, packs, renewed }))
}

/// Puts a rollup away, unless what it was made of is no longer as it was. Says whether it did.
pub(super) fn put(conn: &Connection, rollup: &mut Rollup, last_seq: i64) -> Result<bool, StoreError> {
    let Rollup { from, to, pruned, folds, found_by, packs, renewed } = rollup;
    let is_as_it_was = (found_by.is_none() || rolled_up_to(conn)? == *from)
        && (packs.is_none() || packed_to(conn)? == *from)
        && meta(conn, "pruned")? == *pruned
        && meta(conn, "folds")? == *folds;
    if !is_as_it_was {
        return Ok(false);
    }
    let mut set = conn.prepare_cached("UPDATE meta SET value = max(value, ?2) WHERE name = ?1")?;
    if let Some(found_by) = found_by {
        found_by.lines.write(conn)?;
        found_by.days.write(conn)?;
        set.execute(("rolled_up_to", *to))?;
        set.execute(("longest_leg", found_by.longest))?;
    }
    if let Some(packs) = packs {
        packs.write(conn)?;
        set.execute(("packed_to", *to))?;
        // The newest event may have no row any more.
        set.execute(("last_seq", last_seq))?;
    }
    if let Some(renewed) = renewed {
        renewed.write(conn)?;
    }
    Ok(true)
}

/// Takes an ended leg that is about to be forgotten out again.
pub(super) fn forget(conn: &Connection, ended: EventSeq) -> Result<(), StoreError> {
    if ended.0 > rolled_up_to(conn)? && ended_at(conn, ended.0)?.is_none() {
        return Ok(());
    }
    let Some(kept) = get(conn, ended)? else { return Ok(()) };
    let Some(leg) = leg(conn, &kept.event)? else { return Ok(()) };
    let account = kept.event.account().as_str();
    line::forget(conn, account, &leg)?;
    day::forget(conn, account, &leg)
}

#[cfg(test)]
mod tests {
    use super::super::append::{self, Moment};
    use super::super::log::{Logging, Tail};
    use super::super::query::deliveries::attempts;
    use super::super::remembered::Remembered;
    use super::super::settle::{self, Row};
    use super::super::statements::Statements;
    use super::super::table::history::HISTORY_BITS;
    use super::*;
    use crate::conformance::sample::{Leg, delivery, tried};
    use crate::seal::Sealer;
    use std::time::Duration;

    use crate::{Outcome, WallTime};

    /// Between the moment a leg is read and the moment it is put away an attempt is noted, and another one after it.
    #[test]
    fn what_is_noted_while_a_leg_is_packed_stays_and_in_its_order() {
        let mut conn = Connection::open_in_memory().unwrap();
        super::super::schema::migrate(&mut conn, &Sealer::new([7; 32])).unwrap();
        let mut statements = Statements::prepare(&conn).unwrap();
        let mut memory = Remembered::load(&conn, 1, 0).unwrap();
        let mut tail = Tail::new(Logging::never(), Default::default());
        let moment = Moment::of(&Leg::incoming(1).whole(&[1]));
        append::run(&mut statements, &mut memory, &mut tail, vec![moment]).unwrap();
        memory.fill_lists(&conn).unwrap();
        let id = delivery(EventSeq(1), 1);
        let mut note = |number, status, outcome| {
            let row = Row::of(&tried(id, number, status, outcome), WallTime(0));
            settle::run(&mut statements, &row).unwrap();
        };
        note(1, 503, Outcome::RetryIn(Duration::ZERO));
        let mut rollup = gather(&conn, &RollingUp::at_once(1), 100).unwrap().expect("a leg has ended");
        note(2, 500, Outcome::RetryIn(Duration::ZERO));
        assert!(put(&conn, &mut rollup, memory.last_seq()).unwrap());
        assert_eq!(packed_to(&conn).unwrap(), 3);
        let left: Vec<i64> = conn
            .prepare("SELECT id FROM history")
            .unwrap()
            .query_map([], |row| row.get(0))
            .unwrap()
            .map(Result::unwrap)
            .collect();
        assert_eq!(left, [(1 << HISTORY_BITS) + 1], "the one that was not read");
        note(3, 204, Outcome::Delivered);
        let numbers: Vec<_> = attempts(&conn, id).unwrap().iter().map(|attempt| attempt.number).collect();
        assert_eq!(numbers, [1, 2, 3]);
        assert!(!put(&conn, &mut rollup, memory.last_seq()).unwrap(), "nothing is put away twice");
    }

    /// Accounts' lists are made of rows.
    #[test]
    fn what_is_in_no_accounts_list_yet_is_not_packed() {
        let mut conn = Connection::open_in_memory().unwrap();
        super::super::schema::migrate(&mut conn, &Sealer::new([7; 32])).unwrap();
        let mut statements = Statements::prepare(&conn).unwrap();
        let mut memory = Remembered::load(&conn, 5, 0).unwrap();
        let mut tail = Tail::new(Logging::never(), Default::default());
        let mut packed = Vec::new();
        for number in 1..4 {
            let moment = Moment::of(&Leg::incoming(number).whole(&[]));
            append::run(&mut statements, &mut memory, &mut tail, vec![moment]).unwrap();
            memory.fill_lists(&conn).unwrap();
            if let Some(mut rollup) = gather(&conn, &RollingUp::at_once(1), 100).unwrap() {
                assert!(put(&conn, &mut rollup, memory.last_seq()).unwrap());
            }
            packed.push(packed_to(&conn).unwrap());
        }
        assert_eq!(packed, [0, 6, 6]);
    }

    /// What was read before something was forgotten is made anew.
    #[test]
    fn what_was_read_before_something_was_forgotten_is_not_put_away() {
        let mut conn = Connection::open_in_memory().unwrap();
        super::super::schema::migrate(&mut conn, &Sealer::new([7; 32])).unwrap();
        let mut statements = Statements::prepare(&conn).unwrap();
        let mut memory = Remembered::load(&conn, 1, 0).unwrap();
        let mut tail = Tail::new(Logging::never(), Default::default());
        for number in 1..3 {
            let moment = Moment::of(&Leg::incoming(number).whole(&[]));
            append::run(&mut statements, &mut memory, &mut tail, vec![moment]).unwrap();
        }
        memory.fill_lists(&conn).unwrap();
        let mut rollup = gather(&conn, &RollingUp::at_once(1), 100).unwrap().expect("legs have ended");
        let gone = super::super::prune::run(
            &conn,
            &mut memory,
            i64::MAX,
            &[Leg::incoming(1).id()],
            super::super::prune::Waiting::Stays,
        );
        assert_eq!(gone.unwrap(), 3);
        assert!(!put(&conn, &mut rollup, memory.last_seq()).unwrap());
        let mut anew = gather(&conn, &RollingUp::at_once(1), 100).unwrap().expect("one is left");
        assert!(put(&conn, &mut anew, memory.last_seq()).unwrap());
        let legs: i64 = conn.query_row("SELECT count(*) FROM leg", [], |row| row.get(0)).unwrap();
        assert_eq!(legs, 1);
    }
}
