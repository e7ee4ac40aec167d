//! When something is due: 16 bytes a timer.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::policy::Moment;

/// What a timer is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Timer {
    /// A delivery is due again, if its stamp is still the same.
    Slot { at: u32, stamp: u32 },
    /// A webhook may be probed.
    Webhook(u32),
    /// A destination may be probed.
    Destination(u32),
}

/// Stamps of slots stay below this; above are the other timers.
const WEBHOOK: u32 = u32::MAX - 1;
const DESTINATION: u32 = u32::MAX;

#[derive(Debug, Default)]
pub(super) struct Timers {
    heap: BinaryHeap<Reverse<(Moment, u32, u32)>>,
}

impl Timers {
    pub(super) fn push(&mut self, due: Moment, timer: Timer) {
        let (tag, at) = match timer {
            Timer::Slot { at, stamp } => (stamp % WEBHOOK, at),
            Timer::Webhook(at) => (WEBHOOK, at),
            Timer::Destination(at) => (DESTINATION, at),
        };
        self.heap.push(Reverse((due, tag, at)));
    }

    pub(super) fn next(&self) -> Option<Moment> {
        self.heap.peek().map(|Reverse((due, ..))| *due)
    }

    pub(super) fn pop_due(&mut self, now: Moment) -> Option<Timer> {
        if self.next()? > now {
            return None;
        }
        let Reverse((_, tag, at)) = self.heap.pop()?;
        Some(read(tag, at))
    }

    /// Takes out the slots' timers that `wanted` points at, in the order they were due.
    pub(super) fn take_slots(&mut self, wanted: impl Fn(u32, u32) -> bool) -> Vec<u32> {
        let is_wanted = |tag: u32, at: u32| match read(tag, at) {
            Timer::Slot { at, stamp } => wanted(at, stamp),
            Timer::Webhook(_) | Timer::Destination(_) => false,
        };
        let mut taken = Vec::new();
        self.heap.retain(|Reverse((due, tag, at))| {
            let take = is_wanted(*tag, *at);
            if take {
                taken.push((*due, *at));
            }
            !take
        });
        taken.sort_unstable();
        taken.into_iter().map(|(_, at)| at).collect()
    }

    pub(super) fn bytes(&self) -> usize {
        self.heap.capacity() * size_of::<Reverse<(Moment, u32, u32)>>()
    }
}

fn read(tag: u32, at: u32) -> Timer {
    match tag {
        DESTINATION => Timer::Destination(at),
        WEBHOOK => Timer::Webhook(at),
        stamp => Timer::Slot { at, stamp },
    }
}
