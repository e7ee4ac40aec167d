//! Ends: asked for, and not.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;
use tokio::sync::Notify;

use crate::bed::{Bed, Gateway, Signal, kind, patiently, play_ringing};

#[tokio::test]
async fn a_stop_keeps_what_was_said_and_cuts_no_request_off() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    bed.receiver.behave(StatusCode::OK, Duration::from_millis(400));
    let gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let mut requests = vec![bed.request().await];
    let said = gateway.stop().await;
    let place = |words: &str| {
        said.iter().position(|line| line["message"].as_str().is_some_and(|message| message.contains(words)))
    };
    let order = ["no request begins", "no request is out", "is kept", "stopped"].map(place);
    assert!(order.is_sorted() && order.iter().all(Option::is_some), "{order:?} {said:?}");
    assert!(place("may be repeated").is_none(), "{said:?}");
    // What was not sent before the stop is sent after the start, each once.
    let gateway = bed.serve().await;
    requests.extend(bed.requests(2).await);
    let ids: Vec<&str> = requests.iter().map(|request| request.header("webhook-id")).collect();
    assert!(
        ids[0].ends_with("-incoming") && ids[1].ends_with("-answered") && ids[2].ends_with("-ended"),
        "{ids:?}"
    );
    gateway.stop().await;
    assert!(bed.receiver.try_next().is_none());
}

/// A stop may take as long as the slowest receiver; nobody's call is missed for that.
#[tokio::test]
async fn a_call_that_comes_while_the_last_request_is_out_is_kept_and_told_after_the_start() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    bed.receiver.behave(StatusCode::OK, Duration::from_secs(5));
    let mut gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    let mut requests = vec![bed.request().await];
    gateway.signal(Signal::TERM);
    gateway.says("stopping: no request begins").await;
    bed.play(&["outbound-answered"], 50.0).await;
    assert_eq!(gateway.ends().await, Some(0), "{:?}", gateway.said);
    bed.receiver.behave(StatusCode::OK, Duration::ZERO);
    let gateway = bed.serve().await;
    let mut told: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    requests.extend(bed.requests(4).await);
    for request in &requests {
        let (leg, _) = request.header("webhook-id").rsplit_once('-').unwrap();
        told.entry(leg.to_owned()).or_default().push(kind(request));
    }
    let mut told: Vec<_> = told.into_values().collect();
    told.sort();
    assert_eq!(told, [vec!["Incoming", "Answered", "Ended"], vec!["Outgoing", "Ended"]]);
    gateway.stop().await;
    assert!(bed.receiver.try_next().is_none());
}

#[tokio::test]
async fn told_twice_it_ends_at_once() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    bed.receiver.behave(StatusCode::OK, Duration::from_secs(600));
    let mut gateway = bed.serve().await;
    bed.play(&["inbound-answered"], 50.0).await;
    bed.request().await;
    gateway.signal(Signal::TERM);
    gateway.says("stopping: no request begins").await;
    gateway.signal(Signal::TERM);
    assert_eq!(gateway.ends().await, Some(1));
}

#[tokio::test]
async fn killed_in_the_middle_of_a_call_every_leg_is_told_to_its_end_once() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    let gateway = bed.serve().await;
    let config = bed.config();
    let Bed { pbx, receiver, .. } = &mut bed;
    let go_on = Arc::new(Notify::new());
    let play = play_ringing(pbx, "blind-transfer-to-employee", 20.0, &go_on);
    let kill = async {
        let mut requests = vec![patiently("the ring", receiver.next()).await.unwrap()];
        gateway.kill().await;
        let mut gateway = Gateway::start(&config).await;
        gateway.says("the PBX is followed").await;
        go_on.notify_one();
        let count = |requests: &[demo::receiver::Received], wanted: &str| {
            let mut ids: Vec<&str> = requests
                .iter()
                .filter(|one| kind(one) == wanted)
                .map(|one| one.header("webhook-id"))
                .collect();
            ids.sort_unstable();
            ids.dedup();
            ids.len()
        };
        while count(&requests, "Ended") < 2 {
            requests.push(patiently("the rest", receiver.next()).await.unwrap());
        }
        (gateway, requests)
    };
    let ((gateway, requests), ()) = tokio::join!(kill, play);
    let mut legs: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    let mut seen = Vec::new();
    for request in &requests {
        let id = request.header("webhook-id");
        if !seen.contains(&id) {
            seen.push(id);
            legs.entry(request.parameter("UniqueCallId")).or_default().push(kind(request));
        }
    }
    assert_eq!(legs.len(), 2, "{legs:?}");
    for events in legs.values() {
        assert_eq!(events, &["Incoming", "Answered", "Ended"], "{legs:?}");
    }
    gateway.stop().await;
}

#[tokio::test]
async fn a_receiver_that_was_down_gets_everything_when_it_is_back() {
    let mut bed = Bed::new().await;
    bed.integrate("POST").await;
    bed.receiver.behave(StatusCode::SERVICE_UNAVAILABLE, Duration::ZERO);
    let gateway = bed.serve().await;
    bed.play(&["outbound-answered"], 50.0).await;
    let failed = bed.request().await;
    assert_eq!(failed.status, StatusCode::SERVICE_UNAVAILABLE);
    gateway.kill().await;
    bed.receiver.behave(StatusCode::OK, Duration::ZERO);
    let gateway = bed.serve().await;
    let mut taken = Vec::new();
    while taken.len() < 2 {
        let request = bed.request().await;
        if request.status == StatusCode::OK {
            taken.push(kind(&request));
        }
    }
    assert_eq!(taken, ["Outgoing", "Ended"]);
    gateway.stop().await;
}
