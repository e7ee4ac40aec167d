//! Two gateways share a store and PostgreSQL is away: calls are told as they happen, nobody is robbed
//! without need, and afterwards the store has everything once.

use std::sync::Arc;
use std::time::{Duration, Instant};

use http::StatusCode;
use journal::conformance::engine::Engine;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::bed::{Gateway, kind, patiently, play_on, play_ringing};
use crate::on_postgresql::DATABASE;
use crate::second_reading::{READERS, nothing_is_assumed, rest};
use crate::sharing::{Ground, has, holds};
use crate::spooling::{becomes, figure};
use crate::standing_by::{WHOLE, told};

const ALONE: &str = "allow_unreplicated = true\nshare_pbxs = true\nreaders = 1";
/// What the store has: events, different ones, and what waits of them, as it is and as it is counted.
fn counts(engine: &Engine) -> String {
    engine.servers[0].says(
        DATABASE,
        "SELECT count(*), count(DISTINCT (leg, kind)), (SELECT count(*) FROM ringbud.pending),
                (SELECT sum(events) FROM ringbud.tally), (SELECT sum(pending) FROM ringbud.tally) FROM ringbud.event",
    )
}

/// What they say is read: who is not listened to waits.
async fn hear(gateways: [&mut Gateway; 2]) {
    for gateway in gateways {
        while timeout(Duration::from_millis(50), gateway.hears()).await.is_ok() {}
    }
}

pub(crate) async fn everything_is_there_once(ground: &Ground, events: usize) {
    let expected = format!("{events}|{events}|0|{events}|0");
    let there = async {
        while counts(&ground.engine) != expected {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    };
    assert!(
        timeout(Duration::from_secs(30), there).await.is_ok(),
        "{} for {expected}",
        counts(&ground.engine)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn postgresql_is_started_again_under_two_that_share_it_and_nobody_takes_anything_over() {
    let Some(mut ground) = Ground::shared(ALONE).await else { return };
    let (mut first, mut second) = ground.both().await;
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;
    ground.engine.servers[0].kill();
    for gateway in [&first, &second] {
        becomes(gateway, true).await;
    }
    let away = Instant::now();
    // For longer than it takes to hold somebody for gone.
    while away.elapsed() < Duration::from_secs(6) {
        let began = Instant::now();
        ground.calls(&mut requests).await;
        println!("told within {:?}", began.elapsed());
        hear([&mut first, &mut second]).await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let spooled = figure(&first, "ringbud_spool_events").await;
    assert_ne!(spooled, "0");

    ground.engine.servers[0].run();
    let began = Instant::now();
    for gateway in [&first, &second] {
        becomes(gateway, false).await;
    }
    println!("both spools were empty {:?} after PostgreSQL was back", began.elapsed());
    // Long enough for one that would hold the other for gone.
    tokio::time::sleep(Duration::from_secs(6)).await;
    ground.calls(&mut requests).await;
    for gateway in [&first, &second] {
        for name in
            ["ringbud_gateway_takeovers_total", "ringbud_spool_handed_over_total", "ringbud_spool_events"]
        {
            assert_eq!(figure(gateway, name).await, "0", "{name}");
        }
    }
    assert_eq!(figure(&first, "ringbud_spool_merged_total").await, spooled);
    rest(&mut ground, &mut requests).await;
    let (legs, again) = told(&requests);
    assert!(again == 0 && legs.values().all(|kinds| *kinds == WHOLE), "{again} {legs:?}");
    everything_is_there_once(&ground, legs.len() * 3).await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_one_kept_that_died_is_told_by_whoever_has_its_pbx_next() {
    let Some(mut ground) = Ground::shared(ALONE).await else { return };
    let (first, second) = ground.both().await;
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;
    ground.bed.receiver.behave(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
    ground.engine.servers[0].kill();
    becomes(&second, true).await;
    play_on(&ground.other_pbx, &["inbound-answered"], 50.0).await;
    assert_eq!(kind(&ground.bed.request().await), WHOLE[0]);
    let kept = async {
        while figure(&second, "ringbud_spool_events").await != "3" {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    patiently("the call to be kept", kept).await;
    second.kill().await;
    ground.bed.receiver.behave(StatusCode::OK, Duration::ZERO);
    ground.engine.servers[0].run();
    let mut second = Gateway::start(&ground.config("second")).await;
    has(&mut second, "pbx2").await;
    while told(&requests).0.values().filter(|kinds| **kinds == WHOLE).count() < 3 {
        requests.push(ground.bed.request().await);
    }
    ground.calls(&mut requests).await;
    rest(&mut ground, &mut requests).await;
    let (legs, again) = told(&requests);
    // What was out when it died may come again.
    println!("{again} events told twice");
    assert!(again <= 1 && legs.len() == 5 && legs.values().all(|kinds| *kinds == WHOLE), "{again} {legs:?}");
    everything_is_there_once(&ground, 15).await;
    second.stop().await;
    first.stop().await;
}

/// The engine keeps no event, as where its disk is full, and is read and beaten on as before.
fn has_no_room(engine: &Engine) {
    engine.servers[0].says(
        DATABASE,
        "CREATE FUNCTION ringbud.is_full() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'no space left on device' USING ERRCODE = '53100'; END $$;
         CREATE TRIGGER is_full BEFORE INSERT ON ringbud.event EXECUTE FUNCTION ringbud.is_full()",
    );
}

fn has_room(engine: &Engine) {
    engine.servers[0].says(DATABASE, "DROP TRIGGER is_full ON ringbud.event");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_a_pbx_and_can_keep_nothing_on_the_engine_goes_by_what_it_heard_itself() {
    let Some(mut ground) = Ground::shared(READERS).await else { return };
    let (mut first, second) = ground.both().await;
    first.says("this gateway could have the PBX now and miss nothing").await;
    first.forget();
    let mut requests = Vec::new();
    // It rings when its gateway dies, and is over before anybody misses that.
    let go_on = Arc::new(Notify::new());
    let dies = async {
        requests.push(ground.bed.request().await);
        // What is out when it dies may come again.
        let nothing_waits = async || counts(&ground.engine).split('|').nth(2) == Some("0");
        holds("nothing to be out", nothing_waits).await;
        second.kill().await;
        has_no_room(&ground.engine);
        go_on.notify_one();
    };
    tokio::join!(dies, play_ringing(&ground.other_pbx, "inbound-answered", 50.0, &go_on));
    assert_eq!(kind(&requests[0]), WHOLE[0]);
    first.says("what the PBX said to this gateway alone is kept").await;
    assert_ne!(figure(&first, "ringbud_spool_events").await, "0", "what it had heard is in its spool");
    // The engine says that the call rings still. It is over, and the list that is asked for now has it no more.
    play_on(&ground.other_pbx, &["inbound-answered"], 50.0).await;
    rest(&mut ground, &mut requests).await;
    has_room(&ground.engine);
    becomes(&first, false).await;
    ground.calls(&mut requests).await;
    rest(&mut ground, &mut requests).await;
    while timeout(Duration::from_millis(50), first.hears()).await.is_ok() {}
    nothing_is_assumed(&first);
    let (legs, again) = told(&requests);
    assert!(again == 0 && legs.len() == 4 && legs.values().all(|kinds| *kinds == WHOLE), "{again} {legs:?}");
    everything_is_there_once(&ground, 12).await;
    first.stop().await;
}
