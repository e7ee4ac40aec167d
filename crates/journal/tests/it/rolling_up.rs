//! What lists and reports are found by is made beside the way of an event, and goes with it.

use std::time::Duration;

use calls::{AccountId, EventKind, PbxTime};
use journal::conformance::sample::{Leg, keep};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Access, Filter, Journal, LegOutcome, Logging, Options, RollingUp, Sqlite, WallTime};

use crate::older::as_format_6;

const TABLES: [&str; 4] = ["line", "day", "leg", "place"];

fn ever() -> std::ops::Range<PbxTime> {
    PbxTime::from_secs(0)..PbxTime::from_secs(4_000_000_000)
}

async fn calls(journal: &dyn Journal) -> u64 {
    let sums = journal.sums(AccountId::new("1"), ever()).await.expect("sums");
    sums.quarters.values().sum()
}

fn rows(conn: &rusqlite::Connection, table: &str) -> i64 {
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("counted")
}

/// Until everything is rolled up.
async fn rolled_up(conn: &rusqlite::Connection) {
    let left = || -> i64 {
        let sql =
            "SELECT coalesce((SELECT max(seq) FROM events), 0) - value FROM meta WHERE name = 'rolled_up_to'";
        conn.query_row(sql, [], |row| row.get(0)).expect("read")
    };
    let waiting = async {
        while left() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it is rolled up");
}

#[tokio::test]
async fn what_has_gathered_is_rolled_up_and_answers_stay_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let rolling_up = RollingUp::at_once(1);
    let options = Options { rolling_up, logging: Logging::never(), ..Options::default() };
    let journal =
        Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([7; 32]), options).expect("opens");
    let conn = rusqlite::Connection::open(journal.place()).expect("opens");
    journal
        .append(&(0..100).map(|number| Leg::incoming(number).whole(&[])).collect::<Vec<_>>())
        .await
        .expect("kept");
    rolled_up(&conn).await;
    assert_eq!(calls(&journal).await, 100);
    assert!((5..12).contains(&rows(&conn, "line")), "{} rows of a hundred legs", rows(&conn, "line"));

    // One that was running when it was rolled up, and has ended since.
    let late = Leg::incoming(200);
    let begun = keep(&journal, late.append(&[EventKind::Incoming], &[])).await[0];
    rolled_up(&conn).await;
    let running = Filter {
        account: Some(AccountId::new("1")),
        outcome: Some(LegOutcome::Running),
        ..Filter::default()
    };
    assert_eq!(journal.legs(running.clone()).await.expect("legs")[0].seq, begun);
    keep(&journal, late.append(&[EventKind::Ended], &[])).await;
    rolled_up(&conn).await;
    assert_eq!(journal.legs(running).await.expect("legs"), []);
    assert_eq!(calls(&journal).await, 101);

    while journal.prune(None, WallTime(i64::MAX)).await.expect("pruned") > 0 {}
    assert_eq!(TABLES.map(|table| rows(&conn, table)), [0; 4], "nothing of a forgotten leg is left");
    assert_eq!(calls(&journal).await, 0);
}

/// What a store of an older program found legs by is made anew of its events; answers are the same before, during
/// and after.
#[tokio::test]
async fn what_an_older_program_rolled_up_is_made_anew() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |at| {
        let rolling_up = RollingUp::at_once(at);
        let options = Options { rolling_up, logging: Logging::never(), ..Options::default() };
        Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([7; 32]), options).expect("opens")
    };
    let journal = open(i64::MAX);
    let place = journal.place().to_owned();
    for number in 0..60 {
        let leg = Leg::incoming(number * 100_000).of(["1", "2"][number as usize % 2]);
        keep(&journal, leg.whole(&[])).await;
    }
    let answers = async |journal: &Sqlite| {
        let mut answers = Vec::new();
        for account in ["1", "2"] {
            let filter = Filter {
                account: Some(AccountId::new(account)),
                number: Some("4".to_owned()),
                outcome: Some(LegOutcome::Answered),
                ..Filter::default()
            };
            let legs = journal.legs(filter).await.expect("legs");
            answers.push((legs, journal.sums(AccountId::new(account), ever()).await.expect("sums")));
        }
        answers
    };
    let before = answers(&journal).await;
    assert_eq!(before.iter().map(|(legs, _)| legs.len()).collect::<Vec<_>>(), [30, 30]);
    drop(journal);
    let conn = rusqlite::Connection::open(&place).expect("opens");
    conn.execute_batch(&as_format_6()).expect("older");
    let journal = open(i64::MAX);
    assert!(answers(&journal).await == before, "while nothing is rolled up yet");
    drop(journal);
    let journal = open(1);
    rolled_up(&conn).await;
    assert!(answers(&journal).await == before, "when everything is");
    assert!(rows(&conn, "day") > 8, "sixty calls in as many days");
    while journal.prune(None, WallTime(i64::MAX)).await.expect("pruned") > 0 {}
    assert_eq!(TABLES.map(|table| rows(&conn, table)), [0; 4], "what was made of older rows goes with them");
}

/// Days that are over are added up in spans of 8 and 64, and a year is read in few rows.
#[tokio::test]
async fn long_spans_are_added_up_when_their_days_are_over() {
    let folder = tempfile::tempdir().expect("a folder");
    let rolling_up = RollingUp::at_once(1);
    let options = Options { rolling_up, logging: Logging::never(), ..Options::default() };
    let journal =
        Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([7; 32]), options).expect("opens");
    let conn = rusqlite::Connection::open(journal.place()).expect("opens");
    let of_span = |span: i64| -> i64 {
        conn.query_row("SELECT count(*) FROM day WHERE span = ?1", [span], |row| row.get(0)).expect("counted")
    };
    // A call every other day.
    for number in 0..100 {
        keep(&journal, Leg::incoming(number * 172_800).whole(&[])).await;
        rolled_up(&conn).await;
    }
    assert_eq!(of_span(1), 100);
    assert!((23..26).contains(&of_span(8)), "{}", of_span(8));
    assert!((2..4).contains(&of_span(64)), "{}", of_span(64));
    assert_eq!(calls(&journal).await, 100);
    // One that began on a day that is long over, and ends only now.
    keep(&journal, Leg::incoming(100).whole(&[])).await;
    rolled_up(&conn).await;
    assert_eq!(calls(&journal).await, 101);
    // Half of them are forgotten: where a span is gone its days are added up.
    let half = Leg::incoming(99 * 86_400).begins_at().as_micros();
    journal.prune(None, WallTime(half)).await.expect("pruned");
    let left = calls(&journal).await;
    assert!((49..53).contains(&left), "{left}");
    let mut days = 0;
    for number in 0..100 {
        let at = Leg::incoming(number * 172_800).begins_at().as_micros();
        let day = PbxTime::from_micros(at - 43_200_000_000)..PbxTime::from_micros(at + 43_200_000_000);
        let sums = journal.sums(AccountId::new("1"), day).await.expect("sums");
        days += sums.quarters.values().sum::<u64>();
    }
    assert_eq!(days, left, "day by day it is as many");
}

#[tokio::test]
async fn a_process_that_only_changes_settings_rolls_nothing_up() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |access, at| {
        let rolling_up = RollingUp::at_once(at);
        let options = Options { rolling_up, logging: Logging::never(), ..Options::default() };
        Sqlite::open_with(folder.path(), access, Sealer::new([7; 32]), options).expect("opens")
    };
    let gateway = open(Access::Gateway, i64::MAX);
    keep(&gateway, Leg::incoming(1).whole(&[])).await;
    drop(open(Access::Settings, 1));
    let conn = rusqlite::Connection::open(gateway.place()).expect("opens");
    assert_eq!(TABLES.map(|table| rows(&conn, table)), [0; 4]);
    assert_eq!(calls(&gateway).await, 1, "it is looked through instead");
}

/// For whoever measures without: however much has gathered, and however quiet it is.
#[tokio::test]
async fn a_store_that_is_told_never_to_roll_up_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let rolling_up = RollingUp::never();
        let options = Options { rolling_up, logging: Logging::never(), ..Options::default() };
        Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([7; 32]), options).expect("opens")
    };
    let many: Vec<_> = (0..1_500).map(|number| Leg::incoming(number).whole(&[])).collect();
    open().append(&many).await.expect("kept");
    // It looks for what has gathered as soon as it is opened, and while others write.
    let journal = open();
    for number in 2_000..2_100 {
        keep(&journal, Leg::incoming(number).append(&[EventKind::Incoming], &[])).await;
    }
    let conn = rusqlite::Connection::open(journal.place()).expect("opens");
    assert_eq!(rows(&conn, "line"), 0);
}
