//! The clock of the sending half: one that never jumps for deadlines, the wall's for people.

use std::time::Instant;

use journal::WallTime;

use crate::policy::Moment;

/// Both clocks, and the way between them.
#[derive(Clone, Debug)]
pub(crate) struct Clock {
    began: Instant,
}

impl Clock {
    pub(crate) fn start() -> Self {
        Self { began: tokio::time::Instant::now().into_std() }
    }

    /// By the clock that never jumps.
    pub(crate) fn now(&self) -> Moment {
        let since = tokio::time::Instant::now().into_std().saturating_duration_since(self.began);
        Moment(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    /// When a moment is, for tokio's timers.
    pub(crate) fn instant(&self, at: Moment) -> tokio::time::Instant {
        let after = std::time::Duration::from_micros(u64::try_from(at.0).unwrap_or(0));
        tokio::time::Instant::from_std(self.began + after)
    }

    /// By the wall's.
    pub(crate) fn wall(&self) -> WallTime {
        #[expect(clippy::disallowed_methods, reason = "the shell of delivery owns this clock")]
        let since_epoch = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        let micros = since_epoch.map_or(0, |elapsed| elapsed.as_micros());
        WallTime(i64::try_from(micros).unwrap_or(i64::MAX))
    }

    /// What a moment is by the wall's.
    pub(crate) fn wall_of(&self, at: Moment) -> WallTime {
        WallTime(self.wall().0.saturating_add(at.0.saturating_sub(self.now().0)))
    }
}
