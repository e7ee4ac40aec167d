//! The call logic of one PBX with its directory: the same for a live link and a recording.

use calls::{Anomaly, Input, Output, PbxName, PbxTime, Restored, Tracker, TrackerLimits};

use crate::directory::Phones;

/// Follows one PBX.
pub struct Follower {
    tracker: Tracker,
    phones: Phones,
    out: Vec<Output>,
}

impl Follower {
    /// Knows nothing yet.
    pub fn new(pbx: PbxName, phones: Phones) -> Self {
        Self { tracker: Tracker::new(pbx, TrackerLimits::default()), phones, out: Vec::new() }
    }

    /// Takes up what an earlier run knew.
    pub fn restore(&mut self, restored: Restored) {
        self.tracker.restore(restored);
    }

    /// Takes over from who had the PBX until now; see [`Tracker::adopt`].
    pub fn adopt(&mut self, kept: Restored) {
        self.tracker.adopt(kept);
    }

    /// The phones it goes by.
    pub const fn phones(&self) -> &Phones {
        &self.phones
    }

    /// One thing the PBX says. The answer is what was unexpected about it.
    pub fn handle(&mut self, at: PbxTime, input: Input<'_>) -> impl Iterator<Item = &Anomaly> {
        let before = self.out.len();
        self.tracker.handle(at, input, &self.phones, &mut self.out);
        self.out[before..].iter().filter_map(|output| match output {
            Output::Anomaly(anomaly) => Some(anomaly),
            Output::Event(_) | Output::Note(_) => None,
        })
    }

    /// Since when it is not known who of those from before still lives; see [`Tracker::unsure_since`].
    pub fn unsure_since(&self) -> Option<PbxTime> {
        self.tracker.unsure_since()
    }

    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, now: PbxTime) {
        self.tracker.handle_timeout(now, &self.phones, &mut self.out);
    }

    /// When `handle_timeout` should be called.
    pub fn next_deadline(&self) -> Option<PbxTime> {
        self.tracker.next_deadline()
    }

    /// What came out since the last call.
    pub fn take_outputs(&mut self) -> std::vec::Drain<'_, Output> {
        self.out.drain(..)
    }

    /// Whether anything came out since the last `take_outputs`.
    pub fn has_outputs(&self) -> bool {
        !self.out.is_empty()
    }

    /// Whether the number of whoever is at a channel's end must not be shown.
    pub fn is_withheld(&self, channel: &str) -> bool {
        self.tracker.is_withheld(channel)
    }

    /// Live channels and open legs.
    pub fn counts(&self) -> (usize, usize) {
        self.tracker.counts()
    }
}
