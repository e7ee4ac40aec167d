//! The clock of the sending half: one that never jumps for deadlines, the wall's for people.

use journal::WallTime;
use tokio::time::Instant;

use crate::policy::Moment;

/// Both clocks, and the way between them.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    began: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { began: Instant::now() }
    }

    /// By the clock that never jumps.
    pub(crate) fn now(&self) -> Moment {
        let since = Instant::now().saturating_duration_since(self.began);
        Moment(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    /// What a moment of tokio's timers is.
    pub(crate) fn moment(&self, at: Instant) -> Moment {
        Moment(i64::try_from(at.saturating_duration_since(self.began).as_micros()).unwrap_or(i64::MAX))
    }

    /// When a moment is, for tokio's timers.
    pub(crate) fn instant(&self, at: Moment) -> Instant {
        let after = std::time::Duration::from_micros(u64::try_from(at.0).unwrap_or(0));
        self.began + after
    }

    /// By the wall's.
    pub(crate) fn wall(&self) -> WallTime {
        WallTime(::clock::wall_micros())
    }

    /// What a moment is by the wall's.
    pub(crate) fn wall_of(&self, at: Moment) -> WallTime {
        WallTime(self.wall().0.saturating_add(at.0.saturating_sub(self.now().0)))
    }
}
