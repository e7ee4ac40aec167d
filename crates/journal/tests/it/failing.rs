//! A disk that fails, is full, or is slow: nothing half done, nothing stuck, and on it goes.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};

use calls::EventKind;
use journal::conformance::sample::{Leg, append, delivery, keep, tried};
use journal::faults::{CommitPoint, Faults};
use journal::memory::Memory;
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{
    Access, Appended, Filter, Grant, Journal, JournalError, Options, Outcome, Settled, Sqlite, WallTime,
    clock,
};
use tempfile::tempdir;

fn open(folder: &Path, faults: Faults) -> Sqlite {
    let options = Options { faults, ..Options::default() };
    Sqlite::open_with(folder, Access::Gateway, Sealer::new([7; 32]), options).expect("a journal")
}

/// Fails at a point of the commit while the switch is on.
fn failing(point: CommitPoint) -> (Faults, Arc<AtomicBool>) {
    let on = Arc::new(AtomicBool::new(false));
    let switch = on.clone();
    let faults = Faults::new(move |at| match switch.load(Ordering::SeqCst) && at == point {
        true => Err("no space left on device".to_owned()),
        false => Ok(()),
    });
    (faults, on)
}

async fn nothing_is_half_done(journal: &dyn Journal, failing: &AtomicBool) {
    let seqs = keep(journal, Leg::incoming(1).whole(&[1])).await;
    failing.store(true, Ordering::SeqCst);
    let refused = journal.append(&[Leg::incoming(2).whole(&[1])]).await;
    assert!(
        matches!(&refused, Err(JournalError::Unwritable { why, .. }) if why.contains("no space")),
        "{refused:?}"
    );
    let refused = journal.settle(&[tried(delivery(seqs[0], 1), 1, 200, Outcome::Delivered)]).await;
    assert!(matches!(refused, Err(JournalError::Unwritable { .. })), "{refused:?}");
    assert_eq!(journal.load_all(Grant::ALONE).await.expect("pending").len(), 3);
    assert_eq!(journal.events(Filter::default()).await.expect("events").len(), 3, "reading goes on");

    failing.store(false, Ordering::SeqCst);
    let later = keep(journal, Leg::incoming(2).whole(&[1])).await;
    assert_eq!(later[0].0, seqs[2].0 + 1, "no place was lost");
    let settled = journal.settle(&[tried(delivery(seqs[0], 1), 1, 200, Outcome::Delivered)]).await;
    assert_eq!(settled.expect("settled"), [Settled::Done]);
}

#[tokio::test]
async fn a_commit_that_fails_leaves_nothing_and_the_next_one_works() {
    let folder = tempdir().expect("a folder");
    let (faults, on) = failing(CommitPoint::Before);
    nothing_is_half_done(&open(folder.path(), faults), &on).await;
    let (faults, on) = failing(CommitPoint::Before);
    nothing_is_half_done(&Memory::with(faults, clock::system()), &on).await;
}

#[tokio::test]
async fn a_lost_answer_can_be_asked_for_again() {
    let folder = tempdir().expect("a folder");
    let (faults, on) = failing(CommitPoint::After);
    let journal = open(folder.path(), faults);
    on.store(true, Ordering::SeqCst);
    journal.append(&[Leg::incoming(1).whole(&[1])]).await.expect_err("the answer is lost");
    on.store(false, Ordering::SeqCst);
    let again = append(&journal, Leg::incoming(1).whole(&[1])).await;
    assert!(again.iter().all(|answer| matches!(answer, Appended::Repeat(_))), "{again:?}");
    assert_eq!(journal.load_all(Grant::ALONE).await.expect("pending").len(), 3);
}

#[tokio::test]
async fn a_full_store_is_told_and_goes_on_when_there_is_room() {
    let folder = tempdir().expect("a folder");
    let options = Options { max_bytes: Some(256 * 1024), ..Options::default() };
    let journal =
        Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([7; 32]), options).expect("a journal");
    let mut legs = 0;
    let full = loop {
        match journal.append(&[Leg::incoming(legs).whole(&[])]).await {
            Ok(_) => legs += 1,
            Err(error) => break error,
        }
    };
    assert!(matches!(&full, JournalError::Unwritable { why, .. } if why.contains("full")), "{full}");
    let size = journal.size().await.expect("reading goes on");
    assert_eq!(size.events, u64::from(legs) * 3, "nothing is half there");
    while journal.prune(None, WallTime(i64::MAX)).await.expect("pruned") > 0 {}
    keep(&journal, Leg::incoming(legs).whole(&[])).await;
    journal.check().await.expect("whole");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_arrives_during_a_slow_commit_goes_into_the_next_one() {
    let folder = tempdir().expect("a folder");
    let (entered, commits) = mpsc::channel();
    let (release, gate) = mpsc::channel::<()>();
    let gate = std::sync::Mutex::new(gate);
    let faults = Faults::new(move |point| {
        if point == CommitPoint::Before {
            // At the end of the test nobody listens any more, and nothing is held up.
            let _ = entered.send(());
            let _ = gate.lock().map(|gate| gate.recv());
        }
        Ok(())
    });
    let journal = Arc::new(open(folder.path(), faults));
    let ring = |number| {
        let journal = journal.clone();
        tokio::spawn(async move { keep(journal.as_ref(), Leg::incoming(number).whole(&[1])).await })
    };
    let first = ring(0);
    let commits = tokio::task::spawn_blocking(move || {
        commits.recv().expect("the first commit");
        commits
    });
    let commits = commits.await.expect("the first commit runs");
    let others: Vec<_> = (1..21).map(ring).collect();
    // All of them have been handed over when none of their senders is left to wait.
    while journal.waiting() < 20 {
        tokio::task::yield_now().await;
    }
    release.send(()).expect("the first goes on");
    first.await.expect("kept");
    release.send(()).expect("the second goes on");
    for other in others {
        other.await.expect("kept");
    }
    assert_eq!(commits.try_iter().count(), 1, "one commit for all that waited");
    drop(release);
}

#[tokio::test]
async fn one_mans_conflict_is_not_anothers() {
    let folder = tempdir().expect("a folder");
    let journal = open(folder.path(), Faults::none());
    let (key, value) = journal::conformance::settings::all_kinds().remove(0);
    let moments = [Leg::incoming(1).append(&[EventKind::Incoming], &[])];
    let (conflict, kept) = tokio::join!(journal.put(key, Some(value), Some(5)), journal.append(&moments));
    assert!(matches!(conflict, Err(JournalError::Conflict { expected: 5, found: 0 })));
    kept.expect("kept");
}
