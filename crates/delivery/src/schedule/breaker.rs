//! A breaker: what keeps failing is left alone, but for one probe now and then.

use std::time::Duration;

use crate::policy::{Moment, jittered};

/// So many failures in a row open it.
pub const BREAKER_FAILURES: u8 = 5;
/// After so many in a row the next attempt is one of the share of what fails.
const DOUBTFUL_FAILURES: u8 = 2;
/// The pause before the first probe; doubles with each probe that fails.
pub const BREAKER_PAUSE: Duration = Duration::from_secs(1);
/// The longest pause between probes.
pub const BREAKER_PAUSE_MAX: Duration = Duration::from_secs(30);

/// The breaker of a webhook or a destination.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Breaker {
    /// All is well, or not bad enough yet.
    Closed { failures: u8 },
    /// Left alone until its timer fires.
    Open { probes: u8, until: Moment },
    /// One probe may go.
    Due { probes: u8 },
    /// One probe is out.
    Probing { probes: u8 },
}

/// What an attempt's end did to a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turned {
    /// Nothing.
    No,
    /// It is open; a probe may go at this moment.
    Open(Moment),
    /// It is closed again after having been open.
    Recovered,
}

impl Breaker {
    /// Of what has failed for long, as far as is known.
    pub(super) const RECALLED: Self = Self::Closed { failures: BREAKER_FAILURES - 1 };

    /// Whether the next attempt will most likely fail too.
    pub(super) const fn is_doubtful(self) -> bool {
        match self {
            Self::Closed { failures } => failures >= DOUBTFUL_FAILURES,
            Self::Open { .. } | Self::Due { .. } | Self::Probing { .. } => true,
        }
    }

    pub(super) const fn allows(self) -> bool {
        match self {
            Self::Closed { .. } | Self::Due { .. } => true,
            Self::Open { .. } | Self::Probing { .. } => false,
        }
    }

    /// Until when it is left alone, if it is.
    pub(super) const fn until(self) -> Option<Moment> {
        match self {
            Self::Open { until, .. } => Some(until),
            Self::Closed { .. } | Self::Due { .. } | Self::Probing { .. } => None,
        }
    }

    pub(super) const fn is_closed(self) -> bool {
        matches!(self, Self::Closed { .. })
    }

    pub(super) fn started(&mut self) {
        if let Self::Due { probes } = *self {
            *self = Self::Probing { probes };
        }
    }

    /// A probe was not made after all.
    pub(super) fn withdrawn(&mut self) {
        if let Self::Probing { probes } = *self {
            *self = Self::Due { probes };
        }
    }

    pub(super) fn timer_fired(&mut self) {
        if let Self::Open { probes, .. } = *self {
            *self = Self::Due { probes };
        }
    }

    pub(super) fn succeeded(&mut self) -> Turned {
        let was_closed = self.is_closed();
        *self = Self::Closed { failures: 0 };
        if was_closed { Turned::No } else { Turned::Recovered }
    }

    /// A failure; `counts` says whether it is one that may open the breaker.
    pub(super) fn failed(&mut self, counts: bool, now: Moment, chance: u64) -> Turned {
        let probes = match *self {
            Self::Closed { failures } => {
                let failures = failures.saturating_add(u8::from(counts));
                *self = Self::Closed { failures };
                if failures < BREAKER_FAILURES {
                    return Turned::No;
                }
                0
            }
            Self::Probing { probes } => probes.saturating_add(1),
            Self::Open { .. } | Self::Due { .. } => return Turned::No,
        };
        let pause = BREAKER_PAUSE.saturating_mul(1 << u32::from(probes.min(10))).min(BREAKER_PAUSE_MAX);
        let until = now.plus(jittered(pause, chance));
        *self = Self::Open { probes, until };
        Turned::Open(until)
    }
}
