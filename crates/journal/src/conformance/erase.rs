//! Erasing: what is kept of a person or a number goes, each leg whole.

use calls::{AccountId, EventKind, PbxTime};

use super::sample::{Leg, delivery, keep, settle, tried};
use crate::{Cursor, ERASED_AT_ONCE, Erase, Erased, EventSeq, Filter, Grant, Journal, Outcome, Reason};

async fn erase(journal: &dyn Journal, whose: &Erase) -> Erased {
    let (mut all, mut from) = (Erased::default(), Some(Cursor::START));
    while let Some(place) = from {
        let Erased { events, running, rest } =
            journal.erase(AccountId::new("1"), whose.clone(), place).await.expect("erased");
        all.events += events;
        all.running += running;
        from = rest;
    }
    all
}

fn employee(number: &str) -> Erase {
    Erase::Employee(number.to_owned())
}

fn number(number: &str) -> Erase {
    Erase::Number(number.to_owned())
}

/// Their deliveries in every state.
async fn settle_in_all_ways(journal: &dyn Journal, leg: u32, seqs: &[EventSeq]) {
    for seq in seqs {
        let id = delivery(*seq, 1);
        let rows = match leg / 10 % 4 {
            0 => vec![],
            1 => vec![tried(id, 1, 503, Outcome::RetryIn(std::time::Duration::ZERO))],
            2 => vec![tried(id, 1, 500, Outcome::Failed(Some(Reason::status(500))))],
            _ => vec![
                tried(id, 1, 204, Outcome::Delivered),
                settle(id, Outcome::Again(std::time::Duration::ZERO)),
                tried(id, 2, 204, Outcome::Delivered),
            ],
        };
        journal.settle(&rows).await.expect("settled");
    }
}

/// In no list, no sum, nothing that waits; and nothing else is touched.
pub async fn what_is_erased_is_nowhere(journal: &dyn Journal) {
    let mut gone = Vec::new();
    for at in 0..161 {
        let leg = Leg::incoming(at);
        let seqs = keep(journal, leg.whole(&[1])).await;
        settle_in_all_ways(journal, at, &seqs).await;
        keep(journal, leg.clone().of("2").on("pbx2").whole(&[])).await;
        if at % 50 == 10 {
            gone.push((leg, seqs));
        }
    }
    let all = || async {
        let events = journal.events(Filter::default()).await.expect("events");
        let legs = journal.legs(Filter::default()).await.expect("legs");
        let deliveries = journal.deliveries(Filter::default()).await.expect("deliveries");
        let mut waiting = journal.load_all(Grant::ALONE).await.expect("what waits");
        // When it is asked says how old it is.
        waiting.iter_mut().for_each(|waiting| waiting.age = std::time::Duration::ZERO);
        (events, legs, deliveries, waiting)
    };
    let is_gone = |seq: EventSeq| gone.iter().any(|(_, seqs)| seqs.contains(&seq));
    let mut left = all().await;
    left.0.retain(|kept| !is_gone(kept.seq));
    left.1.retain(|leg| !is_gone(leg.seq));
    left.2.retain(|seen| !is_gone(seen.id.event));
    left.3.retain(|waiting| !is_gone(waiting.id.event));
    assert_eq!(erase(journal, &employee("510")).await, Erased { events: 12, ..Erased::default() });
    assert!(all().await == left, "what is left is as it was");
    for (leg, seqs) in &gone {
        for filter in [
            Filter { leg: Some(leg.id()), ..Filter::default() },
            Filter {
                account: Some(leg.account.clone()),
                employee: Some("510".to_owned()),
                ..Filter::default()
            },
            Filter {
                account: Some(leg.account.clone()),
                number: Some(leg.begin().a_number.to_string()),
                ..Filter::default()
            },
        ] {
            assert_eq!(journal.events(filter.clone()).await.expect("events"), []);
            assert_eq!(journal.legs(filter.clone()).await.expect("legs"), []);
            assert_eq!(journal.deliveries(filter).await.expect("deliveries"), []);
        }
        assert_eq!(journal.find(leg.begin().id()).await.expect("looked for"), None);
        assert_eq!(journal.bodies(seqs.clone()).await.expect("bodies"), []);
        for seq in seqs {
            assert_eq!(journal.attempts(delivery(*seq, 1)).await.expect("attempts"), []);
        }
    }
    let ever = PbxTime::from_secs(0)..PbxTime::from_secs(4_000_000_000);
    for (account, calls) in [("1", 157), ("2", 161)] {
        let sums = journal.sums(AccountId::new(account), ever.clone()).await.expect("sums");
        assert_eq!(sums.quarters.values().sum::<u64>(), calls);
        assert_eq!(sums.people.keys().any(|person| person.number == "510"), account == "2");
    }
    assert_eq!(journal.size().await.expect("size").events, 318 * 3);
    assert_eq!(erase(journal, &employee("510")).await, Erased::default(), "nothing is left of them");
}

/// Whoever has it: the caller, the one who was called, the party of a transfer. A part of one is no number.
pub async fn a_leg_that_has_a_number_anywhere_is_erased_whole(journal: &dyn Journal) {
    for at in 0..30 {
        keep(journal, Leg::incoming(at).whole(&[1])).await;
        keep(journal, Leg::outgoing(100 + at).whole(&[1])).await;
    }
    let nothing = Erased::default();
    assert_eq!(erase(journal, &number("+452000002")).await, nothing);
    assert_eq!(erase(journal, &employee("+4520000021")).await, nothing);
    for (erased, events) in
        [("+4520000021", 3), ("+4570000009", 3), ("004500000107", 2), ("+4570000111", 2), ("+4520000021", 0)]
    {
        assert_eq!(erase(journal, &number(erased)).await, Erased { events, ..nothing }, "{erased}");
    }
    assert_eq!(journal.size().await.expect("size").events, 150 - 10);
}

/// It is counted until then.
pub async fn what_runs_is_erased_when_it_has_ended(journal: &dyn Journal) {
    let leg = Leg::incoming(10);
    keep(journal, leg.append(&[EventKind::Incoming, EventKind::Answered], &[1])).await;
    assert_eq!(erase(journal, &employee("510")).await, Erased { running: 1, ..Erased::default() });
    assert_eq!(journal.restore(leg.pbx.clone()).await.expect("restored").legs.len(), 1);
    keep(journal, leg.append(&[EventKind::Ended], &[1])).await;
    assert_eq!(erase(journal, &employee("510")).await, Erased { events: 3, ..Erased::default() });
    assert_eq!(journal.load_all(Grant::ALONE).await.expect("what waits"), []);
}

/// A bounded number of legs at a time, each time from where it stopped.
pub async fn erasing_goes_on_where_it_stopped(journal: &dyn Journal) {
    let legs = u32::try_from(ERASED_AT_ONCE).unwrap_or(u32::MAX) + 3;
    let moments: Vec<_> = (0..legs).map(|at| Leg::outgoing(at * 50 + 10).whole(&[1])).collect();
    journal.append(&moments).await.expect("kept");
    let account = || AccountId::new("1");
    let first = journal.erase(account(), employee("510"), Cursor::START).await.expect("erased");
    assert_eq!((first.events, first.rest.is_some()), (2 * ERASED_AT_ONCE as u64, true));
    let second = journal.erase(account(), employee("510"), first.rest.unwrap_or(Cursor::START)).await;
    assert_eq!(second.expect("erased"), Erased { events: 6, ..Erased::default() });
    assert_eq!(journal.events(Filter::default()).await.expect("events"), []);
}
