//! How legs came out, and what they come to.

use std::ops::Range;

use calls::{AccountId, Direction, EndReason, Ended, Event, EventKind, PbxTime, What};

use super::sample::{Leg, START_SECS, append, keep};
use crate::{
    Cursor, Erase, Filter, Journal, LegOutcome, LegRecord, Person, Quarter, Recent, Sums, Tally, WallTime,
};

/// So many legs, over a little more than three days: some come to lie in whole days and some in the rest of
/// one, some among what is long kept and some among the newest.
const LEGS: u32 = 90;
const SPREAD_SECS: i64 = 3_100;
const ALWAYS: Range<PbxTime> = PbxTime::from_micros(i64::MIN / 2)..PbxTime::from_micros(i64::MAX / 2);

/// Legs that differ in all that is added up. The number is the seed: the same leg each time.
fn various(number: u32, spread_secs: i64) -> Vec<Event> {
    let leg = if number.is_multiple_of(3) { Leg::outgoing(number) } else { Leg::incoming(number) };
    let leg = leg.of(["1", "2"][number as usize % 2]);
    let begun_at = PbxTime::from_secs(START_SECS + i64::from(number) * spread_secs);
    let reasons = [
        EndReason::HungUpByEmployee,
        EndReason::NoAnswer,
        EndReason::Busy,
        EndReason::AnsweredElsewhere,
        EndReason::Transferred,
    ];
    let reason = reasons[number as usize / 2 % reasons.len()];
    let answered = matches!(reason, EndReason::HungUpByEmployee | EndReason::Transferred);
    let ring = std::time::Duration::from_millis(u64::from(number) * 130);
    let waiting_since = (number % 4 == 1).then(|| begun_at - std::time::Duration::from_secs(number.into()));
    let queue: std::sync::Arc<str> = ["", "salg", "support"][number as usize % 3].into();
    let at = |event: Event, later| Event {
        begun_at,
        waiting_since,
        queue: queue.clone(),
        at: begun_at + later,
        ..event
    };
    let begin = at(leg.begin(), std::time::Duration::ZERO);
    let mut end = at(leg.event(EventKind::Ended), ring + std::time::Duration::from_millis(9_700));
    if let What::Ended(Ended { transfer, .. }) = end.what {
        end.what = What::Ended(Ended { answered_at: answered.then(|| begun_at + ring), reason, transfer });
    }
    vec![begin, end]
}

async fn keep_various(journal: &dyn Journal) {
    keep_spread(journal, SPREAD_SECS).await;
}

async fn keep_spread(journal: &dyn Journal, secs: i64) {
    for number in 0..LEGS {
        let like = Leg::incoming(number).append(&[], &[]);
        let events = various(number, secs).into_iter().map(|event| (event, Vec::new())).collect();
        keep(journal, crate::Append { events, ..like }).await;
    }
}

async fn legs(journal: &dyn Journal, account: &str) -> Vec<LegRecord> {
    let filter = Filter { account: Some(AccountId::new(account)), ..Filter::default() };
    journal.legs(filter).await.expect("legs")
}

async fn sums(journal: &dyn Journal, account: &str, within: Range<PbxTime>) -> Sums {
    journal.sums(AccountId::new(account), within).await.expect("sums")
}

/// The sums as anybody would make them from the list of legs.
fn added_up(legs: &[LegRecord], within: &Range<PbxTime>) -> Sums {
    let mut sums = Sums::default();
    let ended = legs.iter().filter_map(|leg| leg.ended.as_ref());
    ended.filter(|event| within.contains(&event.begun_at)).for_each(|event| sums.add(event));
    sums
}

/// Whatever the stretch: whole days, days of a zone at five and a half hours, a minute, nothing at all.
pub async fn sums_are_those_of_the_legs(journal: &dyn Journal) {
    keep_various(journal).await;
    let day = 86_400;
    let midnight = START_SECS - START_SECS.rem_euclid(day);
    let secs = |from: i64, until: i64| PbxTime::from_secs(from)..PbxTime::from_secs(until);
    let begun = START_SECS + 7 * SPREAD_SECS;
    for account in ["1", "2"] {
        let legs = legs(journal, account).await;
        assert_eq!(legs.len(), LEGS as usize / 2);
        for within in [
            ALWAYS,
            secs(midnight, midnight + day),
            secs(midnight, midnight + 3 * day),
            secs(midnight - 19_800, midnight + 2 * day - 19_800),
            secs(midnight + 20_700, midnight + 3 * day + 20_700),
            secs(START_SECS + 60, START_SECS + 3 * day + 7),
            secs(begun, begun + 1),
            secs(begun + 1, begun + 60),
            secs(begun, begun),
            secs(midnight + 5 * day, midnight + 9 * day),
            secs(midnight + day, midnight),
        ] {
            let expected = added_up(&legs, &within);
            assert_eq!(sums(journal, account, within.clone()).await, expected, "{account} {within:?}");
        }
    }
    assert_eq!(sums(journal, "nobody", ALWAYS).await, Sums::default());
}

/// A year and what is nearly one, from any day on, as people ask for them.
pub async fn long_sums_are_those_of_the_legs(journal: &dyn Journal) {
    let day = 86_400;
    keep_spread(journal, 4 * day + 5 * 3_600).await;
    let legs = legs(journal, "1").await;
    let midnight = START_SECS - START_SECS.rem_euclid(day);
    for (from, days) in [(0, 365), (1, 364), (3, 128), (17, 71), (40, 200), (77, 63), (100, 9), (-30, 500)] {
        for zone in [0, -3_600, 20_700] {
            let from = midnight + from * day + zone;
            let within = PbxTime::from_secs(from)..PbxTime::from_secs(from + days * day);
            let expected = added_up(&legs, &within);
            assert_eq!(sums(journal, "1", within.clone()).await, expected, "{from} {days}");
            assert!(!expected.people.is_empty(), "{from} {days}");
        }
    }
}

/// Its outcome, its seconds and its time to answer, each where it belongs.
pub async fn each_leg_adds_what_it_was(journal: &dyn Journal) {
    let leg = Leg::incoming(2);
    keep(journal, leg.append(&[EventKind::Incoming, EventKind::Answered], &[])).await;
    assert_eq!(sums(journal, "1", ALWAYS).await, Sums::default(), "it has not ended");
    keep(journal, leg.append(&[EventKind::Ended], &[])).await;
    let made = sums(journal, "1", ALWAYS).await;
    let person = Person { number: "502".to_owned(), name: "Åse Ærø".to_owned() };
    let tally = Tally { taken: 1, talks: 1, talk_secs: 5, ring_micros: 4_000_000, ..Tally::default() };
    assert_eq!(made.people.into_iter().collect::<Vec<_>>(), [(person, tally)]);
    let waits: Vec<_> = made.waits.values().map(|of| (of.answered(), of.longest())).collect();
    assert_eq!(waits, [(1, Some(4))]);
    assert!(made.queues.is_empty(), "it came through none");
    let quarter = Quarter::of(leg.begins_at());
    assert_eq!(made.quarters.into_iter().collect::<Vec<_>>(), [(quarter, 1)]);
    assert!(quarter.begin() <= leg.begins_at());
}

/// From when the caller began to wait, by the queue too; of those nobody took the longest alone.
pub async fn waits_are_those_of_the_callers(journal: &dyn Journal) {
    let [lost, took, elsewhere] = [7, 14, 21].map(Leg::incoming);
    keep(journal, took.whole(&[])).await;
    let ends = |leg: &Leg, reason: EndReason| {
        let mut append = leg.append(&[EventKind::Incoming, EventKind::Ended], &[]);
        if let What::Ended(ended) = &mut append.events[1].0.what {
            *ended = Ended { answered_at: None, reason, transfer: None };
        }
        append
    };
    keep(journal, ends(&lost, EndReason::Cancelled)).await;
    keep(journal, ends(&elsewhere, EndReason::AnsweredElsewhere)).await;
    let made = sums(journal, "1", ALWAYS).await;
    let of_queue = made.queues.get("support").expect("all came through it");
    assert_eq!(made.queues.len(), 1);
    assert_eq!((of_queue.answered(), of_queue.not_longer(50)), (1, Some(15)), "11 before it rang, then 4");
    assert_eq!((of_queue.within(14), of_queue.within(15)), (0, 1));
    assert_eq!(of_queue.longest(), Some(20), "who gave up had waited 11 and 9");
    assert_eq!(made.all_waits(), *of_queue);
}

/// Retention takes legs out of the sums too.
pub async fn what_is_forgotten_is_in_no_sum(journal: &dyn Journal) {
    keep_various(journal).await;
    let half = Leg::incoming(LEGS / 2).append(&[], &[]).received_at;
    while journal.prune(None, half).await.expect("pruned") > 0 {}
    while journal.prune(Some(AccountId::new("2")), WallTime(i64::MAX)).await.expect("pruned") > 0 {}
    let left = legs(journal, "1").await;
    assert!(!left.is_empty() && left.len() < LEGS as usize / 2);
    assert_eq!(sums(journal, "1", ALWAYS).await, added_up(&left, &ALWAYS));
    assert_eq!(sums(journal, "2", ALWAYS).await, Sums::default());
    keep_various_again(journal).await;
    let left = legs(journal, "1").await;
    assert_eq!(sums(journal, "1", ALWAYS).await, added_up(&left, &ALWAYS));
}

/// What lists of accounts say of each: as their sums and their lists of legs do, wherever the legs lie. One account's day
/// turns at a quarter to six; one has calls that run, one has none, and one's were forgotten.
pub async fn accounts_of_late_are_those_of_their_sums_and_lists(journal: &dyn Journal) {
    keep_various(journal).await;
    let (day, last) = (86_400, START_SECS + i64::from(LEGS) * SPREAD_SECS);
    let midnight = last - last.rem_euclid(day);
    let of: Vec<(AccountId, Quarter)> = [
        ("1", midnight),
        ("2", midnight + 20_700),
        ("2", midnight - 3 * day),
        ("nobody", midnight),
        ("3", 0),
        ("1", midnight + 5 * day),
    ]
    .map(|(account, secs)| (AccountId::new(account), Quarter::of(PbxTime::from_secs(secs))))
    .into();
    let seen = recent_as_listed(journal, &of).await;
    assert!(seen[0].calls > 0 && seen[1].calls > 0 && seen[1].calls < seen[2].calls, "{seen:?}");
    assert_eq!(seen[3], Recent::default(), "it has none");
    assert_eq!((seen[5].calls, seen[5].newest_begun_at), (0, seen[0].newest_begun_at), "none since");
    // One rings, one was answered before its beginning was heard of, and of one there is only the end.
    let [rings, late, lost] = [900, 902, 904].map(|number| Leg::incoming(number).of("3"));
    keep(journal, late.append(&[EventKind::Answered], &[])).await;
    keep(journal, lost.append(&[EventKind::Ended], &[])).await;
    assert_eq!(recent_as_listed(journal, &of).await[4], Recent::default(), "nothing is listed of them");
    keep(journal, late.append(&[EventKind::Incoming], &[])).await;
    recent_as_listed(journal, &of).await;
    keep(journal, rings.append(&[EventKind::Incoming], &[])).await;
    let seen = recent_as_listed(journal, &of).await[4];
    assert_eq!((seen.calls, seen.newest_begun_at), (0, Some(rings.begins_at())), "it has not ended");
    keep(journal, rings.append(&[EventKind::Ended], &[])).await;
    assert_eq!(recent_as_listed(journal, &of).await[4].calls, 1);
    let whose = Erase::Number(rings.begin().a_number.to_string());
    journal.erase(AccountId::new("3"), whose, Cursor::START).await.expect("erased");
    assert_eq!(recent_as_listed(journal, &of).await[4].newest_begun_at, Some(late.begins_at()));
    while journal.prune(Some(AccountId::new("1")), WallTime(i64::MAX)).await.expect("pruned") > 0 {}
    let seen = recent_as_listed(journal, &of).await;
    assert_eq!((seen[0], seen[2].calls > 0), (Recent::default(), true), "forgotten, and the other's are not");
}

/// As it is asked for, after it was compared with what sums and lists say.
async fn recent_as_listed(journal: &dyn Journal, of: &[(AccountId, Quarter)]) -> Vec<Recent> {
    let seen = journal.recent(of.to_vec()).await.expect("recent");
    let mut expected = Vec::new();
    for (account, since) in of {
        let listed = legs(journal, account.as_str()).await;
        let of_day = sums(journal, account.as_str(), since.begin()..ALWAYS.end).await;
        expected.push(Recent {
            calls: of_day.people.values().map(Tally::calls).sum(),
            newest_begun_at: listed.first().map(|leg| leg.begun.begun_at),
        });
    }
    assert_eq!(seen, expected);
    seen
}

/// Those that were forgotten are taken for new; the others are repeats.
async fn keep_various_again(journal: &dyn Journal) {
    for number in 0..LEGS {
        let like = Leg::incoming(number).append(&[], &[]);
        let events = various(number, SPREAD_SECS).into_iter().map(|event| (event, Vec::new())).collect();
        append(journal, crate::Append { events, ..like }).await;
    }
}

/// Page by page, newest first, together with employee, number and time.
pub async fn legs_are_listed_by_outcome_employee_and_number(journal: &dyn Journal) {
    keep_various(journal).await;
    let running = [Leg::incoming(901), Leg::outgoing(903)];
    for leg in &running {
        keep(journal, leg.append(&[leg.begin().kind()], &[])).await;
    }
    let all = legs(journal, "1").await;
    for outcome in LegOutcome::ALL {
        let expected: Vec<_> = all.iter().filter(|leg| leg.outcome() == outcome).collect();
        let whole = Filter {
            account: Some(AccountId::new("1")),
            outcome: Some(outcome),
            limit: 3,
            ..Filter::default()
        };
        assert!(!expected.is_empty() || outcome == LegOutcome::Answered, "{outcome:?} is covered");
        let mut paged: Vec<LegRecord> = Vec::new();
        loop {
            let before = paged.last().map(LegRecord::cursor);
            let page = journal.legs(Filter { before, ..whole.clone() }).await.expect("legs");
            paged.extend(page.iter().cloned());
            if page.len() < 3 {
                break;
            }
        }
        assert_eq!(paged.iter().collect::<Vec<_>>(), expected, "{outcome:?}");
    }
    for part in ["+45", "7", &all[3].begun.a_number[4..], "101", "nowhere", ""] {
        for outcome in LegOutcome::ALL.map(Some).into_iter().chain([None]) {
            listed_by_number(journal, &all, part, outcome).await;
        }
    }
    let one = all[all.len() / 2].clone();
    let employee = one.begun.phone.employee_number().to_owned();
    let number = one.begun.a_number[6..].to_owned();
    let narrow = Filter {
        account: Some(AccountId::new("1")),
        employee: Some(employee),
        number: Some(number),
        outcome: Some(one.outcome()),
        from: Some(one.begun.at),
        until: Some(one.begun.at),
        ..Filter::default()
    };
    assert_eq!(journal.legs(narrow.clone()).await.expect("legs"), std::slice::from_ref(&one));
    let other = LegOutcome::ALL.into_iter().find(|outcome| *outcome != one.outcome());
    let none = [
        Filter { outcome: other, ..narrow.clone() },
        Filter { employee: Some("0".to_owned()), ..narrow.clone() },
        Filter { number: Some("x".to_owned()), ..narrow.clone() },
        Filter { account: Some(AccountId::new("2")), ..narrow.clone() },
        Filter { before: Some(one.cursor()), ..narrow.clone() },
    ];
    for filter in none {
        assert_eq!(journal.legs(filter.clone()).await.expect("legs"), [], "{filter:?}");
    }
    let outgoing = Filter {
        account: Some(AccountId::new("1")),
        outcome: Some(LegOutcome::Running),
        kind: Some(EventKind::Outgoing),
        ..Filter::default()
    };
    let found = journal.legs(outgoing).await.expect("legs");
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].direction, Direction::Outgoing);
}

/// A part of a number with and without an outcome, page by page.
async fn listed_by_number(journal: &dyn Journal, all: &[LegRecord], part: &str, outcome: Option<LegOutcome>) {
    let whole = Filter {
        account: Some(AccountId::new("1")),
        number: Some(part.to_owned()),
        outcome,
        limit: 7,
        ..Filter::default()
    };
    let expected: Vec<_> =
        all.iter().filter(|leg| whole.accepts(&leg.begun) && whole.accepts_outcome(leg)).collect();
    let mut paged: Vec<LegRecord> = Vec::new();
    loop {
        let before = paged.last().map(LegRecord::cursor);
        let page = journal.legs(Filter { before, ..whole.clone() }).await.expect("legs");
        paged.extend(page.iter().cloned());
        if page.len() < 7 {
            break;
        }
    }
    assert_eq!(paged.iter().collect::<Vec<_>>(), expected, "{part} {outcome:?}");
}

/// Legs that began first and ended last, and one whose beginning was never kept, among many others.
pub async fn an_employees_events_are_in_order_however_long_a_leg_lasts(journal: &dyn Journal) {
    let legs: Vec<Leg> = (0..200).map(Leg::incoming).collect();
    let begin = legs[1..].iter().map(|leg| leg.append(&[EventKind::Incoming, EventKind::Answered], &[]));
    journal.append(&begin.collect::<Vec<_>>()).await.expect("kept");
    let (long, short) = legs.split_at(60);
    let ends = short.iter().rev().chain(long).map(|leg| leg.append(&[EventKind::Ended], &[]));
    journal.append(&ends.collect::<Vec<_>>()).await.expect("kept");
    let all = journal.events(Filter::default()).await.expect("events");
    let begun = all.iter().rev().filter(|kept| kept.event.kind() == EventKind::Incoming);
    let begun: Vec<_> = begun.map(|kept| kept.event.leg.clone()).collect();
    for employee in ["500", "502", "101", "548", "0"] {
        let of_employee = Filter {
            account: Some(AccountId::new("1")),
            employee: Some(employee.to_owned()),
            limit: 2,
            ..Filter::default()
        };
        let expected: Vec<_> = all.iter().filter(|kept| of_employee.accepts(&kept.event)).cloned().collect();
        let mut paged = Vec::new();
        loop {
            let before = paged.last().map(|kept: &std::sync::Arc<crate::Kept>| kept.cursor());
            let page = journal.events(Filter { before, ..of_employee.clone() }).await.expect("events");
            if page.is_empty() {
                break;
            }
            paged.extend(page);
        }
        assert_eq!(paged, expected, "{employee}");
        let legs = journal.legs(Filter { limit: 0, ..of_employee }).await.expect("legs");
        let mut places: Vec<_> =
            legs.iter().map(|leg| begun.iter().position(|id| *id == leg.begun.leg)).collect();
        places.reverse();
        assert!(places.is_sorted(), "{employee}: {places:?}");
    }
}
