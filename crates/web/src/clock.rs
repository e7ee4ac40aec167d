//! The one place of this crate that reads clocks.

use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use admin::kept::WallTime;

/// This moment.
#[expect(clippy::disallowed_methods, reason = "a shell: requests happen now")]
pub(crate) fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}

/// How long it has been running, whatever is done to the wall's clock.
#[expect(clippy::disallowed_methods, reason = "a shell: requests happen now")]
pub(crate) fn passed() -> Duration {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    BEGAN.elapsed()
}
