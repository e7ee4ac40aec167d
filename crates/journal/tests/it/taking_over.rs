//! A store that an older program left is taken over beside the calls: nothing is lost on the way, and whoever asks
//! meanwhile is answered the same.

use std::path::Path;
use std::time::Duration;

use calls::{AccountId, EventKind, PbxName, PbxTime};
use journal::conformance::sample::{Leg, delivery, keep, settle, tried};
use journal::faults::Faults;
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{
    Access, Cursor, DeliveryState, EventSeq, Filter, Grant, LegOutcome, Options, Outcome, Reason, RollingUp,
    Sqlite,
};
use rusqlite::Connection;
use tempfile::{TempDir, tempdir};

use crate::older::{AS_FORMAT_7, AS_FORMAT_10};
use crate::packing::{count, open, packed, packed_to};

/// Calls of two accounts in every state there is, as many as legs; the place of the last event.
pub(crate) async fn fill(journal: &Sqlite, legs: u32) -> i64 {
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
                    1 => rows.push(tried(pending.id, 1, 503, Outcome::RetryIn(Duration::ZERO))),
                    2 => rows.push(tried(pending.id, 1, 500, Outcome::Failed(reason()))),
                    3 => rows.push(settle(pending.id, Outcome::Cancelled)),
                    4 => rows.push(settle(pending.id, Outcome::Delivered)),
                    5 => rows.extend([
                        tried(pending.id, 1, 0, Outcome::RetryIn(Duration::ZERO)),
                        tried(pending.id, 2, 204, Outcome::Delivered),
                        settle(pending.id, Outcome::Again(Duration::ZERO)),
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
pub(crate) async fn answers(journal: &Sqlite, to: i64) -> String {
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
    for seq in (1..to).step_by(usize::try_from(to / 120).unwrap_or(1).max(1)).map(EventSeq) {
        told += &format!("{:?}\n", journal.bodies(vec![seq]).await.expect("bodies"));
        told += &format!("{:?}\n", journal.attempts(delivery(seq, 1)).await.expect("attempts"));
        told += &format!("{:?}\n", journal.attempts(delivery(seq, 2)).await.expect("attempts"));
    }
    let id = Leg::incoming(33).event(EventKind::Answered).id();
    told += &format!("{:?}\n", journal.find(id).await.expect("found"));
    told += &format!("{:?}\n", journal.kept_within(AccountId::new("1"), 90_000).await.expect("weighed"));
    let mut waiting = journal.load_all(Grant::ALONE).await.expect("what waits");
    // When it is asked says how old it is.
    waiting.iter_mut().for_each(|waiting| waiting.age = Duration::ZERO);
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

/// How many legs the store of before has: a million behind `just taken-over`.
fn many() -> u32 {
    std::env::var("RINGBUD_TAKEN_OVER").map_or(1_500, |many| many.parse().expect("a number of legs"))
}

/// As an older program left it: when all was in rows, and when half of it was packed.
async fn left_by(as_it_was: &str, half_is_packed: bool) -> (TempDir, i64) {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), RollingUp { listed: 1, ..RollingUp::never() });
    let last = fill(&journal, many()).await;
    let place = journal.place().to_owned();
    drop(journal);
    let conn = Connection::open(&place).expect("opens");
    if half_is_packed {
        let journal = open(folder.path(), RollingUp { at_most: last / 8, ..RollingUp::at_once(last / 2) });
        packed(&conn, last / 2).await;
        drop(journal);
    } else {
        roll_up(&conn, &place, last).await;
    }
    conn.execute_batch(as_it_was).expect("as it was");
    (folder, last)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_in_rows_is_taken_over_beside_the_calls_and_answers_the_same() {
    let (folder, last) = left_by(AS_FORMAT_7, false).await;
    is_taken_over(folder.path(), last).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_a_log_is_taken_over_beside_the_calls_and_answers_the_same() {
    let (folder, last) = left_by(AS_FORMAT_10, true).await;
    is_taken_over(folder.path(), last).await;
}

/// Before, while and after its legs are packed, beside calls that come in.
async fn is_taken_over(folder: &Path, last: i64) {
    let journal = open(folder, RollingUp::never());
    let conn = Connection::open(journal.place()).expect("opens");
    let before = answers(&journal, last).await;
    let size = journal.size().await.expect("size");
    drop(journal);
    let (began, rows) = (packed_to(&conn), count(&conn, "events"));

    // A few legs at a time, on a disk so slow that all questions are asked several times meanwhile.
    let faults = Faults::new(|_| {
        std::thread::sleep(Duration::from_millis(20));
        Ok(())
    });
    let rolling_up = RollingUp { at_most: (last / 100).max(40), ..RollingUp::at_once(64) };
    let options = Options { rolling_up, faults, ..Options::default() };
    let sealer = Sealer::new([7; 32]);
    let journal = Sqlite::open_with(folder, Access::Gateway, sealer, options).expect("a journal");
    let mut during = 0;
    let first = many() + 10_000;
    let mut number = first;
    // What is new comes packed out of the log: a last stretch that is too short to be rolled up stays in rows.
    while packed_to(&conn) < last - 64 {
        keep(&journal, Leg::incoming(number).of("3").on("pbx3").whole(&[])).await;
        number += 1;
        during += i32::from((began + 1..last).contains(&packed_to(&conn)));
        let told = answers(&journal, last).await;
        assert!(told == before, "up to place {}", packed_to(&conn));
    }
    assert!(during > 0, "it was asked while some were packed and some not");
    assert!(answers(&journal, last).await == before, "and when nothing is left to do");
    let open_ones = journal.restore(PbxName::new("pbx1")).await.expect("restored").legs.len();
    assert!(count(&conn, "events") < rows / 4, "{} of {rows} are left in rows", count(&conn, "events"));
    assert!(open_ones > 50, "what has not ended is not packed");
    let later = journal.size().await.expect("size");
    assert_eq!(later.pending, size.pending);
    assert_eq!(later.events, size.events + u64::from(number - first) * 3);
    drop(journal);
    let journal = open(folder, RollingUp::at_once(64));
    assert!(answers(&journal, last).await == before, "also when it was closed in between");
    journal.check().await.expect("whole");
}
