//! Gateways that share a store have spools: what one kept comes to the engine as it was while the part is still its own, and
//! goes to whoever has the part by then where it is not.

use std::collections::BTreeSet;
use std::time::Duration;

use calls::{EventKind, PbxName};
use journal::conformance::sample::{HOUR, Leg, append, delivery, is_about, keep, settle, tried};
use journal::postgres::{Options, Postgres, Stopped};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{About, Appended, Filter, Grant, JournalError, Outcome, Settle, Settled, Wish, WishId, facts};
use tempfile::TempDir;

use crate::on_postgresql::{DATABASE, Ground, PATIENCE, folder, options, share_as};
use crate::spooling::{ENOUGH, heard_half_an_hour_ago, merged, spooling};

const PATIENT: Duration = Duration::from_secs(5);

fn shares(name: &str) -> Options {
    Options { patience: PATIENT, spool_bytes: Some(ENOUGH), ..options(name) }
}

async fn opens(ground: &Ground, folder: &TempDir, name: &str) -> Postgres {
    share_as(&ground.engine, DATABASE, folder, shares(name)).await.expect("shared")
}

async fn take(journal: &Postgres, pbx: &str) -> Grant {
    let pbx = PbxName::new(pbx);
    let leases = journal.tick(&About::default()).await.expect("a beat").leases;
    let seen = leases.iter().find(|lease| lease.pbx == pbx).map(|lease| lease.epoch);
    journal.take(pbx, seen, Duration::ZERO).await.expect("an answer").expect("nobody was quicker").grant
}

/// The server is killed, and the gateways' next beats fail.
async fn away(ground: &mut Ground, journals: &[&Postgres]) {
    ground.engine.servers[0].kill();
    for journal in journals {
        while journal.tick(&About::default()).await.is_ok() {}
    }
}

/// Beats until everything it kept is on the engine.
async fn beats(journal: &Postgres) {
    let reached = async { while journal.tick(&About::default()).await.is_err() {} };
    tokio::time::timeout(PATIENCE, reached).await.expect("it is reached");
    merged(journal).await;
}

fn delivered(grant: Grant, id: journal::DeliveryId) -> Settle {
    Settle { grant, ..tried(id, 1, 200, Outcome::Delivered) }
}

async fn asked(journal: &Postgres, grant: Grant) -> Vec<(WishId, Vec<u8>)> {
    let asked = journal.asked(grant, None).await.expect("what is asked");
    let facts = |(id, wish)| match wish {
        Wish::Facts(packed) => (id, packed),
        wish => panic!("{wish:?}"),
    };
    asked.into_iter().map(facts).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_of_a_part_that_is_still_its_own_comes_as_it_was_whatever_others_keep() {
    let Some(mut ground) = Ground::lay(0) else { return };
    let there = folder();
    let (one, other) = (opens(&ground, &ground.folder, "gw1").await, opens(&ground, &there, "gw2").await);
    let grants = [take(&one, "pbx1").await, take(&one, "pbx2").await, take(&other, "pbx3").await];
    let leg =
        |number: u32, of: usize| Leg::incoming(number).on(["pbx1", "pbx2", "pbx3"][of]).under(grants[of]);
    let before = keep(&one, leg(1, 0).append(&[EventKind::Incoming], &[1])).await[0];
    away(&mut ground, &[&one, &other]).await;
    // Two parts in one group, and outcomes of both in one.
    let group = [leg(2, 0).append(&[EventKind::Incoming], &[1]), leg(3, 1).whole(&[1])];
    let answers = one.append(&group).await.expect("kept");
    let places: Vec<_> = answers
        .iter()
        .flatten()
        .map(|answer| match answer {
            Appended::Stored(seq, _) => *seq,
            other => panic!("{other:?}"),
        })
        .collect();
    let settles = [delivered(grants[0], delivery(before, 1)), delivered(grants[1], delivery(places[2], 1))];
    assert_eq!(one.settle(&settles).await.expect("kept"), [Settled::Done; 2]);
    let theirs = keep(&other, leg(4, 2).whole(&[1])).await;
    let bodies = one.bodies(vec![places[0], places[3]]).await.expect("at hand");
    assert_eq!(bodies.len(), 2);

    ground.engine.servers[0].run();
    tokio::join!(beats(&one), beats(&other));
    let listed = one.events(Filter::default()).await.expect("events");
    let mut found: Vec<_> = listed.iter().map(|kept| kept.seq).collect();
    found.sort_unstable();
    let mut expected = [&[before][..], &places, &theirs].concat();
    expected.sort_unstable();
    assert_eq!(found, expected, "with the places that were told");
    let size = one.size().await.expect("size");
    assert_eq!((size.events, size.pending), (8, 6));
    for grant in grants {
        assert!(asked(&one, grant).await.is_empty(), "nobody is asked for what is his own");
    }
    keep(&one, leg(2, 0).append(&[EventKind::Answered], &[])).await;
    assert!(one.spooled().is_none(), "straight to the engine");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_of_a_part_that_another_has_by_now_goes_to_that_one_and_counts_agree() {
    let Some(mut ground) = Ground::lay(0) else { return };
    let there = folder();
    let (one, other) = (opens(&ground, &ground.folder, "gw1").await, opens(&ground, &there, "gw2").await);
    let (lost, kept) = (take(&one, "pbx1").await, take(&one, "pbx2").await);
    let leg = |number| Leg::incoming(number).under(lost);
    let before = keep(&one, leg(1).append(&[EventKind::Incoming], &[1, 2])).await[0];
    away(&mut ground, &[&one, &other]).await;
    let spooled = keep(&one, leg(1).append(&[EventKind::Answered, EventKind::Ended], &[1, 2])).await;
    keep(&one, leg(2).append(&[EventKind::Incoming], &[1])).await;
    keep(&one, Leg::incoming(3).on("pbx2").under(kept).whole(&[1])).await;
    let again = Settle { grant: lost, ..settle(delivery(spooled[0], 2), Outcome::RetryIn(Duration::ZERO)) };
    let settles = [delivered(lost, delivery(before, 1)), delivered(lost, delivery(spooled[0], 1)), again];
    assert_eq!(one.settle(&settles).await.expect("kept"), [Settled::Done; 3]);

    // The other is reached first, and the part is its own before this one is heard again; a leg ends meanwhile.
    ground.engine.servers[0].run();
    let reached = async { while other.tick(&About::default()).await.is_err() {} };
    tokio::time::timeout(PATIENCE, reached).await.expect("it is reached");
    let has = take(&other, "pbx1").await;
    keep(&other, Leg::incoming(2).under(has).append(&[EventKind::Ended], &[])).await;
    beats(&one).await;
    let fenced = append(&one, leg(2).append(&[EventKind::Answered], &[1])).await;
    assert_eq!(fenced, [Appended::Fenced], "it knows");
    assert_eq!(one.events(Filter::default()).await.expect("events").len(), 5, "its own are there");

    let rows = asked(&other, has).await;
    assert_eq!(rows.len(), 1);
    let now = other.now().await.expect("it says");
    let brought =
        facts::bring(&other, has, facts::read(&rows[0].1, now).expect("facts")).await.expect("kept");
    assert_eq!((brought.news.len(), brought.repeats.len(), brought.refused), (2, 0, 1));
    let settles: Vec<_> = brought.accepted.iter().map(|(settle, _)| settle.clone()).collect();
    assert_eq!(other.settle(&settles).await.expect("an answer"), [Settled::Done; 2]);
    other.answer(has, rows[0].0, journal::Answer::default()).await.expect("answered");
    let left = other.load_all(has).await.expect("pending");
    let left: Vec<_> = left.iter().map(|one| (one.kind, one.id.integration.number)).collect();
    let (incoming, answered, ended) = (EventKind::Incoming, EventKind::Answered, EventKind::Ended);
    assert_eq!(left, [(incoming, 2), (answered, 2), (ended, 1), (ended, 2)]);
    let size = other.size().await.expect("size");
    assert_eq!((size.events, size.pending), (7, 7));
    let counted = "SELECT count(*), count(DISTINCT (leg, kind)), (SELECT count(*) FROM ringbud.attempt) FROM ringbud.event";
    assert_eq!(ground.engine.servers[0].says(DATABASE, counted), "7|7|2");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_another_kept_is_as_old_as_it_is_whatever_its_wall_clock_said() {
    let Some(mut ground) = Ground::lay(0) else { return };
    let there = folder();
    let (one, other) = (opens(&ground, &ground.folder, "gw1").await, opens(&ground, &there, "gw2").await);
    let lost = take(&one, "pbx1").await;
    away(&mut ground, &[&one, &other]).await;
    for (number, hours_ahead) in [(1, 0), (2, 5), (3, -7)] {
        ::clock::ahead_by(hours_ahead * 3_600_000_000);
        let begins = Leg::incoming(number).under(lost).append(&[EventKind::Incoming], &[1]);
        keep(&one, heard_half_an_hour_ago(begins)).await;
    }
    ground.engine.servers[0].run();
    let reached = async { while other.tick(&About::default()).await.is_err() {} };
    tokio::time::timeout(PATIENCE, reached).await.expect("it is reached");
    let has = take(&other, "pbx1").await;
    beats(&one).await;
    let now = other.now().await.expect("it says");
    for (_, packed) in asked(&other, has).await {
        facts::bring(&other, has, facts::read(&packed, now).expect("facts")).await.expect("kept");
    }
    let waiting = other.load_all(has).await.expect("pending");
    assert_eq!(waiting.len(), 3);
    waiting.iter().for_each(|pending| is_about(pending.age, HOUR / 2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_last_run_kept_is_asked_of_the_part_before_it_is_taken_again() {
    let Some(mut ground) = Ground::lay(0) else { return };
    let one = opens(&ground, &ground.folder, "gw1").await;
    let before = take(&one, "pbx1").await;
    away(&mut ground, &[&one]).await;
    let leg = |number| Leg::incoming(number).under(before);
    // More than one wish has.
    for hundred in 0..11 {
        let moments: Vec<_> =
            (0..100).map(|leg_of| leg(hundred * 100 + leg_of).append(&[EventKind::Incoming], &[1])).collect();
        one.append(&moments).await.expect("kept");
    }
    drop(one);
    ground.engine.servers[0].run();
    let one = opens(&ground, &ground.folder, "gw1").await;
    assert_eq!(one.spooled().map(|spooled| spooled.events), Some(1_100));
    let has = take(&one, "pbx1").await;
    assert_eq!(one.spooled().map(|spooled| spooled.events), None);
    let rows = asked(&one, has).await;
    assert_eq!(rows.len(), 2);
    for (_, packed) in &rows {
        let now = one.now().await.expect("it says");
        facts::bring(&one, has, facts::read(packed, now).expect("facts")).await.expect("kept");
    }
    assert_eq!(one.load_all(has).await.expect("pending").len(), 1_100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_kept_by_one_that_had_the_store_for_itself_comes_to_it_before_pbxs_are_shared() {
    let Some(mut ground) = Ground::lay(0) else { return };
    let alone = ground.opens(spooling(ENOUGH)).await.expect("it opens");
    ground.engine.servers[0].kill();
    while alone.is_reached() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    keep(&alone, Leg::incoming(1).whole(&[1])).await;
    drop(alone);
    ground.engine.servers[0].run();
    let refused = share_as(&ground.engine, DATABASE, &ground.folder, shares("gw1")).await;
    let refused = refused.err().expect("its places are no part's");
    assert!(matches!(refused, JournalError::Unfit { .. }), "{refused}");
    assert!(refused.to_string().contains("Start it once without share_pbxs"), "{refused}");
    drop(ground.opens(spooling(ENOUGH)).await.expect("it has the store for itself still"));
    let one = opens(&ground, &ground.folder, "gw1").await;
    let grant = take(&one, "pbx1").await;
    assert_eq!(one.load_all(grant).await.expect("pending").len(), 3);
}

/// Whoever copies the store back has to know that some of it is on that gateway's disk only.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_stops_with_something_in_its_spool_is_gone_and_not_stopped_in_order() {
    let Some(mut ground) = Ground::lay(0) else { return };
    let (there, own) = (folder(), folder());
    let one = opens(&ground, &ground.folder, "gw1").await;
    let grant = take(&one, "pbx1").await;
    // The engine that comes back takes nothing that was heard.
    ground.engine.servers[0].says(
        DATABASE,
        "CREATE FUNCTION ringbud.no() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'no'; END $$;
         CREATE TRIGGER no BEFORE INSERT ON ringbud.event EXECUTE FUNCTION ringbud.no();
         CREATE TRIGGER no BEFORE INSERT ON ringbud.inbox EXECUTE FUNCTION ringbud.no();",
    );
    away(&mut ground, &[&one]).await;
    let kept = keep(&one, Leg::incoming(1).under(grant).whole(&[1])).await;
    assert!(one.spooled().is_some());
    ground.engine.servers[0].run();
    let reached = async { while one.tick(&About::default()).await.is_err() {} };
    tokio::time::timeout(PATIENCE, reached).await.expect("it is reached");
    one.release().await.expect("given back");
    assert!(one.spooled().is_some(), "nothing is where it could be");
    drop(one);
    ground.engine.servers[0].says(DATABASE, "DROP FUNCTION ringbud.no() CASCADE");

    let other = opens(&ground, &there, "gw2").await;
    let fleet = other.tick(&About::default()).await.expect("a beat");
    assert!(fleet.leases.iter().all(|lease| lease.owner.is_none()), "nobody waits for it: {fleet:?}");
    let names: BTreeSet<_> = fleet.gateways.iter().map(|one| &*one.name).collect();
    assert_eq!(names, ["gw1", "gw2"].into());
    other.release().await.expect("given back");
    let target = ground.engine.target(DATABASE);
    let copies = || Stopped::open(&target, own.path(), Sealer::new([7; 32]), options("copy"), &[], &[]);
    let refused = copies().await.err().expect("it is refused").to_string();
    assert!(refused.contains("gw1 is gone and was not stopped in order"), "{refused}");

    let again = opens(&ground, &ground.folder, "gw1").await;
    beats(&again).await;
    let has = take(&again, "pbx1").await;
    let (now, rows) = (again.now().await.expect("it says"), asked(&again, has).await);
    for (id, packed) in rows {
        facts::bring(&again, has, facts::read(&packed, now).expect("facts")).await.expect("kept");
        again.answer(has, id, journal::Answer::default()).await.expect("answered");
    }
    again.release().await.expect("given back");
    let from = copies().await.expect("all of it is there");
    let found = from.journal().events(Filter::default()).await.expect("events");
    assert_eq!(found.len(), kept.len());
    from.release().await.expect("given back");
}
