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
    Arc::new(|| {
        #[expect(clippy::disallowed_methods, reason = "the shell of the journal owns this clock")]
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since_epoch.map_or(0, |elapsed| elapsed.as_micros());
        WallTime(i64::try_from(micros).unwrap_or(i64::MAX))
    })
}
