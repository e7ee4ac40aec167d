//! Sending, end to end on real sockets.

use std::sync::Arc;
use std::time::Duration;

use calls::EventKind;
use delivery::sender::{KeptAttempts, SenderOptions};
use journal::memory::Memory;
use journal::{DeliveryState, Grant};

use crate::support::event;
use crate::support::gateway::{Gateway, delivered, everything_to, options, retrying, url};
use crate::support::receiver::{Receiver, status};

#[tokio::test]
async fn an_offered_event_is_delivered_and_settled() {
    let mut receiver = Receiver::always(204).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let id = gateway.tell_one(EventKind::Incoming, "a").await;
    let got = receiver.next().await;
    assert_eq!(got.line, "POST /hook HTTP/1.1");
    assert_eq!(got.header("content-type"), Some("application/x-www-form-urlencoded"));
    assert_eq!(got.header("webhook-id"), Some(event(EventKind::Incoming, "a").id().as_str()));
    assert!(got.body.starts_with("AccountId=1001&UniqueCallId=pbx1-a.7&Calledphone=101&"), "{}", got.body);
    gateway.reaches(id, delivered).await;
    let attempts = gateway.journal.attempts(id).await.expect("attempts");
    assert_eq!(attempts.len(), 1);
    assert_eq!(attempts[0].status, Some(204));
    assert_eq!(attempts[0].request_line, "POST /hook");
    assert_eq!(attempts[0].address, receiver.address.to_string());
}

#[tokio::test]
async fn a_refused_event_is_tried_again_with_the_same_id_after_a_second() {
    let mut first = true;
    let mut receiver =
        Receiver::answering(move |_| status(if std::mem::take(&mut first) { 500 } else { 201 })).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let began = tokio::time::Instant::now();
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    let one = receiver.next().await;
    gateway.reaches(id, retrying).await;
    let two = receiver.next().await;
    assert!(began.elapsed() >= Duration::from_millis(800), "{:?}", began.elapsed());
    assert_eq!(one.header("webhook-id"), two.header("webhook-id"));
    assert_eq!(one.body, two.body);
    let record = gateway.reaches(id, delivered).await;
    assert_eq!(record.attempts, 2);
}

/// What became of it is known in any case.
#[tokio::test]
async fn those_attempts_are_kept_that_are_wished() {
    let wished = [
        (KeptAttempts::All, vec![500, 201]),
        (KeptAttempts::Failed, vec![500]),
        (KeptAttempts::None, vec![]),
    ];
    for (attempts, statuses) in wished {
        let mut first = true;
        let receiver =
            Receiver::answering(move |_| status(if std::mem::take(&mut first) { 500 } else { 201 })).await;
        let settings = everything_to(&url(receiver.address));
        let gateway =
            Gateway::with(Arc::new(Memory::new()), settings, SenderOptions { attempts, ..options() }).await;
        let id = gateway.tell_one(EventKind::Ended, "a").await;
        let record = gateway.reaches(id, delivered).await;
        assert_eq!(record.attempts, 2, "{attempts:?}");
        let kept = gateway.journal.attempts(id).await.expect("attempts");
        assert_eq!(kept.iter().filter_map(|one| one.status).collect::<Vec<_>>(), statuses, "{attempts:?}");
    }
}

#[tokio::test]
async fn events_of_a_call_go_one_after_the_other_and_other_calls_do_not_wait() {
    let mut receiver =
        Receiver::answering(|got| status(if got.body.contains("pbx1-slow.") { 500 } else { 200 })).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let incoming = gateway.tell_one(EventKind::Incoming, "slow").await;
    let ended = gateway.tell_one(EventKind::Ended, "slow").await;
    let other = gateway.tell_one(EventKind::Ended, "other").await;
    gateway.reaches(other, delivered).await;
    gateway.reaches(incoming, retrying).await;
    assert_eq!(gateway.record(ended).await.state, DeliveryState::Waiting);
    let seen = [receiver.next().await.body, receiver.next().await.body];
    assert!(!seen.iter().any(|body| body.contains("pbx1-slow.7&Duration")), "{seen:?}");
}

#[tokio::test]
async fn what_was_not_sent_before_a_restart_is_sent_after_it() {
    let mut receiver = Receiver::always(200).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let kept = gateway.keep(event(EventKind::Ended, "a")).await;
    assert_eq!(gateway.sender.load().await.expect("loaded"), 1);
    receiver.next().await;
    gateway.reaches(kept.0.id, delivered).await;
}

#[tokio::test]
async fn stopping_cuts_no_request_off_and_starts_none() {
    let mut receiver = Receiver::always(200).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    receiver.next().await;
    let Gateway { sender, journal, .. } = gateway;
    sender.stop(Duration::from_secs(10)).await;
    let pending = journal.load_all(Grant::ALONE).await.expect("loaded");
    assert!(pending.iter().all(|pending| pending.id != id), "settled before the stop: {pending:?}");
}
