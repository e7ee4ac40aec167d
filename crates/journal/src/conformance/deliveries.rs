//! Deliveries: from waiting to settled, and back where a person wants it.

use std::time::Duration;

use calls::EventKind;

use super::sample::{HOUR, Leg, append, attempt, delivery, is_about, keep, settle, tried};
use crate::settings::IntegrationId;
use crate::{
    Append, Appended, DeliveryId, DeliveryRecord, DeliveryState, Failing, Filter, Grant, Journal,
    LOADED_AT_ONCE, Outcome, Pending, Reason, Settle, Settled, WallTime,
};

async fn one(journal: &dyn Journal, number: u32) -> DeliveryId {
    delivery(keep(journal, Leg::incoming(number).append(&[EventKind::Incoming], &[1])).await[0], 1)
}

/// The same that was heard just now.
async fn heard_now(journal: &dyn Journal, number: u32) -> DeliveryId {
    let received_at = journal.now().await.expect("it says");
    let moment = Leg::incoming(number).append(&[EventKind::Incoming], &[1]);
    delivery(keep(journal, Append { received_at, ..moment }).await[0], 1)
}

async fn settled(journal: &dyn Journal, row: Settle) -> Settled {
    journal.settle(&[row]).await.expect("settled")[0]
}

async fn pending(journal: &dyn Journal) -> Vec<Pending> {
    journal.load_all(Grant::ALONE).await.expect("pending")
}

async fn record(journal: &dyn Journal, id: DeliveryId) -> DeliveryRecord {
    let all = journal.deliveries(Filter::default()).await.expect("deliveries");
    all.into_iter().find(|record| record.id == id).expect("the delivery is listed")
}

/// Once each and in order, though every second one is settled meanwhile.
pub async fn what_is_pending_is_loaded_part_by_part_while_it_is_settled(journal: &dyn Journal) {
    let legs = u32::try_from(LOADED_AT_ONCE / 3).expect("not that many") + 5;
    let moments: Vec<_> =
        (0..legs).map(|number| Leg::incoming(number).append(&[EventKind::Incoming], &[1, 2, 3])).collect();
    journal.append(&moments).await.expect("kept");
    let (mut loaded, mut parts) = (Vec::<DeliveryId>::new(), 0);
    loop {
        let part = journal.load(Grant::ALONE, loaded.last().copied()).await.expect("a part");
        if part.is_empty() {
            break;
        }
        parts += 1;
        loaded.extend(part.iter().map(|pending| pending.id));
        let settles: Vec<_> = part.iter().step_by(2).map(|one| settle(one.id, Outcome::Delivered)).collect();
        journal.settle(&settles).await.expect("settled");
    }
    assert_eq!((loaded.len(), parts), (legs as usize * 3, 2));
    assert!(loaded.is_sorted_by(|one, next| one < next));
    assert_eq!(pending(journal).await.len(), loaded.len() / 2);
}

/// Whoever gets no answer asks for the same again, and it may have been done.
pub async fn what_was_asked_twice_is_done_once(journal: &dyn Journal) {
    let moments = [Leg::incoming(1).whole(&[1, 2]), Leg::outgoing(2).whole(&[1])];
    let first = journal.append(&moments).await.expect("kept");
    let waiting = pending(journal).await;
    let again = journal.append(&moments).await.expect("asked again");
    for (first, again) in first.iter().flatten().zip(again.iter().flatten()) {
        assert!(
            matches!((first, again), (Appended::Stored(seq, _), Appended::Repeat(same)) if seq == same),
            "{first:?} {again:?}"
        );
    }
    assert_eq!(again.iter().flatten().count(), first.iter().flatten().count());
    let ids = |all: &[Pending]| all.iter().map(|pending| pending.id).collect::<Vec<_>>();
    assert_eq!(ids(&pending(journal).await), ids(&waiting));
    let id = waiting[0].id;
    let rows = [tried(id, 1, 500, Outcome::RetryIn(Duration::ZERO)), tried(id, 2, 200, Outcome::Delivered)];
    assert_eq!(journal.settle(&rows).await.expect("settled"), [Settled::Done; 2]);
    assert_eq!(journal.settle(&rows).await.expect("asked again"), [Settled::Gone; 2]);
    assert_eq!(journal.attempts(id).await.expect("attempts"), [attempt(1, 500), attempt(2, 200)]);
}

/// Its event may be appended again long after it was told: by whoever got no answer, or by who takes over.
pub async fn a_settled_delivery_is_not_brought_back(journal: &dyn Journal) {
    let leg = Leg::incoming(1);
    let begins = || leg.append(&[EventKind::Incoming], &[1, 2]);
    let seq = keep(journal, begins()).await[0];
    assert_eq!(settled(journal, tried(delivery(seq, 1), 1, 200, Outcome::Delivered)).await, Settled::Done);
    assert_eq!(append(journal, begins()).await, [Appended::Repeat(seq)]);
    let more = append(journal, leg.append(&[EventKind::Incoming, EventKind::Answered], &[1, 2])).await;
    assert!(matches!(more[..], [Appended::Repeat(_), Appended::Stored(..)]), "{more:?}");
    let waiting: Vec<_> =
        pending(journal).await.iter().map(|one| (one.id.event == seq, one.id.integration)).collect();
    let of = |number| IntegrationId { number };
    assert_eq!(waiting, [(true, of(2)), (false, of(1)), (false, of(2))]);
    assert_eq!(record(journal, delivery(seq, 1)).await.state, DeliveryState::Delivered);
}

/// And is listed as delivered, with what the receiver said.
pub async fn a_delivery_that_came_through_is_no_longer_pending(journal: &dyn Journal) {
    let id = one(journal, 1).await;
    assert_eq!(record(journal, id).await.state, DeliveryState::Waiting);
    assert_eq!(settled(journal, tried(id, 1, 204, Outcome::Delivered)).await, Settled::Done);
    assert_eq!(pending(journal).await, []);
    let record = record(journal, id).await;
    assert_eq!((record.state, record.attempts), (DeliveryState::Delivered, 1));
    assert_eq!(record.last, Some(Reason::status(204)));
    assert_eq!(record.updated_at, WallTime(attempt(1, 204).at.0 + 1_500));
}

/// Whatever the second settlement says.
pub async fn a_settled_delivery_cannot_be_settled_again(journal: &dyn Journal) {
    let id = one(journal, 1).await;
    let twice = vec![tried(id, 1, 200, Outcome::Delivered), tried(id, 2, 200, Outcome::Delivered)];
    assert_eq!(journal.settle(&twice).await.expect("settled"), [Settled::Done, Settled::Gone]);
    for outcome in [
        Outcome::RetryIn(Duration::ZERO),
        Outcome::Held,
        Outcome::Expired,
        Outcome::Failed(Some(Reason::new("x"))),
    ] {
        assert_eq!(settled(journal, settle(id, outcome)).await, Settled::Gone);
    }
    assert_eq!(journal.attempts(id).await.expect("attempts"), [attempt(1, 200)]);
}

/// It is due when it was told to be.
pub async fn a_retry_stays_pending_and_counts_its_attempt(journal: &dyn Journal) {
    let id = heard_now(journal, 1).await;
    settled(journal, tried(id, 1, 0, Outcome::RetryIn(HOUR))).await;
    let waiting = pending(journal).await;
    assert_eq!((waiting[0].attempts, waiting[0].held), (1, false));
    is_about(waiting[0].due_in(), HOUR);
    let seen = record(journal, id).await;
    let DeliveryState::Retrying(due_at) = seen.state else { panic!("{seen:?}") };
    is_about(due_at.since(journal.now().await.expect("it says")), HOUR);
    assert_eq!(seen.attempts, 1);
    assert_eq!(seen.last, Some(Reason::new("connection_refused").with("address", "192.0.2.1:443")));
    settled(journal, tried(id, 2, 500, Outcome::Failed(Some(Reason::new("given_up").with("days", 3))))).await;
    let seen = record(journal, id).await;
    assert_eq!((seen.state, seen.attempts), (DeliveryState::Failed, 2));
    assert_eq!(seen.last, Some(Reason::new("given_up").with("days", 3)));
    assert_eq!(pending(journal).await, []);
}

/// Held is kept, not due, not lost.
pub async fn a_held_delivery_stays_until_it_is_wanted_again(journal: &dyn Journal) {
    let id = one(journal, 1).await;
    settled(journal, tried(id, 1, 410, Outcome::Held)).await;
    assert!(pending(journal).await[0].held);
    assert_eq!(record(journal, id).await.state, DeliveryState::Paused);
    assert_eq!(settled(journal, settle(id, Outcome::Again(Duration::ZERO))).await, Settled::Done);
    let waiting = pending(journal).await;
    assert_eq!((waiting[0].held, waiting[0].due_in(), waiting[0].attempts), (false, Duration::ZERO, 1));
}

/// Whatever the clock says of the gateway that kept it; people are shown what that one said.
pub async fn how_long_it_has_waited_is_told_by_the_stores_clock(journal: &dyn Journal) {
    let ahead = journal.now().await.expect("it says").plus(HOUR);
    let moment = Leg::incoming(1).append(&[EventKind::Incoming], &[1]);
    keep(journal, Append { received_at: ahead, ..moment }).await;
    let waiting = pending(journal).await;
    is_about(waiting[0].age, Duration::ZERO);
    assert_eq!(waiting[0].due_in(), Duration::ZERO);
    assert_eq!(journal.events(Filter::default()).await.expect("events")[0].received_at, ahead);
}

/// However it was settled; it goes on where it was.
pub async fn a_settled_delivery_can_be_wanted_again(journal: &dyn Journal) {
    let outcomes = [
        Outcome::Delivered,
        Outcome::Expired,
        Outcome::Failed(Some(Reason::text("no such host"))),
        Outcome::Cancelled,
    ];
    for (number, outcome) in (1..).zip(outcomes) {
        let id = one(journal, number).await;
        settled(journal, tried(id, 1, 500, Outcome::RetryIn(Duration::ZERO))).await;
        settled(journal, tried(id, 2, 503, outcome)).await;
        assert_eq!(settled(journal, settle(id, Outcome::Again(Duration::ZERO))).await, Settled::Done);
        let waiting = pending(journal).await;
        assert_eq!((waiting[0].id, waiting[0].attempts, waiting[0].due_in()), (id, 2, Duration::ZERO));
        assert!(matches!(record(journal, id).await.state, DeliveryState::Retrying(_)));
        settled(journal, tried(id, 3, 200, Outcome::Delivered)).await;
        let seen = record(journal, id).await;
        assert_eq!((seen.state, seen.attempts), (DeliveryState::Delivered, 3));
        assert_eq!(journal.attempts(id).await.expect("attempts").len(), 3);
    }
    assert_eq!(pending(journal).await, []);
}

/// An event that is not kept has none; one that is kept can be wanted by an integration that was not there.
pub async fn an_unknown_delivery_is_gone(journal: &dyn Journal) {
    let id = one(journal, 1).await;
    let nowhere = delivery(crate::EventSeq(id.event.0 + 1), 1);
    for outcome in [Outcome::Delivered, Outcome::Cancelled, Outcome::Again(Duration::ZERO)] {
        assert_eq!(settled(journal, settle(nowhere, outcome)).await, Settled::Gone);
    }
    let other = delivery(id.event, 2);
    assert_eq!(settled(journal, settle(other, Outcome::Delivered)).await, Settled::Gone);
    assert_eq!(settled(journal, settle(other, Outcome::Again(Duration::ZERO))).await, Settled::Done);
    assert_eq!(pending(journal).await.len(), 2);
}

/// Oldest first, each field.
pub async fn attempts_come_back_as_they_were(journal: &dyn Journal) {
    let id = one(journal, 1).await;
    for number in 1..4 {
        settled(journal, tried(id, number, 503, Outcome::RetryIn(Duration::ZERO))).await;
    }
    settled(journal, tried(id, 4, 200, Outcome::Delivered)).await;
    let expected = [attempt(1, 503), attempt(2, 503), attempt(3, 503), attempt(4, 200)];
    assert_eq!(journal.attempts(id).await.expect("attempts"), expected);
    assert_eq!(journal.attempts(delivery(id.event, 2)).await.expect("attempts"), []);
}

/// Where attempts are not kept, or only those that failed.
pub async fn without_attempts_the_state_is_still_known(journal: &dyn Journal) {
    let id = one(journal, 1).await;
    settled(journal, settle(id, Outcome::RetryIn(Duration::ZERO))).await;
    assert_eq!(pending(journal).await[0].attempts, 1);
    settled(journal, settle(id, Outcome::Delivered)).await;
    let record = record(journal, id).await;
    assert_eq!((record.state, record.attempts, record.last), (DeliveryState::Delivered, 2, None));
    assert_eq!(journal.attempts(id).await.expect("attempts"), []);
    // Those that failed are kept, and the one that was taken is not.
    let id = one(journal, 2).await;
    settled(journal, tried(id, 1, 500, Outcome::RetryIn(Duration::ZERO))).await;
    settled(journal, settle(id, Outcome::Delivered)).await;
    let record = self::record(journal, id).await;
    assert_eq!((record.state, record.attempts, record.last), (DeliveryState::Delivered, 2, None));
    assert_eq!(journal.attempts(id).await.expect("attempts"), [attempt(1, 500)]);
}

/// For each state, of one account and of all.
pub async fn deliveries_are_listed_by_state(journal: &dyn Journal) {
    let outcomes = [
        None,
        Some(Outcome::RetryIn(Duration::ZERO)),
        Some(Outcome::Held),
        Some(Outcome::Delivered),
        Some(Outcome::Expired),
        Some(Outcome::Failed(Some(Reason::new("x")))),
        Some(Outcome::Cancelled),
    ];
    for (number, outcome) in (0..).zip(outcomes.iter().cycle().take(28)) {
        let leg = Leg::incoming(number).of(["1", "2"][number as usize % 2]);
        let seq = keep(journal, leg.append(&[EventKind::Incoming], &[1, 2])).await[0];
        if let Some(outcome) = outcome {
            settled(journal, tried(delivery(seq, 1), 1, 500, outcome.clone())).await;
        }
    }
    let all = journal.deliveries(Filter::default()).await.expect("deliveries");
    assert_eq!(all.len(), 56);
    assert!(all.is_sorted_by_key(|record| std::cmp::Reverse(record.id.event)));
    let states = [
        DeliveryState::Waiting,
        DeliveryState::Retrying(WallTime(0)),
        DeliveryState::Paused,
        DeliveryState::Delivered,
        DeliveryState::Expired,
        DeliveryState::Failed,
        DeliveryState::Cancelled,
    ];
    for account in [None, Some(calls::AccountId::new("2"))] {
        for chosen in states.windows(2).chain(states.chunks(1)) {
            let filter = Filter { account: account.clone(), states: chosen.to_vec(), ..Filter::default() };
            let expected: Vec<_> = all
                .iter()
                .filter(|record| filter.accepts_state(&record.state) && filter.accepts(&record.event.event))
                .cloned()
                .collect();
            assert!(!expected.is_empty());
            assert_eq!(journal.deliveries(filter.clone()).await.expect("deliveries"), expected, "{filter:?}");
            let followed = Filter { after: Some(crate::Cursor::START), ..filter };
            let mut turned = journal.deliveries(followed).await.expect("deliveries");
            turned.sort_by_key(|record| (std::cmp::Reverse(record.id.event), record.id.integration));
            assert_eq!(turned, expected);
        }
    }
}

/// By integration and URL; a later note takes the place of an earlier one.
pub async fn what_fails_is_noted_until_it_works(journal: &dyn Journal) {
    let note = |number: u32, url: &str, secs: u64| Failing {
        integration: IntegrationId { number },
        url: url.to_owned(),
        lasted: Duration::from_secs(secs),
        streak: 0,
    };
    assert_eq!(journal.failing().await.expect("notes"), []);
    let first = vec![note(2, "https://b/å", 60), note(1, "https://b", 61), note(1, "https://a", 62)];
    journal.note_failing(first).await.expect("noted");
    journal.note_failing(vec![note(1, "https://b", 3_661), note(2, "https://b/å", 0)]).await.expect("noted");
    journal.note_failing(vec![note(3, "https://never", 0)]).await.expect("noted");
    let found = journal.failing().await.expect("notes");
    assert_eq!(found, [note(1, "https://a", 62), note(1, "https://b", 3_661)]);
}
