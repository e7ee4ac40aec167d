//! What became of deliveries: of attempts that ended, of settlements that are on disk, of people's wishes.

use super::breaker::{Breaker, Turned};
use super::slab::{self, Slot, State};
use super::timers::Timer;
use super::trouble::Trouble;
use super::{Finish, Out, Schedule, SlotId, Verdict, WebhookKey};
use crate::policy::{self, Moment, Next, PAUSED_AFTER};

impl Schedule {
    pub(super) fn finished(&mut self, now: Moment, at: u32, how: Finish, out: &mut Vec<Out>) {
        let slot = *self.slab.get(at);
        self.landed(now, &slot, how, out);
        self.let_follow(at, &slot);
        let attempts = slot.attempts;
        if slot.state == State::InFlightFenced {
            self.remove(now, at);
            return;
        }
        let cancelled = slot.state == State::InFlightCancelled;
        let decides = self.trust.decides(now);
        let verdict = match how {
            Finish::Taken => Verdict::Delivered,
            Finish::Impossible if decides => Verdict::Failed,
            _ if cancelled && !decides => return self.stand(at),
            _ if cancelled => Verdict::Cancelled,
            Finish::Gone if decides => Verdict::Held,
            Finish::NotMade | Finish::Impossible => {
                self.slab.get_mut(at).attempts = attempts.saturating_sub(1);
                let chance = self.chance();
                self.retry_at(at, now.plus(policy::jittered(policy::FIRST_PAUSE, chance)));
                return;
            }
            Finish::Gone | Finish::Refused { .. } | Finish::TimedOut | Finish::Unreachable => {
                let asked = match how {
                    Finish::Refused { retry_after } => retry_after,
                    _ => None,
                };
                let patience = self.webhooks[slot.webhook as usize].patience;
                let chance = self.chance();
                match policy::after_failure(slot.kind, &patience, slot.since, now, attempts, asked, chance) {
                    Next::RetryAt(due) => Verdict::RetryAt(due),
                    Next::TooLate => match self.given_up_at(&slot) {
                        // Not to be tried again: it only waits for its end.
                        later if now < later && self.is_careful(now, &slot) => Verdict::RetryAt(later),
                        _ if decides => Verdict::Expired,
                        later => Verdict::RetryAt(later.max(now)),
                    },
                }
            }
        };
        self.settle(now, at, verdict, out);
    }

    /// An attempt is over: the call's next event to the same destination need not wait for it any longer.
    fn let_follow(&mut self, at: u32, slot: &Slot) {
        let destination = self.webhooks[slot.webhook as usize].destination;
        for (waiting, stamp) in self.first_attempts.finished(destination, slot.call_hash, at) {
            let slot = self.slab.get(waiting);
            if slot.stamp == stamp && slot.state == State::Retrying {
                self.let_follower_go(waiting);
            }
        }
    }

    /// The room it took is free again, and the breakers learn how it went.
    fn landed(&mut self, now: Moment, slot: &Slot, how: Finish, out: &mut Vec<Out>) {
        let chance = self.chance();
        let limits = self.limits;
        let was_doubtful = self.is_doubtful(slot.webhook);
        self.in_flight -= 1;
        let hook = &mut self.webhooks[slot.webhook as usize];
        let destination = &mut self.destinations[hook.destination as usize];
        hook.in_flight -= 1;
        destination.in_flight -= 1;
        if matches!(hook.breaker, Breaker::Probing { .. }) {
            self.probing -= 1;
        }
        // A call that fails again and again counts once: one call the receiver cannot stomach must not hold
        // up the others.
        let counts = hook.failed_last.replace(slot.call_hash) != Some(slot.call_hash);
        let (hook_turned, destination_turned) = match how {
            Finish::Taken => {
                hook.widen(&limits);
                hook.trouble = None;
                hook.failed_last = None;
                (hook.breaker.succeeded(), destination.breaker.succeeded())
            }
            Finish::Gone | Finish::Refused { .. } | Finish::TimedOut => {
                if how == Finish::TimedOut {
                    hook.narrow();
                }
                (hook.breaker.failed(counts, now, chance), destination.breaker.succeeded())
            }
            Finish::Unreachable => {
                hook.breaker.withdrawn();
                (Turned::No, destination.breaker.failed(true, now, chance))
            }
            Finish::NotMade | Finish::Impossible => {
                hook.breaker.withdrawn();
                destination.breaker.withdrawn();
                (Turned::No, Turned::No)
            }
        };
        let (webhook, at_destination) = (slot.webhook, hook.destination);
        self.note_failure(now, webhook, how, out);
        match hook_turned {
            Turned::No => {}
            Turned::Open(until) => self.timers.push(until, Timer::Webhook(webhook)),
            Turned::Recovered => self.pull_forward(webhook),
        }
        match destination_turned {
            Turned::No => {}
            Turned::Open(until) => self.timers.push(until, Timer::Destination(at_destination)),
            Turned::Recovered => self.pull_forward_all(at_destination),
        }
        if was_doubtful && !self.is_doubtful(webhook) {
            self.believe(at_destination);
        }
        self.enqueue(webhook);
        self.enqueue_destination(at_destination);
    }

    fn note_failure(&mut self, now: Moment, webhook: u32, how: Finish, out: &mut Vec<Out>) {
        let hook = &mut self.webhooks[webhook as usize];
        match how {
            Finish::Taken | Finish::NotMade | Finish::Impossible => {}
            Finish::Gone if !self.trust.decides(now) => {}
            Finish::Gone => out.push(Out::Pause { webhook: WebhookKey(webhook), failing_since: None }),
            Finish::Refused { .. } | Finish::TimedOut | Finish::Unreachable => {
                let trouble = Trouble::failed(hook.trouble, now);
                hook.trouble = Some(trouble);
                if trouble.counted(now) >= PAUSED_AFTER {
                    hook.trouble = None;
                    let failing_since = Some(trouble.since);
                    out.push(Out::Pause { webhook: WebhookKey(webhook), failing_since });
                }
            }
        }
    }

    pub(super) fn settle(&mut self, now: Moment, at: u32, verdict: Verdict, out: &mut Vec<Out>) {
        self.unsettled += 1;
        let slot = self.slab.get_mut(at);
        let (seq, webhook, urgent) = (slot.seq, WebhookKey(slot.webhook), slot.next != slab::NONE);
        out.push(Out::Settle { slot: SlotId { at, seq }, seq, webhook, verdict, urgent });
        match verdict {
            Verdict::RetryAt(due) => self.retry_at(at, due),
            Verdict::Delivered | Verdict::Expired | Verdict::Failed | Verdict::Cancelled | Verdict::Held => {
                slot.state = State::Settling;
                let hook = &mut self.webhooks[webhook.0 as usize];
                hook.settling += 1;
                hook.rest_if_idle(now);
            }
        }
    }

    pub(super) fn settled(&mut self, now: Moment, of: SlotId, fenced: bool, verdict: Verdict) {
        self.unsettled -= 1;
        let SlotId { at, seq } = of;
        // It has left meanwhile, and another has its place.
        if self.slab.get(at).seq != seq {
            return;
        }
        let state = self.slab.get(at).state;
        match verdict {
            Verdict::RetryAt(_) if !fenced => {}
            Verdict::RetryAt(_) => match state {
                State::InFlight | State::InFlightCancelled => {
                    self.slab.get_mut(at).state = State::InFlightFenced;
                }
                State::Retrying => self.remove(now, at),
                State::Ready => self.remove_listed(now, at),
                State::Standing | State::StandingCancelled => self.remove_standing(now, at),
                State::Settling
                | State::SettlingListed
                | State::GoneListed
                | State::InFlightFenced
                | State::Behind
                | State::Free => {}
            },
            Verdict::Delivered | Verdict::Expired | Verdict::Failed | Verdict::Cancelled | Verdict::Held => {
                self.remove(now, at);
            }
        }
    }

    /// Takes the first of a lane away; the one behind it may move.
    pub(super) fn remove(&mut self, now: Moment, at: u32) {
        let (webhook, state) = (self.slab.get(at).webhook, self.slab.get(at).state);
        let next = self.lanes.leave(&mut self.slab, at);
        match state {
            State::SettlingListed => self.slab.leave_listed(at),
            _ => self.slab.remove(at),
        }
        let hook = &mut self.webhooks[webhook as usize];
        hook.pending -= 1;
        hook.settling -= u32::from(matches!(state, State::Settling | State::SettlingListed));
        hook.rest_if_idle(now);
        if let Some(next) = next {
            self.let_follower_go(next);
        }
    }

    /// The same, for one that stands in its webhook's list, which lets it go when its turn comes.
    pub(super) fn remove_listed(&mut self, now: Moment, at: u32) {
        self.slab.get_mut(at).state = State::SettlingListed;
        self.webhooks[self.slab.get(at).webhook as usize].settling += 1;
        self.remove(now, at);
    }

    pub(super) fn cancel(&mut self, now: Moment, at: u32, out: &mut Vec<Out>) {
        if !self.trust.decides(now) {
            return;
        }
        match self.slab.get(at).state {
            State::InFlight => self.slab.get_mut(at).state = State::InFlightCancelled,
            State::Retrying | State::Ready | State::Behind => {
                self.settle_unsent(now, at, Verdict::Cancelled, out);
            }
            State::Standing
            | State::StandingCancelled
            | State::InFlightCancelled
            | State::InFlightFenced
            | State::Settling
            | State::SettlingListed
            | State::GoneListed
            | State::Free => {}
        }
    }

    /// That it was taken is a fact, and no decision.
    pub(super) fn taken(&mut self, now: Moment, at: u32, out: &mut Vec<Out>) {
        match self.slab.get(at).state {
            State::Retrying | State::Ready | State::Behind | State::Standing | State::StandingCancelled => {
                self.settle_unsent(now, at, Verdict::Delivered, out);
            }
            State::InFlight
            | State::InFlightCancelled
            | State::InFlightFenced
            | State::Settling
            | State::SettlingListed
            | State::GoneListed
            | State::Free => {}
        }
    }

    /// One of which no request is out.
    fn settle_unsent(&mut self, now: Moment, at: u32, verdict: Verdict, out: &mut Vec<Out>) {
        let state = self.slab.get(at).state;
        match state {
            // It goes behind nobody now: a lane of its own until it is on disk.
            State::Behind => self.lanes.unlink(&mut self.slab, at),
            State::Standing | State::StandingCancelled => self.stands_no_more(at),
            _ => {}
        }
        self.settle(now, at, verdict, out);
        if state == State::Ready {
            self.slab.get_mut(at).state = State::SettlingListed;
        }
    }

    pub(super) fn hurry(&mut self, now: Moment, at: u32) {
        let slot = self.slab.get_mut(at);
        slot.since = now;
        if slot.state == State::Retrying {
            self.make_ready(at);
        }
    }
}
