//! A store on PostgreSQL that several gateways share: how one becomes one, and who is refused.

use std::time::Duration;

use calls::{EventKind, PbxName};
use journal::conformance::sample::{Leg, append, delivery, keep, tried};
use journal::postgres::Postgres;
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{
    About, Appended, DeliveryState, Filter, Given, Grant, JournalError, Outcome, Parts, Settle, Settled,
};
use tokio::time::timeout;

use crate::on_postgresql::{DATABASE, Ground, PATIENCE, folder, options, share};

/// Takes the part of a PBX from whoever has it.
async fn take(journal: &Postgres, pbx: &str) -> Grant {
    let pbx = PbxName::new(pbx);
    let leases = journal.tick(&About::default()).await.expect("a beat").leases;
    let seen = leases.iter().find(|lease| lease.pbx == pbx).map(|lease| lease.epoch);
    journal.take(pbx, seen, Duration::ZERO).await.expect("an answer").expect("nobody was quicker").grant
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_in_a_store_of_one_gateway_goes_to_the_parts_of_its_pbxs() {
    let Some(ground) = Ground::lay(0) else { return };
    let alone = ground.opened().await;
    let (a, b) = (Leg::incoming(2), Leg::incoming(3).on("pbx2"));
    let begun = keep(&alone, a.append(&[EventKind::Incoming], &[1, 2])).await[0];
    let answered = keep(&alone, a.append(&[EventKind::Answered], &[1])).await[0];
    keep(&alone, b.append(&[EventKind::Incoming], &[1])).await;
    keep(&alone, Leg::incoming(4).whole(&[])).await;
    // Of the first event one delivery waits and one is done; all of the second is.
    let done = [
        tried(delivery(begun, 1), 1, 200, Outcome::Delivered),
        tried(delivery(answered, 1), 1, 200, Outcome::Delivered),
    ];
    alone.settle(&done).await.expect("settled");
    let restored = alone.restore(PbxName::new("pbx1")).await.expect("restored");

    let there = folder();
    let in_use = share(&ground.engine, DATABASE, &there, "gw2").await.err().expect("it is in use");
    assert!(matches!(in_use, JournalError::Elsewhere { .. }), "{in_use}");
    alone.release().await.expect("given back");
    drop(alone);
    let (one, other) = tokio::join!(
        share(&ground.engine, DATABASE, &ground.folder, "gw1"),
        share(&ground.engine, DATABASE, &there, "gw2")
    );
    let (one, other) = (one.expect("shared"), other.expect("shared"));
    let refused = ground.opens_in(&folder(), options("gw3")).await.err().expect("several have it");
    assert!(refused.to_string().contains("several gateways share it"), "{refused}");

    let (first, second) = (take(&one, "pbx1").await, take(&other, "pbx2").await);
    let waits = one.load_all(first).await.expect("pending");
    assert_eq!(waits.len(), 1, "{waits:?}");
    let id = waits[0].id;
    assert_eq!((id.event.part(), id.integration.number), (first.part(), 2));
    assert_eq!(other.load_all(second).await.expect("pending").len(), 1);
    assert_eq!(one.restore(PbxName::new("pbx1")).await.expect("restored"), restored);
    let listed = one.deliveries(Filter::default()).await.expect("deliveries");
    let delivered = listed.iter().filter(|one| one.state == DeliveryState::Delivered).count();
    assert_eq!((listed.len(), delivered), (4, 2), "{listed:?}");
    assert_eq!(one.attempts(delivery(id.event, 1)).await.expect("attempts").len(), 1);
    assert_eq!(one.size().await.expect("size").pending, 2);

    // A leg goes on where it was, behind all that was kept of it.
    let end = append(&one, a.clone().under(first).append(&[EventKind::Ended], &[1])).await;
    assert!(matches!(&end[..], [Appended::Stored(seq, _)] if *seq > id.event), "{end:?}");
    let leg = one.legs(Filter { leg: Some(a.id()), ..Filter::default() }).await.expect("legs");
    assert!(leg.len() == 1 && leg[0].ended.is_some() && leg[0].answered_at.is_some(), "{leg:?}");
    let settle = Settle { grant: first, ..tried(id, 1, 200, Outcome::Delivered) };
    assert_eq!(one.settle(&[settle]).await.expect("an answer"), [Settled::Done]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_given_back_is_told_to_the_others_at_once() {
    let Some(ground) = Ground::lay(0) else { return };
    let there = folder();
    let one = share(&ground.engine, DATABASE, &ground.folder, "gw1").await.expect("shared");
    let other = share(&ground.engine, DATABASE, &there, "gw2").await.expect("shared");
    other.tick(&About::default()).await.expect("a beat");
    let grant = take(&one, "pbx1").await;
    Parts::release(&one, grant, Given::InOrder).await.expect("given back");
    timeout(PATIENCE, other.woken()).await.expect("it is told");
    take(&one, "pbx1").await;
    take(&one, "pbx2").await;
    one.leave().await.expect("all is given back");
    timeout(PATIENCE, other.woken()).await.expect("it is told");
    let fleet = other.tick(&About::default()).await.expect("a beat");
    assert!(fleet.leases.len() == 3 && fleet.leases.iter().all(|lease| lease.owner.is_none()), "{fleet:?}");
    assert!(fleet.gateways.len() == 1 && fleet.gateways[0].id == fleet.me, "{fleet:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_starts_again_has_lost_what_its_last_run_had() {
    let Some(ground) = Ground::lay(0) else { return };
    let there = folder();
    let first = share(&ground.engine, DATABASE, &ground.folder, "gw1").await.expect("shared");
    let before = take(&first, "pbx1").await;
    keep(&first, Leg::incoming(1).under(before).append(&[EventKind::Incoming], &[1])).await;
    drop(first);
    let again = share(&ground.engine, DATABASE, &ground.folder, "gw1").await.expect("shared");
    let fenced = append(&again, Leg::incoming(1).under(before).append(&[EventKind::Ended], &[1])).await;
    assert_eq!(fenced, [Appended::Fenced], "it was given to another run");
    let fleet = again.tick(&About::default()).await.expect("a beat");
    let lease = fleet.leases.iter().find(|lease| lease.part == before.part()).expect("its lease");
    assert_eq!(lease.owner.as_ref(), Some(&fleet.me));
    let grant = take(&again, "pbx1").await;
    assert_eq!(again.load_all(grant).await.expect("pending").len(), 1);
    let other = share(&ground.engine, DATABASE, &there, "gw2").await.expect("shared");
    let target = ground.engine.target(DATABASE);
    let beside =
        Postgres::open_beside(&target, Sealer::new([7; 32]), options("cli")).await.expect("it looks");
    assert!(beside.is_shared() && beside.events(Filter::default()).await.expect("events").len() == 1);
    assert_eq!(other.events(Filter::default()).await.expect("events").len(), 1);
}
