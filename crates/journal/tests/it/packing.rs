//! Ended legs in a row each: a store of before is taken over beside the calls, nothing is lost on the way, and whoever
//! asks meanwhile is answered the same.

use std::path::Path;
use std::time::Duration;

use calls::{AccountId, EventKind, PbxName, PbxTime};
use journal::conformance::sample::{Leg, attempt, delivery, keep, settle, tried};
use journal::faults::Faults;
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{
    Access, Cursor, DeliveryState, EventSeq, Filter, LegOutcome, Logging, Options, Outcome, Reason,
    RollingUp, Settled, Sqlite, WallTime,
};
use rusqlite::Connection;
use tempfile::tempdir;

use crate::older::AS_FORMAT_7;

fn open(folder: &Path, rolling_up: RollingUp) -> Sqlite {
    let options = Options { rolling_up, logging: Logging::never(), ..Options::default() };
    Sqlite::open_with(folder, Access::Gateway, Sealer::new([7; 32]), options).expect("a journal")
}

fn count(conn: &Connection, table: &str) -> i64 {
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("counted")
}

fn packed_to(conn: &Connection) -> i64 {
    conn.query_row("SELECT value FROM meta WHERE name = 'packed_to'", [], |row| row.get(0)).expect("read")
}

/// Until every leg that ended up to a place is packed.
async fn packed(conn: &Connection, place: i64) {
    let waiting = async {
        while packed_to(conn) < place {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting).await.expect("it is packed");
}

/// Calls of two accounts in every state there is, as many as legs; the place of the last event.
async fn fill(journal: &Sqlite, legs: u32) -> i64 {
    let mut last = 0;
    for first in (0..legs).step_by(50) {
        let mut moments = Vec::new();
        for number in first..(first + 50).min(legs) {
            let leg = if number % 4 == 0 { Leg::outgoing(number) } else { Leg::incoming(number) };
            let leg = leg.of(["1", "2"][number as usize % 2]);
            let whole = leg.whole(&[1, 2][..(number % 3) as usize]);
            moments.push(match number % 17 {
                0 => leg.append(&[leg.begin().kind()], &[1]),
                _ => whole,
            });
        }
        let answers = journal.append(&moments).await.expect("kept");
        let mut rows = Vec::new();
        for (at, answer) in answers.into_iter().flatten().enumerate() {
            let journal::Appended::Stored(seq, waiting) = answer else { panic!("not new: {answer:?}") };
            last = seq.0;
            for pending in waiting {
                let reason = || Some(Reason::status(500));
                match at % 11 {
                    0 => {}
                    1 => rows.push(tried(pending.id, 1, 503, Outcome::RetryAt(WallTime(9)))),
                    2 => rows.push(tried(pending.id, 1, 500, Outcome::Failed(reason()))),
                    3 => rows.push(settle(pending.id, Outcome::Cancelled)),
                    4 => rows.push(settle(pending.id, Outcome::Delivered)),
                    5 => rows.extend([
                        tried(pending.id, 1, 0, Outcome::RetryAt(WallTime(9))),
                        tried(pending.id, 2, 204, Outcome::Delivered),
                        settle(pending.id, Outcome::Again(WallTime(7))),
                    ]),
                    _ => rows.push(tried(pending.id, 1, 204, Outcome::Delivered)),
                }
            }
        }
        journal.settle(&rows).await.expect("settled");
    }
    last
}

/// What everybody can ask of account 1, and of all; as text, for it is much.
async fn answers(journal: &Sqlite, to: i64) -> String {
    let account = || Some(AccountId::new("1"));
    let upto = || Some(cursor(to + 1));
    let mut told = String::new();
    let base = Filter { before: upto(), limit: 60, ..Filter::default() };
    let middle = || Some(cursor(to / 2));
    let filters = [
        Filter { account: account(), ..base.clone() },
        base.clone(),
        Filter { account: account(), before: middle(), ..base.clone() },
        Filter { before: None, after: middle(), limit: 40, ..base.clone() },
        Filter { before: None, after: Some(Cursor::START), account: account(), limit: 40, ..base.clone() },
        Filter { account: account(), employee: Some("510".to_owned()), ..base.clone() },
        Filter { account: account(), number: Some("0123".to_owned()), ..base.clone() },
        Filter { account: account(), outcome: Some(LegOutcome::Missed), ..base.clone() },
        Filter { account: account(), kind: Some(EventKind::Ended), ..base.clone() },
        Filter {
            from: Some(Leg::incoming(300).begins_at()),
            until: Some(Leg::incoming(340).begins_at()),
            ..base.clone()
        },
        Filter { leg: Some(Leg::incoming(33).id()), ..base.clone() },
        Filter { call: Some(Leg::incoming(33).begin().call), ..base.clone() },
        Filter { states: vec![DeliveryState::Failed, DeliveryState::Waiting], ..base.clone() },
        Filter { account: account(), states: vec![DeliveryState::Delivered], ..base.clone() },
    ];
    for filter in filters {
        told += &format!("{:?}\n", journal.events(filter.clone()).await.expect("events"));
        told += &format!("{:?}\n", journal.legs(filter.clone()).await.expect("legs"));
        told += &format!("{:?}\n", journal.deliveries(filter).await.expect("deliveries"));
    }
    let ever = PbxTime::from_secs(0)..PbxTime::from_secs(4_000_000_000);
    told += &format!("{:?}\n", journal.sums(AccountId::new("1"), ever).await.expect("sums"));
    for seq in (1..to).step_by(37).map(EventSeq) {
        told += &format!("{:?}\n", journal.bodies(vec![seq]).await.expect("bodies"));
        told += &format!("{:?}\n", journal.attempts(delivery(seq, 1)).await.expect("attempts"));
        told += &format!("{:?}\n", journal.attempts(delivery(seq, 2)).await.expect("attempts"));
    }
    let id = Leg::incoming(33).event(EventKind::Answered).id();
    told += &format!("{:?}\n", journal.find(id).await.expect("found"));
    told += &format!("{:?}\n", journal.kept_within(AccountId::new("1"), 90_000).await.expect("weighed"));
    let waiting = journal.load_all().await.expect("what waits");
    told += &format!("{:?}\n", waiting.iter().filter(|waiting| waiting.id.event.0 <= to).collect::<Vec<_>>());
    told + &format!("{:?}", journal.restore(PbxName::new("pbx1")).await.expect("restored"))
}

/// Gives a store in rows what lists and reports find them by, as it is made of a copy.
async fn roll_up(conn: &Connection, place: &Path, last: i64) {
    let other = tempdir().expect("a folder");
    let copy = other.path().join(place.file_name().expect("a name"));
    std::fs::copy(place, &copy).expect("copied");
    let journal = open(other.path(), RollingUp::at_once(1));
    packed(&Connection::open(&copy).expect("opens"), last).await;
    drop(journal);
    conn.execute("ATTACH ?1 AS copy", [copy.to_str()]).expect("at hand");
    let sql = "INSERT INTO line SELECT * FROM copy.line; INSERT INTO day SELECT * FROM copy.day;
        UPDATE meta SET value = (SELECT value FROM copy.meta other WHERE other.name = meta.name)
            WHERE name IN ('rolled_up_to', 'longest_leg');
        DETACH copy;";
    conn.execute_batch(sql).expect("taken");
    assert!(count(conn, "line") > 10);
}

fn cursor(place: i64) -> Cursor {
    place.to_string().parse().expect("a place")
}

/// Before, while and after its legs are packed, beside calls that come in.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_of_before_is_taken_over_beside_the_calls_and_answers_the_same() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), RollingUp { listed: 1, ..RollingUp::never() });
    let last = fill(&journal, 1_500).await;
    let place = journal.place().to_owned();
    drop(journal);
    let conn = Connection::open(&place).expect("opens");
    roll_up(&conn, &place, last).await;
    conn.execute_batch(AS_FORMAT_7).expect("as it was");
    let journal = open(folder.path(), RollingUp::never());
    let before = answers(&journal, last).await;
    let size = journal.size().await.expect("size");
    drop(journal);
    let [legs, rows] = ["leg", "events"].map(|table| count(&conn, table));
    assert_eq!((legs, packed_to(&conn)), (0, 0));

    // A few legs at a time, on a disk that is slow.
    let faults = Faults::new(|_| {
        std::thread::sleep(Duration::from_millis(5));
        Ok(())
    });
    let rolling_up = RollingUp { at_most: 40, ..RollingUp::at_once(64) };
    let options = Options { rolling_up, faults, ..Options::default() };
    let sealer = Sealer::new([7; 32]);
    let journal = Sqlite::open_with(folder.path(), Access::Gateway, sealer, options).expect("a journal");
    let mut during = 0;
    let mut number = 10_000;
    while packed_to(&conn) < last {
        keep(&journal, Leg::incoming(number).of("3").on("pbx3").whole(&[])).await;
        number += 1;
        during += i32::from((1..last).contains(&packed_to(&conn)));
        let told = answers(&journal, last).await;
        assert!(told == before, "up to place {}", packed_to(&conn));
    }
    assert!(during > 0, "it was asked while some were packed and some not");
    assert!(answers(&journal, last).await == before, "and when all are");
    let open_ones = journal.restore(PbxName::new("pbx1")).await.expect("restored").legs.len();
    assert!(count(&conn, "events") < rows / 5, "{} of {rows} are left in rows", count(&conn, "events"));
    assert!(open_ones > 50, "what has not ended is not packed");
    let later = journal.size().await.expect("size");
    assert_eq!(later.pending, size.pending);
    assert_eq!(later.events, size.events + u64::from(number - 10_000) * 3);
    drop(journal);
    let journal = open(folder.path(), RollingUp::at_once(64));
    assert!(answers(&journal, last).await == before, "also when it was closed in between");
    journal.check().await.expect("whole");
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
        let refused = tried(id, 1, 500, Outcome::RetryAt(WallTime(5)));
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
        tried(one, 1, 503, Outcome::RetryAt(WallTime(5))),
        tried(one, 2, 204, Outcome::Delivered),
        tried(two, 1, 500, Outcome::RetryAt(WallTime(5))),
    ];
    journal.settle(&first).await.expect("settled");
    drop(journal);
    let journal = open(folder.path(), RollingUp::at_once(1));
    let conn = Connection::open(journal.place()).expect("opens");
    keep(&journal, Leg::incoming(2).append(&[EventKind::Incoming], &[])).await;
    packed(&conn, seqs[2].0).await;
    assert_eq!(["history", "details", "leg"].map(|table| count(&conn, table)), [0, 0, 1]);
    let again = [
        settle(one, Outcome::Again(WallTime(50))),
        tried(one, 3, 410, Outcome::Held),
        settle(one, Outcome::Again(WallTime(60))),
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
            let outcome = if number < 3 { Outcome::RetryAt(WallTime(1)) } else { Outcome::Delivered };
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
    for number in 0..300 {
        let seqs = keep(journal.as_ref(), Leg::incoming(number).whole(&[1])).await;
        let rows: Vec<_> =
            seqs.iter().map(|seq| tried(delivery(*seq, 1), 1, 204, Outcome::Delivered)).collect();
        assert_eq!(journal.settle(&rows).await.expect("settled"), [Settled::Done; 3]);
    }
    reader.await.expect("it saw them");
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
