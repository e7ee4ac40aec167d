//! What lists and reports find an account's ended legs by, made of the events that have gathered: rows of some
//! fifteen legs (`line`), and sums by day (`day`). A thread of its own (`thread`) reads and adds up when little else
//! is to do, and the writer only puts the rows away, between the jobs of those who wait for it. What is not rolled
//! up yet is looked through by whoever asks, so that an answer never depends on how far this has come.

pub(super) mod day;
pub(super) mod entry;
pub(super) mod line;
mod thread;

use calls::Event;
use rusqlite::Connection;

use super::errors::StoreError;
use super::table::events::{COLUMNS, get, kept, places_of_leg};
use crate::EventSeq;
use crate::rules::begins;
use day::Days;
use entry::Entry;
use line::Lines;
pub(super) use thread::Roller;
pub use thread::RollingUp;

/// An ended leg by its last event; `None` for any other event.
pub(super) fn leg(conn: &Connection, ended: &Event) -> Result<Option<Entry>, StoreError> {
    let places = places_of_leg(conn, &ended.leg)?;
    for place in &places {
        let begun = get(conn, EventSeq(*place))?.filter(|kept| begins(kept.event.kind()));
        if let Some(begun) = begun {
            return Ok(Entry::of(places, Some(&begun), ended));
        }
    }
    Ok(Entry::of(places, None, ended))
}

/// A stretch of events, rolled up.
pub(super) struct Rollup {
    from: i64,
    to: i64,
    /// How many events were forgotten when it was made: forgetting changes the rows it was made of.
    pruned: i64,
    longest: i64,
    lines: Lines,
    days: Days,
}

impl Rollup {
    pub(super) fn weight(&self) -> usize {
        self.lines.many() + self.days.many()
    }
}

/// Up to where events are rolled up.
pub(super) fn rolled_up_to(conn: &Connection) -> Result<i64, StoreError> {
    meta(conn, "digested_to")
}

/// How many places an ended leg's last event is behind its first, at most.
pub(super) fn longest(conn: &Connection) -> Result<i64, StoreError> {
    meta(conn, "longest_leg")
}

fn meta(conn: &Connection, name: &str) -> Result<i64, StoreError> {
    let mut select = conn.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0))?)
}

/// The next stretch of at most so many events, if at least so many have gathered.
fn gather(conn: &Connection, at_least: i64, at_most: i64) -> Result<Option<Rollup>, StoreError> {
    let from = rolled_up_to(conn)?;
    let last: Option<i64> = conn.query_row("SELECT max(seq) FROM events", [], |row| row.get(0))?;
    let last = last.unwrap_or(0);
    if last - from < at_least {
        return Ok(None);
    }
    let to = last.min(from.saturating_add(at_most));
    let sql = format!("{COLUMNS} FROM events WHERE seq BETWEEN ?1 AND ?2 AND kind = 3 ORDER BY seq");
    let mut select = conn.prepare_cached(&sql)?;
    let mut ends = select.query([from + 1, to])?;
    let (mut lines, mut days, mut longest) = (Lines::default(), Days::default(), 0);
    while let Some(row) = ends.next()? {
        let ended = kept(row)?.event;
        if let Some(leg) = leg(conn, &ended)? {
            let account = ended.account().as_str();
            lines.add(conn, account, &leg)?;
            days.add(conn, account, &leg)?;
            longest = leg.reach().max(longest);
        }
    }
    Ok(Some(Rollup { from, to, pruned: meta(conn, "pruned")?, longest, lines, days }))
}

/// Puts a rollup away, unless what it was made of is no longer as it was. Says whether it did.
pub(super) fn put(conn: &Connection, rollup: &Rollup) -> Result<bool, StoreError> {
    if rolled_up_to(conn)? != rollup.from || meta(conn, "pruned")? != rollup.pruned {
        return Ok(false);
    }
    rollup.lines.write(conn)?;
    rollup.days.write(conn)?;
    let mut set = conn.prepare_cached("UPDATE meta SET value = max(value, ?2) WHERE name = ?1")?;
    set.execute(("digested_to", rollup.to))?;
    set.execute(("longest_leg", rollup.longest))?;
    Ok(true)
}

/// Takes an ended leg that is about to be forgotten out again.
pub(super) fn forget(conn: &Connection, ended: EventSeq) -> Result<(), StoreError> {
    if ended.0 > rolled_up_to(conn)? {
        return Ok(());
    }
    let Some(kept) = get(conn, ended)? else { return Ok(()) };
    let Some(leg) = leg(conn, &kept.event)? else { return Ok(()) };
    let account = kept.event.account().as_str();
    line::forget(conn, account, &leg)?;
    day::forget(conn, account, &leg)
}
