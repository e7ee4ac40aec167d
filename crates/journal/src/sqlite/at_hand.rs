//! How many pages the writer keeps at hand. In a flood the ones it changes come again; what is changed at random while
//! little is written is read again anyway, and its pages are memory that a million waiting deliveries would have to pay for.

use std::time::Duration;

use rusqlite::Connection;
use tokio::time::Instant;

/// While much is written: a fold of a flood has what it changes.
const IN_A_FLOOD_KIB: i64 = 16 * 1024;
/// Otherwise: what a commit changes, and the upper pages of the trees.
const KIB: i64 = 2 * 1024;
/// So many rows within [`WHILE`] are a flood. What keeps failing is tried a thousand times a second.
const FLOOD: usize = 4_000;
const WHILE: Duration = Duration::from_secs(1);

/// Knows whether much is written.
pub(super) struct AtHand {
    is_flood: bool,
    rows: usize,
    since: Instant,
}

impl AtHand {
    pub(super) fn begin(conn: &Connection) -> rusqlite::Result<Self> {
        conn.pragma_update(None, "cache_size", -KIB)?;
        Ok(Self { is_flood: false, rows: 0, since: Instant::now() })
    }

    /// After each commit of so many rows.
    pub(super) fn after_commit(&mut self, conn: &Connection, rows: usize) {
        if self.changes(rows, Instant::now()) {
            let kib = if self.is_flood { IN_A_FLOOD_KIB } else { KIB };
            if let Err(error) = conn.pragma_update(None, "cache_size", -kib) {
                tracing::debug!(%error, "the journal's page cache keeps its size");
            }
        }
    }

    pub(super) fn is_flood(&self) -> bool {
        self.is_flood
    }

    /// Whether it is a flood now and was none, or the other way round: it is one at once, and over when for a while few came.
    fn changes(&mut self, rows: usize, now: Instant) -> bool {
        self.rows += rows;
        let is_flood = self.rows >= FLOOD;
        if !is_flood && now.duration_since(self.since) < WHILE {
            return false;
        }
        (self.rows, self.since) = (0, now);
        std::mem::replace(&mut self.is_flood, is_flood) != is_flood
    }

    /// When little else is to do. A flood has such moments, too, and needs its pages a moment later: in one it is only done
    /// where nobody has written since the last.
    pub(super) fn give_back(&self, conn: &Connection, has_been_calm: bool) {
        if (has_been_calm || !self.is_flood)
            && let Err(error) = conn.execute_batch("PRAGMA shrink_memory")
        {
            tracing::debug!(%error, "the journal's page cache was not given back");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_one_at_once_and_over_when_for_a_while_few_came() {
        let began = Instant::now();
        let mut at_hand = AtHand { is_flood: false, rows: 0, since: began };
        let mut ms = 0;
        let mut comes = |rows: usize, after_ms: u64| {
            ms += after_ms;
            at_hand.changes(rows, began + Duration::from_millis(ms));
            at_hand.is_flood
        };
        assert!((0..50).all(|_| !comes(100, 100)), "what is tried a thousand times a second is none");
        assert!(comes(FLOOD, 1), "at once");
        assert!((0..50).all(|_| comes(1_000, 100)), "as long as it goes on");
        assert!(comes(0, 700), "an instant in which nothing comes");
        assert!(!comes(10, 400), "for a while few came");
    }

    /// Counted by the system.
    #[cfg(target_os = "linux")]
    #[test]
    fn in_a_flood_no_page_is_read_again_and_otherwise_little_is_kept() {
        let folder = tempfile::tempdir().unwrap();
        let conn = Connection::open(folder.path().join("it")).unwrap();
        conn.execute_batch(
            "CREATE TABLE it (a INTEGER PRIMARY KEY, b BLOB);
             WITH RECURSIVE n(a) AS (SELECT 1 UNION ALL SELECT a + 1 FROM n WHERE a < 1000)
             INSERT INTO it SELECT a, zeroblob(3000) FROM n",
        )
        .unwrap();
        let mut at_hand = AtHand::begin(&conn).unwrap();
        let read_kib = || {
            let before = read_by_this_thread();
            conn.query_row("SELECT sum(length(b)) FROM it", [], |_| Ok(())).unwrap();
            (read_by_this_thread() - before) / 1_024
        };
        read_kib();
        assert!(read_kib() > 2_000, "what does not fit is read again");
        at_hand.after_commit(&conn, FLOOD);
        read_kib();
        at_hand.give_back(&conn, false);
        assert!(read_kib() < 10, "in a flood it is at hand, whatever is asked for in between");
        at_hand.give_back(&conn, true);
        assert!(read_kib() > 2_000, "nobody has written for a moment");
        at_hand.since -= WHILE;
        at_hand.after_commit(&conn, 10);
        read_kib();
        assert!(read_kib() > 2_000, "the flood is over");
    }

    #[cfg(target_os = "linux")]
    fn read_by_this_thread() -> u64 {
        let counted = std::fs::read_to_string("/proc/thread-self/io").unwrap();
        counted.lines().find_map(|line| line.strip_prefix("rchar: ")).unwrap().parse().unwrap()
    }
}
