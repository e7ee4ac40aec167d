//! A store that gateways share comes back into a file as one that nobody shared would, and only when all of them are stopped.

use std::path::Path;
use std::time::Duration;

use calls::{EventKind, PbxName};
use journal::conformance::engine::{Engine, is_here};
use journal::conformance::sample::{Leg, append, delivery, keep, tried};
use journal::copying::{Then, copy};
use journal::postgres::{Filling, Options, OwnClock, Postgres, Stopped, id_in};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{About, Appended, Cursor, Filter, Grant, Journal, JournalError, Outcome, WallTime, Wish};

use crate::copying::{LOOKED_AT, a_file, file, seen};
use crate::on_postgresql::{DATABASE, Ground, folder, options, share, share_as};

async fn take(journal: &Postgres, pbx: &str) -> Grant {
    let pbx = PbxName::new(pbx);
    let leases = journal.tick(&About::default()).await.expect("a beat").leases;
    let seen = leases.iter().find(|lease| lease.pbx == pbx).map(|lease| lease.epoch);
    journal.take(pbx, seen, Duration::ZERO).await.expect("an answer").expect("nobody was quicker").grant
}

async fn stopped(engine: &Engine, own: &Path, have_nothing: &[String]) -> Result<Stopped, JournalError> {
    let target = engine.target(DATABASE);
    Stopped::open(&target, own, Sealer::new([7; 32]), options("copy"), have_nothing, &["lost".to_owned()])
        .await
}

fn is_stored(answers: &[Appended]) {
    assert!(answers.iter().all(|answer| matches!(answer, Appended::Stored(..))), "{answers:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_that_is_shared_comes_back_into_a_file_as_it_was() {
    if !is_here() {
        return;
    }
    let engine = Engine::start(0);
    engine.database(DATABASE);
    let (old, own, new) = (folder(), folder(), folder());
    let model = a_file(old.path()).await;
    // What a leg begins with waits, and goes to its PBX's part; what it had behind that is done, and stays.
    let split = Leg::incoming(90).on("a");
    let begun = keep(&model, split.append(&[EventKind::Incoming], &[1, 2])).await[0];
    let answered = keep(&model, split.append(&[EventKind::Answered], &[1])).await[0];
    for event in [begun, answered] {
        model.settle(&[tried(delivery(event, 1), 1, 200, Outcome::Delivered)]).await.expect("settled");
    }
    let (target, sealer) = (engine.target(DATABASE), || Sealer::new([7; 32]));
    let then = Then::default();
    let as_it_was = Options { clock: OwnClock(Some(then.clock())), ..options("copy") };
    let filling = Filling::open(&target, own.path(), sealer(), as_it_was).await.expect("an empty one");
    let pbxs = ["a", "b"].map(PbxName::new);
    let there =
        copy(&model, filling.journal(), &then, &[Grant::ALONE], &pbxs, &mut |_| {}).await.expect("copied");
    filling.finish().await.expect("finished");

    // Two have it, each with a PBX; what they say is told to the model as well.
    let (here, elsewhere) = (folder(), folder());
    let then = Then::default();
    let by = |name: &str| Options { clock: OwnClock(Some(then.clock())), ..options(name) };
    let one = share_as(&engine, DATABASE, &here, by("gw1")).await.expect("shared");
    let other = share_as(&engine, DATABASE, &elsewhere, by("gw2")).await.expect("shared");
    let (a, b) = (take(&one, "a").await, take(&other, "b").await);
    for number in 100..130 {
        let (journal, grant, pbx) = if number % 3 == 0 { (&one, a, "a") } else { (&other, b, "b") };
        let leg = Leg::incoming(number).on(pbx).of(if pbx == "a" { "1" } else { "2" });
        then.set(leg.whole(&[1]).received_at);
        keep(&model, leg.whole(&[1])).await;
        is_stored(&append(journal, leg.under(grant).whole(&[1])).await);
    }
    keep(&model, split.append(&[EventKind::Ended], &[])).await;
    is_stored(&append(&one, split.clone().under(a).append(&[EventKind::Ended], &[])).await);
    one.leave().await.expect("it leaves");
    other.leave().await.expect("it leaves");
    drop((one, other));

    let from = stopped(&engine, own.path(), &[]).await.expect("nobody runs on it");
    assert_eq!((from.grants().len(), from.pbxs()), (3, &pbxs[..]));
    let then = Then::default();
    let back = file(new.path(), then.clock());
    let mut told = None;
    let mut tell = |progress| told = Some(progress);
    let copied = copy(from.journal(), &back, &then, from.grants(), from.pbxs(), &mut tell);
    let counted = from.while_nobody_comes(copied).await.expect("nobody came").expect("copied");
    assert_eq!(counted.events, there.events + 30 * 3 + 1);
    assert!(counted.waiting > there.waiting && counted.attempts == there.attempts, "{counted}");
    let told: journal::copying::Progress = told.expect("it says how far it is");
    assert_eq!((told.events, told.of), (counted.events, counted.events));
    from.release().await.expect("given back");

    then.set(WallTime(LOOKED_AT));
    for pbx in &pbxs {
        assert_eq!(in_order(&back, pbx).await, in_order(&model, pbx).await, "{pbx}");
    }
    let (back, model) = (parted(&seen(&back).await), parted(&seen(&model).await));
    for (one, expected) in back.iter().zip(&model) {
        assert_eq!(one, expected);
    }
    assert_eq!(back.len(), model.len());
}

/// What a PBX said of each leg, and its deliveries that wait, in the order in which they are kept.
async fn in_order(journal: &dyn Journal, pbx: &PbxName) -> Vec<String> {
    let all =
        journal.events(Filter { after: Some(Cursor::START), ..Filter::default() }).await.expect("events");
    let mut own: Vec<_> = all.iter().filter(|kept| kept.pbx == *pbx).collect();
    own.sort_by_key(|kept| &kept.event.leg);
    let waits = journal.load_all(Grant::ALONE).await.expect("what waits");
    let said = own.iter().map(|kept| format!("{:?}", kept.event.id()));
    let waiting = waits.iter().filter_map(|one| own.iter().find(|kept| kept.seq == one.id.event));
    said.chain(waiting.map(|kept| format!("{:?} waits", kept.event.id()))).collect()
}

/// All there is to see, one by one: what different PBXs said at one time has no order.
fn parted(seen: &str) -> Vec<String> {
    let mut parted: Vec<String> = Vec::new();
    for line in seen.lines() {
        // Each open leg is one, too.
        let begins = !line.starts_with([' ', '}', ']', ')'])
            || line.trim_start() == "OpenLeg {"
            || line == "        ],";
        match parted.last_mut().filter(|_| !begins) {
            Some(last) => last.push_str(&format!("\n{line}")),
            None => parted.push(line.to_owned()),
        }
    }
    parted.sort();
    parted
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shared_store_is_copied_only_when_its_gateways_are_stopped_and_nothing_of_it_is_elsewhere() {
    let Some(ground) = Ground::lay(0) else { return };
    let refused = async |have_nothing: &[String]| {
        let own = folder();
        let refused = stopped(&ground.engine, own.path(), have_nothing).await;
        refused.err().expect("it is refused").to_string()
    };
    let (there, lost) = (folder(), folder());
    let one = share(&ground.engine, DATABASE, &ground.folder, "gw1").await.expect("shared");
    let a = take(&one, "pbx1").await;
    is_stored(&append(&one, Leg::incoming(1).under(a).append(&[EventKind::Incoming], &[1])).await);

    // One beats.
    let about = About::default();
    let beats = async {
        loop {
            one.tick(&about).await.expect("a beat");
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    let words = tokio::select! { words = refused(&[]) => words, () = beats => unreachable!() };
    assert!(words.contains("the gateway gw1 runs on it: stop all gateways"), "{words}");

    // It is gone, as if killed; what its own folder has is known.
    drop(one);
    let words = refused(&[]).await;
    assert!(
        words.contains("gw1 is gone and was not stopped in order") && words.contains("--without gw1"),
        "{words}"
    );
    let id = id_in(ground.folder.path()).expect("it has run there");

    // What one asked of the other's part is not done; who asked is gone with its disk.
    let other = share(&ground.engine, DATABASE, &lost, "lost").await.expect("shared");
    other.tick(&about).await.expect("a beat");
    other.ask(a.part(), Wish::Again(vec![delivery(journal::EventSeq(1), 1)])).await.expect("asked");
    drop(other);
    let words = refused(std::slice::from_ref(&id)).await;
    assert!(words.contains("have asked something of each other that is not done"), "{words}");
    ground.engine.servers[0].says(DATABASE, "DELETE FROM ringbud.inbox");
    let from = stopped(&ground.engine, there.path(), &[id]).await.expect("all of it is known");

    // One that starts meanwhile has nothing, and ends the copying.
    let late = share(&ground.engine, DATABASE, &ground.folder, "gw1").await.expect("shared");
    let copying = async {
        late.tick(&about).await.expect("a beat");
        std::future::pending::<()>().await;
    };
    let words = from.while_nobody_comes(copying).await.expect_err("somebody came").to_string();
    assert!(words.contains("the gateway gw1 runs on it"), "{words}");
    from.release().await.expect("given back");
    take(&late, "pbx1").await;
}
