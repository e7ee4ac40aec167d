//! Forgetting, and how much is kept.

use calls::{AccountId, EventKind};

use super::sample::{Leg, append, delivery, keep, settle, tried};
use crate::{Appended, EventSeq, Filter, Journal, Outcome, WallTime};

const LATER: WallTime = WallTime(i64::MAX);

async fn deliver_all(journal: &dyn Journal, seqs: &[EventSeq]) {
    let rows: Vec<_> = seqs.iter().map(|seq| tried(delivery(*seq, 1), 1, 200, Outcome::Delivered)).collect();
    journal.settle(&rows).await.expect("settled");
}

async fn prune(journal: &dyn Journal, account: Option<&str>, before: WallTime) -> u64 {
    journal.prune(account.map(AccountId::new), before).await.expect("pruned")
}

/// Its events, deliveries and attempts; what comes of it later is taken for new.
pub async fn an_ended_leg_is_forgotten_whole(journal: &dyn Journal) {
    let leg = Leg::incoming(1);
    let seqs = keep(journal, leg.whole(&[1])).await;
    deliver_all(journal, &seqs[..2]).await;
    journal.settle(&[settle(delivery(seqs[2], 1), Outcome::Cancelled)]).await.expect("settled");
    assert_eq!(prune(journal, None, LATER).await, 3);
    assert_eq!(journal.events(Filter::default()).await.expect("events"), []);
    let by_call = Filter { call: Some(leg.begin().call), ..Filter::default() };
    assert_eq!(journal.events(by_call).await.expect("events"), []);
    assert_eq!(journal.deliveries(Filter::default()).await.expect("deliveries"), []);
    assert_eq!(journal.attempts(delivery(seqs[0], 1)).await.expect("attempts"), []);
    let again = append(journal, leg.whole(&[])).await;
    let next = Appended::Stored(EventSeq(seqs[2].0 + 1), vec![]);
    assert_eq!(again[0], next, "a place is never given twice");
}

/// Nothing that is still of use is forgotten.
pub async fn what_is_pending_or_open_or_newer_stays(journal: &dyn Journal) {
    let (pending, open, newer) = (Leg::incoming(1), Leg::incoming(2), Leg::incoming(900));
    let seqs = keep(journal, pending.whole(&[1])).await;
    deliver_all(journal, &seqs[1..]).await;
    keep(journal, open.append(&[EventKind::Incoming, EventKind::Answered], &[])).await;
    let recent = newer.whole(&[]);
    let before = recent.received_at;
    keep(journal, recent).await;
    assert_eq!(prune(journal, None, before).await, 0);
    assert_eq!(journal.events(Filter::default()).await.expect("events").len(), 8);
    deliver_all(journal, &seqs[..1]).await;
    assert_eq!(prune(journal, None, before).await, 3);
    assert_eq!(prune(journal, None, WallTime(before.0 + 1)).await, 3);
}

/// Retention is the account's.
pub async fn one_account_can_be_pruned_alone(journal: &dyn Journal) {
    for number in 0..6 {
        keep(journal, Leg::incoming(number).of(["1", "2"][number as usize % 2]).whole(&[])).await;
    }
    assert_eq!(prune(journal, Some("2"), LATER).await, 9);
    let left = journal.events(Filter::default()).await.expect("events");
    assert!(left.iter().all(|kept| kept.event.account().as_str() == "1"));
    assert_eq!(left.len(), 9);
}

/// A bounded number at a time.
pub async fn pruning_goes_on_until_nothing_is_left(journal: &dyn Journal) {
    let legs = u32::try_from(crate::PRUNED_AT_ONCE).unwrap_or(u32::MAX) + 3;
    let moments: Vec<_> = (0..legs).map(|number| Leg::outgoing(number).whole(&[])).collect();
    journal.append(&moments).await.expect("kept");
    assert_eq!(prune(journal, None, LATER).await, 2 * crate::PRUNED_AT_ONCE as u64);
    assert_eq!(prune(journal, None, LATER).await, 6);
    assert_eq!(prune(journal, None, LATER).await, 0);
}

/// The newest legs that fit stay, with their attempts counted, and other accounts do not count.
pub async fn an_account_is_bounded_by_its_size(journal: &dyn Journal) {
    let legs: Vec<_> = (1..=20).map(Leg::incoming).collect();
    for leg in &legs {
        let seqs = keep(journal, leg.whole(&[1])).await;
        deliver_all(journal, &seqs).await;
        keep(journal, leg.clone().on("pbx2").of("2").whole(&[])).await;
    }
    keep(journal, Leg::incoming(30).append(&[EventKind::Incoming], &[])).await;
    let account = AccountId::new("1");
    let within = async |bytes| journal.kept_within(account.clone(), bytes).await.expect("weighed");
    assert_eq!(within(u64::MAX).await, None, "all of it fits");
    let newest = legs[19].whole(&[]).received_at;
    assert_eq!(within(0).await, Some(WallTime(newest.0 + 1)), "not even the newest fits");
    let mut all = 0;
    while within(all).await.is_some() {
        all += 256;
    }
    let half = within(all / 2).await.expect("half of it does not hold all");
    let other = journal.kept_within(AccountId::new("2"), all).await.expect("weighed");
    assert_eq!(other, None, "without attempts it takes less");
    let gone = prune(journal, Some("1"), half).await;
    assert!((27..=33).contains(&gone), "half of sixty events, a leg more or less: {gone}");
    assert_eq!(within(all / 2).await, None, "what is left fits");
    let left = journal.events(Filter { account: Some(account.clone()), ..Filter::default() }).await;
    let left: Vec<_> = left.expect("events").iter().map(|kept| kept.event.leg.clone()).collect();
    assert!(left.contains(&Leg::incoming(30).id()), "what runs stays");
    assert!(left.contains(&legs[19].id()) && !left.contains(&legs[0].id()), "the oldest goes first");
    let others = Filter { account: Some(AccountId::new("2")), ..Filter::default() };
    assert_eq!(journal.events(others).await.expect("events").len(), 60);

    let places = Filter { leg: Some(legs[19].id()), ..Filter::default() };
    let last = journal.events(places).await.expect("events")[0].seq;
    let before = within(all / 4).await.expect("a quarter does not hold half");
    let mut large = tried(delivery(last, 1), 2, 200, Outcome::Delivered);
    if let Some(attempt) = &mut large.attempt {
        attempt.request_body = vec![b'x'; usize::try_from(all).unwrap_or(0)].into();
    }
    journal
        .settle(&[settle(delivery(last, 1), Outcome::Again(std::time::Duration::ZERO)), large])
        .await
        .expect("settled");
    let after = within(all / 4).await.expect("nor now");
    assert!(after > before, "an attempt counts: {before:?}, {after:?}");
}

/// After pruning too.
pub async fn sizes_are_told(journal: &dyn Journal) {
    let seqs = keep(journal, Leg::incoming(1).whole(&[1, 2])).await;
    keep(journal, Leg::incoming(2).whole(&[])).await;
    let size = journal.size().await.expect("size");
    assert_eq!((size.events, size.pending), (6, 6));
    deliver_all(journal, &seqs).await;
    prune(journal, None, LATER).await;
    let size = journal.size().await.expect("size");
    assert_eq!((size.events, size.pending), (3, 3));
}

/// Whatever a clock says by now.
pub async fn the_newest_event_says_when_it_came(journal: &dyn Journal) {
    assert_eq!(journal.newest_event_at().await.expect("asked"), None);
    let moments = [Leg::incoming(1).whole(&[]), Leg::incoming(2).whole(&[])];
    journal.append(&moments).await.expect("kept");
    assert_eq!(journal.newest_event_at().await.expect("asked"), Some(moments[1].received_at));
}
