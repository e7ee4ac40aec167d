//! When requests come.

use std::sync::LazyLock;
use std::time::Duration;

use admin::kept::WallTime;
use tokio::time::Instant;

/// This moment.
pub(crate) fn now() -> WallTime {
    WallTime(::clock::wall_micros())
}

/// How long it has been running, whatever is done to the wall's clock.
pub(crate) fn passed() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed()
}
