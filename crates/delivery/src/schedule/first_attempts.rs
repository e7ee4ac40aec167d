//! First attempts that are out: while one is, the call's next event to the same destination waits a moment.
//!
//! The four web services of an account are four webhooks, and only within one is order a promise. But a
//! phone that answers at once has its `Incoming` and `Answered` in the same millisecond, and a receiver
//! should not see them the wrong way round because two connections ran a race. A receiver that is slow or
//! fails holds its other web services up for [`WAIT`] at most.

use std::collections::HashMap;
use std::time::Duration;

use rustc_hash::FxBuildHasher;

use crate::policy::Moment;

/// The longest an event waits for the first attempt of the one before it.
pub(super) const WAIT: Duration = Duration::from_secs(2);

/// The first attempts that are out, by destination and call; never more than may be in flight.
#[derive(Debug, Default)]
pub(super) struct FirstAttempts {
    out: HashMap<(u32, u64), First, FxBuildHasher>,
}

#[derive(Debug)]
struct First {
    slot: u32,
    /// Nobody waits for it any longer than this.
    until: Moment,
    /// Slots that wait for it, with the stamp that tells whether they still do.
    waiting: Vec<(u32, u32)>,
}

impl FirstAttempts {
    /// Until when to wait for the first attempt of another event of the call, if one is out.
    pub(super) fn wait_until(&self, now: Moment, destination: u32, call_hash: u64) -> Option<Moment> {
        self.out.get(&(destination, call_hash)).map(|first| first.until).filter(|until| now < *until)
    }

    /// A first attempt goes out.
    pub(super) fn started(&mut self, now: Moment, destination: u32, call_hash: u64, slot: u32) {
        let first = First { slot, until: now.plus(WAIT), waiting: Vec::new() };
        self.out.entry((destination, call_hash)).or_insert(first);
    }

    /// A slot waits for the one that is out.
    pub(super) fn wait(&mut self, destination: u32, call_hash: u64, slot: u32, stamp: u32) {
        if let Some(first) = self.out.get_mut(&(destination, call_hash)) {
            first.waiting.push((slot, stamp));
        }
    }

    /// An attempt has ended; those that waited for it, in order.
    pub(super) fn finished(&mut self, destination: u32, call_hash: u64, slot: u32) -> Vec<(u32, u32)> {
        let key = (destination, call_hash);
        if self.out.get(&key).is_some_and(|first| first.slot == slot) {
            return self.out.remove(&key).map(|first| first.waiting).unwrap_or_default();
        }
        Vec::new()
    }
}
