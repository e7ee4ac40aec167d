//! How room is shared: bounds, turns, what is worth seconds, and who hangs or is dead beside who works.

use std::time::Duration;

use calls::EventKind;
use delivery::policy::Patience;
use delivery::schedule::{DOUBTFUL_A_SECOND, Finish, Input, Limits, Verdict};

use super::{Bench, dead, started};

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
