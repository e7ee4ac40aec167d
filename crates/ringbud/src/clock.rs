//! The program's clocks: the one place that reads them.

use std::sync::LazyLock;
use std::time::Duration;

use journal::WallTime;
use tokio::time::Instant;

/// Now, for people and for comparing with what was kept.
pub fn wall() -> WallTime {
    #[expect(clippy::disallowed_methods, reason = "the program's shell owns this clock")]
    let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since_epoch.as_micros()).unwrap_or(i64::MAX))
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

/// A number from 0 to `u32::MAX` that others cannot guess.
pub fn chance() -> u32 {
    let [a, b, c, d, ..] = roll();
    u32::from_le_bytes([a, b, c, d])
}

/// A key nobody else knows.
pub fn key() -> [u8; 16] {
    let mut key = [0; 16];
    key[..8].copy_from_slice(&roll());
    key[8..].copy_from_slice(&roll());
    key
}

/// The standard library's hash maps are seeded by the system.
fn roll() -> [u8; 8] {
    use std::hash::{BuildHasher, Hasher};
    std::hash::RandomState::new().build_hasher().finish().to_le_bytes()
}
