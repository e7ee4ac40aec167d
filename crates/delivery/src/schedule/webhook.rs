//! What the schedule knows of a webhook and of a destination.

use std::collections::VecDeque;

use calls::EventKind;

use super::breaker::Breaker;
use super::slab::{NONE, Slab};
use super::{Limits, WebhookKey};
use crate::policy::{Moment, Patience};

/// What is to become of a webhook's deliveries of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// They are sent.
    Send,
    /// They are kept until the webhook is resumed.
    Hold,
    /// The webhook was switched off: they are cancelled.
    Drop,
    /// The URL was changed: they belong to another webhook now.
    Move(WebhookKey),
}

/// A list of slots, first in, first out.
#[derive(Clone, Copy, Debug)]
pub(super) struct List {
    first: u32,
    last: u32,
}

impl List {
    pub(super) const EMPTY: Self = Self { first: NONE, last: NONE };

    pub(super) const fn is_empty(self) -> bool {
        self.first == NONE
    }

    pub(super) const fn first(self) -> u32 {
        self.first
    }

    pub(super) fn push(&mut self, slab: &mut Slab, at: u32) {
        slab.get_mut(at).next_ready = NONE;
        if self.is_empty() {
            self.first = at;
        } else {
            slab.get_mut(self.last).next_ready = at;
        }
        self.last = at;
    }

    pub(super) fn pop(&mut self, slab: &mut Slab) -> Option<u32> {
        if self.is_empty() {
            return None;
        }
        let at = self.first;
        self.first = slab.get(at).next_ready;
        Some(at)
    }

    /// Takes one slot out from anywhere: for the rare wishes of people.
    pub(super) fn unlink(&mut self, slab: &mut Slab, at: u32) {
        let mut rest = std::mem::replace(self, Self::EMPTY);
        while let Some(one) = rest.pop(slab) {
            if one != at {
                self.push(slab, one);
            }
        }
    }
}

/// One webhook: one URL of one integration.
#[derive(Debug)]
pub(super) struct Webhook {
    pub(super) destination: u32,
    pub(super) patience: Patience,
    pub(super) dispositions: [Disposition; 4],
    /// What is worth seconds goes before what is worth days.
    pub(super) incoming: List,
    pub(super) others: List,
    /// Whether it stands in one of the rings.
    pub(super) queued: bool,
    pub(super) in_flight: u32,
    /// How many may be in flight; shrinks when the receiver times out.
    pub(super) window: u32,
    pub(super) pending: u32,
    pub(super) breaker: Breaker,
    pub(super) failing_since: Option<Moment>,
    /// The call whose delivery failed last, if none has succeeded since.
    pub(super) failed_last: Option<u64>,
}

impl Webhook {
    pub(super) fn new(destination: u32, patience: Patience, limits: &Limits) -> Self {
        Self {
            destination,
            patience,
            dispositions: [Disposition::Send; 4],
            incoming: List::EMPTY,
            others: List::EMPTY,
            queued: false,
            in_flight: 0,
            window: limits.window_start,
            pending: 0,
            breaker: Breaker::Closed { failures: 0 },
            failing_since: None,
            failed_last: None,
        }
    }

    pub(super) fn list(&mut self, kind: EventKind) -> &mut List {
        match kind {
            EventKind::Incoming => &mut self.incoming,
            EventKind::Answered | EventKind::Outgoing | EventKind::Ended => &mut self.others,
        }
    }

    pub(super) const fn has_ready(&self) -> bool {
        !self.incoming.is_empty() || !self.others.is_empty()
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
    /// Webhooks that may start something.
    pub(super) ring: VecDeque<u32>,
    pub(super) queued: bool,
    pub(super) in_flight: u32,
    pub(super) breaker: Breaker,
}

impl Destination {
    pub(super) const fn new() -> Self {
        Self { ring: VecDeque::new(), queued: false, in_flight: 0, breaker: Breaker::Closed { failures: 0 } }
    }

    pub(super) fn has_room(&self, limits: &Limits) -> bool {
        self.in_flight < limits.per_destination && self.breaker.allows()
    }

    pub(super) fn may_start(&self, limits: &Limits) -> bool {
        !self.ring.is_empty() && self.has_room(limits)
    }
}
