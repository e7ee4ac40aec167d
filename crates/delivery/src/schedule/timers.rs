//! When something is due: a timer a webhook, not one a delivery. Which deliveries those are is known to `queue`.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::policy::Moment;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// Deliveries of a webhook are due again.
    Retries(u32),
    /// A webhook may be probed.
    Webhook(u32),
    /// A destination may be probed.
    Destination(u32),
    /// The receiver of an account may be asked again.
    Pace(u32),
}

#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Moment, Timer)>>,
}

impl Timers {
    pub(super) fn push(&mut self, due: Moment, timer: Timer) {
        self.heap.push(Reverse((due, timer)));
    }

    pub(super) fn next(&self) -> Option<Moment> {
        self.heap.peek().map(|Reverse((due, _))| *due)
    }

    /// One that is due, with the moment it was for.
    pub(super) fn pop_due(&mut self, now: Moment) -> Option<(Moment, Timer)> {
        if self.next()? > now {
            return None;
        }
        self.heap.pop().map(|Reverse(due)| due)
    }

    pub(super) fn bytes(&self) -> usize {
        self.heap.capacity() * size_of::<Reverse<(Moment, Timer)>>()
    }
}
