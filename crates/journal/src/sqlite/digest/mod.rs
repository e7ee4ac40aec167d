//! What lists and reports are found by, made of the events that have gathered: one outline an ended leg, and
//! sums of them. A thread of its own (`thread`) reads and adds up when little else is to do, and the writer only
//! puts the result away, between the jobs of those who wait for it. What is not digested yet is looked through by
//! whoever asks, so that an answer never depends on how far this has come.

pub(super) mod numbers;
mod sums;
mod thread;

use calls::{Event, PbxTime};
use rusqlite::{Connection, params};

use super::errors::StoreError;
use super::query::events::{COLUMNS, get, kept};
use super::query::places_of_leg;
use crate::rules::begins;
use crate::sums::{LegOutcome, Outline, Person, Tally};
use crate::{EventSeq, Kept};
pub(super) use sums::{DAY_MICROS, LONG_SPANS};
pub(super) use thread::Digester;
pub use thread::Digesting;

/// An ended leg, as lists and reports look for it.
pub(super) struct Row {
    account: String,
    /// The place of the event it began with; a leg whose beginning was never kept has none, and is in no list
    /// of legs and no sum.
    seq: Option<i64>,
    places: Vec<i64>,
    begun_at: PbxTime,
    outline: Outline,
    person: Person,
    numbers: String,
}

/// Of an ended leg by its last event; `None` for any other event.
pub(super) fn row(conn: &Connection, ended: &Event) -> Result<Option<Row>, StoreError> {
    let Some(outline) = Outline::of(ended) else { return Ok(None) };
    let places = places_of_leg(conn, &ended.leg)?;
    let begun = beginning(conn, &places)?;
    Ok(Some(Row {
        account: ended.account().to_string(),
        seq: begun.as_ref().map(|begun| begun.seq.0),
        places,
        begun_at: ended.begun_at,
        outline,
        person: Person::of(ended),
        numbers: begun.as_ref().map(|begun| numbers(&begun.event)).unwrap_or_default(),
    }))
}

impl Row {
    /// When it began; `None` if its beginning was never kept.
    pub(super) fn begun_at(&self) -> Option<PbxTime> {
        self.seq.map(|_| self.begun_at)
    }

    pub(super) fn into_tally(self) -> (Person, Tally) {
        (self.person, self.outline.tally())
    }
}

/// The event a leg began with.
fn beginning(conn: &Connection, places: &[i64]) -> Result<Option<Kept>, StoreError> {
    for place in places {
        let kept = get(conn, EventSeq(*place))?.filter(|kept| begins(kept.event.kind()));
        if kept.is_some() {
            return Ok(kept);
        }
    }
    Ok(None)
}

/// The numbers a leg is found by.
fn numbers(begun: &Event) -> String {
    let phone = &begun.phone;
    [&*phone.number, phone.employee_number(), &begun.a_number, &begun.b_number, &begun.dialed_number]
        .join("\n")
}

/// The number of an outcome in a column.
pub(super) const fn outcome_number(outcome: LegOutcome) -> u8 {
    match outcome {
        LegOutcome::Running => 0,
        LegOutcome::Answered => 1,
        LegOutcome::Missed => 2,
        LegOutcome::Elsewhere => 3,
        LegOutcome::Busy => 4,
        LegOutcome::Unanswered => 5,
    }
}

/// The outcome of a number in a column.
pub(super) fn outcome_of(number: u8) -> Result<LegOutcome, StoreError> {
    let found = LegOutcome::ALL.into_iter().find(|outcome| outcome_number(*outcome) == number);
    found.ok_or_else(|| StoreError::Damaged(format!("there is no outcome {number}")))
}

/// A stretch of events, digested.
pub(super) struct Digest {
    from: i64,
    to: i64,
    undigested_pruned: i64,
    rows: Vec<Row>,
}

impl Digest {
    pub(super) fn weight(&self) -> usize {
        self.rows.len() * 8
    }
}

/// Up to where events are digested.
pub(super) fn digested_to(conn: &Connection) -> Result<i64, StoreError> {
    meta(conn, "digested_to")
}

fn meta(conn: &Connection, name: &str) -> Result<i64, StoreError> {
    let mut select = conn.prepare_cached("SELECT value FROM meta WHERE name = ?1")?;
    Ok(select.query_row([name], |row| row.get(0))?)
}

/// The next stretch of at most so many events, if at least so many have gathered.
fn gather(conn: &Connection, at_least: i64, at_most: i64) -> Result<Option<Digest>, StoreError> {
    let from = digested_to(conn)?;
    let last: Option<i64> = conn.query_row("SELECT max(seq) FROM events", [], |row| row.get(0))?;
    let last = last.unwrap_or(0);
    if last - from < at_least {
        return Ok(None);
    }
    let to = last.min(from.saturating_add(at_most));
    let sql = format!("{COLUMNS} FROM events WHERE seq BETWEEN ?1 AND ?2 AND kind = 3 ORDER BY seq");
    let mut select = conn.prepare_cached(&sql)?;
    let mut ends = select.query([from + 1, to])?;
    let mut rows = Vec::new();
    while let Some(ended) = ends.next()? {
        rows.extend(row(conn, &kept(ended)?.event)?);
    }
    // In the order of the tree they go into.
    rows.sort_by(|one, other| (&one.account, one.seq).cmp(&(&other.account, other.seq)));
    Ok(Some(Digest { from, to, undigested_pruned: meta(conn, "undigested_pruned")?, rows }))
}

/// Puts a digest away, unless what it was made of is no longer as it was. Says whether it did.
pub(super) fn put(conn: &Connection, digest: &Digest) -> Result<bool, StoreError> {
    if digested_to(conn)? != digest.from || meta(conn, "undigested_pruned")? != digest.undigested_pruned {
        return Ok(false);
    }
    let mut insert =
        conn.prepare_cached("INSERT INTO outlines VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)")?;
    for row in digest.rows.iter().filter(|row| row.seq.is_some()) {
        let outline = &row.outline;
        insert.execute(params![
            row.account,
            row.seq,
            row.begun_at.as_micros(),
            outcome_number(outline.outcome),
            outline.outgoing,
            column(outline.talk_secs),
            column(outline.ring_micros),
            outline.transferred,
            row.person.number,
            row.person.name,
            row.numbers,
        ])?;
    }
    list_by_employee(conn, &digest.rows)?;
    numbers::list(conn, &digest.rows)?;
    sums::add(conn, &digest.rows, 1)?;
    conn.prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'digested_to'")?.execute([digest.to])?;
    Ok(true)
}

fn list_by_employee(conn: &Connection, rows: &[Row]) -> Result<(), StoreError> {
    let of_row = |row| {
        let Row { account, person, places, .. }: &Row = row;
        places.iter().map(move |place| (account.as_str(), person.number.as_str(), *place))
    };
    let mut listed: Vec<(&str, &str, i64)> = rows.iter().flat_map(of_row).collect();
    listed.sort_unstable();
    let mut insert = conn.prepare_cached("INSERT INTO by_employee VALUES (?1, ?2, ?3)")?;
    for (account, employee, place) in listed {
        insert.execute(params![account, employee, place])?;
    }
    Ok(())
}

/// Takes an ended leg that is about to be forgotten out again.
pub(super) fn forget(conn: &Connection, ended: EventSeq) -> Result<(), StoreError> {
    if ended.0 > digested_to(conn)? {
        conn.prepare_cached("UPDATE meta SET value = value + 1 WHERE name = 'undigested_pruned'")?
            .execute([])?;
        return Ok(());
    }
    let Some(kept) = get(conn, ended)? else { return Ok(()) };
    let Some(row) = row(conn, &kept.event)? else { return Ok(()) };
    conn.prepare_cached("DELETE FROM outlines WHERE account = ?1 AND seq = ?2")?
        .execute(params![row.account, row.seq])?;
    for place in &row.places {
        conn.prepare_cached("DELETE FROM by_employee WHERE account = ?1 AND employee = ?2 AND seq = ?3")?
            .execute(params![row.account, row.person.number, place])?;
    }
    numbers::forget(conn, &row)?;
    sums::add(conn, &[row], -1)
}

fn column(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
