//! What is waited for, and until when.
//!
//! Nothing here knows a rule: a rule says what to wait for and how long, and does what follows when it is due.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::PbxTime;
use crate::tracker::arena::ChannelKey;

/// How long a phone may ring before it must be told although nobody knows for whom.
pub(super) const CALLER_GRACE: Duration = Duration::from_millis(300);

/// How long a phone may ring that a program reached for somebody, before it is told: whoever makes an announcement
/// hears a tone first, and then enters the room that the phones are brought to.
pub(super) const PROGRAM_GRACE: Duration = Duration::from_millis(1_500);

/// How long the transfer that belongs to a parked channel may take to be told.
pub(super) const PARKING_GRACE: Duration = Duration::from_millis(200);

/// How long a call that a phone placed may turn out to be something else (a pickup by lamp key, a call taken
/// over) before it is told.
pub(super) const PLACED_GRACE: Duration = Duration::from_millis(100);

/// How long an attempt that ended may turn out to have been handed over.
pub(super) const LOST_GRACE: Duration = Duration::from_millis(100);

/// What follows from an answer within this time happened when it was answered.
pub(super) const ANSWER_SLACK: Duration = Duration::from_millis(500);

/// Channels that wait for the same thing, all of them equally long.
#[derive(Debug)]
pub(super) struct Waits {
    grace: Duration,
    /// In the order they began to; some have ended since.
    order: VecDeque<ChannelKey>,
    deadlines: BTreeMap<ChannelKey, PbxTime>,
}

impl Waits {
    pub(super) const fn of(grace: Duration) -> Self {
        Self { grace, order: VecDeque::new(), deadlines: BTreeMap::new() }
    }

    /// A channel waits from now on, if it does not yet.
    pub(super) fn begin(&mut self, now: PbxTime, key: ChannelKey) {
        if let Entry::Vacant(place) = self.deadlines.entry(key) {
            place.insert(now + self.grace);
            self.order.push_back(key);
        }
    }

    /// What it waited for came, or does not matter any more. Says whether it waited.
    pub(super) fn end(&mut self, key: ChannelKey) -> bool {
        if self.deadlines.is_empty() || self.deadlines.remove(&key).is_none() {
            return false;
        }
        // Whoever waits again stands at the end, so the place it had goes.
        if self.order.front() == Some(&key) {
            self.order.pop_front();
        } else if let Some(place) = self.order.iter().rposition(|waiting| *waiting == key) {
            self.order.remove(place);
        }
        true
    }

    /// Those that waited long enough, in the order they began to.
    pub(super) fn due(&mut self, now: PbxTime) -> Vec<ChannelKey> {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return Vec::new();
        }
        let is_due = |key: &ChannelKey| self.deadlines.get(key).is_none_or(|deadline| *deadline <= now);
        let (due, waiting): (Vec<_>, Vec<_>) = self.order.iter().copied().partition(is_due);
        self.order = waiting.into();
        for key in &due {
            self.deadlines.remove(key);
        }
        due
    }

    pub(super) fn is_empty(&self) -> bool {
        self.order.is_empty()
    }

    /// All that wait, in the order they began to.
    pub(super) fn all(&self) -> Vec<ChannelKey> {
        self.order.iter().copied().collect()
    }

    /// Whoever began first is due first: all wait equally long.
    pub(super) fn deadline(&self) -> Option<PbxTime> {
        self.deadlines.get(self.order.front()?).copied()
    }

    /// The PBX's clock was set back: nothing waits longer than it would have waited without.
    pub(super) fn set_back(&mut self, at: PbxTime) {
        if self.deadlines.is_empty() {
            return;
        }
        for deadline in self.deadlines.values_mut() {
            *deadline = (*deadline).min(at + self.grace);
        }
    }
}
