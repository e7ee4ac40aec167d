//! Killed in the middle of its work, again and again: what was answered is there.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

use journal::conformance::sample::{Leg, delivery, tried};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Access, Appended, EventSeq, Filter, Outcome, Sqlite};
use tempfile::tempdir;

const FOLDER: &str = "RINGBUD_TEST_CRASHING";
const KILLS: usize = 6;
/// Answers read before each kill.
const ANSWERS: usize = 40;

fn open(folder: &Path) -> Sqlite {
    Sqlite::open(folder, Access::Gateway, Sealer::new([7; 32])).expect("a journal")
}

/// The process that is killed: keeps legs for ever and says which it was told are kept.
#[tokio::test]
async fn the_one_that_is_killed() {
    let Some(folder) = std::env::var_os(FOLDER) else { return };
    let journal = open(Path::new(&folder));
    let left = journal.load_all().await.expect("pending");
    let left: Vec<_> =
        left.into_iter().map(|pending| tried(pending.id, 1, 200, Outcome::Delivered)).collect();
    journal.settle(&left).await.expect("settled");
    let next = journal.size().await.expect("size").events / 3;
    for number in u32::try_from(next).expect("few").. {
        let answers = journal.append(&[Leg::incoming(number).whole(&[1])]).await.expect("kept");
        let rows = answers[0].iter().map(|answer| match answer {
            Appended::Stored(seq, _) => tried(delivery(*seq, 1), 1, 200, Outcome::Delivered),
            Appended::Repeat(_) | Appended::Refused(_) => panic!("not new: {answer:?}"),
        });
        let rows: Vec<_> = rows.collect();
        let last = rows[2].id.event.0;
        journal.settle(&rows).await.expect("settled");
        println!("settled to {last}.");
    }
}

#[tokio::test]
async fn what_was_answered_survives_a_kill() {
    let folder = tempdir().expect("a folder");
    for _ in 0..KILLS {
        let mut child = Command::new(std::env::current_exe().expect("this test"))
            .args(["--exact", "crashing::the_one_that_is_killed", "--nocapture"])
            .env(FOLDER, folder.path())
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
        let journal = open(folder.path());
        journal.check().await.expect("whole");
        let pending = journal.load_all().await.expect("pending");
        assert!(pending.iter().all(|pending| pending.id.event > EventSeq(last)), "settled is settled");
        let legs = journal.legs(Filter { limit: 1, ..Filter::default() }).await.expect("legs");
        assert!(legs[0].ended.is_some(), "a moment is kept whole or not at all");
        assert!(legs[0].seq >= EventSeq(last - 2), "nothing that was answered is lost");
    }
}
