//! Load is deterministic, complete and bounded by its readers.

use std::collections::BTreeMap;

use demo::load::{Load, LoadOptions, feed};
use demo::pbx::{Pbx, PbxOptions};

use crate::client::Client;

const NOW_US: u64 = 1_795_343_903_000_000;

fn bytes(options: LoadOptions, calls: usize) -> String {
    let (mut load, mut out) = (Load::new(options), Vec::new());
    for _ in 0..calls {
        load.call(NOW_US, &mut out);
    }
    load.finish(NOW_US, &mut out);
    String::from_utf8(out).expect("text")
}

fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

#[test]
fn every_call_rings_is_answered_and_ends() {
    for spread in [0, 7] {
        let text = bytes(LoadOptions { spread, ..LoadOptions::default() }, 50);
        assert_eq!(count(&text, "\r\n\r\n"), 50 * Load::MESSAGES_PER_CALL);
        for (what, times) in [("Newchannel", 100), ("DialBegin", 50), ("DialEnd", 50), ("Hangup", 100)] {
            assert_eq!(count(&text, &format!("Event: {what}\r\n")), times);
        }
        let mut ids = BTreeMap::new();
        for id in text.lines().filter_map(|line| line.strip_prefix("Uniqueid: ")) {
            *ids.entry(id).or_insert(0) += 1;
        }
        assert_eq!(ids.len(), 100);
    }
}

#[test]
fn the_same_seed_gives_the_same_bytes() {
    let options = LoadOptions::default;
    assert_eq!(bytes(options(), 20), bytes(options(), 20));
    assert_ne!(bytes(options(), 20), bytes(LoadOptions { seed: 2, ..options() }, 20));
}

#[test]
fn live_legs_stay_as_many_when_calls_turn_over() {
    let (mut load, mut out) = (Load::new(LoadOptions::default()), Vec::new());
    load.live(100, NOW_US, &mut out);
    for _ in 0..10 {
        load.turn_over(NOW_US, &mut out);
    }
    let text = String::from_utf8(out).expect("text");
    assert_eq!(count(&text, "Event: DialBegin"), 110);
    assert_eq!(count(&text, "Event: Hangup"), 20);
    assert_eq!(count(&text, "DialStatus: ANSWER"), 60);
}

#[tokio::test]
async fn a_client_gets_all_of_it_at_its_own_pace() {
    let pbx = Pbx::start(PbxOptions::default()).await.expect("a free port");
    let mut client = Client::log_in(pbx.address()).await;
    let reading = tokio::spawn(async move {
        let mut hangups = 0;
        while hangups < 2 * 2000 {
            let message = client.message().await.expect("all of it");
            hangups += usize::from(message.starts_with("Event: Hangup"));
        }
    });
    feed(&pbx, &mut Load::new(LoadOptions::default()), 2000, None).await;
    reading.await.expect("all calls ended");
}
