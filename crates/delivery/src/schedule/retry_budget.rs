//! The retry budget, a share of all work for what fails: attempts that will most likely fail as well cost as much as any other, and ten
//! thousand receivers that are down would take the machine from those that are up.

use std::time::Duration;

use crate::policy::Moment;

/// So many attempts a second are made at webhooks that keep failing, all together.
pub const DOUBTFUL_A_SECOND: u32 = 1_000;
/// As often the budget grows.
const TICK: Duration = Duration::from_millis(10);
const A_TICK: u32 = DOUBTFUL_A_SECOND / 100;
/// What is not used is kept up to this: where few fail, nobody waits.
const SAVED: u32 = 200;

#[derive(Debug)]
pub(super) struct RetryBudget {
    left: u32,
    grown_at: Moment,
}

impl RetryBudget {
    pub(super) const fn new() -> Self {
        Self { left: SAVED, grown_at: Moment(0) }
    }

    /// Lets time pass.
    pub(super) fn grow(&mut self, now: Moment) {
        let ticks = now.since(self.grown_at).as_micros() / TICK.as_micros();
        if ticks == 0 {
            return;
        }
        let grown = u32::try_from(ticks).unwrap_or(u32::MAX).saturating_mul(A_TICK);
        self.left = self.left.saturating_add(grown).min(SAVED);
        // By whole ticks: the rest of the time counts for the next one.
        let passed = Duration::from_micros(u64::try_from(ticks * TICK.as_micros()).unwrap_or(u64::MAX));
        self.grown_at = self.grown_at.plus(passed);
    }

    pub(super) const fn is_used_up(&self) -> bool {
        self.left == 0
    }

    pub(super) fn take(&mut self) {
        self.left = self.left.saturating_sub(1);
    }

    /// When it grows next, if it is used up.
    pub(super) fn next(&self) -> Option<Moment> {
        self.is_used_up().then(|| self.grown_at.plus(TICK))
    }
}
