//! What the program makes of the clocks, and of chance.

use std::sync::LazyLock;
use std::time::Duration;

use journal::WallTime;
use tokio::time::Instant;

/// Now, for people and for comparing with what was kept.
pub fn wall() -> WallTime {
    WallTime(::clock::wall_micros())
}

/// The moment monotonic time is counted from.
static ORIGIN: LazyLock<Instant> = LazyLock::new(Instant::now);

/// A moment as monotonic time since the program began to count.
pub fn monotonic(at: Instant) -> Duration {
    at.saturating_duration_since(*ORIGIN)
}

/// Back again.
pub fn instant(at: Duration) -> Instant {
    *ORIGIN + at
}

/// A number from 0 to `u32::MAX` that others cannot guess, for the jitter of pauses. Where the system has no
/// chance, pauses vary with the time.
pub fn chance() -> u32 {
    getrandom::u32().unwrap_or_else(|_| u32::try_from(wall().0 & 0xffff_ffff).unwrap_or(0))
}

/// A key nobody else knows.
///
/// # Errors
/// Where the system gives no random bytes: then there is no such key.
pub fn key() -> Result<[u8; 16], getrandom::Error> {
    let mut key = [0; 16];
    getrandom::fill(&mut key)?;
    Ok(key)
}
