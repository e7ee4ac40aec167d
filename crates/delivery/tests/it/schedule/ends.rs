//! How a delivery ends without having been sent, or by another hand; and what one takes.

use std::time::Duration;

use calls::EventKind;
use delivery::policy::{Moment, Patience};
use delivery::schedule::{BREAKER_FAILURES, Disposition, Finish, Input, Limits, Verdict};
use journal::EventSeq;

use super::{Bench, DAY, REFUSED, START, started, verdicts};

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

/// Whoever brings it, and also where nothing is decided.
#[test]
fn what_its_receiver_took_from_another_is_settled_wherever_it_waits_and_not_sent() {
    let mut bench = Bench::new(Limits { total: 1, ..Limits::default() });
    let hook = bench.webhook();
    let (out_there, _) = started(&bench.offer(hook, EventKind::Ended, 0))[0];
    for call in [1, 1, 2, 3] {
        bench.offer(hook, EventKind::Ended, call);
    }
    let until = bench.now.plus(DAY);
    bench.put(Input::Trust { until, decides: false });
    // The first of its lane, one behind another, and one of which a request is out.
    for (seq, call) in [(4, 2), (3, 1)] {
        let (slot, _) = bench.schedule.find(seq, call, &[hook]).expect("it waits");
        assert_eq!(verdicts(&bench.put(Input::Taken { slot })), [(seq, Verdict::Delivered, false)]);
        bench.put(Input::Settled { slot, fenced: false, verdict: Verdict::Delivered });
    }
    assert!(verdicts(&bench.put(Input::Taken { slot: out_there })).is_empty(), "it ends first");
    assert_eq!((bench.schedule.pending(), bench.schedule.webhook(hook).pending), (3, 3));
    let (mut slot, mut order) = (out_there, Vec::new());
    while let Some((next, seq)) = bench.end(slot, Finish::Taken).first().copied() {
        order.push(seq);
        slot = next;
    }
    assert_eq!(order, [2, 5]);
    assert_eq!(bench.schedule.pending(), 0);
}

#[test]
fn what_is_behind_one_that_was_cancelled_is_given_up_too_while_their_webhook_is_left_alone() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    bench.pass(DAY);
    for call in 0..BREAKER_FAILURES {
        let (slot, _) = started(&bench.offer(hook, EventKind::Ended, call.into()))[0];
        bench.end(slot, REFUSED);
    }
    assert!(bench.schedule.is_left_alone(hook));
    let since = Moment(bench.now.0 - 59_500_000);
    for (seq, call_hash) in [(101, 21), (102, 22), (103, 23)] {
        let (kind, webhook) = (EventKind::Incoming, hook);
        bench.put(Input::Offer { seq, webhook, kind, call_hash, since, attempts: 0, due: since });
    }
    let (slot, _) = bench.schedule.find(101, 21, &[hook]).expect("it waits");
    bench.put(Input::Cancel { slot });
    bench.put(Input::Settled { slot, fenced: false, verdict: Verdict::Cancelled });
    let out = bench.pass(Duration::from_secs(2));
    assert_eq!(verdicts(&out)[..2], [(102, Verdict::Expired, false), (103, Verdict::Expired, false)]);
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

/// Of a part that is handed over nothing is left in the schedule while it is still put on disk what became of it.
#[test]
fn a_late_answer_means_nobody_who_has_the_place_by_then() {
    let mut bench = Bench::new(Limits::default());
    let hook = bench.webhook();
    let (left, _) = started(&bench.offer(hook, EventKind::Ended, 1))[0];
    let (_, verdict, _) = verdicts(&bench.finish(left, REFUSED))[0];
    bench.put(Input::Leaving { part: EventSeq(bench.seq).part() });
    assert_eq!(bench.schedule.pending(), 0);
    let (next, seq) = started(&bench.offer(hook, EventKind::Ended, 2))[0];
    bench.put(Input::Settled { slot: left, fenced: true, verdict });
    assert_eq!((bench.schedule.pending(), bench.schedule.in_flight()), (1, 1));
    assert_eq!(verdicts(&bench.finish(next, Finish::Taken)), [(seq, Verdict::Delivered, false)]);
    bench.put(Input::Settled { slot: next, fenced: false, verdict: Verdict::Delivered });
    assert_eq!(bench.schedule.pending(), 0);
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

/// The tables have just grown: nothing is emptier.
#[test]
fn one_that_waits_for_its_next_attempt_takes_96_bytes_at_most() {
    let mut bench = Bench::new(Limits::default());
    let (grown, due) = (512 * 1_024 * 7 / 8 + 1, START.plus(DAY));
    let hooks: Vec<_> = (0..grown / 513).map(|_| bench.webhook()).collect();
    for n in 0..grown as u64 {
        let (webhook, call_hash) = (hooks[n as usize % hooks.len()], n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let (seq, kind, since) = (n as i64, EventKind::Ended, START);
        bench.put(Input::Offer { seq, webhook, kind, call_hash, since, attempts: 1, due });
    }
    let each = bench.schedule.bytes() as f64 / grown as f64;
    assert!(each <= 96.0, "{each} bytes");
}
