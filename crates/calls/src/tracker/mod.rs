//! The tracker (being written).
use crate::{Directory, Input, Output, PbxName, PbxTime, Restored};
/// Bounds of what is kept.
#[derive(Clone, Copy, Debug)]
pub struct TrackerLimits {
    /// At most so many live channels; the oldest is given up beyond that.
    pub channels: usize,
}
impl Default for TrackerLimits {
    fn default() -> Self {
        Self { channels: 1_000_000 }
    }
}
/// Follows the channels of one PBX and says what happens to its phones.
#[derive(Debug)]
pub struct Tracker {}
impl Tracker {
    /// A tracker that knows nothing yet.
    pub fn new(_pbx: PbxName, _limits: TrackerLimits) -> Self {
        Self {}
    }
    /// Takes up what an earlier run of the program knew. To be called before anything else; counts as a
    /// lost link until a snapshot comes.
    pub fn restore(&mut self, _restored: Restored) {}
    /// One thing the PBX says, and what follows from it. First does what was due before `at`.
    pub fn handle(&mut self, _at: PbxTime, _input: Input<'_>, _directory: &dyn Directory, _out: &mut Vec<Output>) {}
    /// Does what is due by `now`.
    pub fn handle_timeout(&mut self, _now: PbxTime, _directory: &dyn Directory, _out: &mut Vec<Output>) {}
    /// When `handle_timeout` should be called, if nothing is said before.
    pub fn next_deadline(&self) -> Option<PbxTime> {
        None
    }
    /// Live channels and open legs.
    pub fn counts(&self) -> (usize, usize) {
        (0, 0)
    }
}
