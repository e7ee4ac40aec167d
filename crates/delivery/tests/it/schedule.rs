//! Order, turns, room and breakers, on the bare schedule.

use std::time::Duration;

use calls::EventKind;
use delivery::policy::{Moment, Patience};
use delivery::schedule::{
    BREAKER_FAILURES, DOUBTFUL_A_SECOND, Disposition, Finish, Input, Limits, Out, Schedule, SlotId, Verdict,
    WebhookKey,
};

const DAY: Duration = Duration::from_secs(24 * 3_600);
const START: Moment = Moment(1_000_000);

struct Bench {
    schedule: Schedule,
    now: Moment,
    seq: i64,
}

impl Bench {
    fn new(limits: Limits) -> Self {
        Self { schedule: Schedule::new(limits, 7), now: START, seq: 0 }
    }

    fn webhook(&mut self) -> WebhookKey {
        let destination = self.schedule.add_destination();
        self.schedule.add_webhook(destination, Patience::default())
    }

    fn put(&mut self, input: Input) -> Vec<Out> {
        let mut out = Vec::new();
        self.schedule.handle(self.now, input, &mut out);
        out
    }

    fn offer(&mut self, webhook: WebhookKey, kind: EventKind, call_hash: u64) -> Vec<Out> {
        self.seq += 1;
        let (seq, since, due) = (self.seq, self.now, self.now);
        self.put(Input::Offer { seq, webhook, kind, call_hash, since, attempts: 0, due })
    }

    fn finish(&mut self, slot: SlotId, how: Finish) -> Vec<Out> {
        self.put(Input::Finished { slot, how })
    }

    /// An attempt ends, and what was made of it is on disk at once; what starts because of that.
    fn end(&mut self, slot: SlotId, how: Finish) -> Vec<(SlotId, i64)> {
        let mut out = self.finish(slot, how);
        for settle in out.clone() {
            if let Out::Settle { slot, verdict, .. } = settle {
                let more = self.put(Input::Settled { slot, fenced: false, verdict });
                for settle in &more {
                    if let Out::Settle { slot, verdict, .. } = settle {
                        let (slot, verdict) = (*slot, *verdict);
                        self.put(Input::Settled { slot, fenced: false, verdict });
                    }
                }
                out.extend(more);
            }
        }
        started(&out)
    }

    /// Lets time pass, and puts on disk what comes of that; what starts.
    fn pass_and_settle(&mut self, time: Duration) -> Vec<(SlotId, i64)> {
        let mut out = self.pass(time);
        for settle in out.clone() {
            if let Out::Settle { slot, verdict, .. } = settle {
                out.extend(self.put(Input::Settled { slot, fenced: false, verdict }));
            }
        }
        started(&out)
    }

    /// Lets time pass up to a moment; all that comes out.
    fn pass(&mut self, time: Duration) -> Vec<Out> {
        let until = self.now.plus(time);
        let mut out = Vec::new();
        while let Some(at) = self.schedule.next_deadline().filter(|at| *at <= until) {
            self.now = at.max(self.now);
            self.schedule.handle_timeout(self.now, &mut out);
        }
        self.now = until;
        out
    }
}

fn started(out: &[Out]) -> Vec<(SlotId, i64)> {
    out.iter()
        .filter_map(|out| match out {
            Out::Start { slot, seq, .. } => Some((*slot, *seq)),
            _ => None,
        })
        .collect()
}

fn verdicts(out: &[Out]) -> Vec<(i64, Verdict, bool)> {
    out.iter()
        .filter_map(|out| match out {
            Out::Settle { seq, verdict, urgent, .. } => Some((*seq, *verdict, *urgent)),
            _ => None,
        })
        .collect()
}

const REFUSED: Finish = Finish::Refused { retry_after: None };

#[test]
fn the_next_of_a_call_starts_only_when_the_one_before_is_on_disk() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    let (slot, _) = started(&bench.offer(hook, EventKind::Incoming, 1))[0];
    assert!(started(&bench.offer(hook, EventKind::Ended, 1)).is_empty());
    let out = bench.finish(slot, Finish::Taken);
    assert_eq!(verdicts(&out), [(1, Verdict::Delivered, true)]);
    assert!(started(&out).is_empty());
    let out = bench.put(Input::Settled { slot, fenced: false, verdict: Verdict::Delivered });
    assert_eq!(started(&out)[0].1, 2);
}

#[test]
fn an_event_behind_an_outcome_that_waits_for_company_hurries_it() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    let (slot, _) = started(&bench.offer(hook, EventKind::Incoming, 1))[0];
    assert_eq!(verdicts(&bench.finish(slot, Finish::Taken)), [(1, Verdict::Delivered, false)]);
    assert_eq!(bench.offer(hook, EventKind::Ended, 1), [Out::Urgent]);
}

#[test]
fn calls_do_not_wait_for_each_other_nor_webhooks_of_one_call() {
    let mut bench = Bench::new(Limits::default());
    let (one, other) = (bench.webhook(), bench.webhook());
    assert_eq!(started(&bench.offer(one, EventKind::Incoming, 1)).len(), 1);
    assert_eq!(started(&bench.offer(one, EventKind::Incoming, 2)).len(), 1);
    assert_eq!(started(&bench.offer(other, EventKind::Ended, 1)).len(), 1);
}

#[test]
fn web_services_of_one_server_see_a_call_in_order_while_nothing_fails() {
    let mut bench = Bench::new(Limits::default());
    let destination = bench.schedule.add_destination();
    let hooks = [(); 2].map(|()| bench.schedule.add_webhook(destination, Patience::default()));
    let (first, _) = started(&bench.offer(hooks[0], EventKind::Incoming, 1))[0];
    assert!(started(&bench.offer(hooks[1], EventKind::Answered, 1)).is_empty());
    assert_eq!(
        started(&bench.offer(hooks[1], EventKind::Answered, 2)).len(),
        1,
        "another call does not wait"
    );
    assert_eq!(started(&bench.finish(first, REFUSED)), [(SlotId(1), 2)], "a refusal is an answer, too");
}

#[test]
fn a_web_service_that_hangs_holds_the_others_of_its_server_up_for_two_seconds() {
    let mut bench = Bench::new(Limits::default());
    let destination = bench.schedule.add_destination();
    let hooks = [(); 2].map(|()| bench.schedule.add_webhook(destination, Patience::default()));
    bench.offer(hooks[0], EventKind::Incoming, 1);
    assert!(started(&bench.offer(hooks[1], EventKind::Answered, 1)).is_empty());
    assert!(started(&bench.pass(Duration::from_millis(1_900))).is_empty());
    assert_eq!(started(&bench.pass(Duration::from_millis(200))), [(SlotId(1), 2)]);
}

#[test]
fn room_is_bounded_per_destination_and_in_all() {
    let limits = Limits { total: 10, per_destination: 4, window_start: 4, ..Limits::default() };
    let mut bench = Bench::new(limits);
    let hooks = [bench.webhook(), bench.webhook(), bench.webhook()];
    for call in 0..20 {
        for hook in hooks {
            bench.offer(hook, EventKind::Ended, call);
        }
    }
    assert_eq!(bench.schedule.in_flight(), 10);
    assert!(hooks.iter().all(|hook| bench.schedule.webhook(*hook).in_flight <= 4));
}

#[test]
fn webhooks_take_turns_however_much_one_of_them_has() {
    let limits = Limits { total: 1, ..Limits::default() };
    let mut bench = Bench::new(limits);
    let destination = bench.schedule.add_destination();
    let flood = bench.schedule.add_webhook(destination, Patience::default());
    let quiet = bench.schedule.add_webhook(destination, Patience::default());
    let (mut slot, _) = started(&bench.offer(flood, EventKind::Ended, 0))[0];
    for call in 1..1_000 {
        bench.offer(flood, EventKind::Ended, call);
    }
    bench.offer(quiet, EventKind::Ended, 0);
    let mut turns = Vec::new();
    for _ in 0..2 {
        let next = started(&bench.finish(slot, Finish::Taken));
        bench.put(Input::Settled { slot, fenced: false, verdict: Verdict::Delivered });
        turns.push(next[0].1);
        slot = next[0].0;
    }
    assert!(turns.contains(&1_001), "{turns:?}");
}

#[test]
fn what_is_worth_seconds_goes_first() {
    let mut bench = Bench::new(Limits { total: 1, ..Limits::default() });
    let hook = bench.webhook();
    let (slot, _) = started(&bench.offer(hook, EventKind::Ended, 1))[0];
    bench.offer(hook, EventKind::Ended, 2);
    bench.offer(hook, EventKind::Incoming, 3);
    assert_eq!(started(&bench.finish(slot, Finish::Taken))[0].1, 3);
}

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
fn hanging_webhooks_leave_room_for_the_others() {
    let limits = Limits { total: 40, per_destination: 8, window_start: 8, ..Limits::default() };
    let mut bench = Bench::new(limits);
    let hanging: Vec<_> = (0..4).map(|_| bench.webhook()).collect();
    for round in 0..10 {
        let mut out = Vec::new();
        for hook in &hanging {
            for call in 0..10 {
                out.extend(bench.offer(*hook, EventKind::Ended, round * 100 + call));
            }
        }
        out.extend(bench.pass(Duration::from_secs(10)));
        for (slot, _) in started(&out) {
            bench.finish(slot, Finish::TimedOut);
        }
    }
    bench.pass(Duration::from_secs(30));
    let probing: u32 = hanging.iter().map(|hook| bench.schedule.webhook(*hook).in_flight).sum();
    assert!(probing <= 4, "{probing}");
}

/// Webhooks that have failed twice, each with more to send than it may.
fn dead(bench: &mut Bench, many: u32) -> Vec<WebhookKey> {
    let hooks: Vec<_> = (0..many).map(|_| bench.webhook()).collect();
    for hook in &hooks {
        for call in 0..2 {
            let out = bench.offer(*hook, EventKind::Ended, call);
            bench.end(started(&out)[0].0, Finish::Unreachable);
        }
        bench.offer(*hook, EventKind::Ended, 2);
        bench.offer(*hook, EventKind::Ended, 3);
    }
    hooks
}

#[test]
fn ten_thousand_dead_receivers_get_a_share_and_a_healthy_one_its_turn() {
    let mut bench = Bench::new(Limits::default());
    dead(&mut bench, 10_000);
    let mut attempts = 0;
    for tenth in 0..100 {
        for (slot, _) in started(&bench.pass(Duration::from_millis(100))) {
            attempts += 1;
            bench.end(slot, Finish::Unreachable);
        }
        let healthy = bench.webhook();
        let out = bench.offer(healthy, EventKind::Incoming, tenth);
        let first = started(&out)[0].0;
        bench.end(first, Finish::Taken);
    }
    let share = DOUBTFUL_A_SECOND * 10;
    assert!((share * 9 / 10..=share + 200).contains(&attempts), "{attempts} in ten seconds");
}

#[test]
fn who_works_again_does_not_wait_behind_the_dead() {
    let mut bench = Bench::new(Limits::default());
    let flaky = bench.webhook();
    let waiting: Vec<_> =
        (0..20).flat_map(|call| started(&bench.offer(flaky, EventKind::Ended, call))).collect();
    for (slot, _) in &waiting[..2] {
        bench.end(*slot, Finish::Unreachable);
    }
    dead(&mut bench, 1_000);
    let out = bench.offer(flaky, EventKind::Incoming, 99);
    assert!(started(&out).is_empty(), "the share is used up");
    let follow = bench.end(waiting[2].0, Finish::Taken);
    assert!(!follow.is_empty(), "it is no longer one of those that fail");
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
fn an_incoming_that_became_too_late_is_settled_unsent() {
    let mut bench = Bench::new(Limits { total: 1, ..Limits::default() });
    let hook = bench.webhook();
    let (slot, _) = started(&bench.offer(hook, EventKind::Ended, 1))[0];
    bench.offer(hook, EventKind::Incoming, 2);
    bench.pass(Duration::from_secs(61));
    let out = bench.finish(slot, Finish::Taken);
    assert!(started(&out).is_empty());
    assert_eq!(verdicts(&out)[1], (2, Verdict::Expired, false));
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

#[test]
fn what_is_gone_leaves_nothing_behind() {
    let mut bench = Bench::new(Limits::default());
    let stays = bench.webhook();
    let mut bytes = Vec::new();
    for round in 0..5 {
        let mut gone = Vec::new();
        for call in 0..1_000 {
            let destination = bench.schedule.add_destination();
            let hook = bench.schedule.add_webhook(destination, Patience::default());
            let (slot, _) = started(&bench.offer(hook, EventKind::Ended, call))[0];
            gone.push((destination, hook, slot));
        }
        let mut left = Vec::new();
        for (at, (destination, hook, slot)) in gone.into_iter().enumerate() {
            assert!(!bench.schedule.remove_webhook(hook), "a request is out");
            let to = [Disposition::Drop; 4];
            bench.put(Input::Disposed { webhook: hook, to, patience: Patience::default() });
            // Some were taken; others failed and were dropped then.
            bench.end(slot, if at % 2 == 0 { Finish::Taken } else { REFUSED });
            assert!(!bench.schedule.remove_destination(destination), "it has a webhook");
            left.push((destination, hook));
        }
        assert!(bench.pass_and_settle(Duration::from_secs(2)).is_empty(), "nothing more is sent there");
        for (destination, hook) in left {
            assert!(bench.schedule.remove_webhook(hook));
            assert!(bench.schedule.remove_destination(destination));
        }
        assert_eq!((bench.schedule.known(), bench.schedule.pending()), ((1, 1), 0), "round {round}");
        bench.pass(DAY);
        bytes.push(bench.schedule.bytes());
    }
    assert!(bytes.iter().all(|of_round| *of_round <= bytes[0]), "{bytes:?}");
    assert_eq!(started(&bench.offer(stays, EventKind::Incoming, 1)).len(), 1);
}

#[test]
fn one_that_is_cancelled_in_the_middle_of_its_list_is_settled_at_once_and_the_others_go_on() {
    let mut bench = Bench::new(Limits { total: 1, ..Limits::default() });
    let hook = bench.webhook();
    let (mut slot, _) = started(&bench.offer(hook, EventKind::Ended, 0))[0];
    for call in 1..6 {
        bench.offer(hook, EventKind::Ended, call);
    }
    let (middle, _) = bench.schedule.find(4, 3, &[hook]).expect("it waits");
    assert_eq!(bench.schedule.find(4, 2, &[hook]), None, "it is of another call");
    let out = bench.put(Input::Cancel { slot: middle });
    assert_eq!(verdicts(&out), [(4, Verdict::Cancelled, false)]);
    bench.put(Input::Settled { slot: middle, fenced: false, verdict: Verdict::Cancelled });
    assert_eq!((bench.schedule.pending(), bench.schedule.webhook(hook).pending), (5, 5));
    let mut order = Vec::new();
    while let Some((next, seq)) = bench.end(slot, Finish::Taken).first().copied() {
        order.push(seq);
        slot = next;
    }
    assert_eq!(order, [2, 3, 5, 6]);
    assert_eq!(bench.schedule.pending(), 0);
}

#[test]
fn a_request_in_no_list_takes_a_place_of_its_destination() {
    let limits = Limits { total: 10, per_destination: 2, window_start: 2, ..Limits::default() };
    let mut bench = Bench::new(limits);
    let destination = bench.schedule.add_destination();
    let hook = bench.schedule.add_webhook(destination, Patience::default());
    assert!(bench.schedule.take_place(destination) && bench.schedule.take_place(destination));
    assert!(!bench.schedule.take_place(destination), "there are two");
    assert!(started(&bench.offer(hook, EventKind::Ended, 1)).is_empty());
    let mut out = Vec::new();
    bench.schedule.give_place_back(bench.now, destination, &mut out);
    assert_eq!(started(&out).len(), 1, "who waited for it goes");
}

#[test]
fn nothing_more_is_sent_while_too_many_outcomes_wait_for_the_disk() {
    let mut bench = Bench::new(Limits { unsettled: 3, ..Limits::default() });
    let hook = bench.webhook();
    let mut waiting = Vec::new();
    for call in 0..3 {
        let (slot, _) = started(&bench.offer(hook, EventKind::Ended, call))[0];
        bench.finish(slot, Finish::Taken);
        waiting.push(slot);
    }
    assert!(started(&bench.offer(hook, EventKind::Ended, 9)).is_empty());
    let slot = waiting[0];
    let out = bench.put(Input::Settled { slot, fenced: false, verdict: Verdict::Delivered });
    assert_eq!(started(&out).len(), 1);
}

#[test]
fn somebody_elses_settlement_ends_it_here() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    let (slot, _) = started(&bench.offer(hook, EventKind::Ended, 1))[0];
    let out = bench.finish(slot, REFUSED);
    let (_, verdict, _) = verdicts(&out)[0];
    bench.put(Input::Settled { slot, fenced: true, verdict });
    assert_eq!(bench.schedule.pending(), 0);
    assert!(started(&bench.pass(Duration::from_secs(10))).is_empty());
}

#[test]
fn a_held_webhook_empties_without_sending() {
    let mut bench = Bench::new(Limits { total: 1, ..Limits::default() });
    let hook = bench.webhook();
    let other = bench.webhook();
    bench.offer(other, EventKind::Ended, 0);
    for call in 0..100 {
        bench.offer(hook, EventKind::Ended, call);
    }
    let to = [Disposition::Hold; 4];
    let out = bench.put(Input::Disposed { webhook: hook, to, patience: Patience::default() });
    assert_eq!(verdicts(&out).len(), 100);
    assert!(verdicts(&out).iter().all(|(_, verdict, _)| *verdict == Verdict::Held));
}

#[test]
fn a_pending_delivery_takes_64_bytes_at_most() {
    let mut bench = Bench::new(Limits::default());
    let hooks: Vec<_> = (0..1_000).map(|_| bench.webhook()).collect();
    let many = 450_000_u64;
    for n in 0..many {
        let hook = hooks[n as usize % hooks.len()];
        bench.offer(hook, EventKind::Ended, n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
    }
    let each = bench.schedule.bytes() as f64 / many as f64;
    assert!(each <= 64.0, "{each} bytes");
}

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
