//! What is due, in what order, and how much at once: the queue in RAM.
//!
//! A pure state machine. Deliveries of one call to one webhook form a lane, of which only the first moves;
//! webhooks share their destination in turns, destinations share the whole in turns. Bodies, sockets, the
//! journal and the clock are left to `sender`.

mod breaker;
mod dispatch;
mod first_attempts;
mod lanes;
mod messages;
mod outcome;
mod retry_budget;
mod slab;
mod timers;
mod webhook;

use std::collections::VecDeque;

pub use breaker::{BREAKER_FAILURES, BREAKER_PAUSE, BREAKER_PAUSE_MAX};
pub use messages::{
    DestinationKey, Finish, IN_FLIGHT, IN_FLIGHT_PER_DESTINATION, Input, Limits, Out, SlotId, UNSETTLED,
    Verdict, WINDOW_START, WebhookKey, WebhookState,
};
pub use retry_budget::DOUBTFUL_A_SECOND;
pub use webhook::Disposition;

use crate::policy::{Moment, Patience};
use breaker::Breaker;
use first_attempts::FirstAttempts;
use lanes::Lanes;
use retry_budget::RetryBudget;
use slab::{Slab, Slot, State};
use timers::{Timer, Timers};
use webhook::{Destination, Webhook};

/// The queue.
#[derive(Debug)]
pub struct Schedule {
    limits: Limits,
    slab: Slab,
    lanes: Lanes,
    first_attempts: FirstAttempts,
    timers: Timers,
    webhooks: Vec<Webhook>,
    destinations: Vec<Destination>,
    /// Destinations that may start something.
    ring: VecDeque<u32>,
    /// Webhooks due for a probe, or with deliveries that wait for the share of what fails.
    probes: VecDeque<u32>,
    /// Webhooks whose lists only have to be emptied.
    draining: VecDeque<u32>,
    in_flight: u32,
    probing: u32,
    retry_budget: RetryBudget,
    unsettled: u32,
    stopped: bool,
    chance: u64,
}

impl Schedule {
    /// An empty one. The seed is where its chances come from.
    pub fn new(limits: Limits, seed: u64) -> Self {
        Self {
            limits,
            slab: Slab::new(),
            lanes: Lanes::default(),
            first_attempts: FirstAttempts::default(),
            timers: Timers::default(),
            webhooks: Vec::new(),
            destinations: Vec::new(),
            ring: VecDeque::new(),
            probes: VecDeque::new(),
            draining: VecDeque::new(),
            in_flight: 0,
            probing: 0,
            retry_budget: RetryBudget::new(),
            unsettled: 0,
            stopped: false,
            chance: seed,
        }
    }

    /// A new destination.
    pub fn add_destination(&mut self) -> DestinationKey {
        self.destinations.push(Destination::new());
        DestinationKey(index(self.destinations.len() - 1))
    }

    /// A new webhook at a destination.
    pub fn add_webhook(&mut self, destination: DestinationKey, patience: Patience) -> WebhookKey {
        self.webhooks.push(Webhook::new(destination.0, patience, &self.limits));
        WebhookKey(index(self.webhooks.len() - 1))
    }

    /// A webhook was failing already before this schedule was made: one more failure, and it is left alone.
    pub fn recall_failing(&mut self, webhook: WebhookKey, since: Moment) {
        let hook = &mut self.webhooks[webhook.0 as usize];
        hook.failing_since = Some(since);
        hook.breaker = Breaker::RECALLED;
    }

    /// Takes something in.
    pub fn handle(&mut self, now: Moment, input: Input, out: &mut Vec<Out>) {
        match input {
            Input::Offer { seq, webhook, kind, call_hash, since, attempts, due } => {
                let slot = Slot {
                    seq,
                    call_hash,
                    since,
                    webhook: webhook.0,
                    next: slab::NONE,
                    tail: slab::NONE,
                    next_ready: slab::NONE,
                    stamp: 0,
                    attempts,
                    kind,
                    state: State::Behind,
                };
                self.offer(now, slot, due, out);
            }
            Input::Finished { slot, how } => self.finished(now, slot.0, how, out),
            Input::Settled { slot, fenced, verdict } => self.settled(now, slot.0, fenced, verdict),
            Input::Disposed { webhook, to, patience } => {
                let hook = &mut self.webhooks[webhook.0 as usize];
                let was_still = hook.sends_nothing();
                hook.dispositions = to;
                if was_still && !hook.sends_nothing() {
                    // Resumed: time in which nothing was tried does not count as failing.
                    hook.failing_since = None;
                }
                hook.patience = patience;
                self.dequeue(webhook.0);
                self.pull_forward(webhook.0);
                self.enqueue(webhook.0);
            }
            Input::Cancel { slot } => self.cancel(slot.0, out),
            Input::Hurry { slot } => self.hurry(now, slot.0),
            Input::Stop => self.stopped = true,
        }
        self.dispatch(now, out);
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Moment, out: &mut Vec<Out>) {
        while let Some(timer) = self.timers.pop_due(now) {
            match timer {
                Timer::Slot { at, stamp } => {
                    let slot = self.slab.get(at);
                    if slot.stamp == stamp && slot.state == State::Retrying {
                        self.make_ready(at);
                    }
                }
                Timer::Webhook(webhook) => {
                    self.webhooks[webhook as usize].breaker.timer_fired();
                    self.sweep(now, webhook, out);
                    self.enqueue(webhook);
                }
                Timer::Destination(destination) => {
                    self.destinations[destination as usize].breaker.timer_fired();
                    for at in 0..self.destinations[destination as usize].ring.len() {
                        let webhook = self.destinations[destination as usize].ring[at];
                        self.sweep(now, webhook, out);
                    }
                    self.enqueue_destination(destination);
                }
            }
        }
        self.dispatch(now, out);
    }

    /// When time has to pass next.
    pub fn next_deadline(&self) -> Option<Moment> {
        let budget = if self.probes.is_empty() { None } else { self.retry_budget.next() };
        [self.timers.next(), budget].into_iter().flatten().min()
    }

    /// Deliveries not settled.
    pub fn pending(&self) -> usize {
        self.slab.len()
    }

    /// Requests out.
    pub fn in_flight(&self) -> u32 {
        self.in_flight
    }

    /// Bytes the pending deliveries take.
    pub fn bytes(&self) -> usize {
        self.slab.bytes() + self.lanes.bytes() + self.timers.bytes()
    }

    /// How a webhook is doing.
    pub fn webhook(&self, webhook: WebhookKey) -> WebhookState {
        let hook = &self.webhooks[webhook.0 as usize];
        let destination = &self.destinations[hook.destination as usize];
        WebhookState {
            pending: hook.pending,
            in_flight: hook.in_flight,
            open: !hook.breaker.is_closed() || !destination.breaker.is_closed(),
            failing_since: hook.failing_since,
        }
    }

    /// The slot of a pending delivery, with how many attempts were made. Looks at all of them: for the
    /// wishes of people.
    pub fn find(&self, seq: i64, webhooks: &[WebhookKey]) -> Option<(SlotId, u16)> {
        let mut slots = self.slab.iter();
        slots
            .find(|(_, slot)| slot.seq == seq && webhooks.contains(&WebhookKey(slot.webhook)))
            .map(|(at, slot)| (at, slot.attempts))
    }

    /// Since when the oldest pending delivery of a webhook, or of all, has been wanted. Looks at all.
    pub fn oldest(&self, webhook: Option<WebhookKey>) -> Option<Moment> {
        let of = |slot: &Slot| webhook.is_none_or(|webhook| webhook.0 == slot.webhook);
        self.slab.iter().filter(|(_, slot)| of(slot)).map(|(_, slot)| slot.since).min()
    }

    fn offer(&mut self, now: Moment, slot: Slot, due: Moment, out: &mut Vec<Out>) {
        self.webhooks[slot.webhook as usize].pending += 1;
        let at = self.slab.insert(slot);
        match self.lanes.join(&mut self.slab, at) {
            Some(head) if self.slab.get(head).state == State::Settling => out.push(Out::Urgent),
            Some(_) => {}
            None if due > now => self.retry_at(at, due),
            None => self.make_ready(at),
        }
    }

    pub(super) fn retry_at(&mut self, at: u32, due: Moment) {
        let slot = self.slab.get_mut(at);
        slot.state = State::Retrying;
        slot.stamp = slot.stamp.wrapping_add(1);
        self.timers.push(due, Timer::Slot { at, stamp: slot.stamp });
    }

    pub(super) fn make_ready(&mut self, at: u32) {
        let slot = self.slab.get_mut(at);
        slot.state = State::Ready;
        let (webhook, kind) = (slot.webhook, slot.kind);
        self.webhooks[webhook as usize].list(kind).push(&mut self.slab, at);
        self.enqueue(webhook);
    }

    pub(super) fn chance(&mut self) -> u64 {
        // SplitMix64.
        self.chance = self.chance.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.chance;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(slab::NONE)
}
