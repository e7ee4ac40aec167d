//! A clock of this process that never jumps: what waits here to be told to a store has an age by it.

use std::sync::LazyLock;

use tokio::time::Instant;

use crate::WallTime;

/// What this process would take the time to be if nobody had set the clock on the wall since it was first asked.
pub(crate) fn now() -> WallTime {
    static BEGAN: LazyLock<(WallTime, Instant)> =
        LazyLock::new(|| (WallTime(::clock::wall_micros()), Instant::now()));
    let (wall, began) = *BEGAN;
    wall.plus(Instant::now().saturating_duration_since(began))
}

/// By how many microseconds it is ahead of the clock on the wall: that was set back by so much.
pub(crate) fn ahead() -> i64 {
    now().0.saturating_sub(::clock::wall_micros())
}

/// What the clock on the wall said at a moment of this one, which was ahead of it by so much.
pub(crate) fn on_the_wall(at: WallTime, ahead: i64) -> WallTime {
    WallTime(at.0.saturating_sub(ahead))
}

/// The same the other way round.
pub(crate) fn of_the_wall(at: WallTime, ahead: i64) -> WallTime {
    WallTime(at.0.saturating_add(ahead))
}
