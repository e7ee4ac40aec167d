//! Every question is answered along a tree in the order it is asked in: nothing is sorted, nothing is read
//! from end to end. Measured by SQLite's own plans, not by a clock.

use calls::{AccountId, LegId};
use journal::conformance::sample::{Leg, delivery, keep, tried};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{
    Access, ActorKind, AuditEntry, AuditFilter, DeliveryState, Filter, LegOutcome, Outcome, Sqlite, WallTime,
};

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
            let place = || Some("50".parse().expect("a place"));
            for (before, after) in [(None, None), (place(), None), (None, place())] {
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

#[tokio::test]
async fn the_audit_log_is_read_along_a_tree_whatever_is_asked() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Sqlite::open(folder.path(), Access::Gateway, Sealer::new([7; 32])).expect("a journal");
    let conn = rusqlite::Connection::open(journal.place()).expect("opens");
    let account = || Some(AccountId::new("1"));
    let actor = || Some("olga".to_owned());
    for (account, actor) in [(None, None), (account(), None), (None, actor()), (account(), actor())] {
        let filter = AuditFilter { account, actor, ..AuditFilter::default() };
        let plan = plan(&conn, &journal::audit_statement_of(&filter));
        assert!(plan.iter().all(|line| line.starts_with("SEARCH")), "{filter:?}\n{plan:#?}");
    }
}

/// A reader that never ends sees what was there when it began, and keeps nobody waiting.
#[tokio::test]
async fn who_reads_the_audit_log_keeps_no_writer_waiting() {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = Sqlite::open(folder.path(), Access::Gateway, Sealer::new([7; 32])).expect("a journal");
    let note = |at| AuditEntry {
        at: WallTime(at),
        kind: ActorKind::Person,
        actor: "olga".to_owned(),
        address: None,
        account: None,
        what: "audit.login".to_owned(),
        subject: String::new(),
        detail: String::new(),
    };
    journal.note_done(vec![note(1)]).await.expect("noted");
    let conn = rusqlite::Connection::open(journal.place()).expect("opens");
    let count = |conn: &rusqlite::Connection| -> i64 {
        conn.query_row("SELECT count(*) FROM audit", [], |row| row.get(0)).expect("counted")
    };
    conn.execute_batch("BEGIN").expect("begun");
    assert_eq!(count(&conn), 1);
    journal.note_done(vec![note(2)]).await.expect("noted beside it");
    assert_eq!(count(&conn), 1);
    conn.execute_batch("COMMIT").expect("ended");
    assert_eq!(count(&conn), 2);
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
