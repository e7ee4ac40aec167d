//! What is forgotten is gone from the file.

use std::collections::BTreeMap;
use std::path::Path;

use journal::conformance::sample::{Leg, delivery, keep, tried};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Access, Logging, Options, Outcome, PRUNED_AT_ONCE, Reason, RollingUp, Sqlite, WallTime};
use rusqlite::Connection;

/// One without a log in front: what is new is in rows.
fn open(folder: &Path) -> Sqlite {
    let options = Options { logging: Logging::never(), ..Options::default() };
    Sqlite::open_with(folder, Access::Gateway, Sealer::new([7; 32]), options).expect("a journal")
}

/// Rows of each table that grows with events.
fn rows(journal: &Sqlite) -> BTreeMap<String, i64> {
    let conn = Connection::open(journal.place()).expect("opens");
    let mut select = conn
        .prepare(
            "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT IN ('meta', 'heard', 'spare')",
        )
        .expect("prepared");
    let names = select.query_map([], |row| row.get::<_, String>(0)).expect("asked");
    let count = |name: String| {
        let sql = format!("SELECT count(*) FROM {name}");
        let count = conn.query_row(&sql, [], |row| row.get(0)).expect("counted");
        (name, count)
    };
    names.map(|name| count(name.expect("a name"))).filter(|(_, count)| *count > 0).collect()
}

#[tokio::test]
async fn a_forgotten_leg_leaves_no_row_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    for seq in keep(&journal, Leg::incoming(1).whole(&[1, 2])).await {
        let failed = Outcome::Failed(Some(Reason::status(500)));
        let settles = [
            tried(delivery(seq, 1), 1, 503, Outcome::RetryIn(std::time::Duration::ZERO)),
            tried(delivery(seq, 1), 2, 204, Outcome::Delivered),
            tried(delivery(seq, 2), 1, 500, failed),
        ];
        journal.settle(&settles).await.expect("settled");
    }
    let before = rows(&journal);
    assert_eq!(before["details"], 9, "an attempt each: {before:?}");
    nothing_is_left(&journal).await;
}

/// Packed with some of what was noted, the rest beside it.
#[tokio::test]
async fn a_forgotten_leg_that_was_packed_leaves_no_row_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let rolling_up = RollingUp::at_once(1);
    let options = Options { rolling_up, logging: Logging::never(), ..Options::default() };
    let sealer = Sealer::new([7; 32]);
    let journal = Sqlite::open_with(folder.path(), Access::Gateway, sealer, options).expect("a journal");
    for number in 0..40 {
        let seqs = keep(&journal, Leg::incoming(number * 5_000).whole(&[1, 2])).await;
        for seq in seqs {
            let failed = Outcome::Failed(Some(Reason::status(500)));
            let settles = [
                tried(delivery(seq, 1), 1, 204, Outcome::Delivered),
                tried(delivery(seq, 2), 1, 500, failed),
            ];
            journal.settle(&settles).await.expect("settled");
        }
    }
    let packed = async {
        while rows(&journal).contains_key("events") {
            tokio::time::sleep(std::time::Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(std::time::Duration::from_secs(60), packed).await.expect("all are packed");
    let before = rows(&journal);
    assert_eq!((before["leg"], before["given_up"]), (40, 120), "{before:?}");
    nothing_is_left(&journal).await;
    assert_eq!(journal.size().await.expect("size").events, 0);
}

async fn nothing_is_left(journal: &Sqlite) {
    while journal.prune(None, WallTime(i64::MAX)).await.expect("pruned") > 0 {}
    let after = rows(journal);
    assert!(after.keys().all(|table| table == "hours"), "{after:?}");
}

/// The file does not shrink; what it uses does.
#[tokio::test]
async fn what_is_forgotten_is_room_that_is_used_no_more_and_used_again() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let used = async || journal.size().await.expect("a size").used;
    let pages = || -> u64 {
        let conn = Connection::open(journal.place()).expect("opens");
        conn.pragma_query_value(None, "page_count", |row| row.get(0)).expect("counted")
    };
    let legs = async |numbers: std::ops::Range<u32>| {
        let legs: Vec<_> = numbers.map(|number| Leg::incoming(number).whole(&[])).collect();
        journal.append(&legs).await.expect("kept");
    };
    let empty = used().await;
    legs(0..2_000).await;
    let full = used().await;
    let (grown, grown_to) = (full - empty, pages());
    assert!(grown > 2_000 * 3 * 100, "{grown} bytes for 6,000 events");
    while journal.prune(None, WallTime(i64::MAX)).await.expect("pruned") > 0 {}
    let left = used().await - empty;
    assert!(left < grown / 10, "{left} bytes of {grown} are in use still");
    assert!(pages() >= grown_to, "a file does not shrink");
    legs(2_000..3_000).await;
    let room = pages() - grown_to;
    assert!(room < grown_to / 10, "half as much took {room} new pages");
}

#[tokio::test]
async fn what_was_forgotten_before_it_was_listed_is_in_no_accounts_list() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    keep(&journal, Leg::incoming(0).whole(&[])).await;
    assert_eq!(journal.prune(None, WallTime(i64::MAX)).await.expect("pruned"), 3);
    let many: Vec<_> = (1..=2_000).map(|number| Leg::incoming(number).whole(&[])).collect();
    journal.append(&many).await.expect("kept");
    let conn = Connection::open(journal.place()).expect("opens");
    let count = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("counted");
    assert!(count("SELECT count(*) FROM by_account") > 0, "enough for the lists to be filled");
    assert_eq!(count("SELECT count(*) FROM by_account WHERE seq NOT IN (SELECT seq FROM events)"), 0);
}

/// Who has something to write gets a turn after every few legs that are forgotten, and not after all of them.
#[tokio::test]
async fn events_are_kept_while_much_is_forgotten() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = open(folder.path());
    let old: Vec<_> = (1..=500).map(|number| Leg::incoming(number).whole(&[])).collect();
    assert_eq!(old.len(), PRUNED_AT_ONCE);
    journal.append(&old).await.expect("kept");
    let conn = Connection::open(journal.place()).expect("opens");
    let left = || -> i64 {
        conn.query_row("SELECT count(*) FROM events WHERE seq <= 1500 AND kind = 3", [], |row| row.get(0))
            .expect("counted")
    };
    let mut forgetting = std::pin::pin!(journal.prune(None, WallTime(i64::MAX)));
    let mut between = 0;
    for number in 501.. {
        let leg = Leg::incoming(number);
        tokio::select! {
            biased;
            gone = &mut forgetting => {
                assert_eq!(gone.expect("pruned"), 1_500);
                break;
            }
            _ = keep(&journal, leg.append(&[calls::EventKind::Incoming], &[])) => {
                between += u32::from((1..500).contains(&left()));
            }
        }
    }
    assert!(between >= 5, "only {between} got a turn while some were gone and some not");
}
