//! When people and programs want things.

use journal::WallTime;

/// This moment.
pub(crate) fn now() -> WallTime {
    WallTime(::clock::wall_micros())
}
