//! Web services that fail: when they are only probed, and when they are paused.

use std::time::Duration;

use calls::EventKind;
use delivery::policy::{Moment, Patience};
use delivery::schedule::{BREAKER_FAILURES, Disposition, Finish, Input, Limits, Out};

use super::{Bench, DAY, REFUSED, START, started};

#[test]
fn what_fails_for_five_deliveries_in_a_row_is_only_probed() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    for call in 0..u64::from(BREAKER_FAILURES) {
        let (slot, _) = started(&bench.offer(hook, EventKind::Ended, call))[0];
        bench.finish(slot, REFUSED);
    }
    assert!(bench.schedule.webhook(hook).open);
    assert!(started(&bench.offer(hook, EventKind::Ended, 99)).is_empty());
    let probe = started(&bench.pass(Duration::from_millis(1_200)));
    assert_eq!(probe.len(), 1, "{probe:?}");
    let out = bench.finish(probe[0].0, Finish::Taken);
    assert_eq!(started(&out).len(), usize::from(BREAKER_FAILURES), "all that waited goes at once");
}

#[test]
fn what_was_tried_before_a_restart_counts_too() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    for call_hash in 0..u64::from(BREAKER_FAILURES) {
        let (since, due) = (bench.now, bench.now);
        let kind = EventKind::Ended;
        let seq = call_hash as i64;
        let out = bench.put(Input::Offer { seq, webhook: hook, kind, call_hash, since, attempts: 9, due });
        bench.finish(started(&out)[0].0, Finish::TimedOut);
    }
    assert!(bench.schedule.webhook(hook).open);
}

#[test]
fn one_call_that_keeps_failing_does_not_open_the_breaker() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    let mut slots = started(&bench.offer(hook, EventKind::Ended, 1));
    for _ in 0..8 {
        bench.finish(slots[0].0, REFUSED);
        slots = started(&bench.pass(Duration::from_secs(400)));
        assert_eq!(slots.len(), 1);
    }
    assert!(!bench.schedule.webhook(hook).open);
    assert_eq!(started(&bench.offer(hook, EventKind::Incoming, 2)).len(), 1);
}

#[test]
fn a_thousand_accounts_at_a_dead_host_cost_one_probe_at_a_time() {
    let mut bench = Bench::new(Limits::default());
    let dead = bench.schedule.add_destination();
    let hooks: Vec<_> = (0..1_000).map(|_| bench.schedule.add_webhook(dead, Patience::default())).collect();
    let mut out = Vec::new();
    for hook in hooks {
        out.extend(bench.offer(hook, EventKind::Ended, 1));
    }
    while let Some((slot, _)) = started(&out).first().copied() {
        out.retain(|one| !matches!(one, Out::Start { slot: of, .. } if *of == slot));
        out.extend(bench.finish(slot, Finish::Unreachable));
    }
    let healthy = bench.webhook();
    assert_eq!(started(&bench.offer(healthy, EventKind::Incoming, 2)).len(), 1);
    let mut probes = 0;
    for _ in 0..600 {
        for (slot, _) in started(&bench.pass(Duration::from_millis(500))) {
            probes += 1;
            assert!(bench.schedule.in_flight() <= 2);
            bench.finish(slot, Finish::Unreachable);
        }
    }
    assert!((8..40).contains(&probes), "{probes} probes in five minutes");
}

#[test]
fn a_webhook_known_to_fail_gets_one_attempt_before_it_is_left_alone() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    bench.schedule.recall_failing(hook, Moment(0), DAY);
    let (slot, _) = started(&bench.offer(hook, EventKind::Ended, 1))[0];
    assert!(!bench.schedule.webhook(hook).open);
    bench.finish(slot, REFUSED);
    assert!(bench.schedule.webhook(hook).open);
}

#[test]
fn after_five_days_without_success_a_webhook_is_paused() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    let mut paused_after = None;
    for hour in 0..24 * 6 {
        let mut out = bench.offer(hook, EventKind::Ended, hour);
        out.extend(bench.pass(Duration::from_secs(3_600)));
        for (slot, _) in started(&out) {
            for out in bench.finish(slot, REFUSED) {
                match out {
                    Out::Pause { failing_since, .. } => {
                        assert!(failing_since.is_some());
                        paused_after.get_or_insert(hour);
                    }
                    Out::Settle { slot, verdict, .. } => {
                        bench.put(Input::Settled { slot, fenced: false, verdict });
                    }
                    Out::Start { .. } | Out::Urgent => {}
                }
            }
        }
    }
    assert_eq!(paused_after.map(|hour| hour / 24), Some(5));
}

#[test]
fn time_in_which_a_webhook_was_paused_does_not_count_as_failing() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    let (slot, _) = started(&bench.offer(hook, EventKind::Ended, 1))[0];
    bench.finish(slot, REFUSED);
    let patience = Patience::default();
    bench.put(Input::Disposed { webhook: hook, to: [Disposition::Hold; 4], patience });
    bench.pass(Duration::from_secs(10 * 24 * 3_600));
    bench.put(Input::Disposed { webhook: hook, to: [Disposition::Send; 4], patience });
    assert_eq!(bench.schedule.webhook(hook).failing_since, None);
}

/// One hiccup, quiet days, one hiccup: that is not a web service that fails for days.
#[test]
fn days_on_which_nothing_was_due_do_not_count_as_failing() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    for day in 0..30 {
        // An `Incoming` is worth trying for a minute; all of it fails, and then nothing is due for days.
        let mut out = started(&bench.offer(hook, EventKind::Incoming, day));
        for _ in 0..100 {
            for (slot, _) in out {
                for one in bench.finish(slot, REFUSED) {
                    assert!(!matches!(one, Out::Pause { .. }), "paused on day {day}");
                    if let Out::Settle { slot, verdict, .. } = one {
                        bench.put(Input::Settled { slot, fenced: false, verdict });
                    }
                }
            }
            out = bench.pass_and_settle(Duration::from_secs(1));
        }
        assert_eq!(bench.schedule.pending(), 0);
        let failed = bench.schedule.failing(hook, bench.now).expect("it fails").1;
        bench.pass(5 * DAY);
        assert_eq!(
            bench.schedule.failing(hook, bench.now).expect("it fails").1,
            failed,
            "a quiet day counts"
        );
    }
    let (since, lasted) = bench.schedule.failing(hook, bench.now).expect("it still fails");
    assert!(since <= START.plus(DAY), "people are told since when");
    assert!(lasted <= 30 * Duration::from_secs(70), "{lasted:?}");
}

/// Not the days, but the time in which something was due and failed: over quiet weeks it adds up.
#[test]
fn time_in_which_something_failed_adds_up_over_quiet_days() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    let mut paused_in = None;
    for week in 0..4 {
        // An `Ended` is tried for three days.
        let mut out = bench.offer(hook, EventKind::Ended, week);
        while bench.schedule.pending() > 0 && paused_in.is_none() {
            for (slot, _) in started(&out) {
                for one in bench.finish(slot, REFUSED) {
                    match one {
                        Out::Pause { .. } => paused_in = Some(week),
                        Out::Settle { slot, verdict, .. } => {
                            bench.put(Input::Settled { slot, fenced: false, verdict });
                        }
                        Out::Start { .. } | Out::Urgent => {}
                    }
                }
            }
            out = bench.pass(Duration::from_secs(600));
        }
        bench.pass(7 * DAY);
    }
    assert_eq!(paused_in, Some(1), "three days of the first week and two of the second");
}
