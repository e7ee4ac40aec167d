//! The one clock of this crate: when a setting was changed, when a delivery was settled without an attempt.
//! Handed to each journal when it is opened, so that a simulation can bring its own.

use std::sync::Arc;

/// Microseconds since the epoch by our own clock. Never compared with a PBX's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WallTime(pub i64);

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> WallTime + Send + Sync>;

/// The clock of the machine.
pub fn system() -> Clock {
    Arc::new(|| WallTime(::clock::wall_micros()))
}
