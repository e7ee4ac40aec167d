//! The log in front: each leg lies in it or in the tables, whatever happens in between.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use calls::{EventKind, PbxName};
use journal::conformance::sample::{Leg, delivery, keep, settle, tried};
use journal::faults::{CommitPoint, Faults};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{
    Access, Appended, EventSeq, Filter, Grant, JournalError, Logging, Options, Outcome, RollingUp, Settled,
    Sqlite, WallTime,
};
use rusqlite::Connection;
use tempfile::tempdir;

fn open_with(folder: &Path, logging: Logging, faults: Faults) -> Result<Sqlite, JournalError> {
    // What waits is as old each time it is looked at.
    let clock: journal::clock::Clock = Arc::new(|| WallTime(1_795_000_500_000_000));
    let options = Options { logging, faults, rolling_up: RollingUp::never(), clock, ..Options::default() };
    Sqlite::open_with(folder, Access::Gateway, Sealer::new([7; 32]), options)
}

fn open(folder: &Path, logging: Logging) -> Sqlite {
    open_with(folder, logging, Faults::none()).expect("a journal")
}

/// A disk that takes nothing at these points while the switch is on.
fn fails_while(on: bool, at: fn(CommitPoint) -> bool) -> (Arc<AtomicBool>, Faults) {
    let on = Arc::new(AtomicBool::new(on));
    let switch = on.clone();
    let faults = Faults::new(move |point| match at(point) && switch.load(Ordering::SeqCst) {
        true => Err("no space left on device".to_owned()),
        false => Ok(()),
    });
    (on, faults)
}

fn count(journal: &Sqlite, table: &str) -> i64 {
    let conn = Connection::open(journal.place()).expect("opens");
    conn.query_row(&format!("SELECT count(*) FROM {table}"), [], |row| row.get(0)).expect("counted")
}

/// Legs that ended, with an attempt of each of their deliveries.
async fn whole_legs(journal: &Sqlite, numbers: std::ops::Range<u32>) {
    for number in numbers {
        for seq in keep(journal, Leg::incoming(number).whole(&[1])).await {
            let settled = journal.settle(&[tried(delivery(seq, 1), 1, 204, Outcome::Delivered)]).await;
            assert_eq!(settled.expect("settled"), [Settled::Done]);
        }
    }
}

/// Until so many legs are packed: who settled the last of them has its answer before that.
async fn folded(journal: &Sqlite, legs: i64) {
    let folding = async {
        while count(journal, "leg") < legs {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), folding).await.expect("they are folded");
}

/// All there is of the first hundred events and their deliveries.
async fn everything(journal: &Sqlite) -> String {
    let all = Filter::default();
    let mut text = format!("{:#?}", journal.events(all.clone()).await.expect("events"));
    text += &format!("{:#?}", journal.legs(all.clone()).await.expect("legs"));
    text += &format!("{:#?}", journal.deliveries(all).await.expect("deliveries"));
    for seq in 1..100 {
        text += &format!("{:?}", journal.attempts(delivery(EventSeq(seq), 1)).await.expect("attempts"));
    }
    text += &format!("{:#?}", journal.load_all(Grant::ALONE).await.expect("pending"));
    text + &format!("{:#?}", journal.restore(PbxName::new("pbx1")).await.expect("restored"))
}

#[tokio::test]
async fn what_is_new_is_in_the_log_alone_until_somebody_asks() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), Logging::default());
    whole_legs(&journal, 0..3).await;
    assert!(count(&journal, "log") >= 6);
    assert_eq!(["events", "legs", "pending", "leg"].map(|table| count(&journal, table)), [0; 4]);
    let size = journal.size().await.expect("a size");
    assert_eq!((size.events, size.pending), (9, 0), "it is counted where it lies");
    assert_eq!(journal.events(Filter::default()).await.expect("events").len(), 9);
    assert_eq!(["log", "events", "legs", "leg"].map(|table| count(&journal, table)), [0, 0, 3, 3]);
}

/// Whoever fails, or is behind, reads events again beside calls: that makes no rows of what is new, and needs no disk.
#[tokio::test]
async fn who_reads_events_leaves_the_log_as_it_is() {
    let folder = tempdir().expect("a folder");
    let (on, faults) = fails_while(false, |_| true);
    let journal = open_with(folder.path(), Logging::default(), faults).expect("a journal");
    whole_legs(&journal, 0..3).await;
    journal.events(Filter::default()).await.expect("now they are in the tables");
    whole_legs(&journal, 3..5).await;
    let running = keep(&journal, Leg::incoming(5).append(&[EventKind::Incoming], &[1])).await[0];
    let tables = ["log", "events", "leg"].map(|table| count(&journal, table));
    assert!(tables[0] > 0 && tables[2] == 3);
    on.store(true, Ordering::SeqCst);
    let asked: Vec<_> = [running, EventSeq(9_999), EventSeq(10), EventSeq(2), running].into();
    let found = journal.bodies(asked).await.expect("bodies");
    let found: Vec<_> = found.iter().map(|kept| (kept.seq, kept.event.id())).collect();
    on.store(false, Ordering::SeqCst);
    assert_eq!(tables, ["log", "events", "leg"].map(|table| count(&journal, table)));
    let told = journal.events(Filter::default()).await.expect("events");
    let id_of = |seq| told.iter().find(|kept| kept.seq == seq).expect("it is kept").event.id();
    let wanted = [running, EventSeq(10), EventSeq(2), running].map(|seq| (seq, id_of(seq)));
    assert_eq!(found, wanted);
}

/// Between a look into the tables and one into the log.
#[tokio::test]
async fn an_event_that_is_folded_while_it_is_looked_for_is_found() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), Logging::folded_at_once());
    for number in 0..500 {
        let seqs = keep(&journal, Leg::incoming(number).whole(&[])).await;
        let found = journal.bodies(seqs.clone()).await.expect("bodies");
        assert_eq!(found.iter().map(|kept| kept.seq).collect::<Vec<_>>(), seqs);
    }
}

/// A fold that fails leaves everything as it was, also for who opens the store after that; and is made up for.
#[tokio::test]
async fn a_fold_can_be_cut_anywhere() {
    let folder = tempdir().expect("a folder");
    let (_, faults) = fails_while(true, |at| at == CommitPoint::Fold);
    let journal = open_with(folder.path(), Logging::folded_at_once(), faults).expect("a journal");
    whole_legs(&journal, 0..4).await;
    keep(&journal, Leg::incoming(4).append(&[EventKind::Incoming], &[1])).await;
    assert_eq!((count(&journal, "legs"), count(&journal, "leg")), (0, 0), "nothing was folded");
    drop(journal);
    let journal = open(folder.path(), Logging::default());
    assert!(count(&journal, "log") > 0);
    let size = journal.size().await.expect("a size");
    assert_eq!((size.events, size.pending), (13, 1));
    let told = everything(&journal).await;
    assert_eq!((count(&journal, "log"), count(&journal, "leg")), (0, 4));
    assert_eq!(everything(&journal).await, told);
    drop(journal);
    assert_eq!(everything(&open(folder.path(), Logging::never())).await, told);
}

/// The rows of the log behind the head hold records of legs that are in the tables already.
#[tokio::test]
async fn a_record_that_was_folded_ahead_of_the_cut_counts_once() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), Logging { legs: 1, ..Logging::default() });
    let running = keep(&journal, Leg::incoming(0).append(&[EventKind::Incoming], &[1])).await[0];
    whole_legs(&journal, 1..4).await;
    folded(&journal, 3).await;
    let rows = count(&journal, "log");
    assert!(rows > 3, "the first leg holds the head: {rows}");
    // Wanted again, and failed: in the tables, though the log still says that it came through.
    let id = delivery(EventSeq(running.0 + 1), 1);
    let again = [settle(id, Outcome::Again(Duration::ZERO)), tried(id, 2, 410, Outcome::Failed(None))];
    assert_eq!(journal.settle(&again).await.expect("settled"), [Settled::Done; 2]);
    drop(journal);
    let journal = open(folder.path(), Logging::default());
    assert!(count(&journal, "log") > 0);
    let size = journal.size().await.expect("a size");
    assert_eq!((size.events, size.pending), (10, 1));
    let told = everything(&journal).await;
    assert_eq!(journal.attempts(id).await.expect("attempts").len(), 2);
    assert_eq!(journal.deliveries(Filter::default()).await.expect("deliveries").len(), 10);
    drop(journal);
    assert_eq!(everything(&open(folder.path(), Logging::default())).await, told);
}

#[tokio::test]
async fn a_long_call_does_not_hold_the_log() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), Logging { rows: 20, legs: 4, ..Logging::default() });
    let long = Leg::incoming(0);
    let first = keep(&journal, long.append(&[EventKind::Incoming], &[1])).await[0];
    let waits = keep(&journal, Leg::incoming(1).whole(&[1])).await;
    for number in 2..60 {
        whole_legs(&journal, number..number + 1).await;
        assert!(count(&journal, "log") <= 24, "{} rows", count(&journal, "log"));
    }
    assert_eq!((count(&journal, "open_legs"), count(&journal, "pending")), (1, 4), "both were carried");
    let ended = keep(&journal, long.append(&[EventKind::Ended], &[])).await;
    let through = [first, waits[0]].map(|seq| tried(delivery(seq, 1), 1, 200, Outcome::Delivered));
    assert_eq!(journal.settle(&through).await.expect("settled"), [Settled::Done; 2]);
    let legs = journal.legs(Filter { leg: Some(long.id()), ..Filter::default() }).await.expect("legs");
    assert!(legs[0].ended.is_some() && legs[0].seq == first && ended[0] > waits[2]);
}

#[tokio::test]
async fn the_log_stays_within_its_bound() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), Logging { bytes: 20_000, ..Logging::default() });
    let held = || -> i64 {
        let conn = Connection::open(journal.place()).expect("opens");
        let bytes = conn.query_row("SELECT coalesce(sum(length(body)), 0) FROM log", [], |row| row.get(0));
        bytes.expect("summed")
    };
    for number in 0..400 {
        keep(&journal, Leg::incoming(number).append(&[EventKind::Incoming], &[1])).await;
        // Of what is at hand, and what came after it.
        assert!(held() < 4 * 20_000 + 1_000, "{} bytes", held());
    }
    assert!(count(&journal, "events") > 300, "what has not ended is carried into rows");
    assert_eq!(journal.load_all(Grant::ALONE).await.expect("pending").len(), 400);
}

/// What is kept sooner than it is delivered stays at hand for a while; whoever opens the store next has no more than when it is
/// calm.
#[tokio::test]
async fn in_a_flood_the_log_has_more_and_at_the_end_no_more_than_else() {
    let folder = tempdir().expect("a folder");
    let bound = Logging { bytes: 500_000, ..Logging::default() };
    let journal = open(folder.path(), bound);
    // As many in one commit are a flood, however long it takes.
    let flood = |from: u32| (from..from + 4_200).map(Leg::incoming).collect::<Vec<_>>();
    for legs in [flood(0), flood(5_000)] {
        let rings: Vec<_> = legs.iter().map(|leg| leg.append(&[EventKind::Incoming], &[1])).collect();
        journal.append(&rings).await.expect("kept");
    }
    // Behind what is folded after that.
    keep(&journal, Leg::incoming(9_999).append(&[EventKind::Incoming], &[1])).await;
    let in_the_log = |journal: &Sqlite| 8_401 - count(journal, "events");
    let in_a_flood = in_the_log(&journal);
    drop(journal);
    let journal = open(folder.path(), bound);
    let calm = in_the_log(&journal);
    assert!(calm > 0 && in_a_flood > 3 * calm, "{in_a_flood} and {calm} legs");
    assert_eq!(journal.load_all(Grant::ALONE).await.expect("pending").len(), 8_401);
}

/// What is delivered next stays at hand, and goes packed into the tables without ever having waited there.
#[tokio::test]
async fn who_is_behind_in_a_flood_has_at_hand_what_comes_next() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), Logging { bytes: 500_000, ..Logging::default() });
    let flood = |from: u32, to: &[u32]| -> Vec<_> {
        (from..from + 4_200).map(|number| Leg::incoming(number).whole(to)).collect()
    };
    journal.append(&flood(5_000, &[])).await.expect("kept");
    let kept = journal.append(&flood(0, &[1])).await.expect("kept");
    let seqs = kept.iter().flatten().map(|appended| match appended {
        Appended::Stored(seq, _) => *seq,
        other => panic!("{other:?}"),
    });
    let seqs: Vec<_> = seqs.collect();
    // Behind what is folded after that.
    keep(&journal, Leg::incoming(9_999).append(&[EventKind::Incoming], &[])).await;
    let waits = || -> Vec<i64> {
        let conn = Connection::open(journal.place()).expect("opens");
        let mut select = conn.prepare("SELECT event FROM pending ORDER BY event").expect("prepared");
        select.query_map([], |row| row.get(0)).expect("asked").map(|seq| seq.expect("read")).collect()
    };
    let carried = waits();
    let stay = seqs.len() - carried.len();
    assert!(stay > 1_000 && carried.len() > 1_000, "{stay} stay");
    assert_eq!(carried[0], seqs[stay].0, "the newest have left");
    let next: Vec<_> =
        seqs[..stay].iter().map(|seq| tried(delivery(*seq, 1), 1, 204, Outcome::Delivered)).collect();
    let settled = journal.settle(&next).await.expect("settled");
    assert!(settled.iter().all(|settled| *settled == Settled::Done));
    assert_eq!(count(&journal, "history"), 0, "none of them has a row of its own");
    assert_eq!(waits(), carried);
    journal.events(Filter::default()).await.expect("folded");
    assert_eq!((count(&journal, "history"), count(&journal, "leg")), (0, 8_400));
}

/// Not in the log either, where it would come back from.
#[tokio::test]
async fn what_is_forgotten_is_nowhere() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), Logging { legs: 1, ..Logging::default() });
    keep(&journal, Leg::incoming(0).append(&[EventKind::Incoming], &[])).await;
    whole_legs(&journal, 1..9).await;
    folded(&journal, 8).await;
    assert!(count(&journal, "log") > 8);
    while journal.prune(None, WallTime(i64::MAX)).await.expect("pruned") > 0 {}
    let left = ["leg", "legs", "calls", "by_account", "place", "line", "history", "details"];
    assert_eq!(left.map(|table| count(&journal, table)), [0, 1, 1, 1, 0, 0, 0, 0]);
    drop(journal);
    let journal = open(folder.path(), Logging::default());
    assert_eq!(journal.events(Filter::default()).await.expect("events").len(), 1);
    assert_eq!(journal.size().await.expect("a size").events, 1);
}

/// It was found in the log, which could not be folded at that moment.
#[tokio::test]
async fn what_is_found_while_the_log_cannot_be_folded_is_forgotten_all_the_same() {
    let folder = tempdir().expect("a folder");
    let fails = Arc::new(AtomicUsize::new(0));
    let left = fails.clone();
    let faults = Faults::new(move |at| {
        let one_less = |left: usize| left.checked_sub(1);
        match at == CommitPoint::Before
            && left.fetch_update(Ordering::SeqCst, Ordering::SeqCst, one_less).is_ok()
        {
            true => Err("the disk took nothing".to_owned()),
            false => Ok(()),
        }
    });
    let journal = open_with(folder.path(), Logging::default(), faults).expect("a journal");
    whole_legs(&journal, 0..3).await;
    fails.store(1, Ordering::SeqCst);
    assert_eq!(journal.prune(None, WallTime(i64::MAX)).await.expect("pruned"), 9);
    assert_eq!(fails.load(Ordering::SeqCst), 0, "it failed once");
    assert_eq!(journal.events(Filter::default()).await.expect("events"), []);
}

/// It has a log of its own, which is never written.
#[tokio::test]
async fn a_command_that_fails_beside_a_gateway_leaves_its_log_alone() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), Logging::default());
    whole_legs(&journal, 0..3).await;
    let (on, faults) = fails_while(true, |_| true);
    let before = ["log", "legs", "leg"].map(|table| count(&journal, table));
    let options = Options { faults, ..Options::default() };
    let beside = Sqlite::open_with(folder.path(), Access::Settings, Sealer::new([7; 32]), options);
    let beside = beside.expect("beside");
    assert!(beside.allocate_integration().await.is_err());
    on.store(false, Ordering::SeqCst);
    beside.allocate_integration().await.expect("allocated");
    drop(beside);
    assert_eq!(["log", "legs", "leg"].map(|table| count(&journal, table)), before);
}

/// What was read before the disk failed is in the log; who asks is told of it while nothing can be written.
#[tokio::test]
async fn who_asks_while_nothing_can_be_written_is_told_of_what_is_in_the_log() {
    let folder = tempdir().expect("a folder");
    let (on, faults) = fails_while(false, |_| true);
    let journal = open_with(folder.path(), Logging::default(), faults).expect("a journal");
    whole_legs(&journal, 0..3).await;
    on.store(true, Ordering::SeqCst);
    let told = everything(&journal).await;
    assert!(count(&journal, "log") > 0, "it could not be folded");
    on.store(false, Ordering::SeqCst);
    assert_eq!(everything(&journal).await, told);
    assert_eq!(count(&journal, "log"), 0);
}

#[tokio::test]
async fn a_row_of_the_log_that_is_damaged_is_told() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), Logging::default());
    whole_legs(&journal, 0..3).await;
    let place = journal.place().to_owned();
    drop(journal);
    let conn = Connection::open(&place).expect("opens");
    let body: Vec<u8> =
        conn.query_row("SELECT body FROM log WHERE id = 2", [], |row| row.get(0)).expect("a row");
    for at in 0..body.len() {
        let mut other = body.clone();
        other[at] ^= 1 << (at % 8);
        conn.execute("UPDATE log SET body = ?1 WHERE id = 2", [other]).expect("changed");
        let refused = open_with(folder.path(), Logging::default(), Faults::none()).err();
        assert!(matches!(refused, Some(JournalError::Damaged { .. })), "{refused:?} of byte {at}");
    }
    conn.execute("UPDATE log SET body = ?1 WHERE id = 2", [body]).expect("as it was");
    open(folder.path(), Logging::default());
}

/// A commit that makes a file longer waits for the disk twice.
#[tokio::test]
async fn sqlites_log_has_room_before_it_is_needed_and_is_read_with_it_after_a_kill() {
    let (folder, left) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let journal = open(folder.path(), Logging::default());
    let log = folder.path().join("journal.sqlite-wal");
    let length = || std::fs::metadata(&log).expect("a log").len();
    keep(&journal, Leg::incoming(0).append(&[EventKind::Incoming], &[1])).await;
    // Who kept it has the answer before the room is made.
    let first = tokio::time::timeout(Duration::from_secs(60), async {
        while length() < 256 * 1024 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        length()
    });
    let first = first.await.expect("there is room");
    whole_legs(&journal, 1..60).await;
    assert!(length() < 40 * 1024 * 1024, "no more than it will need: {}", length());
    assert!(length() >= first);
    // As a kill leaves it.
    for name in ["journal.sqlite", "journal.sqlite-wal"] {
        std::fs::copy(folder.path().join(name), left.path().join(name)).expect("copied");
    }
    let told = everything(&journal).await;
    assert_eq!(everything(&open(left.path(), Logging::default())).await, told);
    // Nor does the command line beside it write where there is room only.
    let beside = Sqlite::open(folder.path(), Access::Settings, Sealer::new([7; 32])).expect("beside");
    beside.allocate_integration().await.expect("a number");
    assert_eq!(everything(&journal).await, told);
}
