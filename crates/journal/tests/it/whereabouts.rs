//! Where a leg lies is seen by nobody: in the log, in rows, packed. It is told the same, forgotten whole, and in one place
//! whenever the program is killed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calls::{AccountId, EventKind};
use journal::conformance::sample::{Leg, aged, attempt, delivery, keep, settle, tried};
use journal::faults::{CommitPoint, Faults};
use journal::memory::Memory;
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{
    Access, Append, Cursor, DeliveryId, Erase, Journal, Logging, Options, Outcome, Reason, RollingUp, Settle,
    Settled, Sqlite, WallTime,
};
use rusqlite::Connection;
use tempfile::tempdir;

use crate::agreeing::whole;
use crate::packing::{count, packed};
use crate::taking_over::answers;

const NOW: WallTime = WallTime(1_795_000_500_000_000);
/// Legs of what is kept; every seventh is running at the end.
const LEGS: u32 = 35;

/// Where all legs are that can be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Log,
    Rows,
    /// Out of rows.
    Packed,
    /// Out of the log, with what waits of them.
    PackedAtOnce,
    /// In rows since before they ended, for somebody had asked; nobody makes anything of them.
    LeftInRows,
    /// The same, and packed since.
    PackedLater,
}

impl Place {
    const ALL: [Self; 6] =
        [Self::Log, Self::Rows, Self::Packed, Self::PackedAtOnce, Self::LeftInRows, Self::PackedLater];

    fn logging(self) -> Logging {
        match self {
            Self::Rows | Self::Packed => Logging::never(),
            Self::Log | Self::PackedAtOnce | Self::LeftInRows | Self::PackedLater => Logging::default(),
        }
    }

    fn rolling_up(self) -> RollingUp {
        match self {
            Self::Packed | Self::PackedLater => RollingUp::at_once(1),
            Self::Log | Self::Rows | Self::PackedAtOnce | Self::LeftInRows => RollingUp::never(),
        }
    }

    /// How many rows of the log, of events and of legs there are.
    fn is(self, [log, events, legs]: [i64; 3]) -> bool {
        let running = i64::from(LEGS / 7);
        match self {
            Self::Log => log > 0 && events == 0 && legs == 0,
            Self::Rows => log == 0 && events > i64::from(LEGS) && legs == 0,
            Self::LeftInRows => events > i64::from(LEGS) && legs == 0,
            Self::Packed | Self::PackedAtOnce | Self::PackedLater => {
                events == running * 2 && legs == i64::from(LEGS) - running
            }
        }
    }
}

fn open(folder: &Path, (logging, rolling_up): (Logging, RollingUp), faults: Faults) -> Sqlite {
    let options = Options { logging, rolling_up, faults, clock: Arc::new(|| NOW), ..Options::default() };
    Sqlite::open_with(folder, Access::Gateway, Sealer::new([7; 32]), options).expect("a journal")
}

/// Commits fail while it is on.
fn broken_disk() -> (Arc<AtomicBool>, Faults) {
    let on = Arc::new(AtomicBool::new(false));
    let switch = on.clone();
    let faults = Faults::new(move |_| match switch.load(Ordering::SeqCst) {
        true => Err("no space left on device".to_owned()),
        false => Ok(()),
    });
    (on, faults)
}

fn leg(number: u32) -> Leg {
    Leg::incoming(number).of(["1", "2"][number as usize % 2])
}

/// What becomes of a delivery.
fn outcomes(at: u32, id: DeliveryId) -> Vec<Settle> {
    let again = |settled: Settle| vec![settled, settle(id, Outcome::Again(Duration::ZERO))];
    let retried = tried(id, 1, 503, Outcome::RetryIn(Duration::ZERO));
    match at % 10 {
        0 => vec![],
        1 => vec![retried],
        2 => vec![retried, tried(id, 2, 204, Outcome::Delivered)],
        3 => vec![tried(id, 1, 500, Outcome::Failed(Some(Reason::status(500))))],
        4 => vec![settle(id, Outcome::Cancelled)],
        5 => again(tried(id, 1, 204, Outcome::Delivered)),
        6 => again(tried(id, 1, 410, Outcome::Held)),
        7 => vec![settle(id, Outcome::Delivered)],
        _ => vec![tried(id, 1, 204, Outcome::Delivered)],
    }
}

/// Legs that begin, are answered and end beside one another, with deliveries in every state; the last place.
async fn play(journal: &Sqlite, place: Place) -> i64 {
    let mut last = 0;
    for kind in [EventKind::Incoming, EventKind::Answered, EventKind::Ended] {
        for number in 0..LEGS {
            if kind == EventKind::Ended && number % 7 == 3 {
                continue;
            }
            let integrations: &[u32] = if number % 3 == 0 { &[1, 2] } else { &[1] };
            let seq = keep(journal, leg(number).append(&[kind], integrations)).await[0];
            let rows = outcomes(number + kind as u32, delivery(seq, 1));
            journal.settle(&rows).await.expect("settled");
            last = seq.0;
        }
        if matches!(place, Place::LeftInRows | Place::PackedLater) && kind == EventKind::Answered {
            journal.newest_event_at().await.expect("asked");
        }
    }
    if matches!(place, Place::PackedAtOnce) {
        journal.newest_event_at().await.expect("asked");
    }
    if matches!(place, Place::Packed | Place::PackedLater) {
        packed(&Connection::open(journal.place()).expect("opens"), last).await;
    }
    let conn = Connection::open(journal.place()).expect("opens");
    let lie = ["log", "events", "leg"].map(|table| count(&conn, table));
    assert!(place.is(lie), "{place:?}: log, events, legs {lie:?}");
    last
}

#[tokio::test]
async fn a_leg_is_told_the_same_in_the_log_in_rows_and_packed() {
    let mut told = Vec::new();
    for place in Place::ALL {
        let folder = tempdir().expect("a folder");
        let (broken, faults) = broken_disk();
        let mut journal = open(folder.path(), (place.logging(), place.rolling_up()), faults);
        let last = play(&journal, place).await;
        if place == Place::Log {
            // It stays there, whoever asks.
            broken.store(true, Ordering::SeqCst);
        } else {
            drop(journal);
            journal = open(folder.path(), (place.logging(), RollingUp::never()), Faults::none());
        }
        told.push((place, answers(&journal, last).await));
    }
    for (place, other) in &told {
        assert!(*other == told[0].1, "{place:?} is not told as what is in the log");
    }
}

/// With what waits of it or without; and it does not come back.
#[tokio::test]
async fn a_leg_is_forgotten_and_erased_whole_from_the_log_from_rows_and_packed() {
    let mut told = Vec::new();
    for place in Place::ALL {
        let folder = tempdir().expect("a folder");
        let of_place = (place.logging(), place.rolling_up());
        let journal = open(folder.path(), of_place, Faults::none());
        let last = play(&journal, place).await;
        let mut gone = 0;
        for number in [8, 9, 10, 12, 14, 15] {
            let whose = Erase::Number(format!("+4520{number:06}"));
            let account = AccountId::new(["1", "2"][number % 2]);
            let erased = journal.erase(account, whose, Cursor::START).await.expect("erased");
            gone += erased.events;
            assert_eq!((erased.events, erased.running), if number == 10 { (0, 1) } else { (3, 0) });
        }
        drop(journal);
        let journal = open(folder.path(), of_place, Faults::none());
        let after_erasing = answers(&journal, last).await;
        loop {
            match journal.prune(None, WallTime(i64::MAX)).await.expect("pruned") {
                0 => break,
                pruned => gone += pruned,
            }
        }
        drop(journal);
        let journal = open(folder.path(), of_place, Faults::none());
        journal.newest_event_at().await.expect("asked");
        let size = journal.size().await.expect("a size");
        let conn = Connection::open(journal.place()).expect("opens");
        let left = ["log", "legs", "given_up", "pending"].map(|table| count(&conn, table));
        let whole = count(&conn, "events") + 3 * count(&conn, "leg");
        assert_eq!(whole, i64::try_from(size.events).expect("few"), "{place:?}");
        assert!(count(&conn, "by_account") <= whole, "{place:?}: what is gone is in no list");
        journal.check().await.expect("whole");
        told.push((place, (gone, size.events, size.pending, left), after_erasing));
    }
    for (place, left, other) in &told {
        assert_eq!(*left, told[0].1, "{place:?}");
        assert!(*other == told[0].2, "{place:?} is not told as what was in the log");
    }
}

async fn all_packed(conn: &Connection, legs: i64) {
    let packed = async {
        while count(conn, "leg") < legs {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), packed).await.expect("none is left in rows");
    assert_eq!(["events", "history", "details", "open_legs"].map(|table| count(conn, table)), [0; 4]);
}

/// Somebody looked while it ran, so that it ended in rows. One row is no stretch that gathers, and no list is told of it by
/// itself.
#[tokio::test]
async fn a_leg_left_in_rows_is_packed_when_nobody_writes() {
    let folder = tempdir().expect("a folder");
    let rolling_up = RollingUp { at: 1, pause: Duration::from_millis(1), ..RollingUp::default() };
    let journal = open(folder.path(), (Logging::default(), rolling_up), Faults::none());
    keep(&journal, leg(0).append(&[EventKind::Incoming, EventKind::Answered], &[])).await;
    journal.newest_event_at().await.expect("asked");
    let conn = Connection::open(journal.place()).expect("opens");
    assert_eq!(["events", "leg"].map(|table| count(&conn, table)), [2, 0]);
    keep(&journal, leg(0).append(&[EventKind::Ended], &[])).await;
    all_packed(&conn, 1).await;
}

/// However little an older program left.
#[tokio::test]
async fn legs_left_in_rows_are_packed_at_the_next_start() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), (Logging::never(), RollingUp::never()), Faults::none());
    for number in 0..3 {
        for seq in keep(&journal, leg(number).whole(&[1])).await {
            let settled = journal.settle(&[tried(delivery(seq, 1), 1, 204, Outcome::Delivered)]).await;
            assert_eq!(settled.expect("settled"), [Settled::Done]);
        }
    }
    drop(journal);
    let rolling_up = RollingUp { pause: Duration::from_millis(1), ..RollingUp::default() };
    let journal = open(folder.path(), (Logging::default(), rolling_up), Faults::none());
    all_packed(&Connection::open(journal.place()).expect("opens"), 3).await;
    for seq in 1..10 {
        let attempts = journal.attempts(delivery(journal::EventSeq(seq), 1)).await.expect("attempts");
        assert_eq!(attempts, [attempt(1, 204)], "{seq}");
    }
}

enum Step {
    Append(Append),
    Settle(Vec<Settle>),
    /// Somebody looks: the log is folded.
    Look,
    Prune,
}

/// Legs of every way into the tables: folded when settled, carried as they wait or run, made rows and ended there.
fn steps() -> Vec<Step> {
    let on = |number: u32| Leg::incoming(number).on("a");
    let seq = |seq: i64| delivery(journal::EventSeq(seq), 1);
    vec![
        Step::Append(on(1).append(&[EventKind::Incoming], &[1])),
        Step::Append(on(2).whole(&[1])),
        Step::Settle(vec![tried(seq(2), 1, 204, Outcome::Delivered), settle(seq(3), Outcome::Delivered)]),
        Step::Settle(vec![tried(seq(4), 1, 503, Outcome::RetryIn(Duration::ZERO))]),
        Step::Append(on(3).append(&[EventKind::Incoming, EventKind::Answered], &[1])),
        Step::Look,
        Step::Append(on(3).append(&[EventKind::Ended], &[1])),
        Step::Append(on(1).append(&[EventKind::Answered], &[1])),
        Step::Settle(vec![tried(seq(5), 1, 204, Outcome::Delivered), settle(seq(6), Outcome::Cancelled)]),
        Step::Append(on(4).whole(&[])),
        Step::Settle(vec![tried(seq(4), 2, 204, Outcome::Delivered)]),
        Step::Append(on(5).whole(&[1])),
        Step::Append(on(1).append(&[EventKind::Ended], &[1])),
        Step::Settle(vec![
            tried(seq(1), 1, 204, Outcome::Delivered),
            settle(seq(4), Outcome::Again(Duration::ZERO)),
        ]),
        Step::Append(on(6).whole(&[1])),
        Step::Append(on(7).append(&[EventKind::Incoming], &[1])),
        Step::Prune,
        Step::Settle(vec![tried(seq(7), 1, 204, Outcome::Delivered)]),
    ]
}

async fn take(journal: &dyn Journal, step: &Step) {
    let done = match step {
        Step::Append(moment) => journal.append(&[aged(moment.clone(), NOW)]).await.map(drop),
        Step::Settle(rows) => journal.settle(rows).await.map(drop),
        Step::Look => journal.newest_event_at().await.map(|_| ()),
        Step::Prune => journal.prune(None, WallTime(i64::MAX)).await.map(|_| ()),
    };
    done.expect("it is done");
}

const IN_ROWS_AND_PACKED: &str = "SELECT count(*) FROM leg JOIN legs ON legs.ended = leg.last
    WHERE EXISTS (SELECT 1 FROM events WHERE seq IN (incoming, answered, outgoing, ended))";
const NOWHERE: &str = "SELECT count(*) FROM legs WHERE ended NOT IN (SELECT last FROM leg)
    AND ended NOT IN (SELECT seq FROM events)";

/// What a kill would leave, at every commit and every fold, before and after it.
struct Kills {
    folder: PathBuf,
    into: PathBuf,
    /// Steps that were begun, and those that were answered.
    begun: AtomicUsize,
    answered: AtomicUsize,
    left: Mutex<Vec<(CommitPoint, usize, usize)>>,
}

impl Kills {
    /// On the thread that writes: nobody else does meanwhile.
    fn kill(&self, at: CommitPoint) {
        let mut left = self.left.lock().expect("no panic");
        let into = self.into.join(left.len().to_string());
        std::fs::create_dir(&into).expect("a folder");
        for entry in std::fs::read_dir(&self.folder).expect("listed") {
            let from = entry.expect("a file").path();
            let name = from.file_name().expect("a name").to_str().expect("a name");
            if !name.ends_with("-shm") {
                std::fs::copy(&from, into.join(name)).expect("copied");
            }
        }
        left.push((at, self.answered.load(Ordering::SeqCst), self.begun.load(Ordering::SeqCst)));
    }
}

async fn killed_everywhere(logging: Logging, rolling_up: RollingUp) {
    let (folder, into) = (tempdir().expect("a folder"), tempdir().expect("a folder"));
    let kills = Arc::new(Kills {
        folder: folder.path().to_owned(),
        into: into.path().to_owned(),
        begun: AtomicUsize::new(0),
        answered: AtomicUsize::new(0),
        left: Mutex::default(),
    });
    let faults = {
        let kills = kills.clone();
        Faults::new(move |at| {
            kills.kill(at);
            Ok(())
        })
    };
    let model = Memory::with(Faults::none(), Arc::new(|| NOW));
    let mut expected = vec![whole(&model).await];
    let journal = open(folder.path(), (logging, rolling_up), faults);
    for step in &steps() {
        kills.begun.fetch_add(1, Ordering::SeqCst);
        take(&journal, step).await;
        kills.answered.fetch_add(1, Ordering::SeqCst);
        take(&model, step).await;
        expected.push(whole(&model).await);
    }
    drop(journal);
    let left = std::mem::take(&mut *kills.left.lock().expect("no panic"));
    let folds = left.iter().filter(|(at, ..)| *at == CommitPoint::Fold).count();
    assert!(left.len() > expected.len() && folds > 0, "{left:?}");
    for (number, (at, answered, begun)) in left.iter().enumerate() {
        let place = into.path().join(number.to_string());
        // What is in the log comes back from there, and is folded by who asks.
        let logging = [Logging::default(), Logging::never()][number % 2];
        let journal = open(&place, (logging, RollingUp::never()), Faults::none());
        let told = whole(&journal).await;
        let of = format!("kill {number}, {at:?} of step {begun}, {answered} answered");
        assert!(expected[*answered..=*begun].contains(&told), "{of}");
        journal.check().await.expect("whole");
        let conn = Connection::open(journal.place()).expect("opens");
        let many = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("counted");
        assert_eq!([IN_ROWS_AND_PACKED, NOWHERE].map(many), [0; 2], "{of}");
    }
}

#[tokio::test]
async fn a_leg_is_in_one_place_wherever_the_program_is_killed() {
    let often = Logging { rows: 5, legs: 1, ..Logging::default() };
    killed_everywhere(often, RollingUp { waits: 3, ..RollingUp::at_once(1) }).await;
}

#[tokio::test]
async fn a_leg_is_in_one_place_wherever_a_program_with_little_memory_is_killed() {
    let narrow = Logging { bytes: 3_000, legs: 2, ..Logging::default() };
    killed_everywhere(narrow, RollingUp::at_once(2)).await;
}
