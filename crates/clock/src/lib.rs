//! The one wall clock of the program: everything that tells people when something was, reads it here.
//!
//! For durations and deadlines there is tokio's clock, which never jumps and stands still for tests that pause it.
//! `clippy.toml` forbids every other reading of either. With the feature `set` tests put the wall clock ahead, or
//! start the program with one that is wrong.

#[cfg(feature = "set")]
pub use ahead::ahead_by;

use std::time::{SystemTime, UNIX_EPOCH};

/// Microseconds since the epoch.
pub fn wall_micros() -> i64 {
    #[expect(clippy::disallowed_methods, reason = "this is the clock")]
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX).saturating_add(ahead::micros())
}

#[cfg(not(feature = "set"))]
mod ahead {
    pub(crate) const fn micros() -> i64 {
        0
    }
}

#[cfg(feature = "set")]
mod ahead {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicI64, Ordering::Relaxed};

    /// By so much a program is started ahead.
    const VARIABLE: &str = "RINGBUD_CLOCK_AHEAD_SECS";

    static AHEAD: LazyLock<AtomicI64> = LazyLock::new(|| {
        let secs = std::env::var(VARIABLE).ok().and_then(|text| text.parse::<i64>().ok());
        AtomicI64::new(secs.unwrap_or(0).saturating_mul(1_000_000))
    });

    /// From now on the clock of this process is ahead of the machine's by so many microseconds, or behind.
    pub fn ahead_by(micros: i64) {
        AHEAD.store(micros, Relaxed);
    }

    pub(crate) fn micros() -> i64 {
        AHEAD.load(Relaxed)
    }
}
