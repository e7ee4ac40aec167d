//! Who stands by for the store on PostgreSQL: told who has it, and in possession of it when that one is gone.

use std::time::Duration;

use calls::EventKind;
use journal::conformance::sample::{Leg, keep};
use journal::postgres::{Options, Postgres, Waits};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Grant, JournalError};
use tempfile::TempDir;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::on_postgresql::{DATABASE, Ground, PATIENCE, folder, options};

/// Opens it in its turn; who has it comes by the channel meanwhile.
fn in_turn(
    ground: &Ground,
    folder: &TempDir,
    options: Options,
) -> (JoinHandle<Result<Postgres, JournalError>>, watch::Receiver<Option<Waits>>) {
    let (tells, told) = watch::channel(None);
    let (target, folder) = (ground.engine.target(DATABASE), folder.path().to_owned());
    let opening = tokio::spawn(async move {
        let waits = |waits: &Waits| drop(tells.send_replace(Some(waits.clone())));
        Postgres::open_in_turn(&target, &folder, Sealer::new([7; 32]), options, &waits).await
    });
    (opening, told)
}

async fn becomes(
    told: &mut watch::Receiver<Option<Waits>>,
    what: &str,
    is: impl Fn(&Waits) -> bool,
) -> Waits {
    let waits = told.wait_for(|now| now.as_ref().is_some_and(&is));
    let now = tokio::time::timeout(PATIENCE, waits).await.unwrap_or_else(|_| panic!("it never {what}"));
    now.expect("it waits").clone().expect("it is")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_stands_by_learns_who_has_it_and_has_it_when_that_one_is_gone() {
    let Some(ground) = Ground::lay(0) else { return };
    let first = ground.opened().await;
    let (there, third) = (folder(), folder());
    let (second, mut told) = in_turn(&ground, &there, options("gw2"));
    let waits = becomes(&mut told, "waits", |_| true).await;
    assert!(waits.holder == "gw1" && waits.since.contains("UTC") && waits.is_reached, "{waits:?}");
    // Longer than it takes one that is dead.
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(!second.is_finished(), "the first one lives");
    keep(&first, Leg::incoming(1).append(&[EventKind::Incoming], &[1])).await;
    let began = Instant::now();
    first.release().await.expect("given back");
    let second =
        tokio::time::timeout(PATIENCE, second).await.expect("its turn").expect("a task").expect("opens");
    println!("had after a release in {:?}", began.elapsed());
    drop(first);

    // It dies as a process does: nothing is given back. Of two who stand by one has it, and the other waits for that one.
    assert_eq!(second.load_all(Grant::ALONE).await.expect("pending").len(), 1);
    let (one, mut one_told) = in_turn(&ground, &ground.folder, options("gw1"));
    let (other, mut other_told) = in_turn(&ground, &third, options("gw3"));
    for told in [&mut one_told, &mut other_told] {
        assert_eq!(becomes(told, "waits", |_| true).await.holder, "gw2");
    }
    let began = Instant::now();
    drop(second);
    let (mut one, mut other) = (one, other);
    let (next, waits, told) = tokio::time::timeout(PATIENCE, async {
        tokio::select! {
            next = &mut one => (next, other, other_told),
            next = &mut other => (next, one, one_told),
        }
    })
    .await
    .expect("somebody takes it");
    println!("had after a death in {:?}", began.elapsed());
    let (next, mut told) = (next.expect("a task").expect("opens"), told);
    becomes(&mut told, "waits for the next one", |waits| waits.holder != "gw2").await;
    keep(&next, Leg::incoming(1).append(&[EventKind::Answered], &[1])).await;
    assert!(!waits.is_finished());
    waits.abort();
}

/// While the engine is away, and while no standby confirms, everybody's beat stands still.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_robbed_while_the_engine_takes_nothing() {
    let Some(mut ground) = Ground::lay(2) else { return };
    let short =
        |name: &str| Options { patience: Duration::from_secs(2), name: name.to_owned(), ..Ground::strict() };
    let first = ground.opens(short("gw1")).await.expect("opens");
    let there = folder();
    let (second, mut told) = in_turn(&ground, &there, short("gw2"));
    becomes(&mut told, "waits", |_| true).await;
    // No standby: what is only read is answered all the same.
    ground.engine.servers[1].kill();
    ground.engine.servers[2].kill();
    becomes(&mut told, "is cut off", |waits| !waits.is_reached).await;
    tokio::time::sleep(Duration::from_secs(8)).await;
    ground.engine.servers[1].run();
    becomes(&mut told, "is answered again", |waits| waits.is_reached).await;
    // No engine.
    ground.engine.servers[0].kill();
    becomes(&mut told, "is cut off", |waits| !waits.is_reached).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    ground.engine.servers[0].run();
    becomes(&mut told, "is answered again", |waits| waits.is_reached).await;
    tokio::time::sleep(Duration::from_secs(6)).await;
    assert!(!second.is_finished(), "the first one lives");
    let moment = Leg::incoming(1).append(&[EventKind::Incoming], &[1]);
    while let Err(error) = first.append(std::slice::from_ref(&moment)).await {
        assert!(!matches!(error, JournalError::Taken { .. }), "{error}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    second.abort();
}
