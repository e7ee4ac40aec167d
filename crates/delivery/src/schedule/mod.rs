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
mod pace;
mod paces;
mod queue;
mod retry_budget;
mod slab;
mod timers;
mod trouble;
mod trust;
mod webhook;

use std::collections::VecDeque;
use std::time::Duration;

pub use breaker::{BREAKER_FAILURES, BREAKER_PAUSE, BREAKER_PAUSE_MAX};
pub use messages::{
    DestinationKey, Disposition, Finish, IN_FLIGHT, IN_FLIGHT_PER_DESTINATION, Input, Limits, Out, SlotId,
    UNSETTLED, Verdict, WINDOW_START, WebhookKey, WebhookState,
};
pub use retry_budget::DOUBTFUL_A_SECOND;

use rustc_hash::FxHashMap;
use splitmix::Rng;

use crate::policy::{Moment, Patience};
use breaker::Breaker;
use first_attempts::FirstAttempts;
use lanes::Lanes;
use pace::Pace;
use retry_budget::RetryBudget;
use slab::{Slab, Slot, State};
use timers::{Timer, Timers};
use trouble::Trouble;
use trust::Trust;
use webhook::{Destination, Webhook};

/// Of a call whose turn is next so many deliveries are shown with the first.
const OF_A_CALL: usize = 4;

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
    /// Places of those that were given back.
    free_webhooks: Vec<u32>,
    free_destinations: Vec<u32>,
    /// Destinations that may start something.
    ring: VecDeque<u32>,
    /// Webhooks due for a probe, or with deliveries that wait for the share of what fails.
    probes: VecDeque<u32>,
    /// Webhooks whose lists only have to be emptied.
    draining: VecDeque<u32>,
    /// By account.
    paces: FxHashMap<u32, Pace>,
    in_flight: u32,
    probing: u32,
    retry_budget: RetryBudget,
    unsettled: u32,
    stopped: bool,
    trust: Trust,
    rng: Rng,
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
            free_webhooks: Vec::new(),
            free_destinations: Vec::new(),
            ring: VecDeque::new(),
            probes: VecDeque::new(),
            draining: VecDeque::new(),
            paces: FxHashMap::default(),
            in_flight: 0,
            probing: 0,
            retry_budget: RetryBudget::new(),
            unsettled: 0,
            stopped: false,
            trust: Trust::for_ever(),
            rng: Rng::new(seed),
        }
    }

    /// From now on so many may be out at once. What is out beyond that comes home first.
    pub fn change_limits(&mut self, limits: Limits) {
        self.limits = limits;
    }

    /// A new destination.
    pub fn add_destination(&mut self) -> DestinationKey {
        let made = Destination::new();
        DestinationKey(put(&mut self.destinations, &mut self.free_destinations, made))
    }

    /// A new webhook at a destination.
    pub fn add_webhook(&mut self, destination: DestinationKey, patience: Patience) -> WebhookKey {
        let made = Webhook::new(destination.0, patience, &self.limits);
        let key = put(&mut self.webhooks, &mut self.free_webhooks, made);
        self.destinations[destination.0 as usize].members.push(key);
        WebhookKey(key)
    }

    /// Gives a webhook back that nobody wants any more. Not one that has something left; ask again later.
    pub fn remove_webhook(&mut self, webhook: WebhookKey) -> bool {
        let hook = &mut self.webhooks[webhook.0 as usize];
        if !hook.is_idle() {
            return false;
        }
        // What is left in its lists was settled there.
        while hook.pop(&mut self.slab).is_some() {}
        let destination = hook.destination;
        self.dequeue(webhook.0);
        self.leave_pace(webhook.0);
        self.destinations[destination as usize].members.retain(|member| *member != webhook.0);
        self.webhooks[webhook.0 as usize] = Webhook::new(slab::NONE, Patience::default(), &self.limits);
        self.free_webhooks.push(webhook.0);
        true
    }

    /// Gives a destination back that has no webhook any more, and no request out.
    pub fn remove_destination(&mut self, destination: DestinationKey) -> bool {
        let place = &mut self.destinations[destination.0 as usize];
        if !place.is_idle() {
            return false;
        }
        if place.queued {
            self.ring.retain(|other| *other != destination.0);
        }
        self.destinations[destination.0 as usize] = Destination::new();
        self.free_destinations.push(destination.0);
        true
    }

    /// Webhooks and destinations that were added and not given back.
    pub fn known(&self) -> (usize, usize) {
        let webhooks = self.webhooks.len() - self.free_webhooks.len();
        (webhooks, self.destinations.len() - self.free_destinations.len())
    }

    /// Takes a place at a destination for a request that is in no list, as one that is tried out by hand; whoever
    /// took it gives it back. There may be none.
    pub fn take_place(&mut self, destination: DestinationKey) -> bool {
        let place = &mut self.destinations[destination.0 as usize];
        let has_room = place.in_flight < self.limits.per_destination && self.in_flight < self.limits.total;
        if has_room && !self.stopped {
            place.in_flight += 1;
            self.in_flight += 1;
            return true;
        }
        false
    }

    /// Gives such a place back; somebody may have waited for it.
    pub fn give_place_back(&mut self, now: Moment, destination: DestinationKey, out: &mut Vec<Out>) {
        self.destinations[destination.0 as usize].in_flight -= 1;
        self.in_flight -= 1;
        self.enqueue_destination(destination.0);
        self.dispatch(now, out);
    }

    /// A webhook was failing already before this schedule was made, since then and for so long: one more failure,
    /// and it is left alone.
    pub fn recall_failing(&mut self, webhook: WebhookKey, since: Moment, lasted: Duration) {
        let hook = &mut self.webhooks[webhook.0 as usize];
        hook.trouble = Some(Trouble::recalled(since, lasted));
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
            Input::Finished { slot, how } => self.finished(now, slot.at, how, out),
            Input::Settled { slot, fenced, verdict } => self.settled(now, slot, fenced, verdict),
            Input::Disposed { webhook, to, patience } => {
                let hook = &mut self.webhooks[webhook.0 as usize];
                let was_still = hook.sends_nothing();
                hook.dispositions = to;
                if was_still && !hook.sends_nothing() {
                    // Resumed: time in which nothing was tried does not count as failing.
                    hook.trouble = None;
                }
                hook.patience = patience;
                self.dequeue(webhook.0);
                self.pull_forward(webhook.0);
            }
            Input::Cancel { slot } => self.cancel(now, slot.at, out),
            Input::Taken { slot } => self.taken(now, slot.at, out),
            Input::Hurry { slot } => self.hurry(now, slot.at),
            Input::Trust { until, decides } => self.trusted(now, until, decides, out),
            Input::Granted { part, careful_until } => self.granted(now, part, careful_until),
            Input::Leaving { part } => self.leaving(now, part),
            Input::Revoked { part, unanswered } => self.revoked(now, part, unanswered),
            Input::Stop => self.stopped = true,
        }
        self.dispatch(now, out);
    }

    /// Lets time pass.
    pub fn handle_timeout(&mut self, now: Moment, out: &mut Vec<Out>) {
        while let Some((due, timer)) = self.timers.pop_due(now) {
            match timer {
                Timer::Retries(webhook) => self.retries_are_due(now, due, webhook),
                Timer::Webhook(webhook) => {
                    self.webhooks[webhook as usize].breaker.timer_fired();
                    self.sweep(now, webhook, out);
                    self.enqueue(webhook);
                }
                Timer::Pace(account) => self.go_on(due, account),
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
        let retries: usize = self.webhooks.iter().map(Webhook::bytes).sum();
        self.slab.bytes() + self.lanes.bytes() + self.timers.bytes() + retries
    }

    /// Whether nothing but a probe now and then goes to a webhook.
    pub fn is_left_alone(&self, webhook: WebhookKey) -> bool {
        let hook = &self.webhooks[webhook.0 as usize];
        let destination = self.destinations.get(hook.destination as usize);
        !hook.breaker.is_closed() || destination.is_none_or(|destination| !destination.breaker.is_closed())
    }

    /// Whether a webhook's next attempt will most likely fail.
    pub fn will_likely_fail(&self, webhook: WebhookKey) -> bool {
        self.is_doubtful(webhook.0)
    }

    /// How a webhook is doing.
    pub fn webhook(&self, webhook: WebhookKey) -> WebhookState {
        let hook = &self.webhooks[webhook.0 as usize];
        let destination = &self.destinations[hook.destination as usize];
        WebhookState {
            pending: hook.pending,
            in_flight: hook.in_flight,
            open: self.is_left_alone(webhook),
            failing_since: hook.trouble.map(|trouble| trouble.since),
            paced: hook.paced,
            next_try: self.goes_on_at(hook).or_else(|| {
                hook.breaker.until().max(destination.breaker.until()).or_else(|| hook.next_due())
            }),
        }
    }

    /// Since when a webhook has failed, and for how much time in which something of it was due.
    pub fn failing(&self, webhook: WebhookKey, now: Moment) -> Option<(Moment, Duration)> {
        let trouble = self.webhooks[webhook.0 as usize].trouble?;
        Some((trouble.since, trouble.lasted(now)))
    }

    /// The same, of the time that counts for a pause: it is less where another gateway had something taken.
    pub fn counted(&self, webhook: WebhookKey, now: Moment) -> Option<Duration> {
        self.webhooks[webhook.0 as usize].trouble.map(|trouble| trouble.counted(now))
    }

    /// By all gateways together a webhook that fails has done so for so long.
    pub fn counts_from(&mut self, webhook: WebhookKey, counted: Duration, now: Moment) {
        if let Some(trouble) = &mut self.webhooks[webhook.0 as usize].trouble {
            trouble.counts_from(counted, now);
        }
    }

    /// Another gateway had something taken: the count begins anew. Where nothing is due here it works, as far as it is known.
    pub fn works_elsewhere(&mut self, webhook: WebhookKey, now: Moment) {
        let hook = &mut self.webhooks[webhook.0 as usize];
        hook.trouble = hook.trouble.filter(Trouble::is_running);
        self.counts_from(webhook, Duration::ZERO, now);
    }

    /// The slot of a pending delivery of a call, with how many attempts were made.
    pub fn find(&self, seq: i64, call_hash: u64, webhooks: &[WebhookKey]) -> Option<(SlotId, u16)> {
        webhooks.iter().find_map(|webhook| {
            let mut lane = self.lanes.of(&self.slab, webhook.0, call_hash);
            lane.find(|(_, slot)| slot.seq == seq).map(|(at, slot)| (SlotId { at, seq }, slot.attempts))
        })
    }

    /// Those of a webhook whose turn is next and that were never tried, so many, each with what follows in its call.
    pub fn next_of(&self, webhook: WebhookKey, many: usize) -> impl Iterator<Item = Vec<SlotId>> {
        let hook = &self.webhooks[webhook.0 as usize];
        let heads = hook.incoming.next(&self.slab).chain(hook.others.next(&self.slab));
        let after = |at: &u32| Some(self.slab.get(*at).next).filter(|next| *next != slab::NONE);
        heads.take(many).map(move |head| {
            let lane = std::iter::successors(Some(head), after).take(OF_A_CALL);
            lane.map(|at| SlotId { at, seq: self.slab.get(at).seq }).collect()
        })
    }

    /// Whether a delivery is still the webhook's, was never tried and is to be.
    pub fn is_to_be_tried_first(&self, webhook: WebhookKey, of: SlotId) -> bool {
        let slot = self.slab.get(of.at);
        (slot.seq, slot.webhook) == (of.seq, webhook.0) && slot.is_to_be_tried_first()
    }

    /// Shows each pending delivery of a piece of all, by its webhook and since when it has been wanted. Beyond the
    /// last piece there is none. In pieces, so that nobody holds the schedule up by looking at all.
    pub fn look_at(&self, piece: usize, mut each: impl FnMut(WebhookKey, Moment)) -> bool {
        let Some(slots) = self.slab.piece(piece) else { return false };
        slots.for_each(|slot| each(WebhookKey(slot.webhook), slot.since));
        true
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
        let (stamp, webhook, kind) = (slot.stamp, slot.webhook, slot.kind);
        let hook = &mut self.webhooks[webhook as usize];
        hook.queue(kind).retry(due, stamp, at);
        self.set_retry_timer(webhook);
    }

    /// Sees to it that a webhook's timer fires when the first of its deliveries is due again.
    fn set_retry_timer(&mut self, webhook: u32) {
        let hook = &mut self.webhooks[webhook as usize];
        let Some(due) = hook.next_due().filter(|due| hook.retry_timer.is_none_or(|set| *due < set)) else {
            return;
        };
        hook.retry_timer = Some(due);
        self.timers.push(due, Timer::Retries(webhook));
    }

    fn retries_are_due(&mut self, now: Moment, due: Moment, webhook: u32) {
        if self.webhooks[webhook as usize].retry_timer != Some(due) {
            return;
        }
        self.webhooks[webhook as usize].retry_timer = None;
        while let Some(at) = self.webhooks[webhook as usize].pop_due(now, &self.slab) {
            self.make_ready(at);
        }
        self.set_retry_timer(webhook);
    }

    pub(super) fn make_ready(&mut self, at: u32) {
        let slot = self.slab.get_mut(at);
        slot.state = State::Ready;
        let (webhook, kind) = (slot.webhook, slot.kind);
        self.webhooks[webhook as usize].queue(kind).push(&mut self.slab, at);
        self.enqueue(webhook);
    }

    /// The same for one whose call's earlier event held it back.
    pub(super) fn let_follower_go(&mut self, at: u32) {
        let slot = self.slab.get_mut(at);
        slot.state = State::Ready;
        let (webhook, kind) = (slot.webhook, slot.kind);
        self.webhooks[webhook as usize].queue(kind).follow(&self.slab, at);
        self.enqueue(webhook);
    }

    pub(super) fn chance(&mut self) -> u64 {
        self.rng.roll()
    }
}

/// Puts something in a place that is free, or behind all others.
fn put<T>(all: &mut Vec<T>, free: &mut Vec<u32>, one: T) -> u32 {
    if let Some(at) = free.pop() {
        all[at as usize] = one;
        return at;
    }
    all.push(one);
    u32::try_from(all.len() - 1).unwrap_or(slab::NONE)
}
