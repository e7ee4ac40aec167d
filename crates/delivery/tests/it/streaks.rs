//! Senders that share a store: a web service is paused for its failures only if none of them gets through to it.

use std::sync::Arc;
use std::time::Duration;

use calls::{Event, EventKind, LegId, PbxName, PbxTime};
use delivery::policy::PAUSED_AFTER;
use delivery::sender::{NOTED_FROM, Sender};
use journal::memory::Memory;
use journal::settings::IntegrationId;
use journal::verbs::*;
use journal::{
    Append, Appended, DeliveryId, DeliveryState, Failing, Filter, Grant, Journal, Kept, Reason, SettingsCache,
};

use crate::support::event;
use crate::support::gateway::{Gateway, everything_to, now, options, url};
use crate::support::receiver::{Got, Receiver, status};

const PATIENCE: Duration = Duration::from_secs(20);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// Longer than it takes until each has looked.
const LOOKS: Duration = Duration::from_secs(30);
/// The first a journal gives.
const FIRST: IntegrationId = IntegrationId { number: 1 };

/// One of the senders, with a PBX of its own.
struct One {
    journal: Arc<dyn Journal>,
    book: Arc<SettingsCache>,
    sender: Sender,
    pbx: PbxName,
    grant: Grant,
}

impl One {
    async fn on(journal: Arc<dyn Journal>, pbx: &str) -> Self {
        let book = Arc::new(SettingsCache::load(journal.clone()).await.expect("settings"));
        let sender = Sender::start(journal.clone(), book.clone(), options());
        sender.begin_to_share().await.expect("begun");
        let pbx = PbxName::new(pbx);
        let taken = journal.take(pbx.clone(), None, Duration::ZERO).await.expect("an answer");
        let grant = taken.expect("nobody was quicker").grant;
        sender.take(grant, Duration::ZERO).await.expect("loaded");
        Self { journal, book, sender, pbx, grant }
    }

    /// Keeps an event of a call and sends it.
    async fn tell(&self, call: &str) -> DeliveryId {
        let leg = LegId::of(&self.pbx, &format!("{call}.1"));
        let event = Event { leg, ..event(EventKind::Ended, call) };
        let received_at = now();
        let append = Append {
            grant: self.grant,
            pbx: self.pbx.clone(),
            events: vec![(event.clone(), vec![FIRST])],
            notes: Vec::new(),
            heard_at: PbxTime::from_secs(0),
            received_at,
            age: Duration::ZERO,
        };
        let mut answers = self.journal.append(&[append]).await.expect("kept");
        let Some(Appended::Stored(seq, waiting)) = answers.remove(0).pop() else { panic!("not new") };
        let kept = Arc::new(Kept { seq, received_at, pbx: self.pbx.clone(), event });
        self.sender.offer(waiting.into_iter().map(|pending| (pending, kept.clone())).collect());
        DeliveryId { event: seq, integration: FIRST }
    }

    async fn reaches(&self, id: DeliveryId, is: impl Fn(&DeliveryState) -> bool) {
        let reached = async {
            loop {
                self.book.refresh().await.expect("settings");
                let all = self.journal.deliveries(Filter::default()).await.expect("deliveries");
                if all.iter().any(|one| one.id == id && is(&one.state)) {
                    return;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::time::timeout(PATIENCE, reached).await.expect("in time");
    }

    async fn noted(&self) -> Option<Failing> {
        self.journal.failing().await.expect("notes").pop()
    }

    /// Lets time pass until what is noted is so.
    async fn notes(&self, is: impl Fn(Option<&Failing>) -> bool) {
        for _ in 0..1_000 {
            if is(self.noted().await.as_ref()) {
                return;
            }
            pass(Duration::from_millis(500)).await;
        }
        panic!("it is {:?}", self.noted().await);
    }
}

/// Time passes for who sleeps; who reads from a socket has a moment for it.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
    tokio::time::sleep(Duration::from_millis(2)).await;
}

/// Two that share a store in which their only web service has failed for so long, by what one of them noted.
struct Fleet {
    one: One,
    other: One,
    receiver: Receiver,
}

impl Fleet {
    async fn new(lasted: Option<Duration>, answer: impl FnMut(&Got) -> String + Send + 'static) -> Self {
        let receiver = Receiver::answering(answer).await;
        let to = url(receiver.address);
        let memory = Memory::new();
        let (first, second) = (memory.beside("one"), memory.beside("other"));
        // For its settings.
        drop(Gateway::with(Arc::new(memory), everything_to(&to), options()).await);
        first.take(journal::rest(), None, Duration::ZERO).await.expect("an answer").expect("it is shared");
        if let Some(lasted) = lasted {
            let note = Failing { integration: FIRST, url: to, lasted, streak: 0 };
            first.note_failing(vec![note]).await.expect("noted");
        }
        let one = One::on(Arc::new(first), "pbx1").await;
        let other = One::on(Arc::new(second), "pbx2").await;
        Self { one, other, receiver }
    }
}

fn fails(state: &DeliveryState) -> bool {
    matches!(state, DeliveryState::Retrying(_))
}

fn came_through(state: &DeliveryState) -> bool {
    *state == DeliveryState::Delivered
}

/// The way of the first is broken: what it sends is not taken.
fn of_the_other_only(got: &Got) -> String {
    let is_others = got.body.contains("pbx2-") || got.line.contains("pbx2-");
    status(if is_others { 200 } else { 503 })
}

#[tokio::test]
async fn what_fails_at_all_gateways_for_five_days_is_paused() {
    let fleet = Fleet::new(Some(PAUSED_AFTER), |_| status(503)).await;
    let id = fleet.other.tell("b").await;
    fleet.other.reaches(id, fails).await;
    fleet.one.tell("a").await;
    fleet.one.notes(|note| note.is_none()).await;
    let next = fleet.one.tell("c").await;
    fleet.one.reaches(next, |state| *state == DeliveryState::Paused).await;
    let (_, settings) = fleet.one.book.integration(FIRST).expect("the integration");
    assert_eq!(settings.paused[&EventKind::Ended].why, Reason::new("paused_failing").with("days", 5));
}

#[tokio::test]
async fn what_another_gateway_gets_through_to_is_not_paused() {
    let fleet = Fleet::new(Some(PAUSED_AFTER - Duration::from_secs(60)), of_the_other_only).await;
    let first = fleet.one.noted().await.expect("a note").streak;
    let broken = fleet.one.tell("a").await;
    fleet.one.reaches(broken, fails).await;
    // It counts to the end, and the other has not said so yet.
    pass(Duration::from_secs(61)).await;
    let through = fleet.other.tell("b").await;
    fleet.other.reaches(through, came_through).await;
    fleet.one.notes(|note| note.is_none_or(|note| note.streak != first)).await;
    for _ in 0..200 {
        pass(Duration::from_millis(500)).await;
    }
    fleet.one.book.refresh().await.expect("settings");
    assert!(fleet.one.book.integration(FIRST).expect("the integration").1.paused.is_empty());
}

/// What it had taken before is no word against it.
#[tokio::test]
async fn a_gateway_that_sends_nothing_has_no_say() {
    let fleet = Fleet::new(None, of_the_other_only).await;
    let through = fleet.other.tell("b").await;
    fleet.other.reaches(through, came_through).await;
    pass(LOOKS).await;
    let broken = fleet.one.tell("a").await;
    fleet.one.reaches(broken, fails).await;
    fleet.one.notes(|note| note.is_some()).await;
    let begun = fleet.one.noted().await.expect("a note");
    assert!(begun.lasted < NOTED_FROM, "counted is from the note on: {begun:?}");
    for _ in 0..120 {
        pass(Duration::from_millis(500)).await;
    }
    fleet.one.sender.stop(PATIENCE).await;
    let after = fleet.other.noted().await.expect("it stands");
    assert_eq!(after.streak, begun.streak);
    assert!((LOOKS..10 * LOOKS).contains(&after.lasted), "{after:?}");
}

/// Whoever has the PBX next counts on.
#[tokio::test]
async fn the_days_are_not_begun_anew_by_who_has_the_pbx_next() {
    let fleet = Fleet::new(None, |_| status(503)).await;
    let broken = fleet.other.tell("b").await;
    fleet.other.reaches(broken, fails).await;
    assert_eq!(fleet.other.noted().await, None, "it has not lasted");
    let url = url(fleet.receiver.address);
    let note = Failing { integration: FIRST, url, lasted: 3 * DAY, streak: 0 };
    fleet.one.journal.note_failing(vec![note]).await.expect("noted");
    let streak = fleet.one.noted().await.expect("a note").streak;
    for _ in 0..20 {
        pass(Duration::from_millis(500)).await;
    }
    fleet.other.sender.stop(PATIENCE).await;
    let counted = fleet.one.noted().await.expect("it stands");
    assert_eq!(counted.streak, streak);
    assert!(counted.lasted > 3 * DAY, "{counted:?}");
}

#[tokio::test]
async fn who_counts_begins_anew_when_another_got_through() {
    let fleet = Fleet::new(None, of_the_other_only).await;
    let broken = fleet.one.tell("a").await;
    fleet.one.reaches(broken, fails).await;
    fleet.one.notes(|note| note.is_some()).await;
    let first = Failing { lasted: 4 * DAY, ..fleet.one.noted().await.expect("a note") };
    fleet.one.journal.note_failing(vec![first.clone()]).await.expect("noted");
    let through = fleet.other.tell("b").await;
    fleet.other.reaches(through, came_through).await;
    fleet.one.notes(|note| note.is_some_and(|note| note.streak != first.streak)).await;
    fleet.one.sender.stop(PATIENCE).await;
    let counted = fleet.one.noted().await.expect("it stands").lasted;
    assert!(counted < DAY, "{counted:?}");
}
