//! What few calls have is found wherever it lies, among thousands and months of others: held against the model.

use std::sync::Arc;
use std::time::Duration;

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

async fn keep_all(sqlite: &dyn Journal, model: &dyn Journal) {
    for from in (0..LEGS).step_by(250) {
        let moments: Vec<_> = (from..LEGS.min(from + 250)).map(moment).collect();
        let kept = sqlite.append(&moments).await.expect("kept");
        assert_eq!(format!("{kept:?}"), format!("{:?}", model.append(&moments).await.expect("kept")));
    }
}

/// A first row of a block as format 11 had it: without its outcomes, an option of five numbers behind the version.
fn as_format_11(body: &[u8]) -> Vec<u8> {
    assert_eq!(body[..2], [3, 1]);
    let mut rest = &body[2..];
    for _ in 0..5 {
        let end = rest.iter().position(|byte| *byte < 0x80).expect("a number ends");
        rest = &rest[end + 1..];
    }
    [&[2], rest].concat()
}

#[tokio::test]
async fn days_of_a_store_of_before_learn_when_their_outcomes_were_and_answer_the_same_meanwhile() {
    let folder = tempfile::tempdir().expect("a folder");
    let open = || Sqlite::open(folder.path(), Access::Gateway, Sealer::new([7; 32])).expect("a journal");
    let (sqlite, model) = (open(), Memory::new());
    keep_all(&sqlite, &model).await;
    both_agree(&model, &sqlite).await;
    let raw = rusqlite::Connection::open(sqlite.place()).expect("opens");
    drop(sqlite);
    let mut select =
        raw.prepare("SELECT account, span, block, body FROM day WHERE part = 0").expect("prepared");
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    let days: Vec<(String, i64, i64, Vec<u8>)> = rows.expect("rows").map(|row| row.expect("a row")).collect();
    assert!(days.len() > 130, "{} days and spans", days.len());
    for (account, span, block, body) in &days {
        let sql = "UPDATE day SET body = ?4 WHERE account = ?1 AND span = ?2 AND block = ?3 AND part = 0";
        raw.execute(sql, rusqlite::params![account, span, block, as_format_11(body)]).expect("changed");
    }
    raw.execute_batch("DELETE FROM meta WHERE name = 'old_days'; PRAGMA user_version = 11;")
        .expect("changed");
    drop(select);
    let sqlite = open();
    let left = || {
        let sql = "SELECT value FROM meta WHERE name = 'old_days'";
        raw.query_row(sql, [], |row| row.get::<_, i64>(0)).expect("a number")
    };
    let renewing = async {
        loop {
            both_agree(&model, &sqlite).await;
            if left() == 0 {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(120), renewing).await.expect("they learn it");
    let mut select =
        raw.prepare("SELECT account, span, block, body FROM day WHERE part = 0").expect("prepared");
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?)));
    let learnt: Vec<(String, i64, i64, Vec<u8>)> =
        rows.expect("rows").map(|row| row.expect("a row")).collect();
    assert!(learnt == days, "as if this program had added them up");
}

#[tokio::test]
async fn what_few_calls_have_is_found_wherever_it_lies() {
    let folder = tempfile::tempdir().expect("a folder");
    let sqlite = Sqlite::open(folder.path(), Access::Gateway, Sealer::new([7; 32])).expect("a journal");
    let model = Memory::new();
    keep_all(&sqlite, &model).await;
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
