//! Turns: who may start next, while there is room.

use super::breaker::Breaker;
use super::slab::{NONE, Slot, State};
use super::{Disposition, Out, Schedule, SlotId, Verdict, WebhookKey};
use crate::policy::Moment;

impl Schedule {
    /// Starts what may be started.
    pub(super) fn dispatch(&mut self, now: Moment, out: &mut Vec<Out>) {
        self.retry_budget.grow(now);
        while self.unsettled < self.limits.unsettled {
            let Some(webhook) = self.draining.pop_front() else { break };
            self.webhooks[webhook as usize].queued = false;
            self.take_one(now, webhook, out);
            self.enqueue(webhook);
        }
        while self.has_room(now) && self.may_probe() {
            let Some(webhook) = self.probes.pop_front() else { break };
            let at = self.webhooks[webhook as usize].destination;
            let destination = &mut self.destinations[at as usize];
            if destination.has_room(&self.limits) {
                self.turn(now, webhook, out);
            } else {
                destination.ring.push_back(webhook);
            }
        }
        while self.has_room(now) {
            let Some(at) = self.ring.pop_front() else { break };
            let destination = &mut self.destinations[at as usize];
            destination.queued = false;
            if !destination.may_start(&self.limits) {
                continue;
            }
            let Some(webhook) = destination.ring.pop_front() else { continue };
            if !self.is_doubtful(webhook) || self.may_probe() {
                self.turn(now, webhook, out);
            } else {
                self.probes.push_back(webhook);
            }
            self.enqueue_destination(at);
        }
    }

    /// Probes of what fails take a quarter of the room at most, and what fails its share of the time.
    fn may_probe(&self) -> bool {
        self.probing < self.limits.total.div_ceil(4) && !self.retry_budget.is_used_up()
    }

    /// Something of a destination came through: its webhooks no longer stand among those that will most likely
    /// fail, unless they do so themselves.
    pub(super) fn believe(&mut self, destination: u32) {
        let of_it = |webhook: &u32| self.webhooks[*webhook as usize].destination == destination;
        let believed: Vec<u32> = self
            .probes
            .iter()
            .copied()
            .filter(|webhook| of_it(webhook) && !self.is_doubtful(*webhook))
            .collect();
        for webhook in believed {
            self.dequeue(webhook);
            self.enqueue(webhook);
        }
    }

    /// Whether a webhook's next attempt will most likely fail.
    pub(super) fn is_doubtful(&self, webhook: u32) -> bool {
        let hook = &self.webhooks[webhook as usize];
        hook.breaker.is_doubtful() || self.destinations[hook.destination as usize].breaker.is_doubtful()
    }

    fn has_room(&self, now: Moment) -> bool {
        !self.stopped
            && self.trust.acts(now)
            && self.in_flight < self.limits.total
            && self.unsettled < self.limits.unsettled
    }

    /// A webhook's turn; its destination has room.
    fn turn(&mut self, now: Moment, webhook: u32, out: &mut Vec<Out>) {
        let hook = &mut self.webhooks[webhook as usize];
        hook.queued = false;
        if hook.may_start() {
            if self.waits_for_pace(now, webhook) {
                return;
            }
            self.take_one(now, webhook, out);
        }
        self.enqueue(webhook);
    }

    /// Takes the first of a webhook's lists and does with it what is to be done.
    fn take_one(&mut self, now: Moment, webhook: u32, out: &mut Vec<Out>) {
        let hook = &mut self.webhooks[webhook as usize];
        let Some(at) = hook.pop(&mut self.slab) else { return };
        let slot = *self.slab.get(at);
        let too_late = now > slot.since.plus(hook.patience.with(slot.kind));
        let disposition = hook.dispositions[slot.kind as usize];
        match disposition {
            Disposition::Hold | Disposition::Drop if !self.trust.decides(now) => self.stand(at),
            Disposition::Send if too_late && !self.trust.decides(now) => self.stand(at),
            Disposition::Hold => self.settle(now, at, Verdict::Held, out),
            Disposition::Drop => self.settle(now, at, Verdict::Cancelled, out),
            Disposition::Move(to) => self.move_to(now, at, to, out),
            Disposition::Send if too_late => match self.given_up_at(&slot) {
                later if now < later => self.retry_at(at, later),
                _ => self.settle(now, at, Verdict::Expired, out),
            },
            Disposition::Send if slot.attempts == 0 && self.follows(now, at, &slot) => {}
            Disposition::Send => self.start(now, at, out),
        }
    }

    /// Lets a slot wait while the first attempt of an earlier event of its call is out to the same
    /// destination.
    fn follows(&mut self, now: Moment, at: u32, slot: &Slot) -> bool {
        let destination = self.webhooks[slot.webhook as usize].destination;
        let Some(until) = self.first_attempts.wait_until(now, destination, slot.call_hash) else {
            return false;
        };
        self.retry_at(at, until);
        let stamp = self.slab.get(at).stamp;
        self.first_attempts.wait(destination, slot.call_hash, at, stamp);
        true
    }

    fn start(&mut self, now: Moment, at: u32, out: &mut Vec<Out>) {
        let slot = self.slab.get_mut(at);
        slot.state = State::InFlight;
        slot.attempts = slot.attempts.saturating_add(1);
        let slot = *slot;
        if self.is_doubtful(slot.webhook) {
            self.retry_budget.take();
        }
        let hook = &mut self.webhooks[slot.webhook as usize];
        if let Some(pace) = hook.pace.and_then(|account| self.paces.get_mut(&account)) {
            pace.count(now);
        }
        if slot.attempts == 1 {
            self.first_attempts.started(now, hook.destination, slot.call_hash, at);
        }
        let destination = &mut self.destinations[hook.destination as usize];
        hook.in_flight += 1;
        destination.in_flight += 1;
        self.in_flight += 1;
        destination.breaker.started();
        if matches!(hook.breaker, Breaker::Due { .. }) {
            hook.breaker.started();
            self.probing += 1;
        }
        out.push(Out::Start {
            slot: SlotId { at, seq: slot.seq },
            seq: slot.seq,
            webhook: WebhookKey(slot.webhook),
            kind: slot.kind,
            attempt: slot.attempts,
        });
    }

    fn move_to(&mut self, now: Moment, at: u32, to: WebhookKey, out: &mut Vec<Out>) {
        let slot = *self.slab.get(at);
        self.remove(now, at);
        let moved = Slot { webhook: to.0, state: State::Behind, next: NONE, tail: NONE, ..slot };
        self.offer(now, moved, now, out);
    }

    /// Puts a webhook where its turn will come, if there is anything it may do.
    pub(super) fn enqueue(&mut self, webhook: u32) {
        let hook = &mut self.webhooks[webhook as usize];
        if hook.queued || hook.paced || !hook.has_ready() {
            return;
        }
        if hook.sends_nothing() {
            hook.queued = true;
            self.draining.push_back(webhook);
            return;
        }
        if !hook.may_start() {
            return;
        }
        hook.queued = true;
        if hook.breaker.is_closed() {
            let destination = hook.destination;
            self.destinations[destination as usize].ring.push_back(webhook);
            self.enqueue_destination(destination);
        } else {
            self.probes.push_back(webhook);
        }
    }

    /// Takes a webhook out of the turns: what it may do has changed.
    pub(super) fn dequeue(&mut self, webhook: u32) {
        let hook = &mut self.webhooks[webhook as usize];
        if std::mem::take(&mut hook.queued) {
            let other = |of: &u32| *of != webhook;
            self.destinations[hook.destination as usize].ring.retain(other);
            self.probes.retain(other);
            self.draining.retain(other);
        }
        self.wait_for_pace_no_more(webhook);
    }

    pub(super) fn enqueue_destination(&mut self, at: u32) {
        let destination = &mut self.destinations[at as usize];
        if !destination.queued && destination.may_start(&self.limits) {
            destination.queued = true;
            self.ring.push_back(at);
        }
    }

    /// What became too late while its webhook was left alone is settled.
    pub(super) fn sweep(&mut self, now: Moment, webhook: u32, out: &mut Vec<Out>) {
        while self.unsettled < self.limits.unsettled {
            let incoming = &mut self.webhooks[webhook as usize].incoming;
            let Some(first) = incoming.first(&mut self.slab) else { return };
            if !self.trust.decides(now) || now <= self.given_up_at(self.slab.get(first)) {
                return;
            }
            self.webhooks[webhook as usize].incoming.pop(&mut self.slab);
            self.settle(now, first, Verdict::Expired, out);
        }
    }

    /// A webhook works again, or is no longer what it was: what waits for its next attempt need not.
    pub(super) fn pull_forward(&mut self, webhook: u32) {
        self.webhooks[webhook as usize].pull_forward();
        self.enqueue(webhook);
    }

    /// The same for all webhooks of a destination.
    pub(super) fn pull_forward_all(&mut self, destination: u32) {
        for at in 0..self.destinations[destination as usize].members.len() {
            self.pull_forward(self.destinations[destination as usize].members[at]);
        }
    }
}
