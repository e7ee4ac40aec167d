//! Killed in the middle of its work, again and again: what was answered is there, each leg whole, in rows or packed.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use journal::conformance::sample::{Leg, delivery, tried};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{
    Access, Appended, Cursor, EventSeq, Filter, Grant, Logging, Options, Outcome, RollingUp, Sqlite,
};
use tempfile::tempdir;

const FOLDER: &str = "RINGBUD_TEST_CRASHING";
/// Set: without the log.
const UNLOGGED: &str = "RINGBUD_TEST_CRASHING_UNLOGGED";
const KILLS: usize = 6;
/// Answers read before each kill.
const ANSWERS: usize = 40;

fn open(folder: &Path, rolling_up: RollingUp) -> Sqlite {
    let options = Options { rolling_up, logging: logging(), ..Options::default() };
    Sqlite::open_with(folder, Access::Gateway, Sealer::new([7; 32]), options).expect("a journal")
}

/// Of the process that is killed, and of who looks at what is left: with the log in front and often folded, or without.
fn logging() -> Logging {
    let often = Logging { bytes: 8_000, rows: 12, legs: 3, legs_in_a_flood: 3 };
    if std::env::var_os(UNLOGGED).is_some() { Logging::never() } else { often }
}

/// Every leg of the store has its events, each of them what came of its deliveries, and is in the sums once.
async fn each_leg_is_whole(journal: &Sqlite, settled_to: i64) {
    let mut legs = 0;
    let mut after = Cursor::START;
    loop {
        let filter = Filter { after: Some(after), limit: 100, ..Filter::default() };
        let events = journal.events(filter.clone()).await.expect("events");
        let Some(last) = events.last() else { break };
        after = last.cursor();
        for kept in &events {
            let attempts = journal.attempts(delivery(kept.seq, 1)).await.expect("attempts").len();
            assert!(attempts == 1 || attempts == 0 && kept.seq.0 > settled_to, "{attempts} of {kept:?}");
        }
        assert_eq!(journal.deliveries(filter).await.expect("deliveries").len(), events.len());
        legs += events.iter().filter(|kept| kept.event.kind() == calls::EventKind::Ended).count() as u64;
    }
    assert_eq!(journal.size().await.expect("size").events, legs * 3);
    let ever = calls::PbxTime::from_secs(0)..calls::PbxTime::from_secs(4_000_000_000);
    let sums = journal.sums(calls::AccountId::new("1"), ever).await.expect("sums");
    assert_eq!(sums.quarters.values().sum::<u64>(), legs);
}

/// The process that is killed: keeps legs for ever and says which it was told are kept.
#[tokio::test]
async fn the_one_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let journal = open(Path::new(&folder), RollingUp { at_most: 12, ..RollingUp::at_once(1) });
    let left = journal.load_all(Grant::ALONE).await.expect("pending");
    let left: Vec<_> =
        left.into_iter().map(|pending| tried(pending.id, 1, 200, Outcome::Delivered)).collect();
    journal.settle(&left).await.expect("settled");
    let next = journal.size().await.expect("size").events / 3;
    for number in u32::try_from(next).expect("few").. {
        let answers = journal.append(&[Leg::incoming(number).whole(&[1])]).await.expect("kept");
        let rows = answers[0].iter().map(|answer| match answer {
            Appended::Stored(seq, _) => tried(delivery(*seq, 1), 1, 200, Outcome::Delivered),
            Appended::Repeat(_) | Appended::Refused(_) | Appended::Fenced => panic!("not new: {answer:?}"),
        });
        let rows: Vec<_> = rows.collect();
        let last = rows[2].id.event.0;
        journal.settle(&rows).await.expect("settled");
        println!("settled to {last}.");
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    killed_again_and_again(&[]).await;
}

#[tokio::test]
async fn what_was_answered_without_a_log_survives_a_kill() {
    killed_again_and_again(&[(UNLOGGED, "1")]).await;
}

async fn killed_again_and_again(with: &[(&str, &str)]) {
    let folder = tempdir().expect("a folder");
    let mut packed: i64 = 0;
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "crashing::the_one_that_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
            .envs(with.iter().copied())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("started");
        let lines = BufReader::new(child.stdout.take().expect("its output")).lines();
        let said: Vec<i64> = lines
            .map_while(Result::ok)
            .filter_map(|line| line.split_once("settled to ")?.1.strip_suffix('.')?.parse().ok())
            .take(ANSWERS)
            .collect();
        child.kill().expect("killed");
        child.wait().expect("gone");

        let last = *said.last().expect("it said something");
        let journal = open(folder.path(), RollingUp::never());
        journal.check().await.expect("whole");
        let pending = journal.load_all(Grant::ALONE).await.expect("pending");
        assert!(pending.iter().all(|pending| pending.id.event > EventSeq(last)), "settled is settled");
        let legs = journal.legs(Filter { limit: 1, ..Filter::default() }).await.expect("legs");
        assert!(legs[0].ended.is_some(), "a moment is kept whole or not at all");
        assert!(legs[0].seq >= EventSeq(last - 2), "nothing that was answered is lost");
        each_leg_is_whole(&journal, last).await;
        let conn = rusqlite::Connection::open(journal.place()).expect("opens");
        packed = conn.query_row("SELECT count(*) FROM leg", [], |row| row.get(0)).expect("counted");
    }
    assert!(packed > 20, "only {packed} legs were packed before a kill");
}
