//! Rows of `line` as they are changed: legs added by the thread that gathers them, one taken out when it is
//! forgotten.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::super::errors::StoreError;
use super::entry::{self, Entry, FULL};

/// The row a leg lies in by its place, if it is there.
pub(in crate::sqlite) const ROW: &str =
    "SELECT first, body FROM line WHERE account = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";

/// An account's rows of ended legs, newest first.
pub(in crate::sqlite) const LINES: &str =
    "SELECT first, body FROM line WHERE account = ?1 AND first <= ?2 ORDER BY first DESC";

/// Rows that are to be written, by account.
#[derive(Default)]
pub(in crate::sqlite) struct Lines(BTreeMap<String, OfAccount>);

/// Those of one account, by key.
struct OfAccount {
    rows: BTreeMap<i64, Vec<u8>>,
    /// The key of the newest row in the table, which most legs come to lie in or behind.
    newest: Option<i64>,
}

impl Lines {
    /// Adds a leg to its row, which is read if it is not at hand.
    pub(super) fn add(&mut self, conn: &Connection, account: &str, leg: &Entry) -> Result<(), StoreError> {
        if let Some(lines) = self.0.get_mut(account) {
            return lines.add(conn, account, leg);
        }
        let newest = find(conn, account, i64::MAX)?;
        let key = newest.as_ref().map(|(key, _)| *key);
        let mut lines = OfAccount { rows: BTreeMap::new(), newest: key };
        lines.rows.extend(newest);
        lines.add(conn, account, leg)?;
        self.0.insert(account.to_owned(), lines);
        Ok(())
    }

    pub(super) fn many(&self) -> usize {
        self.0.values().map(|lines| lines.rows.len()).sum()
    }

    pub(super) fn write(&self, conn: &Connection) -> Result<(), StoreError> {
        let mut insert = conn.prepare_cached(
            "INSERT INTO line VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET body = excluded.body",
        )?;
        for (account, lines) in &self.0 {
            for (key, row) in &lines.rows {
                insert.execute(params![account, key, row])?;
            }
        }
        Ok(())
    }
}

impl OfAccount {
    fn add(&mut self, conn: &Connection, account: &str, leg: &Entry) -> Result<(), StoreError> {
        let place = leg.place();
        self.fetch(conn, account, place)?;
        let Some((&key, row)) = self.rows.range_mut(..=place).next_back() else {
            self.begin(leg);
            return Ok(());
        };
        let before = row.len();
        entry::push(key, row, leg);
        if row.len() <= FULL || before <= entry::empty().len() {
            return Ok(());
        }
        row.truncate(before);
        let mut legs = entry::read(key, row)?;
        if legs.iter().all(|other| other.place() < place) {
            self.begin(leg);
            return Ok(());
        }
        legs.push(leg.clone());
        legs.sort_by_key(Entry::place);
        let (older, newer) = legs.split_at(legs.len() / 2);
        let next = newer.first().map_or(key, Entry::place);
        for (key, legs) in [(key, older), (next, newer)] {
            let mut row = entry::empty();
            let mut ended: Vec<&Entry> = legs.iter().collect();
            ended.sort_by_key(|leg| leg.last());
            ended.into_iter().for_each(|leg| entry::push(key, &mut row, leg));
            self.rows.insert(key, row);
        }
        Ok(())
    }

    fn begin(&mut self, leg: &Entry) {
        let mut row = Vec::with_capacity(FULL);
        row.extend(entry::empty());
        entry::push(leg.place(), &mut row, leg);
        self.rows.insert(leg.place(), row);
    }

    /// Makes sure that the row for a place is at hand, if the table has one.
    fn fetch(&mut self, conn: &Connection, account: &str, place: i64) -> Result<(), StoreError> {
        let Some(newest) = self.newest.filter(|newest| *newest > place) else { return Ok(()) };
        debug_assert!(self.rows.contains_key(&newest), "it was at hand from the first");
        if let Some((key, row)) = find(conn, account, place)? {
            self.rows.entry(key).or_insert(row);
        }
        Ok(())
    }
}

fn find(conn: &Connection, account: &str, place: i64) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
    let mut select = conn.prepare_cached(ROW)?;
    let found: Option<(i64, Vec<u8>)> =
        select.query_row(params![account, place], |row| Ok((row.get(0)?, row.get(1)?))).optional()?;
    let Some((key, row)) = found else { return Ok(None) };
    Ok(Some((key, entry::renewed(key, &row)?.unwrap_or(row))))
}

/// Takes a leg out; a row without any goes.
pub(super) fn forget(conn: &Connection, account: &str, leg: &Entry) -> Result<(), StoreError> {
    let Some((key, row)) = find(conn, account, leg.place())? else { return Ok(()) };
    let mut left = entry::read(key, &row)?;
    left.retain(|other| other.last() != leg.last());
    if left.is_empty() {
        conn.prepare_cached("DELETE FROM line WHERE account = ?1 AND first = ?2")?
            .execute(params![account, key])?;
        return Ok(());
    }
    let mut row = entry::empty();
    left.iter().for_each(|leg| entry::push(key, &mut row, leg));
    conn.prepare_cached("UPDATE line SET body = ?3 WHERE account = ?1 AND first = ?2")?
        .execute(params![account, key, row])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use calls::PbxTime;
    use proptest::prelude::*;

    use super::*;
    use crate::sums::{LegOutcome, Outline, Person};

    fn leg(place: i64, length: i64) -> Entry {
        Entry {
            places: vec![place, place + length],
            begun: Some(place),
            begun_at: PbxTime::from_secs(place),
            outline: Outline {
                outcome: LegOutcome::Missed,
                outgoing: false,
                talk_secs: 0,
                ring_micros: 0,
                transferred: false,
            },
            person: Person { number: "101".to_owned(), name: "Åse Ærø af Nørregade".to_owned() },
            numbers: "201\n101\n+4512345678\n+4587654321".to_owned(),
            wait: Some(crate::waits::Wait { secs: 12, answered: false }),
            queue: "salg".to_owned(),
        }
    }

    fn table() -> Connection {
        let conn = Connection::open_in_memory().unwrap();
        let sql = "CREATE TABLE line (account TEXT, first INTEGER, body BLOB, PRIMARY KEY (account, first))
            WITHOUT ROWID";
        conn.execute_batch(sql).unwrap();
        conn
    }

    /// The legs of an account that lie in its rows, each where it is looked for.
    fn listed(conn: &Connection, account: &str) -> BTreeSet<i64> {
        let mut select = conn.prepare(LINES).unwrap();
        let mut rows = select.query(params![account, i64::MAX]).unwrap();
        let (mut listed, mut next) = (BTreeSet::new(), i64::MAX);
        while let Some(row) = rows.next().unwrap() {
            let (key, body): (i64, Vec<u8>) = (row.get(0).unwrap(), row.get(1).unwrap());
            let legs = entry::read(key, &body).unwrap();
            assert!(!legs.is_empty() && body.len() <= FULL, "{} bytes, {} legs", body.len(), legs.len());
            for leg in legs {
                assert!((key..next).contains(&leg.place()), "{} in {key}..{next}", leg.place());
                assert!(listed.insert(leg.place()), "{} is there twice", leg.place());
            }
            next = key;
        }
        listed
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// In whatever order legs end, and however they come in stretches; one that is forgotten is gone.
        #[test]
        fn each_leg_lies_in_the_row_of_its_place(
            order in Just((0..120_i64).collect::<Vec<_>>()).prop_shuffle(),
            stretch in 1..50_usize,
            forgotten in 0..120_usize,
        ) {
            let conn = table();
            for some in order.chunks(stretch) {
                let mut lines = Lines::default();
                for at in some {
                    lines.add(&conn, ["a", "b"][*at as usize % 2], &leg(1_000 + at * 3, at % 7 * 50 + 1)).unwrap();
                }
                lines.write(&conn).unwrap();
            }
            let places = |parity: i64, from: usize| -> BTreeSet<i64> {
                order[from..].iter().filter(|at| **at % 2 == parity).map(|at| 1_000 + at * 3).collect()
            };
            prop_assert_eq!(listed(&conn, "a"), places(0, 0));
            prop_assert_eq!(listed(&conn, "b"), places(1, 0));
            for at in &order[..forgotten] {
                forget(&conn, ["a", "b"][*at as usize % 2], &leg(1_000 + at * 3, at % 7 * 50 + 1)).unwrap();
            }
            prop_assert_eq!(listed(&conn, "a"), places(0, forgotten));
            prop_assert_eq!(listed(&conn, "b"), places(1, forgotten));
        }
    }
}
