//! What is due, in what order, and how much at once: the queue in RAM.
//!
//! A pure state machine. Deliveries of one call to one webhook form a lane, of which only the first moves;
//! webhooks share their destination in turns, destinations share the whole in turns. Bodies, sockets, the
//! journal and the clock are left to `sender`.

mod breaker;
mod firsts;
mod lanes;
mod pump;
mod slab;
mod timers;
mod webhook;

use std::collections::VecDeque;
use std::time::Duration;

use calls::EventKind;

pub use breaker::{BREAKER_FAILURES, BREAKER_PAUSE, BREAKER_PAUSE_MAX};
pub use webhook::Disposition;

use crate::policy::{self, Moment, Next, PAUSED_AFTER, Patience};
use breaker::{Breaker, Turned};
use firsts::Firsts;
use lanes::Lanes;
use slab::{Slab, Slot, State};
use timers::{Timer, Timers};
use webhook::{Destination, Webhook};

/// Requests in flight in all.
pub const IN_FLIGHT: u32 = 1_024;
/// Requests in flight to one destination.
pub const IN_FLIGHT_PER_DESTINATION: u32 = 64;
/// Requests in flight to a webhook nothing is known of yet.
pub const WINDOW_START: u32 = 16;
/// Deliveries whose outcome is not on disk yet; with so many, nothing more is sent.
pub const UNSETTLED: u32 = 8_192;

/// The place of a delivery in the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId(pub u32);

/// A webhook: one URL of one integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookKey(pub u32);

/// Scheme, host, port and CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationKey(pub u32);

/// The bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In flight in all.
    pub total: u32,
    /// In flight to one destination.
    pub per_destination: u32,
    /// In flight to a webhook at first.
    pub window_start: u32,
    /// Not on disk yet.
    pub unsettled: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total: IN_FLIGHT,
            per_destination: IN_FLIGHT_PER_DESTINATION,
            window_start: WINDOW_START,
            unsettled: UNSETTLED,
        }
    }
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Taken.
    Taken,
    /// 410: the webhook is to be paused, the delivery kept for when it is resumed.
    Gone,
    /// Refused by the web service.
    Refused {
        /// What it asked for.
        retry_after: Option<Duration>,
    },
    /// No whole answer in time.
    TimedOut,
    /// The destination could not be connected to.
    Unreachable,
    /// The attempt was not made: nothing was sent, and nothing is known of the receiver.
    NotMade,
    /// It can never be sent: its event is not in the journal any more.
    Impossible,
}

/// What goes in.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// A delivery to be made.
    Offer {
        /// The event's place in the journal.
        seq: i64,
        /// Where to.
        webhook: WebhookKey,
        /// The event's kind.
        kind: EventKind,
        /// The lane.
        call_hash: u64,
        /// From when on its patience counts.
        since: Moment,
        /// Attempts so far.
        attempts: u16,
        /// When it is due.
        due: Moment,
    },
    /// An attempt has ended.
    Finished {
        /// Which.
        slot: SlotId,
        /// How.
        how: Finish,
    },
    /// A settlement is on disk.
    Settled {
        /// Which.
        slot: SlotId,
        /// Whether somebody else had settled it before.
        fenced: bool,
        /// What was settled.
        verdict: Verdict,
    },
    /// What is to become of a webhook's deliveries was changed.
    Disposed {
        /// Which webhook.
        webhook: WebhookKey,
        /// By kind, in the order of [`EventKind::ALL`].
        to: [Disposition; 4],
        /// How long events are worth trying now.
        patience: Patience,
    },
    /// A person wants it cancelled.
    Cancel {
        /// Which.
        slot: SlotId,
    },
    /// A person wants it now.
    Hurry {
        /// Which.
        slot: SlotId,
    },
    /// Nothing more is to be started.
    Stop,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Taken.
    Delivered,
    /// To be tried again.
    RetryAt(Moment),
    /// Too late.
    Expired,
    /// It could not be made.
    Failed,
    /// Cancelled.
    Cancelled,
    /// Kept while its webhook is paused.
    Held,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    /// A request is to be made.
    Start {
        /// Which delivery.
        slot: SlotId,
        /// Its event.
        seq: i64,
        /// Where to.
        webhook: WebhookKey,
        /// The event's kind.
        kind: EventKind,
        /// The number of this attempt.
        attempt: u16,
    },
    /// A verdict to be put on disk.
    Settle {
        /// Which delivery.
        slot: SlotId,
        /// Its event.
        seq: i64,
        /// Where to.
        webhook: WebhookKey,
        /// What became of it.
        verdict: Verdict,
        /// Another delivery waits for it: at once, please.
        urgent: bool,
    },
    /// Another delivery waits for a settlement that was not urgent when it came out.
    Urgent,
    /// A webhook is to be paused.
    Pause {
        /// Which.
        webhook: WebhookKey,
        /// Since when it has failed, if that is the reason; else its answer was 410.
        failing_since: Option<Moment>,
    },
}

/// How a webhook is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookState {
    /// Deliveries not settled.
    pub pending: u32,
    /// Requests out.
    pub in_flight: u32,
    /// Whether it is left alone but for probes.
    pub open: bool,
    /// Since when nothing has succeeded.
    pub failing_since: Option<Moment>,
}

/// The queue.
#[derive(Debug)]
pub struct Schedule {
    limits: Limits,
    slab: Slab,
    lanes: Lanes,
    firsts: Firsts,
    timers: Timers,
    webhooks: Vec<Webhook>,
    destinations: Vec<Destination>,
    /// Destinations that may start something.
    ring: VecDeque<u32>,
    /// Webhooks due for a probe.
    probes: VecDeque<u32>,
    /// Webhooks whose lists only have to be emptied.
    draining: VecDeque<u32>,
    in_flight: u32,
    probing: u32,
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
            firsts: Firsts::default(),
            timers: Timers::default(),
            webhooks: Vec::new(),
            destinations: Vec::new(),
            ring: VecDeque::new(),
            probes: VecDeque::new(),
            draining: VecDeque::new(),
            in_flight: 0,
            probing: 0,
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
                hook.dispositions = to;
                hook.patience = patience;
                self.dequeue(webhook.0);
                self.pull_forward(webhook.0);
                self.enqueue(webhook.0);
            }
            Input::Cancel { slot } => self.cancel(slot.0, out),
            Input::Hurry { slot } => self.hurry(now, slot.0),
            Input::Stop => self.stopped = true,
        }
        self.pump(now, out);
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
        self.pump(now, out);
    }

    /// When time has to pass next.
    pub fn next_deadline(&self) -> Option<Moment> {
        self.timers.next()
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

    fn retry_at(&mut self, at: u32, due: Moment) {
        let slot = self.slab.get_mut(at);
        slot.state = State::Retrying;
        slot.stamp = slot.stamp.wrapping_add(1);
        self.timers.push(due, Timer::Slot { at, stamp: slot.stamp });
    }

    fn make_ready(&mut self, at: u32) {
        let slot = self.slab.get_mut(at);
        slot.state = State::Ready;
        let (webhook, kind) = (slot.webhook, slot.kind);
        self.webhooks[webhook as usize].list(kind).push(&mut self.slab, at);
        self.enqueue(webhook);
    }

    fn finished(&mut self, now: Moment, at: u32, how: Finish, out: &mut Vec<Out>) {
        let slot = *self.slab.get(at);
        self.landed(now, &slot, how, out);
        self.let_follow(at, &slot);
        let attempts = slot.attempts;
        if slot.state == State::InFlightFenced {
            self.remove(at);
            return;
        }
        let cancelled = slot.state == State::InFlightCancelled;
        let verdict = match how {
            Finish::Taken => Verdict::Delivered,
            Finish::Impossible => Verdict::Failed,
            _ if cancelled => Verdict::Cancelled,
            Finish::Gone => Verdict::Held,
            Finish::NotMade => {
                self.slab.get_mut(at).attempts = attempts.saturating_sub(1);
                let chance = self.chance();
                self.retry_at(at, now.plus(policy::jittered(policy::FIRST_PAUSE, chance)));
                return;
            }
            Finish::Refused { .. } | Finish::TimedOut | Finish::Unreachable => {
                let asked = match how {
                    Finish::Refused { retry_after } => retry_after,
                    _ => None,
                };
                let patience = self.webhooks[slot.webhook as usize].patience;
                let chance = self.chance();
                match policy::after_failure(slot.kind, &patience, slot.since, now, attempts, asked, chance) {
                    Next::RetryAt(due) => Verdict::RetryAt(due),
                    Next::TooLate => Verdict::Expired,
                }
            }
        };
        self.settle(at, verdict, out);
    }

    /// An attempt is over: the call's next event to the same destination need not wait for it any longer.
    fn let_follow(&mut self, at: u32, slot: &Slot) {
        let destination = self.webhooks[slot.webhook as usize].destination;
        for (waiting, stamp) in self.firsts.finished(destination, slot.call_hash, at) {
            let slot = self.slab.get(waiting);
            if slot.stamp == stamp && slot.state == State::Retrying {
                self.make_ready(waiting);
            }
        }
    }

    /// The room it took is free again, and the breakers learn how it went.
    fn landed(&mut self, now: Moment, slot: &Slot, how: Finish, out: &mut Vec<Out>) {
        let chance = self.chance();
        let limits = self.limits;
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
                hook.failing_since = None;
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
        self.enqueue(webhook);
        self.enqueue_destination(at_destination);
    }

    fn note_failure(&mut self, now: Moment, webhook: u32, how: Finish, out: &mut Vec<Out>) {
        let hook = &mut self.webhooks[webhook as usize];
        match how {
            Finish::Taken | Finish::NotMade | Finish::Impossible => {}
            Finish::Gone => out.push(Out::Pause { webhook: WebhookKey(webhook), failing_since: None }),
            Finish::Refused { .. } | Finish::TimedOut | Finish::Unreachable => {
                let since = *hook.failing_since.get_or_insert(now);
                if now.since(since) >= PAUSED_AFTER {
                    hook.failing_since = None;
                    out.push(Out::Pause { webhook: WebhookKey(webhook), failing_since: Some(since) });
                }
            }
        }
    }

    fn settle(&mut self, at: u32, verdict: Verdict, out: &mut Vec<Out>) {
        self.unsettled += 1;
        let slot = self.slab.get_mut(at);
        let (seq, webhook, urgent) = (slot.seq, WebhookKey(slot.webhook), slot.next != slab::NONE);
        out.push(Out::Settle { slot: SlotId(at), seq, webhook, verdict, urgent });
        match verdict {
            Verdict::RetryAt(due) => self.retry_at(at, due),
            Verdict::Delivered | Verdict::Expired | Verdict::Failed | Verdict::Cancelled | Verdict::Held => {
                slot.state = State::Settling
            }
        }
    }

    fn settled(&mut self, _now: Moment, at: u32, fenced: bool, verdict: Verdict) {
        self.unsettled -= 1;
        let state = self.slab.get(at).state;
        match verdict {
            Verdict::RetryAt(_) if !fenced => {}
            Verdict::RetryAt(_) => match state {
                State::InFlight | State::InFlightCancelled => {
                    self.slab.get_mut(at).state = State::InFlightFenced;
                }
                State::Retrying => self.remove(at),
                State::Ready => {
                    self.unlist(at);
                    self.remove(at);
                }
                State::Settling | State::InFlightFenced | State::Behind | State::Free => {}
            },
            Verdict::Delivered | Verdict::Expired | Verdict::Failed | Verdict::Cancelled | Verdict::Held => {
                self.remove(at)
            }
        }
    }

    /// Takes the first of a lane away; the one behind it may move.
    fn remove(&mut self, at: u32) {
        let webhook = self.slab.get(at).webhook;
        let next = self.lanes.leave(&mut self.slab, at);
        self.slab.remove(at);
        self.webhooks[webhook as usize].pending -= 1;
        if let Some(next) = next {
            self.make_ready(next);
        }
    }

    fn unlist(&mut self, at: u32) {
        let slot = *self.slab.get(at);
        self.webhooks[slot.webhook as usize].list(slot.kind).unlink(&mut self.slab, at);
    }

    fn cancel(&mut self, at: u32, out: &mut Vec<Out>) {
        match self.slab.get(at).state {
            State::InFlight => self.slab.get_mut(at).state = State::InFlightCancelled,
            State::Retrying => self.settle(at, Verdict::Cancelled, out),
            State::Ready => {
                self.unlist(at);
                self.settle(at, Verdict::Cancelled, out);
            }
            State::Behind => {
                // It goes behind nobody now: a lane of its own until the cancellation is on disk.
                self.lanes.unlink(&mut self.slab, at);
                self.settle(at, Verdict::Cancelled, out);
            }
            State::InFlightCancelled | State::InFlightFenced | State::Settling | State::Free => {}
        }
    }

    fn hurry(&mut self, now: Moment, at: u32) {
        let slot = self.slab.get_mut(at);
        slot.since = now;
        if slot.state == State::Retrying {
            self.make_ready(at);
        }
    }

    fn chance(&mut self) -> u64 {
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
