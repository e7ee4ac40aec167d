//! The one clock of the benchmarks.

use std::time::Instant;

/// Microseconds since the epoch: what calls are stamped with.
pub(crate) fn now_us() -> u64 {
    u64::try_from(::clock::wall_micros()).unwrap_or(0)
}

/// For durations.
#[expect(clippy::disallowed_methods, reason = "a benchmark has to look at the clock")]
pub(crate) fn instant() -> Instant {
    Instant::now()
}
