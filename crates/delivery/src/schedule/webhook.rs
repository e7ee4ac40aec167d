//! What the schedule knows of a webhook and of a destination.

use std::collections::VecDeque;

use calls::EventKind;

use super::breaker::Breaker;
use super::queue::Queue;
use super::slab::Slab;
use super::trouble::Trouble;
use super::{Disposition, Limits};
use crate::policy::{Moment, Patience};

/// One webhook: one URL of one integration.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) destination: u32,
    pub(super) patience: Patience,
    pub(super) dispositions: [Disposition; 4],
    /// What is worth seconds goes before what is worth days.
    pub(super) incoming: Queue,
    pub(super) others: Queue,
    /// When the timer of those that are due again fires.
    pub(super) retry_timer: Option<Moment>,
    /// Whether it stands in one of the rings.
    pub(super) queued: bool,
    /// Whose pace it keeps, if there is one.
    pub(super) pace: Option<u32>,
    /// Whether it stands where those wait who keep a pace.
    pub(super) paced: bool,
    pub(super) in_flight: u32,
    /// How many may be in flight; shrinks when the receiver times out.
    pub(super) window: u32,
    pub(super) pending: u32,
    /// Of those, settled and only not on disk yet.
    pub(super) settling: u32,
    pub(super) breaker: Breaker,
    /// How long it has failed, if it does.
    pub(super) trouble: Option<Trouble>,
    /// The call whose delivery failed last, if none has succeeded since.
    pub(super) failed_last: Option<u64>,
}

impl Webhook {
    pub(super) fn new(destination: u32, patience: Patience, limits: &Limits) -> Self {
        Self {
            destination,
            patience,
            dispositions: [Disposition::Send; 4],
            incoming: Queue::new(),
            others: Queue::new(),
            retry_timer: None,
            queued: false,
            pace: None,
            paced: false,
            in_flight: 0,
            window: limits.window_start,
            pending: 0,
            settling: 0,
            breaker: Breaker::Closed { failures: 0 },
            trouble: None,
            failed_last: None,
        }
    }

    pub(super) fn queue(&mut self, kind: EventKind) -> &mut Queue {
        match kind {
            EventKind::Incoming => &mut self.incoming,
            EventKind::Answered | EventKind::Outgoing | EventKind::Ended => &mut self.others,
        }
    }

    pub(super) fn has_ready(&self) -> bool {
        !self.incoming.is_empty() || !self.others.is_empty()
    }

    /// The next of its deliveries.
    pub(super) fn pop(&mut self, slab: &mut Slab) -> Option<u32> {
        self.incoming.pop(slab).or_else(|| self.others.pop(slab))
    }

    /// One whose next attempt is due.
    pub(super) fn pop_due(&mut self, now: Moment, slab: &Slab) -> Option<u32> {
        self.incoming.pop_due(now, slab).or_else(|| self.others.pop_due(now, slab))
    }

    /// When its next attempt is due.
    pub(super) fn next_due(&self) -> Option<Moment> {
        [self.incoming.next_due(), self.others.next_due()].into_iter().flatten().min()
    }

    /// What failed and waits for its moment need not.
    pub(super) fn pull_forward(&mut self) {
        self.incoming.pull_forward();
        self.others.pull_forward();
    }

    /// Time in which nothing is due does not count as failing.
    pub(super) fn rest_if_idle(&mut self, now: Moment) {
        if self.pending == self.settling
            && let Some(trouble) = &mut self.trouble
        {
            trouble.rest(now);
        }
    }

    /// Whether nothing is left of it that somebody could ask for.
    pub(super) fn is_idle(&self) -> bool {
        self.pending == 0 && self.in_flight == 0 && !matches!(self.breaker, Breaker::Open { .. })
    }

    pub(super) fn bytes(&self) -> usize {
        self.incoming.bytes() + self.others.bytes()
    }

    /// Whether nothing of it is to be sent: then its list needs no room in flight to empty.
    pub(super) fn sends_nothing(&self) -> bool {
        self.dispositions.iter().all(|disposition| *disposition != Disposition::Send)
    }

    pub(super) fn may_start(&self) -> bool {
        self.has_ready() && self.in_flight < self.window && self.breaker.allows()
    }

    pub(super) fn widen(&mut self, limits: &Limits) {
        self.window = (self.window + 1).min(limits.per_destination);
    }

    pub(super) fn narrow(&mut self) {
        self.window = (self.window / 2).max(1);
    }
}

/// One destination: scheme, host and port, and the CA it is trusted by.
#[derive(Debug)]
pub(super) struct Destination {
    /// Its webhooks.
    pub(super) members: Vec<u32>,
    /// Webhooks that may start something.
    pub(super) ring: VecDeque<u32>,
    pub(super) queued: bool,
    pub(super) in_flight: u32,
    pub(super) breaker: Breaker,
}

impl Destination {
    pub(super) const fn new() -> Self {
        Self {
            members: Vec::new(),
            ring: VecDeque::new(),
            queued: false,
            in_flight: 0,
            breaker: Breaker::Closed { failures: 0 },
        }
    }

    /// Whether nobody uses it.
    pub(super) fn is_idle(&self) -> bool {
        self.members.is_empty() && self.in_flight == 0 && !matches!(self.breaker, Breaker::Open { .. })
    }

    pub(super) fn has_room(&self, limits: &Limits) -> bool {
        self.in_flight < limits.per_destination && self.breaker.allows()
    }

    pub(super) fn may_start(&self, limits: &Limits) -> bool {
        !self.ring.is_empty() && self.has_room(limits)
    }
}
