//! How the program did over the last day, by the quarter of an hour: for the operator's page, in memory alone. What
//! is older, and what was before the program began, Prometheus has.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use admin::Pulse;
use journal::WallTime;

/// A day of quarters of an hour, and the one that runs.
const KEPT: usize = 97;
const QUARTER_MICROS: i64 = 900 * 1_000_000;

/// What is seen at one look.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Seen {
    /// Legs that began, since the program did.
    pub(super) legs: u64,
    /// Deliveries that were accepted, and requests that were not, since then.
    pub(super) delivered: u64,
    pub(super) failed: u64,
    /// How long the oldest delivery has waited, and how far behind the PBXs the program is.
    pub(super) oldest: Duration,
    pub(super) lag: Duration,
    pub(super) free_bytes: Option<u64>,
    pub(super) links_down: usize,
}

/// The last day.
#[derive(Clone, Debug, Default)]
pub(super) struct Pulses(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    quarters: VecDeque<Pulse>,
    before: Seen,
}

impl Pulses {
    /// Takes in a look.
    pub(super) fn look(&self, now: WallTime, seen: Seen) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let begin = WallTime(now.0.div_euclid(QUARTER_MICROS) * QUARTER_MICROS);
        // A clock that is set back goes on in the quarter it had reached.
        if kept.quarters.back().is_none_or(|last| last.begun_at < begin) {
            kept.quarters.push_back(Pulse { begun_at: begin, ..Pulse::default() });
            while kept.quarters.len() > KEPT {
                kept.quarters.pop_front();
            }
        }
        let before = std::mem::replace(&mut kept.before, seen);
        let Some(last) = kept.quarters.back_mut() else { return };
        last.legs += seen.legs.saturating_sub(before.legs);
        last.delivered += seen.delivered.saturating_sub(before.delivered);
        last.failed += seen.failed.saturating_sub(before.failed);
        last.oldest = last.oldest.max(seen.oldest);
        last.lag = last.lag.max(seen.lag);
        last.free_bytes = seen.free_bytes.or(last.free_bytes);
        last.links_down = last.links_down.max(seen.links_down);
    }

    /// The quarters, the oldest first; those in which nothing ran are not there.
    pub(super) fn day(&self) -> Vec<Pulse> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.quarters.iter().copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(secs: i64) -> WallTime {
        WallTime((1_795_000_500 + secs) * 1_000_000)
    }

    #[test]
    fn a_quarter_has_what_came_in_it_and_the_worst_of_what_was_seen() {
        let pulses = Pulses::default();
        let seen = |legs, secs, links_down| Seen {
            legs,
            oldest: Duration::from_secs(secs),
            links_down,
            free_bytes: Some(7),
            ..Seen::default()
        };
        pulses.look(at(0), seen(3, 9, 0));
        pulses.look(at(10), seen(5, 2, 1));
        pulses.look(at(900), seen(6, 1, 0));
        let day = pulses.day();
        let told: Vec<_> = day.iter().map(|one| (one.legs, one.oldest.as_secs(), one.links_down)).collect();
        assert_eq!(told, [(5, 9, 1), (1, 1, 0)]);
        assert!(day.iter().all(|one| one.free_bytes == Some(7)));
    }

    #[test]
    fn a_day_is_kept() {
        let pulses = Pulses::default();
        (0..300).for_each(|quarter| pulses.look(at(quarter * 900), Seen::default()));
        assert_eq!(pulses.day().len(), KEPT);
        pulses.look(at(0), Seen { legs: 2, ..Seen::default() });
        assert_eq!(pulses.day().last().unwrap().legs, 2, "a clock that was set back");
    }
}
