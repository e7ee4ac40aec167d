//! In which order the deliveries of a call and of a server start.

use std::collections::VecDeque;
use std::time::Duration;

use calls::EventKind;
use delivery::policy::Patience;
use delivery::schedule::{Finish, Input, Limits, Out, Verdict};

use super::{Bench, REFUSED, started, verdicts};

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

/// Of what has gathered, what a call says next has waited for longer than what other calls said later.
#[test]
fn what_a_call_says_next_does_not_go_behind_all_that_came_after_it() {
    let mut bench = Bench::new(Limits { per_destination: 1, ..Limits::default() });
    let hook = bench.webhook();
    let mut starts = VecDeque::new();
    for call in 1..=3 {
        for kind in [EventKind::Answered, EventKind::Ended] {
            starts.extend(started(&bench.offer(hook, kind, call)));
            bench.pass(Duration::from_millis(10));
        }
    }
    // What is next of the first call was not on disk yet when its turn came.
    assert_eq!(bench.in_turn(starts), [1, 3, 2, 4, 5, 6]);
}

#[test]
fn what_a_call_says_much_later_has_its_turn_then() {
    let mut bench = Bench::new(Limits { per_destination: 1, ..Limits::default() });
    let hook = bench.webhook();
    let mut starts = VecDeque::new();
    for (kind, call) in [1, 2, 3, 4, 1, 5, 6]
        .into_iter()
        .enumerate()
        .map(|(at, call)| (if at == 4 { EventKind::Ended } else { EventKind::Answered }, call))
    {
        starts.extend(started(&bench.offer(hook, kind, call)));
        bench.pass(Duration::from_millis(10));
    }
    assert_eq!(bench.in_turn(starts), [1, 2, 3, 4, 5, 6, 7]);
}

/// They are told of as one group.
#[test]
fn of_calls_that_are_settled_together_each_goes_on_in_its_turn() {
    let mut bench = Bench::new(Limits { per_destination: 2, ..Limits::default() });
    let hook = bench.webhook();
    let mut out = Vec::new();
    for call in 1..=6 {
        for kind in [EventKind::Answered, EventKind::Ended] {
            out.extend(started(&bench.offer(hook, kind, call)));
            bench.pass(Duration::from_millis(10));
        }
    }
    let [(first, 1), (second, 3)] = out[..] else { panic!("{out:?}") };
    let mut next: VecDeque<_> =
        [first, second].into_iter().flat_map(|slot| started(&bench.finish(slot, Finish::Taken))).collect();
    for slot in [first, second] {
        bench.put(Input::Settled { slot, fenced: false, verdict: Verdict::Delivered });
    }
    let mut order = Vec::new();
    for _ in 0..2 {
        let (slot, _) = next.pop_front().expect("one is out");
        order.extend(started(&bench.finish(slot, Finish::Taken)).iter().map(|(_, seq)| *seq));
    }
    assert_eq!(order, [2, 4]);
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
    let next = started(&bench.finish(first, REFUSED));
    assert_eq!(next.iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), [2], "a refusal is an answer, too");
}

#[test]
fn a_web_service_that_hangs_holds_the_others_of_its_server_up_for_two_seconds() {
    let mut bench = Bench::new(Limits::default());
    let destination = bench.schedule.add_destination();
    let hooks = [(); 2].map(|()| bench.schedule.add_webhook(destination, Patience::default()));
    bench.offer(hooks[0], EventKind::Incoming, 1);
    assert!(started(&bench.offer(hooks[1], EventKind::Answered, 1)).is_empty());
    assert!(started(&bench.pass(Duration::from_millis(1_900))).is_empty());
    let next = started(&bench.pass(Duration::from_millis(200)));
    assert_eq!(next.iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), [2]);
}
