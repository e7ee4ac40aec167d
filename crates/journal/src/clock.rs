//! The one clock of this crate: when a setting was changed, when a delivery was settled without an attempt.
//! Handed to each journal when it is opened, so that a simulation can bring its own.

use std::sync::Arc;
use std::time::Duration;

/// Microseconds since the epoch by our own clock. Never compared with a PBX's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WallTime(pub i64);

impl WallTime {
    /// So much earlier.
    pub(crate) fn minus(self, time: Duration) -> Self {
        Self(self.0.saturating_sub(micros(time)))
    }

    /// So much later.
    pub(crate) fn plus(self, time: Duration) -> Self {
        Self(self.0.saturating_add(micros(time)))
    }

    /// How long after `earlier`, by the same clock; zero if it was not after.
    pub(crate) fn since(self, earlier: Self) -> Duration {
        Duration::from_micros(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

pub(crate) fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

/// Says what time it is.
pub type Clock = Arc<dyn Fn() -> WallTime + Send + Sync>;

/// The clock of the machine.
pub fn system() -> Clock {
    Arc::new(|| WallTime(::clock::wall_micros()))
}
