//! The one place of this crate that reads a clock.

use std::time::{SystemTime, UNIX_EPOCH};

use journal::WallTime;

/// This moment.
#[expect(clippy::disallowed_methods, reason = "a shell: people and programs want things now")]
pub(crate) fn now() -> WallTime {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    WallTime(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
}
