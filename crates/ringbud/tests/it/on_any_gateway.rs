//! Two gateways that share a store, each with a PBX of its own, are one to whoever asks: window, API and stream.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::bed::{Gateway, Signal, patiently, play_on, play_ringing};
use crate::on_postgresql::configuration;
use crate::sharing::{Ground, holds};
use crate::standing_by::{WHOLE, keeps, told};
use crate::streams::Curl;

/// What waits, or waited, of one PBX, by its deliveries' names and states, the newest first.
async fn deliveries(gateway: &Gateway, account: &str, token: &str, pbx: &str) -> Vec<(String, String)> {
    let path = format!("/api/v1/accounts/{account}/deliveries");
    let (_, text) = gateway.api("GET", &path, token, "").await;
    let page: serde_json::Value = serde_json::from_str(&text).unwrap();
    let text = |one: &serde_json::Value, key: &str| one[key].as_str().unwrap().to_owned();
    let all = page["deliveries"].as_array().unwrap().iter();
    let of_it = all.filter(|one| text(one, "unique_call_id").starts_with(pbx));
    of_it.map(|one| (text(one, "id"), text(one, "state"))).collect()
}

/// Waits until so many are known to be delivered: a receiver says that it has a request before it has answered it.
async fn are_delivered(gateway: &Gateway, account: &str, token: &str, many: usize) {
    let all = async || {
        let all = deliveries(gateway, account, token, "").await;
        all.iter().filter(|(_, state)| state == "delivered").count() == many
    };
    holds("what is delivered", all).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_person_wants_on_any_gateway_is_done_by_the_one_that_has_the_pbx() {
    let Some(mut ground) = Ground::lay().await else { return };
    let (mut first, mut second) = ground.both().await;
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;
    let token = ground.bed.ask(&["token", "create", "--name", "tests"]).await;
    let (token, account) = (token.trim(), requests[0].parameter("AccountId").to_owned());
    let path = |what: &str| format!("/api/v1/accounts/{account}/{what}");
    holds("the token", async || first.api("GET", &path("calls"), token, "").await.0 == 200).await;

    // Paused on one, held by both.
    assert_eq!(first.api("POST", &path("integration/pause"), token, "{}").await.0, 204);
    let paused = async || {
        let (_, text) = second.api("GET", &path("integration"), token, "").await;
        text.matches("\"since\"").count() == 4
    };
    holds("the pause", paused).await;
    for gateway in [&mut first, &mut second] {
        gateway.forget();
    }
    let shape = ["inbound-answered"];
    tokio::join!(play_on(&ground.bed.pbx, &shape, 50.0), play_on(&ground.other_pbx, &shape, 50.0));
    for (gateway, pbx) in [(&mut first, "pbx1-"), (&mut second, "pbx2-")] {
        keeps(gateway, 3).await;
        let held = async || {
            let all = deliveries(gateway, &account, token, pbx).await;
            all.iter().filter(|(_, state)| state == "paused").count() == 3
        };
        holds("what is held", held).await;
    }
    assert!(ground.bed.receiver.try_next().is_none(), "a web service that is paused was told something");

    // One of the other's is given up; the rest is sent by whoever has it.
    let newest = deliveries(&first, &account, token, "pbx2-").await.remove(0).0;
    let cancel = path(&format!("deliveries/{newest}/cancel"));
    assert_eq!(first.api("POST", &cancel, token, "").await.0, 202);
    // It may have been asked for only.
    let cancelled = (newest.clone(), "cancelled".to_owned());
    let is_cancelled =
        async || deliveries(&first, &account, token, "pbx2-").await.first() == Some(&cancelled);
    holds("what is given up", is_cancelled).await;
    holds("it is settled", async || first.api("POST", &cancel, token, "").await.0 == 409).await;
    assert_eq!(first.api("POST", &path("integration/resume"), token, "{}").await.0, 204);
    requests.extend(ground.bed.events(5).await);

    // Sent again, it comes with the id it had, or for the first time.
    let again = path(&format!("deliveries/{newest}/again"));
    assert_eq!(first.api("POST", &again, token, "").await.0, 202);
    requests.extend(ground.bed.events(1).await);
    are_delivered(&first, &account, token, 12).await;
    let (legs, repeated) = told(&requests);
    assert!(legs.len() == 4 && legs.values().all(|kinds| *kinds == WHOLE) && repeated == 0, "{legs:?}");
    assert_eq!(first.api("POST", &again, token, "").await.0, 202);
    requests.extend(ground.bed.events(1).await);
    assert_eq!(told(&requests).1, 1);
    are_delivered(&first, &account, token, 12).await;
    let all = path("deliveries/again?state=delivered");
    let (status, report) = second.api("POST", &all, token, "").await;
    assert!(status == 202 && report.contains("\"again\":12"), "{status} {report}");
    requests.extend(ground.bed.events(12).await);
    assert_eq!(told(&requests).1, 13);
    are_delivered(&first, &account, token, 12).await;

    // Where the one that has the PBX does not answer, it is asked for, and done as soon as somebody has it.
    second.signal(Signal::STOP);
    let (status, report) = first.api("POST", &again, token, "").await;
    assert!(status == 202, "{status} {report}");
    requests.extend(ground.bed.events(1).await);
    assert_eq!(told(&requests).1, 14);
    second.signal(Signal::CONT);
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_board_the_stream_and_a_login_are_the_same_on_any_gateway() {
    if !crate::streams::is_here() {
        return;
    }
    let Some(mut ground) = Ground::lay().await else { return };
    let (mut first, second) = ground.both().await;
    let mut requests = Vec::new();
    ground.calls(&mut requests).await;
    let token = ground.bed.ask(&["token", "create", "--name", "tests"]).await;
    let (token, account) = (token.trim(), requests[0].parameter("AccountId").to_owned());
    let path = format!("/api/v1/accounts/{account}/calls");
    for gateway in [&first, &second] {
        holds("the token", async || gateway.api("GET", &path, token, "").await.0 == 200).await;
    }

    // Who is in at one is in at the other in the same moment, and out at both.
    let cookie = first.log_in().await;
    let is_in = |page: &(u16, String)| page.0 == 200;
    let board = format!("/a/{account}/now");
    assert!(is_in(&second.page(&board, &cookie).await), "who is in at one is out at the other");

    // A call on the other's PBX, read on this one and then on that one, each event once.
    let mut curl = Curl::on(&first.address, &account, token, "");
    let mut last = patiently("the first position", curl.next()).await.unwrap().1;
    let mut read = Vec::new();
    let rings = async || first.page(&board, &cookie).await.1.contains("\"state ringing\"");
    let go_on = Arc::new(Notify::new());
    tokio::join!(play_ringing(&ground.other_pbx, "inbound-answered", 50.0, &go_on), async {
        holds("the leg on the board", rings).await;
        go_on.notify_one();
    });
    while read.len() < 2 {
        let (event, position, id) = curl.next().await.unwrap();
        read.push((event, id));
        last = position;
    }
    drop(curl);
    let mut curl = Curl::on(&second.address, &account, token, &last);
    assert_eq!(patiently("where it was", curl.next()).await.unwrap().1, last);
    tokio::join!(
        play_on(&ground.bed.pbx, &["inbound-answered"], 50.0),
        play_on(&ground.other_pbx, &["inbound-answered"], 50.0)
    );
    while read.len() < 9 {
        let (event, _, id) = curl.next().await.unwrap();
        read.push((event, id));
    }
    let mut ids: Vec<_> = read.iter().map(|(_, id)| id.clone()).collect();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), read.len(), "{read:?}");
    second.stop().await;
    first.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_told_before_the_store_was_shared_is_told_again_by_any_gateway() {
    let Some(mut ground) = Ground::lay().await else { return };
    let alone = ground.bed.folder.path().join("alone.toml");
    std::fs::write(&alone, configuration(&ground.bed, &ground.engine, "data", "allow_unreplicated = true"))
        .unwrap();
    let gateway = Gateway::start(&alone).await;
    play_on(&ground.bed.pbx, &["inbound-answered"], 50.0).await;
    let mut requests = ground.bed.events(3).await;
    gateway.stop().await;
    let (first, second) = ground.both().await;
    let token = ground.bed.ask(&["token", "create", "--name", "tests"]).await;
    let (token, account) = (token.trim(), requests[0].parameter("AccountId").to_owned());
    let all = format!("/api/v1/accounts/{account}/deliveries/again?state=delivered");
    for gateway in [&first, &second] {
        let is_known = async || {
            let (status, report) = gateway.api("POST", &all, token, "").await;
            assert!(status == 401 || report.contains("\"again\":3"), "{status} {report}");
            status == 202
        };
        are_delivered(&first, &account, token, 3).await;
        holds("the token", is_known).await;
        requests.extend(ground.bed.events(3).await);
    }
    assert_eq!(told(&requests).1, 6);
    second.stop().await;
    first.stop().await;
}
