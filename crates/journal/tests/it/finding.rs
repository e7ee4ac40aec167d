//! What few calls have is found wherever it lies, among thousands and months of others: held against the model.

use std::sync::Arc;

use calls::{AccountId, EndReason, Ended, EventKind, Phone, What};
use journal::conformance::sample::Leg;
use journal::memory::Memory;
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Access, Append, Filter, Journal, LegOutcome, LegRecord, Sqlite, WallTime};

/// Some 280 rows of an account's legs, over four months.
const LEGS: u32 = 4_500;
const APART_SECS: u32 = 2_400;

/// A call in so many is busy, one is answered elsewhere; somebody leaves early on.
fn moment(nth: u32) -> Append {
    let mut moment = Leg::incoming(nth * APART_SECS).append(&[EventKind::Incoming, EventKind::Ended], &[]);
    let number = if (40..60).contains(&nth) { "999".to_owned() } else { format!("{}", 100 + nth % 7) };
    for (event, _) in &mut moment.events {
        let account = event.account().clone();
        event.phone = Arc::new(Phone { account, number: number.as_str().into(), employee: None });
        if event.kind() == EventKind::Ended {
            let reason = match nth {
                2_000 => EndReason::AnsweredElsewhere,
                _ if nth % 1_009 == 3 => EndReason::Busy,
                _ => EndReason::NoAnswer,
            };
            let answered_at = (nth % 3 == 1 && reason == EndReason::NoAnswer).then_some(event.begun_at);
            event.what = What::Ended(Ended { answered_at, reason, transfer: None });
        }
    }
    moment
}

fn filters() -> Vec<Filter> {
    let account = || Some(AccountId::new("1"));
    let outcomes = LegOutcome::ALL.map(Some).into_iter().chain([None]);
    let mut filters = Vec::new();
    for outcome in outcomes {
        for employee in [None, Some("999"), Some("103"), Some("0")] {
            for limit in [3, 40] {
                let employee = employee.map(str::to_owned);
                filters.push(Filter { account: account(), outcome, employee, limit, ..Filter::default() });
            }
        }
    }
    filters
}

/// The pages of a list, one after the other, as text.
async fn pages(journal: &dyn Journal, filter: &Filter) -> String {
    let (mut told, mut before) = (String::new(), None);
    for _ in 0..3 {
        let page = Filter { before, ..filter.clone() };
        let legs = journal.legs(page.clone()).await.expect("legs");
        before = legs.last().map(LegRecord::cursor);
        told += &format!("{legs:?}\n");
        if filter.outcome.is_none() {
            told += &format!("{:?}\n", journal.events(page).await.expect("events"));
        }
        if before.is_none() {
            break;
        }
    }
    told
}

async fn both_agree(model: &dyn Journal, sqlite: &dyn Journal) {
    for filter in filters() {
        assert_eq!(pages(sqlite, &filter).await, pages(model, &filter).await, "{filter:?}");
    }
}

#[tokio::test]
async fn what_few_calls_have_is_found_wherever_it_lies() {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = Sqlite::open(folder.path(), Access::Gateway, Sealer::new([7; 32])).expect("a journal");
    let model = Memory::new();
    for from in (0..LEGS).step_by(250) {
        let moments: Vec<_> = (from..LEGS.min(from + 250)).map(moment).collect();
        let kept = sqlite.append(&moments).await.expect("kept");
        assert_eq!(format!("{kept:?}"), format!("{:?}", model.append(&moments).await.expect("kept")));
    }
    both_agree(&model, &sqlite).await;
    let rare =
        Filter { account: Some(AccountId::new("1")), outcome: Some(LegOutcome::Busy), ..Filter::default() };
    assert_eq!(sqlite.legs(rare).await.expect("legs").len(), 5);
    // Days that are over are added up no longer where something of them is forgotten.
    let old = WallTime(moment(1_500).received_at.0);
    while sqlite.prune(None, old).await.expect("pruned") > 0 {}
    while model.prune(None, old).await.expect("pruned") > 0 {}
    both_agree(&model, &sqlite).await;
}
