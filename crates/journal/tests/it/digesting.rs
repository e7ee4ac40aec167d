//! What lists and reports are found by is made beside the way of an event, and goes with it.

use std::time::Duration;

use calls::{AccountId, EventKind, PbxTime};
use journal::conformance::sample::{Leg, keep};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Access, Digesting, Filter, Journal, LegOutcome, Options, Sqlite, WallTime};

const TABLES: [&str; 6] =
    ["outlines", "by_employee", "day_sums", "quarter_sums", "long_sums", "number_lists"];

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

/// Until everything is digested.
async fn digested(conn: &rusqlite::Connection) {
    let left = || -> i64 {
        let sql = "SELECT (SELECT max(seq) FROM events) - value FROM meta WHERE name = 'digested_to'";
        conn.query_row(sql, [], |row| row.get(0)).expect("read")
    };
    let waiting = async {
        while left() > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it is digested");
}

#[tokio::test]
async fn what_has_gathered_is_digested_and_answers_stay_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let digesting = Digesting { at: 1, pause: Duration::ZERO };
    let options = Options { digesting, ..Options::default() };
    let journal =
        Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([7; 32]), options).expect("opens");
    let conn = rusqlite::Connection::open(journal.place()).expect("opens");
    journal
        .append(&(0..100).map(|number| Leg::incoming(number).whole(&[])).collect::<Vec<_>>())
        .await
        .expect("kept");
    digested(&conn).await;
    assert_eq!((rows(&conn, "outlines"), calls(&journal).await), (100, 100));

    // One that was running when it was digested, and has ended since.
    let late = Leg::incoming(200);
    let begun = keep(&journal, late.append(&[EventKind::Incoming], &[])).await[0];
    digested(&conn).await;
    let running = Filter {
        account: Some(AccountId::new("1")),
        outcome: Some(LegOutcome::Running),
        ..Filter::default()
    };
    assert_eq!(journal.legs(running.clone()).await.expect("legs")[0].seq, begun);
    keep(&journal, late.append(&[EventKind::Ended], &[])).await;
    digested(&conn).await;
    assert_eq!(journal.legs(running).await.expect("legs"), []);
    assert_eq!((rows(&conn, "outlines"), calls(&journal).await), (101, 101));

    while journal.prune(None, WallTime(i64::MAX)).await.expect("pruned") > 0 {}
    assert_eq!(TABLES.map(|table| rows(&conn, table)), [0; 6], "nothing of a forgotten leg is left");
    assert_eq!(calls(&journal).await, 0);
}

/// Of a store that has no long sums and no lists of numbers yet, they are made of the sums and outlines it has.
#[tokio::test]
async fn what_an_older_program_digested_is_digested_further() {
    let folder = tempfile::tempdir().expect("a folder");
    let digesting = Digesting { at: 1, pause: Duration::ZERO };
    let open = || {
        let options = Options { digesting, ..Options::default() };
        Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([7; 32]), options).expect("opens")
    };
    let journal = open();
    let place = journal.place().to_owned();
    for number in 0..60 {
        let leg = Leg::incoming(number * 100_000).of(["1", "2"][number as usize % 2]);
        keep(&journal, leg.whole(&[])).await;
    }
    let conn = rusqlite::Connection::open(&place).expect("opens");
    digested(&conn).await;
    drop(journal);
    let all = |sql: &str| -> Vec<String> {
        let mut select = conn.prepare(sql).expect("the statement is right");
        let rows = select.query_map([], |row| row.get(0)).expect("rows");
        rows.map(|row| row.expect("a row")).collect()
    };
    let sums = "SELECT concat_ws('|', account, span, block, employee, name, legs, taken, missed, elsewhere, made, talks,
        talk_secs, ring_micros, transferred) FROM long_sums ORDER BY account, span, block, employee, name";
    let long = all(sums);
    assert!(long.len() > 8, "{long:?}");
    let by_number = async |journal: &Sqlite, account: &str| {
        let filter = Filter {
            account: Some(AccountId::new(account)),
            number: Some("4".to_owned()),
            outcome: Some(LegOutcome::Answered),
            ..Filter::default()
        };
        journal.legs(filter).await.expect("legs")
    };
    conn.execute_batch(
        "DROP TABLE audit; DROP TABLE long_sums; DROP TABLE number_lists; PRAGMA user_version = 4;",
    )
    .expect("older");
    let journal = open();
    assert_eq!(all(sums), long);
    for account in ["1", "2"] {
        assert_eq!(by_number(&journal, account).await.len(), 30);
    }
    while journal.prune(None, WallTime(i64::MAX)).await.expect("pruned") > 0 {}
    assert_eq!(TABLES.map(|table| rows(&conn, table)), [0; 6], "what was made of older rows goes with them");
}

#[tokio::test]
async fn a_process_that_only_changes_settings_digests_nothing() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = |access, at| {
        let digesting = Digesting { at, pause: Duration::ZERO };
        let options = Options { digesting, ..Options::default() };
        Sqlite::open_with(folder.path(), access, Sealer::new([7; 32]), options).expect("opens")
    };
    let gateway = open(Access::Gateway, i64::MAX);
    keep(&gateway, Leg::incoming(1).whole(&[])).await;
    drop(open(Access::Settings, 1));
    let conn = rusqlite::Connection::open(gateway.place()).expect("opens");
    assert_eq!(TABLES.map(|table| rows(&conn, table)), [0; 6]);
    assert_eq!(calls(&gateway).await, 1, "it is looked through instead");
}

/// For whoever measures without: however much has gathered, and however quiet it is.
#[tokio::test]
async fn a_store_that_is_told_never_to_digest_does_not() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || {
        let digesting = Digesting { at: i64::MAX, pause: Duration::ZERO };
        let options = Options { digesting, ..Options::default() };
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
    assert_eq!(rows(&conn, "outlines"), 0);
}
