//! A gateway whose link to its PBX breaks, or falls silent, gives the PBX to one that hears it: nothing is missed, nothing
//! assumed, and nothing told twice.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::bed::{Gateway, patiently, play_on};
use crate::second_reading::{READERS, nothing_is_assumed, rest};
use crate::sharing::{Ground, has};
use crate::standing_by::{WHOLE, told};
use crate::way::{PbxPassage, PbxWay};

const READY: &str = "this gateway could have the PBX now and miss nothing";
const HAS_IT: &str = "this gateway has the PBX now";
const GIVES_IT: &str = "the PBX is not heard any more, and another gateway hears it: it is handed over";

/// A gateway that reaches the second PBX over a way of its own.
async fn over(ground: &Ground, name: &str, way: &PbxWay) -> Gateway {
    let file = ground.config(name);
    let config = std::fs::read_to_string(&file).unwrap();
    let pbx = ground.other_pbx.address().to_string();
    std::fs::write(&file, config.replace(&pbx, &way.address.to_string())).unwrap();
    Gateway::start(&file).await
}

/// Both, of which the second has the second PBX and the first listens to it.
async fn both(ground: &Ground) -> (Gateway, PbxWay, Gateway, PbxWay) {
    let pbx = ground.other_pbx.address();
    let (way, other_way) = (PbxWay::lay(pbx).await, PbxWay::lay(pbx).await);
    let mut first = over(ground, "data", &way).await;
    has(&mut first, "pbx1").await;
    has(&mut first, "pbx2").await;
    let mut second = over(ground, "second", &other_way).await;
    has(&mut second, "pbx2").await;
    first.says("the PBX is handed over").await;
    first.says(READY).await;
    (first, way, second, other_way)
}

/// Waits until it says this of the second PBX.
async fn says_of_it(gateway: &mut Gateway, words: &str) {
    let is = |line: &serde_json::Value| line["message"] == words && line["pbx"] == "pbx2";
    let said = async {
        while !gateway.said.iter().any(is) {
            gateway.hears().await;
        }
    };
    patiently(words, said).await;
}

/// Until the other has it, with a call that goes on all the while and two that begin and end meanwhile.
async fn moves(passage: PbxPassage, speed: f64) {
    let Some(mut ground) = Ground::shared(READERS).await else { return };
    let (mut first, _whole, mut second, way) = both(&ground).await;
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;
    [&mut first, &mut second].into_iter().for_each(Gateway::forget);

    let cut_and_watched = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        way.becomes(passage);
        let cut = Instant::now();
        let shapes = ["inbound-answered", "inbound-unanswered-caller-hangs-up"];
        let moved = async {
            says_of_it(&mut first, HAS_IT).await;
            cut.elapsed()
        };
        tokio::join!(moved, play_on(&ground.other_pbx, &shapes, 50.0)).0
    };
    let (moved, ()) = tokio::join!(cut_and_watched, play_on(&ground.other_pbx, &["inbound-answered"], speed));
    println!("{passage:?}: the other had it {moved:?} after the cut");
    says_of_it(&mut second, GIVES_IT).await;
    requests.extend(ground.bed.events(8).await);
    ground.calls(&mut requests).await;
    rest(&mut ground, &mut requests).await;
    let (legs, again) = told(&requests);
    let whole = legs.values().filter(|kinds| **kinds == WHOLE).count();
    assert!(legs.len() == 7 && whole == 6 && again == 0, "{again} again: {legs:?}");
    nothing_is_assumed(&first);
    nothing_is_assumed(&second);
    let (_, figures) = second.api("GET", "/metrics", "", "").await;
    // More than once where the other was too slow to take it; each time is said.
    while timeout(Duration::from_millis(50), second.hears()).await.is_ok() {}
    let gives = |line: &&serde_json::Value| line["message"] == GIVES_IT && line["pbx"] == "pbx2";
    let gave = second.said.iter().filter(gives).count().to_string();
    let given =
        figures.lines().find_map(|line| line.strip_prefix("ringbud_part_given_up_total{pbx=\"pbx2\"} "));
    assert!(gave != "0" && given == Some(&*gave), "{gave} times: {figures}");
    let (_, figures) = first.api("GET", "/metrics", "", "").await;
    assert!(figures.contains("ringbud_gateway_takeovers_total 0\n"), "nobody was gone");
    let said = ground.bed.ask(&["gateways", "--json"]).await;
    assert!(said.contains("it did not hear the PBX"), "{said}");
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_is_reset_moves_the_pbx_and_nothing_is_missed() {
    // 1.5 s where nothing else runs.
    moves(PbxPassage::Reset, 10.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_link_that_falls_silent_moves_the_pbx_and_nothing_is_missed() {
    // 5 s where nothing else runs.
    moves(PbxPassage::Silent, 4.0).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nobody_hears_a_pbx_it_stays_and_its_link_is_made_anew() {
    let Some(mut ground) = Ground::shared(READERS).await else { return };
    let (mut first, way, mut second, other_way) = both(&ground).await;
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;
    [&mut first, &mut second].into_iter().for_each(Gateway::forget);
    [&way, &other_way].into_iter().for_each(|way| way.becomes(PbxPassage::Reset));
    let cut = Instant::now();
    second.says("no link to the PBX").await;
    [&way, &other_way].into_iter().for_each(|way| way.becomes(PbxPassage::Open));
    says_of_it(&mut second, "the PBX is followed").await;
    println!("followed again {:?} after the cut", cut.elapsed());
    while timeout(Duration::from_secs(2), first.hears()).await.is_ok() {}
    assert!(first.said.iter().all(|line| line["message"] != HAS_IT), "{:?}", first.said);
    ground.calls(&mut requests).await;
    rest(&mut ground, &mut requests).await;
    let (legs, again) = told(&requests);
    assert!(again == 0 && legs.len() == 4 && legs.values().all(|kinds| *kinds == WHOLE), "{legs:?}");
    second.stop().await;
    first.stop().await;
}
