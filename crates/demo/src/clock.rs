//! When what is played happens.

/// Microseconds since the epoch.
pub(crate) fn now_us() -> u64 {
    u64::try_from(::clock::wall_micros()).unwrap_or(0)
}
