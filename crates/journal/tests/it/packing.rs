//! Ended legs in a row each: what waits of them, what comes later, and what is too much.

use std::path::Path;
use std::time::Duration;

use calls::EventKind;
use journal::conformance::sample::{Leg, attempt, delivery, keep, settle, tried};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Access, Filter, Logging, Options, Outcome, RollingUp, Settled, Sqlite};
use rusqlite::Connection;
use tempfile::tempdir;

use crate::taking_over::fill;

pub(crate) fn open(folder: &Path, rolling_up: RollingUp) -> Sqlite {
    let options = Options { rolling_up, logging: Logging::never(), ..Options::default() };
    Sqlite::open_with(folder, Access::Gateway, Sealer::new([7; 32]), options).expect("a journal")
}

pub(crate) fn count(conn: &Connection, table: &str) -> i64 {
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("counted")
}

pub(crate) fn packed_to(conn: &Connection) -> i64 {
    conn.query_row("SELECT value FROM meta WHERE name = 'packed_to'", [], |row| row.get(0)).expect("read")
}

/// Until every leg that ended up to a place is packed.
pub(crate) async fn packed(conn: &Connection, place: i64) {
    let waiting = async {
        while packed_to(conn) < place {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it is packed");
}

/// As long as not too many have come behind it.
#[tokio::test]
async fn a_leg_with_something_that_waits_is_packed_when_it_has_waited_long() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), RollingUp { waits: 30, ..RollingUp::at_once(1) });
    let conn = Connection::open(journal.place()).expect("opens");
    keep(&journal, Leg::incoming(0).whole(&[])).await;
    packed(&conn, 3).await;
    let waiting = keep(&journal, Leg::incoming(1).whole(&[1])).await;
    for number in 2..9 {
        keep(&journal, Leg::incoming(number).whole(&[])).await;
    }
    packed(&conn, waiting[2].0 - 1).await;
    assert_eq!((packed_to(&conn), count(&conn, "leg")), (waiting[2].0 - 1, 1));
    for number in 10..20 {
        keep(&journal, Leg::incoming(number).whole(&[])).await;
    }
    packed(&conn, waiting[2].0).await;
    // What comes of it then lies beside it, in its order.
    for (at, seq) in waiting.iter().enumerate() {
        let id = delivery(*seq, 1);
        let refused = tried(id, 1, 500, Outcome::RetryIn(Duration::ZERO));
        assert_eq!(journal.settle(&[refused]).await.expect("settled"), [Settled::Done], "{at}");
        journal.settle(&[tried(id, 2, 204, Outcome::Delivered)]).await.expect("settled");
        let attempts = journal.attempts(id).await.expect("attempts");
        assert_eq!(attempts, [attempt(1, 500), attempt(2, 204)]);
    }
}

/// What was noted before a leg was packed, and after it, is in order, and the last of it counts.
#[tokio::test]
async fn what_comes_of_a_delivery_after_its_leg_was_packed_is_noted_behind() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), RollingUp::never());
    let seqs = keep(&journal, Leg::incoming(1).whole(&[1, 2])).await;
    let (one, two) = (delivery(seqs[0], 1), delivery(seqs[0], 2));
    let first = [
        tried(one, 1, 503, Outcome::RetryIn(Duration::ZERO)),
        tried(one, 2, 204, Outcome::Delivered),
        tried(two, 1, 500, Outcome::RetryIn(Duration::ZERO)),
    ];
    journal.settle(&first).await.expect("settled");
    drop(journal);
    let journal = open(folder.path(), RollingUp::at_once(1));
    let conn = Connection::open(journal.place()).expect("opens");
    keep(&journal, Leg::incoming(2).append(&[EventKind::Incoming], &[])).await;
    packed(&conn, seqs[2].0).await;
    assert_eq!(["history", "details", "leg"].map(|table| count(&conn, table)), [0, 0, 1]);
    let again = [
        settle(one, Outcome::Again(Duration::ZERO)),
        tried(one, 3, 410, Outcome::Held),
        settle(one, Outcome::Again(Duration::ZERO)),
        tried(one, 4, 200, Outcome::Delivered),
        tried(two, 2, 200, Outcome::Delivered),
    ];
    assert_eq!(journal.settle(&again).await.expect("settled"), [Settled::Done; 5]);
    let numbers = async |id| -> Vec<u16> {
        journal.attempts(id).await.expect("attempts").iter().map(|attempt| attempt.number).collect()
    };
    assert_eq!((numbers(one).await, numbers(two).await), (vec![1, 2, 3, 4], vec![1, 2]));
    let seen = journal.deliveries(Filter { leg: Some(Leg::incoming(1).id()), ..Filter::default() }).await;
    let seen: Vec<_> = seen.expect("deliveries").iter().map(|seen| (seen.id, seen.attempts)).collect();
    assert!(seen.contains(&(one, 4)) && seen.contains(&(two, 2)), "{seen:?}");
}

/// A leg is bounded, whatever was noted of it.
#[tokio::test]
async fn a_leg_with_very_much_noted_keeps_it_beside() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), RollingUp { waits: i64::MAX, ..RollingUp::at_once(1) });
    let conn = Connection::open(journal.place()).expect("opens");
    let seqs = keep(&journal, Leg::incoming(1).whole(&[1])).await;
    for seq in &seqs {
        for number in 1..4 {
            let outcome = if number < 3 { Outcome::RetryIn(Duration::ZERO) } else { Outcome::Delivered };
            let mut large = tried(delivery(*seq, 1), number, 200, outcome);
            if let Some(attempt) = &mut large.attempt {
                attempt.request_body = vec![b'x'; 200_000].into();
            }
            journal.settle(&[large]).await.expect("settled");
        }
    }
    keep(&journal, Leg::incoming(2).append(&[EventKind::Incoming], &[])).await;
    packed(&conn, seqs[2].0).await;
    assert_eq!(["details", "leg"].map(|table| count(&conn, table)), [9, 1]);
    assert_eq!(journal.attempts(delivery(seqs[1], 1)).await.expect("attempts").len(), 3);
}

/// Each reader sees a leg whole, wherever it lies at that moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_reads_while_legs_are_packed_sees_each_of_them_whole() {
    let folder = tempdir().expect("a folder");
    let journal = std::sync::Arc::new(open(folder.path(), RollingUp::at_once(1)));
    let conn = Connection::open(journal.place()).expect("opens");
    let reader = {
        let journal = journal.clone();
        tokio::spawn(async move {
            let mut seen = 0;
            while seen < 300 {
                let legs = journal.legs(Filter { limit: 20, ..Filter::default() }).await.expect("legs");
                for leg in &legs {
                    let filter = Filter { leg: Some(leg.begun.leg.clone()), ..Filter::default() };
                    let events = journal.events(filter.clone()).await.expect("events");
                    assert_eq!(events.len(), 3, "{leg:?}");
                    assert_eq!(journal.deliveries(filter).await.expect("deliveries").len(), 3);
                }
                seen = journal.size().await.expect("size").events / 3;
            }
        })
    };
    let mut late = 0;
    for number in 0..300 {
        let seqs = keep(journal.as_ref(), Leg::incoming(number).whole(&[1])).await;
        if number == 250 {
            late = seqs[2].0;
        }
        let rows: Vec<_> =
            seqs.iter().map(|seq| tried(delivery(*seq, 1), 1, 204, Outcome::Delivered)).collect();
        assert_eq!(journal.settle(&rows).await.expect("settled"), [Settled::Done; 3]);
    }
    reader.await.expect("it saw them");
    packed(&conn, late).await;
    assert!(count(&conn, "leg") > 200, "{}", count(&conn, "leg"));
    for number in 0..300 {
        let filter = Filter { leg: Some(Leg::incoming(number).id()), ..Filter::default() };
        for seen in journal.deliveries(filter).await.expect("deliveries") {
            assert_eq!(journal.attempts(seen.id).await.expect("attempts"), [attempt(1, 204)], "{number}");
        }
    }
}

/// Beside others a stretch is shorter than what gathers before.
#[tokio::test]
async fn a_stretch_that_is_shorter_than_what_gathers_is_packed_too() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), RollingUp { at_most: 10, ..RollingUp::at_once(100) });
    let last = fill(&journal, 60).await;
    assert!(last > 100);
    packed(&Connection::open(journal.place()).expect("opens"), last - 100).await;
}
