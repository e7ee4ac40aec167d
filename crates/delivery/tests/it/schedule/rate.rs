//! Rates: what is over one waits and goes in order.

use std::time::Duration;

use calls::EventKind;
use delivery::policy::{Moment, Patience};
use delivery::schedule::{Disposition, Finish, Input, Limits, Out, SlotId, Verdict, WebhookKey};

use super::{Bench, DAY, START, started};

/// Requests that start while a time passes, each taken a tenth of a second later.
fn run(bench: &mut Bench, mut out: Vec<(SlotId, i64)>, time: Duration) -> Vec<(Moment, i64)> {
    const STEP: Duration = Duration::from_millis(100);
    let mut told = Vec::new();
    let steps = time.as_millis() / STEP.as_millis();
    for _ in 0..steps {
        told.extend(out.iter().map(|(_, seq)| (bench.now, *seq)));
        let mut next = bench.pass_and_settle(STEP);
        for (slot, _) in std::mem::take(&mut out) {
            next.extend(bench.end(slot, Finish::Taken));
        }
        out = next;
    }
    told
}

fn pace(bench: &mut Bench, webhook: WebhookKey, account: u32, a_second: u32) -> Vec<(SlotId, i64)> {
    bench.schedule.keep_pace(webhook, account, std::num::NonZeroU32::new(a_second));
    let mut out = Vec::new();
    bench.schedule.handle_timeout(bench.now, &mut out);
    started(&out)
}

#[test]
fn what_is_over_a_rate_waits_and_goes_in_order() {
    let mut bench = Bench::new(Limits::default());
    let (one, other, free) = (bench.webhook(), bench.webhook(), bench.webhook());
    pace(&mut bench, one, 7, 5);
    pace(&mut bench, other, 7, 5);
    let mut out = Vec::new();
    for call in 0..20 {
        for webhook in [one, other] {
            out.extend(started(&bench.offer(webhook, EventKind::Ended, call)));
        }
    }
    assert_eq!(out.len(), 5, "of both together");
    assert!(bench.schedule.webhook(one).paced && bench.schedule.webhook(other).paced);
    assert_eq!(bench.schedule.webhook(one).next_try, Some(START.plus(Duration::from_secs(1))));
    assert_eq!(
        started(&bench.offer(free, EventKind::Ended, 1)).len(),
        1,
        "another account's waits for nobody"
    );
    let told = run(&mut bench, out, Duration::from_secs(12));
    assert_eq!(told.len(), 40);
    for (from, _) in &told {
        let second = told.iter().filter(|(at, _)| at >= from && *at < from.plus(Duration::from_secs(1)));
        assert!(second.count() <= 5, "{told:?}");
    }
    let of =
        |odd: i64| told.iter().map(|(_, seq)| *seq).filter(move |seq| seq % 2 == odd).collect::<Vec<_>>();
    assert!(of(0).is_sorted() && of(1).is_sorted(), "each web service's in order: {told:?}");
    let third: Vec<_> = told[..12].iter().map(|(_, seq)| seq % 2).collect();
    assert!(third.contains(&0) && third.contains(&1), "and in turns: {told:?}");
    let last = told.last().unwrap().0;
    assert!(last.since(START) <= Duration::from_millis(8_200), "no slower than it may be: {last:?}");
}

#[test]
fn a_rate_that_is_raised_or_taken_away_is_heeded_at_once() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    pace(&mut bench, hook, 1, 1);
    let out: Vec<_> = (0..10).flat_map(|call| started(&bench.offer(hook, EventKind::Ended, call))).collect();
    assert_eq!(out.len(), 1);
    assert_eq!(pace(&mut bench, hook, 1, 4).len(), 3);
    assert_eq!(pace(&mut bench, hook, 1, 0).len(), 6);
    assert!(!bench.schedule.webhook(hook).paced);
}

#[test]
fn who_is_paused_while_waiting_for_a_rate_is_held_at_once_and_can_be_given_back() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    pace(&mut bench, hook, 1, 1);
    let out: Vec<_> = (0..3).flat_map(|call| started(&bench.offer(hook, EventKind::Ended, call))).collect();
    let held = bench.put(Input::Disposed {
        webhook: hook,
        to: [Disposition::Hold; 4],
        patience: Patience::default(),
    });
    assert_eq!(
        held.iter().filter(|one| matches!(one, Out::Settle { verdict: Verdict::Held, .. })).count(),
        2
    );
    for one in held {
        if let Out::Settle { slot, verdict, .. } = one {
            bench.put(Input::Settled { slot, fenced: false, verdict });
        }
    }
    bench.end(out[0].0, Finish::Taken);
    assert!(bench.schedule.remove_webhook(hook));
    assert_eq!(bench.pass(DAY).len(), 0, "a timer of nobody does nothing");
}

#[test]
fn an_attempt_that_fails_counts_and_what_is_too_late_does_not() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    pace(&mut bench, hook, 1, 1);
    let first = started(&bench.offer(hook, EventKind::Incoming, 1));
    assert!(bench.end(first[0].0, Finish::Refused { retry_after: None }).is_empty());
    for call in 2..200 {
        assert!(started(&bench.offer(hook, EventKind::Incoming, call)).is_empty());
    }
    let mut sent = 0;
    for _ in 0..200 {
        let next = bench.pass_and_settle(Duration::from_secs(1));
        sent += next.len();
        for (slot, _) in next {
            sent += bench.end(slot, Finish::Taken).len();
        }
    }
    assert!((30..=75).contains(&sent), "a minute's worth, of which one a second was sent: {sent}");
    assert_eq!(bench.schedule.pending(), 0);
}
