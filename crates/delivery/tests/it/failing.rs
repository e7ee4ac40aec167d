//! How long a webhook has failed outlives the program.

use std::sync::Arc;
use std::time::Duration;

use calls::EventKind;
use delivery::policy::PAUSED_AFTER;
use delivery::sender::NOTED_FROM;
use journal::Reason;
use journal::memory::Memory;
use journal::settings::IntegrationId;
use journal::verbs::*;
use journal::{DeliveryState, Failing};

use crate::support::gateway::{Gateway, delivered, everything_to, options, retrying, url};
use crate::support::receiver::Receiver;

/// The first a journal gives.
const FIRST: IntegrationId = IntegrationId { number: 1 };
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// A gateway that starts on a journal in which its only web service has failed for so long.
async fn after_failing_for(lasted: Duration, url: String) -> Gateway {
    let journal = Arc::new(Memory::new());
    let note = Failing { integration: FIRST, url: url.clone(), lasted, streak: 0 };
    journal.note_failing(vec![note]).await.expect("noted");
    let gateway = Gateway::with(journal, everything_to(&url), options()).await;
    assert_eq!(gateway.integration, FIRST);
    gateway.sender.load().await.expect("loaded");
    gateway
}

#[tokio::test]
async fn a_restart_does_not_begin_the_five_days_anew() {
    let receiver = Receiver::always(503).await;
    let gateway = after_failing_for(PAUSED_AFTER, url(receiver.address)).await;
    gateway.tell_one(EventKind::Ended, "a").await;
    let next = gateway.tell_one(EventKind::Ended, "b").await;
    gateway.reaches(next, |state| *state == DeliveryState::Paused).await;
    let (_, settings) = gateway.book.integration(FIRST).expect("the integration");
    assert_eq!(settings.paused[&EventKind::Ended].why, Reason::new("paused_failing").with("days", 5));
}

#[tokio::test]
async fn one_that_works_again_after_a_restart_is_noted_no_more() {
    let receiver = Receiver::always(200).await;
    let gateway = after_failing_for(4 * DAY, url(receiver.address)).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(id, delivered).await;
    gateway.sender.stop(Duration::from_secs(20)).await;
    assert_eq!(gateway.journal.failing().await.expect("notes"), []);
}

#[tokio::test]
async fn one_that_is_not_called_stays_noted_until_the_account_has_it_no_more() {
    let gateway = after_failing_for(4 * DAY, "https://crm.example/events".to_owned()).await;
    gateway.sender.stop(Duration::from_secs(20)).await;
    assert_eq!(gateway.journal.failing().await.expect("notes").len(), 1);
    gateway.change(|settings| *settings = everything_to("https://crm.example/other")).await;
    gateway.sender.stop(Duration::from_secs(20)).await;
    assert_eq!(gateway.journal.failing().await.expect("notes"), []);
}

#[tokio::test]
async fn a_failure_that_lasts_is_noted_and_a_short_one_is_not() {
    let receiver = Receiver::always(503).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(id, retrying).await;
    gateway.sender.stop(Duration::from_secs(20)).await;
    assert_eq!(gateway.journal.failing().await.expect("notes"), []);
    tokio::time::pause();
    tokio::time::advance(NOTED_FROM).await;
    tokio::time::resume();
    gateway.sender.stop(Duration::from_secs(20)).await;
    let notes = gateway.journal.failing().await.expect("notes");
    let [note] = &notes[..] else { panic!("one note, not {notes:?}") };
    assert_eq!((note.integration, &note.url), (gateway.integration, &url(receiver.address)));
    assert!((NOTED_FROM..2 * NOTED_FROM).contains(&note.lasted), "{:?}", note.lasted);
}

/// Many may fail at once, and each is seldom asked.
#[tokio::test]
async fn one_that_keeps_failing_keeps_no_request_ready() {
    let receiver = Receiver::always(503).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let mut last = None;
    for call in ["a", "b", "c"] {
        let id = gateway.tell_one(EventKind::Ended, call).await;
        gateway.reaches(id, retrying).await;
        last = Some(gateway.sender.status());
    }
    let last = last.expect("three were tried");
    assert_eq!((last.pending, last.ready_made), (3, 0));
}

#[tokio::test]
async fn one_that_works_has_its_request_ready() {
    let receiver = Receiver::always(200).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(id, delivered).await;
    assert_eq!(gateway.sender.status().ready_made, 1);
}
