//! Rows of `line` as they are changed: legs added by the thread that gathers them, one taken out when it is
//! forgotten.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;

use super::super::errors::StoreError;
use super::entry::{self, Entry, FULL};

/// The row a leg lies in by its place, if it is there.
pub(in crate::sqlite) const ROW: &str =
    "SELECT first, body FROM line WHERE account = ?1 AND first <= ?2 ORDER BY first DESC LIMIT 1";

/// An account's rows of ended legs, newest first.
pub(in crate::sqlite) const LINES: &str =
    "SELECT first, body FROM line WHERE account = ?1 AND first <= ?2 ORDER BY first DESC";

/// Rows that are to be written, by account and key.
#[derive(Default)]
pub(in crate::sqlite) struct Lines {
    rows: BTreeMap<(String, i64), Vec<u8>>,
    /// The newest row of an account in the table, which most of its legs come to lie in or behind.
    newest: FxHashMap<String, Option<(i64, Vec<u8>)>>,
}

impl Lines {
    /// Adds a leg to its row, which is read if it is not at hand.
    pub(super) fn add(&mut self, conn: &Connection, account: &str, leg: &Entry) -> Result<(), StoreError> {
        let place = leg.place();
        let Some((key, row)) = self.row(conn, account, place)? else {
            self.begin(account, leg);
            return Ok(());
        };
        let mut with = row.clone();
        entry::push(key, &mut with, leg);
        if with.len() <= FULL || row.len() <= entry::empty().len() {
            self.rows.insert((account.to_owned(), key), with);
            return Ok(());
        }
        let mut legs = entry::read(key, &row)?;
        if legs.iter().all(|other| other.place() < place) {
            self.begin(account, leg);
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
            self.rows.insert((account.to_owned(), key), row);
        }
        Ok(())
    }

    fn begin(&mut self, account: &str, leg: &Entry) {
        let mut row = entry::empty();
        entry::push(leg.place(), &mut row, leg);
        self.rows.insert((account.to_owned(), leg.place()), row);
    }

    /// The row for a place: of those at hand and those in the table the nearest before it.
    fn row(
        &mut self,
        conn: &Connection,
        account: &str,
        place: i64,
    ) -> Result<Option<(i64, Vec<u8>)>, StoreError> {
        let newest = match self.newest.get(account) {
            Some(newest) => newest,
            None => {
                let newest = find(conn, account, i64::MAX)?;
                self.newest.entry(account.to_owned()).or_insert(newest)
            }
        };
        let kept = match newest {
            Some((key, _)) if *key > place => find(conn, account, place)?,
            newest => newest.clone(),
        };
        let span = (account.to_owned(), i64::MIN)..=(account.to_owned(), place);
        let at_hand = self.rows.range(span).next_back().map(|((_, key), row)| (*key, row));
        Ok(match (at_hand, kept) {
            (Some((key, row)), kept) if kept.as_ref().is_none_or(|(other, _)| key >= *other) => {
                Some((key, row.clone()))
            }
            (_, kept) => kept,
        })
    }

    pub(super) fn many(&self) -> usize {
        self.rows.len()
    }

    pub(super) fn write(&self, conn: &Connection) -> Result<(), StoreError> {
        let mut insert = conn.prepare_cached(
            "INSERT INTO line VALUES (?1, ?2, ?3) ON CONFLICT DO UPDATE SET body = excluded.body",
        )?;
        for ((account, key), row) in &self.rows {
            insert.execute(params![account, key, row])?;
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
