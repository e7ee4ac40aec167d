//! Events: kept once, in order, and found again.

use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, CallId, EventId, EventKind, PbxTime};

use super::sample::{Leg, append, delivery, keep};
use crate::{Appended, Cursor, EventSeq, Filter, Grant, Journal, Kept, Refusal, call_hash};

async fn list(journal: &dyn Journal, filter: Filter) -> Vec<Arc<Kept>> {
    journal.events(filter).await.expect("events are listed")
}

fn places(kept: &[Arc<Kept>]) -> Vec<i64> {
    kept.iter().map(|kept| kept.seq.0).collect()
}

/// One event for two integrations is two deliveries.
pub async fn an_event_is_kept_with_a_delivery_for_each_integration(journal: &dyn Journal) {
    let leg = Leg::incoming(4).of("77");
    let seq = keep(journal, leg.append(&[EventKind::Incoming], &[3, 9])).await[0];
    let pending = journal.load_all(Grant::ALONE).await.expect("pending");
    let ids: Vec<_> = pending.iter().map(|pending| pending.id).collect();
    assert_eq!(ids, [delivery(seq, 3), delivery(seq, 9)]);
    let first = &pending[0];
    assert_eq!(first.account, AccountId::new("77"));
    assert_eq!(first.kind, EventKind::Incoming);
    assert_eq!(first.call_hash, call_hash(&leg.begin().call));
    assert_eq!((first.attempts, first.held), (0, false));
    assert_eq!((first.due_at_age, first.due_in()), (Duration::ZERO, Duration::ZERO));
}

/// The identity of an event is its leg and kind.
pub async fn an_event_that_is_there_already_is_a_repeat(journal: &dyn Journal) {
    let leg = Leg::incoming(1);
    let seqs = keep(journal, leg.whole(&[1])).await;
    let again = append(journal, leg.whole(&[1, 2])).await;
    assert_eq!(again, seqs.iter().map(|seq| Appended::Repeat(*seq)).collect::<Vec<_>>());
    assert_eq!(journal.load_all(Grant::ALONE).await.expect("pending").len(), 3, "nothing is told twice");
}

/// Also when both come at once.
pub async fn a_repeat_within_one_batch_is_a_repeat(journal: &dyn Journal) {
    let leg = Leg::outgoing(1);
    let kinds = [EventKind::Outgoing, EventKind::Outgoing];
    let answers = append(journal, leg.append(&kinds, &[1])).await;
    let Appended::Stored(seq, _) = answers[0] else { panic!("not stored: {answers:?}") };
    assert_eq!(answers[1], Appended::Repeat(seq));
}

/// What comes after the end of a leg is refused, its notes are not.
pub async fn nothing_follows_ended(journal: &dyn Journal) {
    let leg = Leg::incoming(1);
    keep(journal, leg.append(&[EventKind::Incoming, EventKind::Ended], &[1])).await;
    let late = append(journal, leg.append(&[EventKind::Answered, EventKind::Outgoing], &[1])).await;
    assert_eq!(late, [Appended::Refused(Refusal::AfterEnded), Appended::Refused(Refusal::AfterEnded)]);
    assert_eq!(list(journal, Filter::default()).await.len(), 2);
}

/// Whoever brings it, and whether it comes together with what speaks against it: a leg that rang does not call out, and one
/// that calls out neither rings nor answers.
pub async fn a_leg_begins_once(journal: &dyn Journal) {
    use EventKind::{Answered, Ended, Incoming, Outgoing};
    let (otherwise, never) =
        (Appended::Refused(Refusal::BegunOtherwise), Appended::Refused(Refusal::NotIncoming));
    for (number, at_once) in [(0, false), (1, false), (2, true), (3, true)] {
        let rang = number % 2 == 0;
        let (leg, first) =
            if rang { (Leg::incoming(number), Incoming) } else { (Leg::outgoing(number), Outgoing) };
        let later = if rang { [Outgoing, Answered] } else { [Incoming, Answered] };
        let answers = if at_once {
            append(journal, leg.append(&[first, later[0], later[1]], &[1])).await.split_off(1)
        } else {
            keep(journal, leg.append(&[first], &[1])).await;
            append(journal, leg.append(&later, &[1])).await
        };
        assert_eq!(answers[0], otherwise, "leg {number}");
        assert_eq!(answers[1] == never, !rang, "leg {number}: {answers:?}");
        let end = append(journal, leg.append(&[Ended], &[1])).await;
        assert!(matches!(end[..], [Appended::Stored(..)]), "leg {number}: {end:?}");
    }
    assert_eq!(list(journal, Filter::default()).await.len(), 10);
}

/// What a place is made of is the journal's own affair: only that a later event has a higher one counts.
pub async fn places_grow_within_a_part(journal: &dyn Journal) {
    let first = keep(journal, Leg::incoming(1).whole(&[])).await;
    append(journal, Leg::incoming(1).whole(&[])).await;
    let second = keep(journal, Leg::incoming(2).whole(&[])).await;
    let all: Vec<EventSeq> = first.into_iter().chain(second).collect();
    assert!(all.is_sorted_by(|one, next| one < next) && all[0].0 > 0, "{all:?}");
}

/// Every field of every kind.
pub async fn what_is_kept_comes_back_as_it_was(journal: &dyn Journal) {
    for number in 0..24 {
        let leg = if number % 4 == 0 { Leg::outgoing(number) } else { Leg::incoming(number) };
        let moment = leg.whole(&[1]);
        let seqs = keep(journal, moment.clone()).await;
        let kept = journal.bodies(seqs.clone()).await.expect("bodies");
        for ((seq, kept), (event, _)) in seqs.iter().zip(&kept).zip(&moment.events) {
            assert_eq!((kept.seq, kept.received_at), (*seq, moment.received_at));
            assert_eq!((&kept.pbx, &kept.event), (&moment.pbx, event));
        }
        assert_eq!(kept.len(), moment.events.len());
    }
}

/// They come in the order asked for.
pub async fn bodies_leave_out_what_is_gone(journal: &dyn Journal) {
    let seqs = keep(journal, Leg::incoming(1).whole(&[])).await;
    let asked = vec![seqs[2], EventSeq(9_999), seqs[0]];
    let kept = journal.bodies(asked).await.expect("bodies");
    assert_eq!(places(&kept), [seqs[2].0, seqs[0].0]);
}

/// By `webhook-id`, that is.
pub async fn an_event_is_found_by_its_id(journal: &dyn Journal) {
    for number in 0..5 {
        keep(journal, Leg::incoming(number).on("pbx-2.cph").whole(&[])).await;
    }
    let event = Leg::incoming(3).on("pbx-2.cph").event(EventKind::Answered);
    let found = journal.find(event.id()).await.expect("found").expect("it is there");
    assert_eq!(found.event, event);
    for unknown in ["", "answered", "pbx-2-cph-1-answered", "pbx-2-cph-1795000003-3-outgoing"] {
        assert_eq!(journal.find(EventId::new(unknown)).await.expect("found"), None, "{unknown}");
    }
}

/// `after` turns the list round.
pub async fn events_are_listed_newest_first_and_followed_oldest_first(journal: &dyn Journal) {
    let seqs: Vec<i64> = keep(journal, Leg::incoming(1).whole(&[])).await.iter().map(|seq| seq.0).collect();
    let newest_first = list(journal, Filter::default()).await;
    assert_eq!(places(&newest_first), [seqs[2], seqs[1], seqs[0]]);
    let after = Filter { after: Some(Cursor::at(seqs[0])), ..Filter::default() };
    assert_eq!(places(&list(journal, after).await), [seqs[1], seqs[2]]);
}

/// `before` the last place of a page is the next page.
pub async fn pages_neither_skip_nor_repeat(journal: &dyn Journal) {
    for number in 0..10 {
        keep(journal, Leg::incoming(number).of(["1", "2"][number as usize % 2]).whole(&[])).await;
    }
    for account in [None, Some(AccountId::new("2"))] {
        let all = list(journal, Filter { account: account.clone(), ..Filter::default() }).await;
        let (mut paged, mut before) = (Vec::new(), None);
        loop {
            let filter = Filter { account: account.clone(), before, limit: 4, ..Filter::default() };
            let page = list(journal, filter).await;
            assert!(page.len() <= 4);
            let Some(last) = page.last() else { break };
            before = Some(last.cursor());
            paged.extend(page);
        }
        assert_eq!(paged, all);
    }
}

/// Alone and together with the others.
pub async fn every_part_of_a_filter_narrows_the_list(journal: &dyn Journal) {
    for number in 0..40 {
        let leg = if number % 4 == 0 { Leg::outgoing(number) } else { Leg::incoming(number) };
        // Two hours between legs, so that a search by time meets several.
        let mut moment = leg.of(["1", "2", "3"][number as usize % 3]).whole(&[]);
        for (event, _) in &mut moment.events {
            event.at = PbxTime::from_micros(event.at.as_micros() + i64::from(number) * 7_200_000_000);
        }
        keep(journal, moment).await;
    }
    let all = list(journal, Filter::default()).await;
    let some = &all[all.len() / 2].event;
    let parts = [
        Filter { account: Some(AccountId::new("2")), ..Filter::default() },
        Filter { leg: Some(some.leg.clone()), ..Filter::default() },
        Filter { call: Some(some.call.clone()), ..Filter::default() },
        Filter { kind: Some(EventKind::Ended), ..Filter::default() },
        Filter { employee: Some(some.phone.employee_number().to_owned()), ..Filter::default() },
        Filter { number: Some("2000001".to_owned()), ..Filter::default() },
        Filter { from: Some(some.at), ..Filter::default() },
        Filter { until: Some(some.at), ..Filter::default() },
        Filter { from: Some(some.begun_at), until: Some(some.at), ..Filter::default() },
        Filter { account: Some(some.account().clone()), kind: Some(some.kind()), ..Filter::default() },
        Filter { account: Some(some.account().clone()), from: Some(some.at), ..Filter::default() },
        Filter { call: Some(CallId::new("pbx1-none")), ..Filter::default() },
    ];
    for filter in parts {
        let expected: Vec<_> = all.iter().filter(|kept| filter.accepts(&kept.event)).cloned().collect();
        assert!(expected.len() < all.len(), "{filter:?} narrows nothing");
        assert_eq!(list(journal, filter.clone()).await, expected, "{filter:?}");
    }
}
