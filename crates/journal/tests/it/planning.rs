//! Every question is answered along a tree in the order it is asked in: nothing is sorted, nothing is read
//! from end to end. Measured by SQLite's own plans, not by a clock.

use calls::{AccountId, LegId};
use journal::conformance::sample::{Leg, delivery, keep, tried};
use journal::seal::Sealer;
use journal::{Access, DeliveryState, EventSeq, Filter, Journal, LegOutcome, Outcome, Sqlite};

fn filters() -> Vec<Filter> {
    let account = || Some(AccountId::new("1"));
    let base = [
        Filter::default(),
        Filter { account: account(), ..Filter::default() },
        Filter { leg: Some(LegId::new("x")), ..Filter::default() },
        Filter { call: Some(calls::CallId::new("x")), account: account(), ..Filter::default() },
        Filter { employee: Some("101".to_owned()), account: account(), ..Filter::default() },
        Filter { outcome: Some(LegOutcome::Missed), account: account(), ..Filter::default() },
        Filter { number: Some("7".to_owned()), outcome: Some(LegOutcome::Busy), ..Filter::default() },
    ];
    let states = [
        vec![],
        vec![DeliveryState::Waiting],
        vec![DeliveryState::Failed],
        vec![DeliveryState::Failed, DeliveryState::Paused],
        vec![DeliveryState::Delivered],
    ];
    let mut filters = Vec::new();
    for filter in base {
        for states in &states {
            for (before, after) in [(None, None), (Some(EventSeq(50)), None), (None, Some(EventSeq(50)))] {
                filters.push(Filter { states: states.clone(), before, after, ..filter.clone() });
            }
        }
    }
    filters
}

#[tokio::test]
async fn no_question_sorts_or_scans() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Sqlite::open(folder.path(), Access::Gateway, Sealer::new([7; 32])).expect("a journal");
    let conn = rusqlite::Connection::open(journal.place()).expect("opens");
    let mut seen = 0;
    for filter in filters() {
        for sql in journal::statements_of(&filter) {
            let plan = plan(&conn, &sql);
            for line in &plan {
                let sorts = line.contains("TEMP B-TREE");
                let scans = line.starts_with("SCAN") && !line.contains("(subquery");
                assert!(!sorts && !scans, "{sql}\n{plan:#?}");
                seen += 1;
            }
        }
    }
    assert!(seen > 100);
}

fn plan(conn: &rusqlite::Connection, sql: &str) -> Vec<String> {
    let mut explain = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}")).expect("the statement is right");
    let arguments = vec![rusqlite::types::Null; explain.parameter_count()];
    let lines = explain.query_map(rusqlite::params_from_iter(arguments), |row| row.get::<_, String>(3));
    lines.expect("a plan").map(|line| line.expect("a line")).collect()
}

#[tokio::test]
async fn a_pending_delivery_is_in_one_tree_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Sqlite::open(folder.path(), Access::Gateway, Sealer::new([7; 32])).expect("a journal");
    let conn = rusqlite::Connection::open(journal.place()).expect("opens");
    let trees: i64 = conn
        .query_row("SELECT count(*) FROM sqlite_schema WHERE tbl_name = 'pending'", [], |row| row.get(0))
        .expect("counted");
    assert_eq!(trees, 1);
    let seqs = keep(&journal, Leg::incoming(1).whole(&[1])).await;
    let rows: Vec<_> = seqs.iter().map(|seq| tried(delivery(*seq, 1), 1, 200, Outcome::Delivered)).collect();
    journal.settle(&rows).await.expect("settled");
    let left: i64 = conn.query_row("SELECT count(*) FROM pending", [], |row| row.get(0)).expect("counted");
    assert_eq!(left, 0);
}
