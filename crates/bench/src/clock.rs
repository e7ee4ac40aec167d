//! The one clock of the benchmarks.

use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Microseconds since the epoch: what calls are stamped with.
#[expect(clippy::disallowed_methods, reason = "a benchmark has to look at the clock")]
pub(crate) fn now_us() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_micros()).unwrap_or(u64::MAX)
}

/// For durations.
#[expect(clippy::disallowed_methods, reason = "a benchmark has to look at the clock")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
