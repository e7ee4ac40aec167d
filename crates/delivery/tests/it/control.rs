//! By hand: again, cancel, pause, resume, test calls; and what happens when settings change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use calls::{AccountId, Employee, EventKind};
use delivery::schedule::Limits;
use delivery::sender::{SenderOptions, TEST_NUMBER, TrialError, Wanted};
use journal::memory::Memory;
use journal::settings::{Account, Extras, Integration, Setting, SettingKey};
use journal::{DeliveryId, DeliveryState, Grant, Reason};

use tokio::io::AsyncWriteExt as _;

use crate::support::event;
use crate::support::gateway::{Gateway, account, delivered, everything_to, options, retrying, url};
use crate::support::receiver::{Receiver, raw, read_request, status};

async fn settings(gateway: &Gateway) -> std::sync::Arc<Integration> {
    gateway.book.integration(gateway.integration).expect("integration").1
}

fn paused(state: &DeliveryState) -> bool {
    *state == DeliveryState::Paused
}

#[tokio::test]
async fn a_410_pauses_the_webhook_and_keeps_its_events() {
    let receiver = Receiver::always(410).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let first = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(first, paused).await;
    let mut revision = gateway.book.watch();
    let paused_now = async {
        while settings(&gateway).await.paused.is_empty() {
            revision.changed().await.expect("a change");
        }
    };
    tokio::time::timeout(Duration::from_secs(10), paused_now).await.expect("paused");
    let settings = settings(&gateway).await;
    let pause = &settings.paused[&EventKind::Ended];
    assert_eq!(pause.why.code(), "paused_gone");
    assert_eq!(pause.server_said, Some(Reason::status(410)));
    assert!(!pause.by_person);
    let second = gateway.tell_one(EventKind::Incoming, "b").await;
    gateway.reaches(second, paused).await;
}

/// A gateway whose `Ended` webhook is paused, with one event kept.
async fn paused_gateway(receiver: &Receiver) -> (Gateway, DeliveryId) {
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    gateway.sender.pause(gateway.integration, &[EventKind::Ended]).await.expect("paused");
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(id, paused).await;
    (gateway, id)
}

#[tokio::test]
async fn a_paused_webhook_resumes_with_what_was_kept() {
    let mut receiver = Receiver::always(200).await;
    let (gateway, id) = paused_gateway(&receiver).await;
    assert!(receiver.got.is_empty());
    let many =
        gateway.sender.resume(gateway.integration, EventKind::Ended, true).await.expect("resumed").kept;
    assert_eq!(many, 1);
    receiver.next().await;
    gateway.reaches(id, delivered).await;
    assert!(settings(&gateway).await.paused.is_empty());
}

#[tokio::test]
async fn a_paused_webhook_resumes_without_what_was_kept() {
    let mut receiver = Receiver::always(200).await;
    let (gateway, id) = paused_gateway(&receiver).await;
    let many =
        gateway.sender.resume(gateway.integration, EventKind::Ended, false).await.expect("resumed").kept;
    assert_eq!(many, 1);
    gateway.reaches(id, |state| *state == DeliveryState::Cancelled).await;
    let later = gateway.tell_one(EventKind::Ended, "b").await;
    assert!(receiver.next().await.body.contains("pbx1-b.7"));
    gateway.reaches(later, delivered).await;
}

#[tokio::test]
async fn pausing_one_kind_does_not_hold_the_others() {
    let mut receiver = Receiver::always(200).await;
    let (gateway, _) = paused_gateway(&receiver).await;
    let id = gateway.tell_one(EventKind::Incoming, "b").await;
    receiver.next().await;
    gateway.reaches(id, delivered).await;
}

#[tokio::test]
async fn a_pause_also_holds_what_is_being_tried_again() {
    let receiver = Receiver::always(500).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let first = gateway.tell_one(EventKind::Incoming, "a").await;
    let behind = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(first, retrying).await;
    gateway.sender.pause(gateway.integration, &EventKind::ALL).await.expect("paused");
    gateway.reaches(first, paused).await;
    gateway.reaches(behind, paused).await;
    assert_eq!(gateway.sender.status().pending, 0);
}

#[tokio::test]
async fn a_delivered_event_can_be_sent_again() {
    let mut receiver = Receiver::always(200).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    let first = receiver.next().await;
    gateway.reaches(id, delivered).await;
    assert_eq!(gateway.sender.again(id).await.expect("again"), Wanted::Again);
    let second = receiver.next().await;
    assert_eq!(first.header("webhook-id"), second.header("webhook-id"));
    gateway.reaches(id, delivered).await;
    assert_eq!(gateway.journal.attempts(id).await.expect("attempts").len(), 2);
}

#[tokio::test]
async fn a_waiting_event_can_be_sent_now() {
    let mut first = true;
    let mut receiver = Receiver::answering(move |_| {
        let code = if std::mem::take(&mut first) { 429 } else { 200 };
        status(code).replace("\r\ncontent", "\r\nretry-after: 3600\r\ncontent")
    })
    .await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    receiver.next().await;
    gateway.reaches(id, retrying).await;
    assert_eq!(gateway.sender.again(id).await.expect("again"), Wanted::Hurried);
    receiver.next().await;
    gateway.reaches(id, delivered).await;
}

#[tokio::test]
async fn a_waiting_event_can_be_cancelled_and_frees_the_one_behind_it() {
    let mut receiver =
        Receiver::answering(|got| status(if got.body.contains("Duration=") { 200 } else { 500 })).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let first = gateway.tell_one(EventKind::Incoming, "a").await;
    let behind = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(first, retrying).await;
    gateway.sender.cancel(first).await.expect("cancelled");
    gateway.reaches(first, |state| *state == DeliveryState::Cancelled).await;
    gateway.reaches(behind, delivered).await;
    assert_eq!(
        gateway.sender.cancel(behind).await.expect_err("too late").to_string(),
        "the delivery is settled already"
    );
    receiver.next().await;
}

#[tokio::test]
async fn everything_that_failed_can_be_sent_again() {
    let receiver = Receiver::always(500).await;
    let mut settings = everything_to(&url(receiver.address));
    settings.retry.incoming_secs = Some(0);
    let gateway = Gateway::new(settings).await;
    let mut ids = Vec::new();
    for call in ["a", "b", "c"] {
        ids.push(gateway.tell_one(EventKind::Incoming, call).await);
    }
    for id in &ids {
        gateway.reaches(*id, |state| *state == DeliveryState::Expired).await;
    }
    let mut better = Receiver::always(200).await;
    let new_url = url(better.address);
    gateway
        .change(|settings| {
            settings.incoming_url = Some(new_url);
            settings.retry.incoming_secs = None;
        })
        .await;
    let all = gateway.sender.again_all(failed(), usize::MAX).await;
    assert_eq!((all.sent, all.paused, all.broke_off.is_none()), (3, 0, true));
    for id in ids {
        better.next().await;
        gateway.reaches(id, delivered).await;
    }
}

fn failed() -> journal::Filter {
    let states = vec![DeliveryState::Failed, DeliveryState::Expired];
    journal::Filter { account: Some(account()), states, ..journal::Filter::default() }
}

#[tokio::test]
async fn a_paused_webhook_among_all_that_are_sent_again_stops_no_other() {
    let receiver = Receiver::always(500).await;
    let mut settings = everything_to(&url(receiver.address));
    settings.retry.incoming_secs = Some(0);
    settings.retry.others_secs = Some(0);
    let gateway = Gateway::new(settings).await;
    let mut ids = Vec::new();
    for call in ["a", "b", "c"] {
        ids.push(gateway.tell_one(EventKind::Incoming, call).await);
        ids.push(gateway.tell_one(EventKind::Outgoing, &format!("{call}-out")).await);
    }
    for id in &ids {
        gateway.reaches(*id, |state| *state == DeliveryState::Expired).await;
    }
    gateway.sender.pause(gateway.integration, &[EventKind::Incoming]).await.expect("paused");
    let all = gateway.sender.again_all(failed(), usize::MAX).await;
    assert_eq!((all.sent, all.paused, all.switched_off, all.gone), (3, 3, 0, 0));
}

#[tokio::test]
async fn a_changed_url_takes_along_what_waits() {
    let receiver = Receiver::always(500).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let first = gateway.tell_one(EventKind::Incoming, "a").await;
    let behind = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(first, retrying).await;
    let mut better = Receiver::always(200).await;
    let better_url = url(better.address);
    gateway.change(|settings| *settings = everything_to(&better_url)).await;
    assert!(better.next().await.body.contains("Calledphone"));
    assert!(better.next().await.body.contains("Duration"));
    gateway.reaches(first, delivered).await;
    gateway.reaches(behind, delivered).await;
}

#[tokio::test]
async fn changed_settings_count_for_the_next_attempt() {
    let mut receiver =
        Receiver::answering(|got| status(if got.body.contains("Sequence=") { 200 } else { 500 })).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    receiver.next().await;
    gateway.reaches(id, retrying).await;
    gateway.change(|settings| settings.extras = Extras::All).await;
    gateway.reaches(id, delivered).await;
}

#[tokio::test]
async fn switching_a_webhook_off_cancels_what_waits() {
    let receiver = Receiver::always(500).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(id, retrying).await;
    gateway.change(|settings| settings.ended_url = None).await;
    gateway.reaches(id, |state| *state == DeliveryState::Cancelled).await;
}

#[tokio::test]
async fn a_test_call_sends_all_four_events_and_shows_the_answers() {
    let mut receiver =
        Receiver::answering(|got| status(if got.body.contains("BNumber") { 500 } else { 200 })).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let employee = Employee { number: "201".into(), name: "Åse".into() };
    let mut answers = gateway.sender.test_call(gateway.integration, employee).expect("a test call");
    let mut seen = Vec::new();
    while let Some(trial) = answers.recv().await {
        let got = receiver.next().await;
        assert_eq!(got.body.as_bytes(), trial.request_body);
        assert!(got.body.contains("ringbud-test"));
        assert!(trial.curl.starts_with("curl -X POST"), "{}", trial.curl);
        seen.push((trial.kind, trial.status));
        if trial.kind == EventKind::Incoming {
            assert!(got.body.contains(&TEST_NUMBER.replace('+', "%2B")), "{}", got.body);
        }
    }
    assert_eq!(
        seen,
        [
            (EventKind::Incoming, Some(200)),
            (EventKind::Answered, Some(200)),
            (EventKind::Ended, Some(200)),
            (EventKind::Outgoing, Some(500)),
        ]
    );
    assert!(gateway.journal.load_all(Grant::ALONE).await.expect("loaded").is_empty());
}

#[tokio::test]
async fn the_status_of_a_webhook_tells_its_trouble() {
    let receiver = Receiver::always(503).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(id, retrying).await;
    let status = gateway.sender.webhooks(gateway.integration).remove(0);
    assert_eq!(status.kinds, EventKind::ALL);
    assert_eq!((status.pending, status.in_flight), (1, 0));
    assert!(status.failing_since.is_some());
    assert_eq!(status.last.expect("an answer").status, Some(503));
    let failed = |of: EventKind| {
        let at = status.kinds.iter().position(|kind| *kind == of).expect("it serves all");
        status.days[at].iter().map(|hour| hour.failed).sum::<u32>()
    };
    assert_eq!(
        (failed(EventKind::Ended), failed(EventKind::Incoming)),
        (1, 0),
        "each kind has a day of its own"
    );
    assert!(status.next_try.is_some() && !status.troubled, "one failure is not yet trouble");
}

#[tokio::test]
async fn from_the_fifth_failure_on_a_webhook_is_troubled_and_says_when_it_is_tried() {
    let receiver = Receiver::always(503).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    for call in ["a", "b", "c", "d", "e"] {
        let id = gateway.tell_one(EventKind::Ended, call).await;
        gateway.reaches(id, retrying).await;
    }
    let status = gateway.sender.webhooks(gateway.integration).remove(0);
    assert!(status.troubled && status.next_try.is_some());
    assert_eq!(status.pending, 5);
}

/// Two accounts' buttons are no way around the bound of a web service, nor one account's pressed again and again.
#[tokio::test]
async fn test_calls_take_places_of_their_web_service_and_are_few() {
    let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (open, told) = (now.clone(), most.clone());
    let address = raw(move |mut stream| {
        let (open, told) = (open.clone(), told.clone());
        async move {
            while read_request(&mut stream, 0).await.is_some() {
                told.fetch_max(open.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                tokio::time::sleep(Duration::from_millis(20)).await;
                open.fetch_sub(1, Ordering::SeqCst);
                let _ = stream.write_all(status(200).as_bytes()).await;
            }
        }
    })
    .await;
    let limits = Limits { per_destination: 1, ..Limits::default() };
    let options = SenderOptions { limits, ..options() };
    let gateway = Gateway::with(Arc::new(Memory::new()), everything_to(&url(address)), options).await;
    let employee = || Employee { number: "201".into(), name: "Ida".into() };
    let call = || gateway.sender.test_call(gateway.integration, employee());
    let mut running = [call().expect("a test call"), call().expect("another")];
    assert_eq!(call().expect_err("two are running"), TrialError::Running);
    for answers in &mut running {
        let mut many = 0;
        while let Some(trial) = answers.recv().await {
            assert_eq!((trial.status, trial.reason), (Some(200), None));
            many += 1;
        }
        assert_eq!(many, 4);
    }
    assert_eq!(most.load(Ordering::SeqCst), 1, "one at a time, as the web service's places are");
    let again = async {
        while let Err(error) = call() {
            assert_eq!(error, TrialError::Running);
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), again).await.expect("it is over");
}

#[tokio::test]
async fn accounts_that_are_made_and_removed_leave_nothing_behind() {
    let receiver = Receiver::always(200).await;
    let gateway = Gateway::new(everything_to(&url(receiver.address))).await;
    let id = gateway.tell_one(EventKind::Ended, "stays").await;
    gateway.reaches(id, delivered).await;
    assert_eq!(gateway.sender.status().known, (1, 1));
    for round in 0..3 {
        let mut made = Vec::new();
        for number in 0..50 {
            let account = AccountId::new(format!("flood-{number}"));
            let named = Setting::Account(Account::named(""));
            gateway.book.put(SettingKey::Account(account.clone()), Some(named), None).await.expect("account");
            let settings = everything_to(&format!("http://{}/{number}", receiver.address));
            let (of, _) = gateway.book.put_integration(&account, settings, None).await.expect("integration");
            let (mut pending, kept) =
                gateway.keep(event(EventKind::Ended, &format!("{round}-{number}"))).await;
            let own = pending.id;
            pending.id.integration = of;
            gateway.sender.offer(vec![(pending, kept.clone())]);
            made.push((account, of, own));
        }
        assert_eq!(gateway.sender.status().known.0, 51);
        for (account, of, _) in made {
            gateway
                .book
                .put(SettingKey::Integration(account.clone(), of), None, None)
                .await
                .expect("removed");
            gateway.book.put(SettingKey::Account(account), None, None).await.expect("removed");
        }
        let freed = async {
            while gateway.sender.status().known != (1, 1) {
                gateway.sender.offer(Vec::new());
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), freed).await.expect("freed");
    }
}
