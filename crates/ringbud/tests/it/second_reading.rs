//! A PBX has a second reader: when its gateway is killed nothing that the PBX says is missed, however short.

use std::time::{Duration, Instant};

use demo::receiver::Received;
use tokio::time::timeout;

use crate::bed::{Gateway, Signal, patiently, play_on};
use crate::sharing::{Ground, has};
use crate::standing_by::{WHOLE, told};

pub(crate) const READERS: &str = "allow_unreplicated = true\nshare_pbxs = true";

/// No event of it had to be guessed.
pub(crate) fn nothing_is_assumed(gateway: &Gateway) {
    let events = gateway.said.iter().filter(|line| line["message"] == "event");
    let assumed: Vec<_> = events.filter(|line| line["assumed"] != false).collect();
    assert!(assumed.is_empty(), "{assumed:?}");
}

/// All that comes until nothing does.
pub(crate) async fn rest(ground: &mut Ground, requests: &mut Vec<Received>) {
    while let Ok(request) = timeout(Duration::from_secs(2), ground.bed.request()).await {
        requests.push(request);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_begins_and_ends_while_its_gateway_is_dead_is_told() {
    let Some(mut ground) = Ground::shared(READERS).await else { return };
    let (mut first, second) = ground.both().await;
    first.says("this gateway could have the PBX now and miss nothing").await;
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;

    first.forget();
    let killed = Instant::now();
    second.kill().await;
    // Of two fifths of a second each, and over long before anybody misses the gateway.
    let shapes = ["inbound-answered", "inbound-unanswered-caller-hangs-up"];
    play_on(&ground.other_pbx, &shapes, 50.0).await;
    println!("over {:?} after the kill", killed.elapsed());
    while !first.said.iter().any(|line| line["message"] == "this gateway has the PBX now") {
        first.hears().await;
    }
    println!("taken over {:?} after the kill", killed.elapsed());
    requests.extend(ground.bed.events(5).await);
    println!("told {:?} after the kill", killed.elapsed());
    ground.calls(&mut requests).await;
    rest(&mut ground, &mut requests).await;
    while timeout(Duration::from_millis(50), first.hears()).await.is_ok() {}
    let (legs, _) = told(&requests);
    let whole = legs.values().filter(|kinds| **kinds == WHOLE).count();
    assert!(legs.len() == 6 && whole == 5, "{legs:?}");
    nothing_is_assumed(&first);

    // Whoever is back hears it first, and is handed it then: nothing is missed, and nothing told twice.
    let mut second = Gateway::start(&ground.config("second")).await;
    let before = requests.len();
    patiently("the handover beside calls", async {
        while says_of_pbx2(&second, "what the PBX said to this gateway alone is kept") == 0 {
            play_on(&ground.other_pbx, &["inbound-answered"], 20.0).await;
            while timeout(Duration::from_millis(1), second.hears()).await.is_ok() {}
        }
    })
    .await;
    play_on(&ground.other_pbx, &["inbound-answered"], 20.0).await;
    rest(&mut ground, &mut requests).await;
    while timeout(Duration::from_millis(50), second.hears()).await.is_ok() {}
    let (legs, again) = told(&requests[before..]);
    let not_whole: Vec<_> = legs.iter().filter(|(_, kinds)| **kinds != WHOLE).collect();
    assert!(not_whole.is_empty() && again == 0, "{again} told twice; {not_whole:?}");
    nothing_is_assumed(&second);

    // SIGTERM, while a phone rings.
    first.signal(Signal::TERM);
    play_on(&ground.bed.pbx, &["inbound-answered"], 20.0).await;
    assert_eq!(first.ends().await, Some(0), "{:?}", first.said);
    requests.clear();
    rest(&mut ground, &mut requests).await;
    assert!(told(&requests).0.values().all(|kinds| *kinds == WHOLE), "{:?}", told(&requests));
    second.stop().await;
}

/// How often a gateway has said something of the second PBX.
fn says_of_pbx2(gateway: &Gateway, words: &str) -> usize {
    gateway.said.iter().filter(|line| line["pbx"] == "pbx2" && line["message"] == words).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_hands_a_pbx_over_reads_on_and_has_it_again_when_the_other_dies() {
    let Some(mut ground) = Ground::shared(READERS).await else { return };
    let mut first = Gateway::start(&ground.config("data")).await;
    has(&mut first, "pbx1").await;
    has(&mut first, "pbx2").await;
    let mut second = Gateway::start(&ground.config("second")).await;
    second.says("this gateway could have the PBX now and miss nothing").await;
    let handed_over = async {
        first.says("the PBX is handed over").await;
        second.kill().await;
        let killed = Instant::now();
        // Over before anybody misses the other.
        play_on(&ground.other_pbx, &["inbound-answered", "inbound-unanswered-caller-hangs-up"], 50.0).await;
        println!("over {:?} after the kill", killed.elapsed());
        while says_of_pbx2(&first, "this gateway has the PBX now") < 2 {
            first.hears().await;
        }
        println!("had again {:?} after the kill", killed.elapsed());
    };
    // And one that is up all the while.
    tokio::join!(play_on(&ground.other_pbx, &["inbound-answered"], 0.35), handed_over);
    let mut requests = ground.bed.events(8).await;
    rest(&mut ground, &mut requests).await;
    let (legs, again) = told(&requests);
    let whole = legs.values().filter(|kinds| **kinds == WHOLE).count();
    assert!(legs.len() == 3 && whole == 2 && again == 0, "{again} told twice: {legs:?}");
    nothing_is_assumed(&first);
    assert_eq!(says_of_pbx2(&first, "what the PBX said to this gateway alone is kept"), 1);
    assert_eq!(says_of_pbx2(&first, "the PBX is followed"), 1, "the link is the one it was");
    first.stop().await;
}
