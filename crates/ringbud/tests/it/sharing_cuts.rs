//! One of two gateways that share a store is cut off from PostgreSQL and goes on hearing its PBX, for a while and for longer
//! than deliveries go on. As long as in the matrix where somebody asked for it (`just fleet-kills`), shorter else.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use demo::receiver::Received;
use tokio::sync::Notify;
use tokio::time::timeout;

use crate::bed::{Gateway, patiently, play_on, play_ringing};
use crate::second_reading::{READERS, nothing_is_assumed, rest};
use crate::sharing::{Ground, has};
use crate::sharing_spools::everything_is_there_once;
use crate::spooling::{becomes, figure};
use crate::standing_by::{WHOLE, told};
use crate::way::{Passage, PbxPassage, PbxWay, Way};

const READY: &str = "this gateway could have the PBX now and miss nothing";
const HAS_IT: &str = "this gateway has the PBX now";
const HOLDS: &str = "PostgreSQL has been away for longer than deliveries go on";
const NOT_FOR_LONG: &str = "allow_unreplicated = true\nshare_pbxs = true\ndeliver_through_secs = 5";

fn is_in_full() -> bool {
    std::env::var_os("RINGBUD_FLEET_KILLS").is_some()
}

/// So long is a gateway cut off.
fn lasts(in_full: u64, else_secs: u64) -> Duration {
    Duration::from_secs(if is_in_full() { in_full } else { else_secs })
}

/// Both, behind a call on each PBX, with the ways. The second has the second PBX, over a way of its own to the engine; the first
/// listens to it, over a way of its own to the PBX.
async fn both(ground: &mut Ground, requests: &mut Vec<Received>) -> (Gateway, Gateway, Way, PbxWay) {
    let way = Way::lay(&ground.engine, ground.bed.folder.path());
    let pbx_way = PbxWay::lay(ground.other_pbx.address()).await;
    let changes = |name: &str, from: &dyn Fn(&str) -> String| {
        let file = ground.config(name);
        let text = std::fs::read_to_string(&file).unwrap();
        std::fs::write(&file, from(&text)).unwrap();
        file
    };
    let (there, here) = (ground.other_pbx.address().to_string(), pbx_way.address.to_string());
    let mut first = Gateway::start(&changes("data", &|text| text.replace(&there, &here))).await;
    has(&mut first, "pbx1").await;
    has(&mut first, "pbx2").await;
    let mut second = Gateway::start(&changes("second", &|text| way.over(text))).await;
    has(&mut second, "pbx2").await;
    first.says("the PBX is handed over").await;
    first.says(READY).await;
    ground.calls(requests).await;
    [&mut first, &mut second].into_iter().for_each(Gateway::forget);
    (first, second, way, pbx_way)
}

/// Hears requests until so many legs were told whole.
async fn until_whole(ground: &mut Ground, requests: &mut Vec<Received>, legs: usize) {
    while told(requests).0.values().filter(|kinds| **kinds == WHOLE).count() < legs {
        requests.push(ground.bed.request().await);
    }
}

async fn hear(gateways: [&mut Gateway; 2]) {
    for gateway in gateways {
        while timeout(Duration::from_millis(50), gateway.hears()).await.is_ok() {}
    }
}

/// What comes again says the same.
fn the_same_is_said_again(requests: &[Received]) {
    let mut said: BTreeMap<&str, &[u8]> = BTreeMap::new();
    for request in requests.iter().filter(|request| request.event().is_some()) {
        let id = request.headers["webhook-id"].to_str().unwrap();
        let first = *said.entry(id).or_insert(&request.body);
        assert_eq!(String::from_utf8_lossy(&request.body), String::from_utf8_lossy(first), "{id}");
    }
}

/// The way is open again: what it kept goes to whoever has its PBX, and nothing of it is made as it was.
async fn hands_over(second: &mut Gateway, way: &Way) {
    assert_ne!(figure(second, "ringbud_spool_events").await, "0");
    way.becomes(Passage::Open);
    let open = Instant::now();
    becomes(second, false).await;
    println!("its spool was empty {:?} after the way was open", open.elapsed());
    second.says("another gateway has taken the PBX").await;
    assert_ne!(figure(second, "ringbud_spool_handed_over_total").await, "0");
    assert_eq!(figure(second, "ringbud_spool_merged_total").await, "0");
    assert_eq!(figure(second, "ringbud_spool_refused_total").await, "0");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_is_cut_off_delivers_on_and_who_took_its_pbx_tells_the_same() {
    let Some(mut ground) = Ground::shared(READERS).await else { return };
    let mut requests = Vec::new();
    let (mut first, mut second, way, _open) = both(&mut ground, &mut requests).await;
    // A call rings when the way is cut.
    let go_on = Arc::new(Notify::new());
    let rings = async {
        requests.push(ground.bed.request().await);
        way.becomes(Passage::Cut);
        go_on.notify_one();
        Instant::now()
    };
    let (cut, ()) = tokio::join!(rings, play_ringing(&ground.other_pbx, "inbound-answered", 20.0, &go_on));
    first.says(HAS_IT).await;
    println!("taken over {:?} after the cut", cut.elapsed());
    let mut legs = 3;
    while cut.elapsed() < lasts(20, 9) {
        play_on(&ground.other_pbx, &["inbound-answered"], 50.0).await;
        legs += 1;
        until_whole(&mut ground, &mut requests, legs).await;
        hear([&mut first, &mut second]).await;
    }
    hands_over(&mut second, &way).await;
    ground.calls(&mut requests).await;
    rest(&mut ground, &mut requests).await;
    hear([&mut first, &mut second]).await;
    let (all, again) = told(&requests);
    println!("{again} events told twice of {} calls", all.len());
    assert!(all.len() == legs + 2 && all.values().all(|kinds| *kinds == WHOLE), "{all:?}");
    the_same_is_said_again(&requests);
    [&first, &second].into_iter().for_each(nothing_is_assumed);
    everything_is_there_once(&ground, (legs + 2) * 3).await;
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_heard_by_one_alone_that_is_cut_off_for_longer_than_it_delivers_is_told_by_the_owner() {
    let Some(mut ground) = Ground::shared(if is_in_full() { READERS } else { NOT_FOR_LONG }).await else {
        return;
    };
    // Longer than the cut: what rang meanwhile is to be told, too.
    for account in demo::cast::ACCOUNTS {
        ground.bed.ask(&["integration", "set", account.id, "--retry-incoming-secs", "600"]).await;
    }
    let mut requests = Vec::new();
    let (mut first, mut second, way, pbx_way) = both(&mut ground, &mut requests).await;
    pbx_way.becomes(PbxPassage::Reset);
    // Its link is gone before anything is said over it.
    tokio::time::sleep(Duration::from_secs(1)).await;
    way.becomes(Passage::Cut);
    let cut = Instant::now();
    // It is told by who is cut off, as it happens.
    let mut legs = 2;
    loop {
        play_on(&ground.other_pbx, &["inbound-answered"], 50.0).await;
        legs += 1;
        until_whole(&mut ground, &mut requests, legs).await;
        hear([&mut first, &mut second]).await;
        if cut.elapsed() > lasts(110, 0) {
            break;
        }
    }
    first.says(HAS_IT).await;
    second.says(HOLDS).await;
    println!("it holds {:?} after the cut", cut.elapsed());
    for _ in 0..2 {
        play_on(&ground.other_pbx, &["inbound-answered"], 50.0).await;
    }
    let kept = async {
        while figure(&second, "ringbud_spool_events").await != format!("{}", legs * 3) {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    patiently("the calls to be kept", kept).await;
    tokio::time::sleep(lasts(200, 0).saturating_sub(cut.elapsed())).await;
    let held = ground.bed.receiver.try_next();
    assert!(held.is_none(), "it was told: {held:?}");

    hands_over(&mut second, &way).await;
    until_whole(&mut ground, &mut requests, legs + 2).await;
    pbx_way.becomes(PbxPassage::Open);
    rest(&mut ground, &mut requests).await;
    hear([&mut first, &mut second]).await;
    let (all, again) = told(&requests);
    assert!(again == 0 && all.len() == legs + 2, "{again} told twice, of {}", all.len());
    assert!(all.values().all(|kinds| *kinds == WHOLE), "{all:?}");
    [&first, &second].into_iter().for_each(nothing_is_assumed);
    everything_is_there_once(&ground, (legs + 2) * 3).await;
    second.stop().await;
    first.stop().await;
}
