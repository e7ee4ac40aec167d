//! What is waited for, and until when.
//!
//! Nothing here knows a rule: a rule says what to wait for and how long, and does what follows when it is due.

use std::time::Duration;

use crate::PbxTime;
use crate::tracker::arena::ChannelKey;

/// How long a phone may ring before it must be told although nobody knows for whom.
pub(super) const CALLER_GRACE: Duration = Duration::from_millis(300);

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
    waiting: Vec<(PbxTime, ChannelKey)>,
}

impl Waits {
    pub(super) const fn of(grace: Duration) -> Self {
        Self { grace, waiting: Vec::new() }
    }

    /// A channel waits from now on, if it does not yet.
    pub(super) fn begin(&mut self, now: PbxTime, key: ChannelKey) {
        if !self.has(key) {
            self.waiting.push((now + self.grace, key));
        }
    }

    pub(super) fn has(&self, key: ChannelKey) -> bool {
        self.waiting.iter().any(|(_, waiting)| *waiting == key)
    }

    /// What it waited for came, or does not matter any more. Says whether it waited.
    pub(super) fn end(&mut self, key: ChannelKey) -> bool {
        let place = self.waiting.iter().position(|(_, waiting)| *waiting == key);
        place.map(|place| self.waiting.remove(place)).is_some()
    }

    /// Those that waited long enough, in the order they began to.
    pub(super) fn due(&mut self, now: PbxTime) -> Vec<ChannelKey> {
        if self.deadline().is_none_or(|deadline| deadline > now) {
            return Vec::new();
        }
        let (due, waiting): (Vec<_>, Vec<_>) =
            std::mem::take(&mut self.waiting).into_iter().partition(|(deadline, _)| *deadline <= now);
        self.waiting = waiting;
        due.into_iter().map(|(_, key)| key).collect()
    }

    /// All that wait, in the order they began to.
    pub(super) fn all(&self) -> Vec<ChannelKey> {
        self.waiting.iter().map(|(_, key)| *key).collect()
    }

    pub(super) fn deadline(&self) -> Option<PbxTime> {
        self.waiting.iter().map(|(deadline, _)| *deadline).min()
    }

    /// The PBX's clock was set back: nothing waits longer than it would have waited without.
    pub(super) fn set_back(&mut self, at: PbxTime) {
        for (deadline, _) in &mut self.waiting {
            *deadline = (*deadline).min(at + self.grace);
        }
    }
}
