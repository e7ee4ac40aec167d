//! While the engine is away a gateway keeps in its spool, and when the engine is back it has everything, once.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use calls::EventKind;
use journal::conformance::sample::{HOUR, Leg, append, delivery, is_about, keep, settle, tried};
use journal::postgres::{Options, Postgres};
use journal::verbs::*;
use journal::{
    Append, Appended, DeliveryId, EventSeq, Filter, Grant, JournalError, Outcome, Settled, WallTime,
};

use crate::on_postgresql::{DATABASE, Ground, PATIENCE, options};

/// One that does not wait long, and has a spool of so many bytes.
pub(crate) fn spooling(bytes: u64) -> Options {
    Options { patience: Duration::from_secs(3), spool_bytes: Some(bytes), ..options("gw1") }
}

pub(crate) const ENOUGH: u64 = 100_000_000;

/// Waits until everything is on the engine.
pub(crate) async fn merged(journal: &Postgres) {
    let merged = async {
        while journal.spooled().is_some() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, merged).await.expect("it is merged");
}

/// Kills the server, and waits until the gateway has noticed: what its backends do in their last moment is kept, too.
async fn away(ground: &mut Ground, journal: &Postgres) {
    ground.engine.servers[0].kill();
    let noticed = async {
        while journal.is_reached() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, noticed).await.expect("it is noticed");
}

fn waiting(journal: &[journal::Pending]) -> BTreeSet<DeliveryId> {
    journal.iter().map(|pending| pending.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_engine_does_not_take_is_kept_and_comes_to_it_as_it_was() {
    let Some(mut ground) = Ground::lay(0) else { return };
    let journal = ground.opens(spooling(ENOUGH)).await.expect("it opens");
    let before = keep(&journal, Leg::incoming(1).whole(&[1, 2])).await;
    assert_eq!(journal.spooled(), None);

    away(&mut ground, &journal).await;
    // Some of its leg came before, and it says the same thing twice.
    let first = keep(&journal, Leg::incoming(2).append(&[EventKind::Incoming], &[1])).await[0];
    let rest = append(
        &journal,
        Leg::incoming(2).append(&[EventKind::Answered, EventKind::Answered, EventKind::Ended], &[1]),
    )
    .await;
    let [Appended::Stored(answered, waits), Appended::Repeat(again), Appended::Stored(ended, _)] = &rest[..]
    else {
        panic!("{rest:?}")
    };
    assert!(before[2] < first && first < *answered && answered == again && answered < ended);
    assert_eq!(waits[0].id, delivery(*answered, 1));
    let spooled = journal.spooled().expect("it is in use");
    assert!(spooled.events == 4 && spooled.bytes > 400, "{spooled:?}");

    // Outcomes of what the engine has, and of what it has not.
    let settled = journal
        .settle(&[
            tried(delivery(before[0], 1), 1, 200, Outcome::Delivered),
            tried(delivery(first, 1), 1, 503, Outcome::RetryIn(Duration::ZERO)),
        ])
        .await;
    assert_eq!(settled.expect("kept"), [Settled::Done; 2]);
    let settled = journal.settle(&[tried(delivery(first, 1), 2, 200, Outcome::Delivered)]).await;
    assert_eq!(settled.expect("kept"), [Settled::Done]);
    let bodies = journal.bodies(vec![*answered, first]).await.expect("they are at hand");
    assert_eq!(bodies.iter().map(|kept| kept.seq).collect::<Vec<_>>(), [*answered, first]);
    assert_eq!(bodies[0].event, Leg::incoming(2).event(EventKind::Answered));
    assert_eq!(bodies[0].pbx, Leg::incoming(2).pbx);
    let mixed = journal.bodies(vec![first, before[0]]).await;
    assert!(matches!(mixed, Err(JournalError::Unwritable { .. })), "not as if it were gone: {mixed:?}");

    ground.engine.servers[0].run();
    merged(&journal).await;
    let listed = journal.events(Filter::default()).await.expect("events");
    let mut places: Vec<EventSeq> = listed.iter().map(|kept| kept.seq).collect();
    places.sort_unstable();
    assert_eq!(places, [&before[..], &[first, *answered, *ended]].concat());
    let left = waiting(&journal.load_all(Grant::ALONE).await.expect("pending"));
    let both = |seq: &EventSeq| [delivery(*seq, 1), delivery(*seq, 2)];
    let mut expected: BTreeSet<_> = before.iter().flat_map(both).collect();
    expected.extend([delivery(*answered, 1), delivery(*ended, 1)]);
    expected.remove(&delivery(before[0], 1));
    assert_eq!(left, expected);
    assert_eq!(journal.attempts(delivery(first, 1)).await.expect("attempts").len(), 2);
    let later = keep(&journal, Leg::incoming(3).whole(&[1])).await;
    assert!(later[0] > *ended && journal.spooled().is_none(), "straight to the engine");
}

/// Several keep on writing, so that something is always on its way into the spool.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_into_which_more_comes_without_a_pause_is_merged_all_the_same() {
    let Some(mut ground) = Ground::lay(0) else { return };
    let journal = Arc::new(ground.opens(spooling(ENOUGH)).await.expect("it opens"));
    away(&mut ground, &journal).await;
    let over = Arc::new(AtomicBool::new(false));
    let writers = (0..128).map(|writer| {
        let (journal, over) = (journal.clone(), over.clone());
        tokio::spawn(async move {
            let mut events = 0;
            for leg in (writer * 100_000).. {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let kept = keep(&*journal, Leg::incoming(leg).whole(&[1])).await;
                let done = kept.iter().map(|seq| settle(delivery(*seq, 1), Outcome::Delivered));
                journal.settle(&done.collect::<Vec<_>>()).await.expect("kept");
                events += kept.len();
            }
            events as u64
        })
    });
    let writers: Vec<_> = writers.collect();
    ground.engine.servers[0].run();
    merged(&journal).await;
    over.store(true, Ordering::Relaxed);
    let mut events = 0;
    for writer in writers {
        events += writer.await.expect("it ends");
    }
    merged(&journal).await;
    let size = journal.size().await.expect("size");
    assert_eq!((size.events, size.pending), (events, 0));
}

/// As it was heard half an hour ago, by the wall clock of now.
pub(crate) fn heard_half_an_hour_ago(moment: Append) -> Append {
    let received_at = WallTime(::clock::wall_micros() - i64::try_from((HOUR / 2).as_micros()).expect("few"));
    Append { received_at, age: HOUR / 2, ..moment }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_lay_in_the_spool_is_as_old_as_it_is_whatever_was_done_to_the_wall_clock() {
    let Some(mut ground) = Ground::lay(0) else { return };
    let journal = ground.opens(spooling(ENOUGH)).await.expect("it opens");
    away(&mut ground, &journal).await;
    let begins =
        |number| heard_half_an_hour_ago(Leg::incoming(number).append(&[EventKind::Incoming], &[1, 2]));
    let mut tried = Vec::new();
    for (number, hours_ahead) in [(1, 0), (2, 5), (3, -7)] {
        ::clock::ahead_by(hours_ahead * 3_600_000_000);
        let id = delivery(keep(&journal, begins(number)).await[0], 1);
        let settled = journal.settle(&[settle(id, Outcome::RetryIn(HOUR))]).await;
        assert_eq!(settled.expect("kept"), [Settled::Done]);
        tried.push(id);
    }
    ground.engine.servers[0].run();
    merged(&journal).await;
    let waiting = journal.load_all(Grant::ALONE).await.expect("pending");
    assert_eq!(waiting.len(), 6);
    for pending in waiting {
        is_about(pending.age, HOUR / 2);
        is_about(pending.due_in(), if tried.contains(&pending.id) { HOUR } else { Duration::ZERO });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_is_found_at_the_start_is_merged_before_anything_else() {
    let Some(mut ground) = Ground::lay(0) else { return };
    let journal = ground.opens(spooling(ENOUGH)).await.expect("it opens");
    away(&mut ground, &journal).await;
    let kept = keep(&journal, Leg::incoming(1).whole(&[1])).await;
    let moment = Leg::incoming(2).append(&[EventKind::Incoming], &[1]);
    let open = keep(&journal, moment).await[0];
    journal.settle(&[settle(delivery(kept[0], 1), Outcome::Delivered)]).await.expect("kept");
    drop(journal);
    let away = ground.opens(spooling(ENOUGH)).await.err().expect("there is no engine");
    assert!(away.to_string().contains("cannot be connected to"), "{away}");

    ground.engine.servers[0].run();
    let journal = ground.opens(spooling(ENOUGH)).await.expect("it opens");
    assert_eq!(journal.spooled(), None);
    let left = waiting(&journal.load_all(Grant::ALONE).await.expect("pending"));
    assert_eq!(left, [kept[1], kept[2], open].map(|seq| delivery(seq, 1)).into());
    let restored = journal.restore(Leg::incoming(2).pbx).await.expect("restored");
    assert_eq!(restored.legs.len(), 1, "the call that goes on is known");
    let next = keep(&journal, Leg::incoming(2).append(&[EventKind::Ended], &[1])).await[0];
    assert!(next > open);
}

/// Their places and web services are the first one's: they would be others here.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_for_one_database_comes_into_no_other() {
    let (Some(mut ground), Some(other)) = (Ground::lay(0), Ground::lay(0)) else { return };
    let journal = ground.opens(spooling(ENOUGH)).await.expect("it opens");
    away(&mut ground, &journal).await;
    keep(&journal, Leg::incoming(1).whole(&[1])).await;
    drop(journal);

    let refused = other.opens_in(&ground.folder, spooling(ENOUGH)).await.err().expect("it is another store");
    assert!(matches!(refused, JournalError::Unfit { .. }), "{refused}");
    assert!(refused.to_string().contains("for another database"), "{refused}");
    ground.engine.servers[0].run();
    let journal = ground.opens(spooling(ENOUGH)).await.expect("it opens");
    assert_eq!(journal.events(Filter::default()).await.expect("events").len(), 3);
    drop(journal);
    other.opens_in(&ground.folder, spooling(ENOUGH)).await.expect("nothing is in the spool any more");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_spool_that_is_full_takes_nothing_until_the_engine_is_back() {
    let Some(mut ground) = Ground::lay(0) else { return };
    let journal = ground.opens(spooling(200_000)).await.expect("it opens");
    away(&mut ground, &journal).await;
    let mut legs = 0;
    let refused = loop {
        match journal.append(&[Leg::incoming(legs).whole(&[1])]).await {
            Ok(_) => legs += 1,
            Err(error) => break error,
        }
        assert!(legs < 2_000, "it is never full");
    };
    assert!(matches!(refused, JournalError::Unwritable { .. }), "{refused}");
    assert!(refused.to_string().contains("spool_megabytes"), "{refused}");
    assert!(legs > 5, "{legs}");
    ground.engine.servers[0].run();
    merged(&journal).await;
    keep(&journal, Leg::incoming(legs).whole(&[1])).await;
    let size = journal.size().await.expect("size");
    assert_eq!((size.events, size.pending), (u64::from(legs + 1) * 3, u64::from(legs + 1) * 3));
    let bytes = || std::fs::metadata(ground.folder.path().join("spool.sqlite")).expect("it is there").len();
    let given_back = async {
        while bytes() > 100_000 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, given_back).await.expect("what is empty is given back");
}

/// Events and outcomes come while the primary dies and another takes its place, again and again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn under_load_nobody_waits_long_for_a_primary_that_died_and_everything_is_there_once() {
    let Some(mut ground) = Ground::lay(2) else { return };
    let strict = Options { allow_unreplicated: false, ..spooling(ENOUGH) };
    let journal = std::sync::Arc::new(ground.opens(strict).await.expect("it has standbys"));
    let stop = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(false));
    let writers: Vec<_> = (0..4_u32)
        .map(|writer| {
            let (journal, stop) = (journal.clone(), stop.clone());
            tokio::spawn(async move {
                let (mut legs, mut longest) = (0, Duration::ZERO);
                while !stop.load(std::sync::atomic::Ordering::Relaxed) {
                    let leg = Leg::incoming(writer * 100_000 + legs);
                    let began = tokio::time::Instant::now();
                    let kept = keep(&*journal, leg.whole(&[1])).await;
                    let first = tried(delivery(kept[0], 1), 1, 200, Outcome::Delivered);
                    let done = journal.settle(&[first]).await.expect("settled");
                    assert_eq!(done, [Settled::Done]);
                    longest = longest.max(began.elapsed());
                    legs += 1;
                    tokio::time::sleep(Duration::from_millis(2)).await;
                }
                (legs, longest)
            })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(1_000)).await;
    let began = tokio::time::Instant::now();
    tokio::task::block_in_place(|| ground.engine.fail_over());
    println!("failed over in {:?}", began.elapsed());
    let spooled = journal.spooled();
    merged(&journal).await;
    println!("merged {:?} after the beginning; {spooled:?}", began.elapsed());
    tokio::time::sleep(Duration::from_millis(500)).await;
    stop.store(true, std::sync::atomic::Ordering::Relaxed);
    let mut legs = 0;
    for writer in writers {
        let (mine, longest) =
            tokio::time::timeout(PATIENCE, writer).await.expect("it goes on").expect("a writer");
        println!("{mine} legs, longest {longest:?}");
        legs += u64::from(mine);
    }
    merged(&journal).await;
    assert!(spooled.is_some(), "it was in use");
    let size = journal.size().await.expect("size");
    assert_eq!((size.events, size.pending), (legs * 3, legs * 2));
    let counted = "SELECT count(*), count(DISTINCT (leg, kind)), (SELECT count(*) FROM ringbud.attempt) FROM ringbud.event";
    let server = ground.engine.servers.iter().find(|server| server.is_running()).expect("one runs");
    assert_eq!(server.says(DATABASE, counted), format!("{0}|{0}|{legs}", legs * 3));
}
