//! What waits of one webhook, by how long it is worth waiting for: ready ones first in, first out; those that
//! failed by when they are due again.
//!
//! Each webhook has its own, so that nobody ever looks at all that is pending: a webhook that works again pulls
//! its own forward by exchanging two heaps.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::slab::{NONE, Slab, State};
use crate::policy::Moment;

/// A list of slots, first in, first out.
#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
}

/// When a slot is due, the stamp that tells whether it still is, and the slot.
type Retries = BinaryHeap<Reverse<(Moment, u32, u32)>>;

/// One webhook's deliveries of one worth.
#[derive(Debug)]
pub(super) struct Queue {
    ready: List,
    /// Due again at their moment.
    retrying: Retries,
    /// Due again at once: the webhook works, or is no longer what it was.
    pulled: Retries,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self {
            ready: List { first: NONE, last: NONE },
            retrying: BinaryHeap::new(),
            pulled: BinaryHeap::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.first == NONE && self.pulled.is_empty()
    }

    /// The one whose turn is next, if it stands in the list. Those before it that were settled while they stood here are
    /// let go.
    pub(super) fn first(&mut self, slab: &mut Slab) -> Option<u32> {
        while self.ready.first != NONE {
            let at = self.ready.first;
            let next = slab.get(at).next_ready;
            match slab.get(at).state {
                State::SettlingListed => slab.get_mut(at).state = State::Settling,
                State::GoneListed => slab.remove(at),
                _ => return Some(at),
            }
            self.ready.first = next;
        }
        None
    }

    pub(super) fn push(&mut self, slab: &mut Slab, at: u32) {
        slab.get_mut(at).next_ready = NONE;
        if self.ready.first == NONE {
            self.ready.first = at;
        } else {
            slab.get_mut(self.ready.last).next_ready = at;
        }
        self.ready.last = at;
    }

    /// Takes the next.
    pub(super) fn pop(&mut self, slab: &mut Slab) -> Option<u32> {
        if let Some(at) = self.first(slab) {
            self.ready.first = slab.get(at).next_ready;
            return Some(at);
        }
        let next = next_valid(&mut self.pulled, slab);
        if self.pulled.is_empty() {
            self.pulled = BinaryHeap::new();
        }
        next
    }

    pub(super) fn retry(&mut self, due: Moment, stamp: u32, at: u32) {
        self.retrying.push(Reverse((due, stamp, at)));
    }

    /// When the next is due again.
    pub(super) fn next_due(&self) -> Option<Moment> {
        self.retrying.peek().map(|Reverse((due, ..))| *due)
    }

    /// One that is due again.
    pub(super) fn pop_due(&mut self, now: Moment, slab: &Slab) -> Option<u32> {
        while self.next_due()? <= now {
            let Reverse((_, stamp, at)) = self.retrying.pop()?;
            if is_valid(slab, stamp, at) {
                return Some(at);
            }
        }
        None
    }

    /// What waits for its moment need not.
    pub(super) fn pull_forward(&mut self) {
        self.pulled.append(&mut self.retrying);
    }

    pub(super) fn bytes(&self) -> usize {
        (self.retrying.capacity() + self.pulled.capacity()) * size_of::<Reverse<(Moment, u32, u32)>>()
    }
}

fn next_valid(retries: &mut Retries, slab: &Slab) -> Option<u32> {
    loop {
        let Reverse((_, stamp, at)) = retries.pop()?;
        if is_valid(slab, stamp, at) {
            return Some(at);
        }
    }
}

fn is_valid(slab: &Slab, stamp: u32, at: u32) -> bool {
    let slot = slab.get(at);
    slot.stamp == stamp && slot.state == State::Retrying
}
