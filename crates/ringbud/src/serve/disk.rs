//! How much room the disk of the data folder has, and when it will have none, at the pace of the last day.

use std::collections::VecDeque;
use std::path::Path;
use std::time::Duration;

/// How often it is noted.
const NOTE_EVERY: Duration = Duration::from_secs(300);
/// How far back the pace is looked at.
const LOOK_BACK: Duration = Duration::from_secs(24 * 3_600);
/// For less than that nothing is foretold: what comes and goes would be taken for a pace.
const AT_LEAST: Duration = Duration::from_secs(3_600);
/// Sooner than that it is told in the log.
const SOON: Duration = Duration::from_secs(7 * 24 * 3_600);
/// How often it is told.
const TELL_EVERY: Duration = Duration::from_secs(24 * 3_600);

/// Bytes that may be written there yet; `None` where the system does not say.
pub(super) fn free_bytes(folder: &Path) -> Option<u64> {
    let told = rustix::fs::statvfs(folder).ok()?;
    Some(told.f_bavail.saturating_mul(told.f_frsize))
}

/// What was seen of the room.
#[derive(Debug, Default)]
pub(super) struct Pace {
    /// When, and how much was free.
    noted: VecDeque<(Duration, u64)>,
    told: Option<Duration>,
}

impl Pace {
    /// Takes in how much is free; in how long nothing will be. `None`: not at this pace, or it is too early to say.
    pub(super) fn look(&mut self, now: Duration, free: u64) -> Option<Duration> {
        if self.noted.back().is_none_or(|(at, _)| now.saturating_sub(*at) >= NOTE_EVERY) {
            self.noted.push_back((now, free));
            while self.noted.front().is_some_and(|(at, _)| now.saturating_sub(*at) > LOOK_BACK) {
                self.noted.pop_front();
            }
        }
        let (first, _) = self.noted.front()?;
        if now.saturating_sub(*first) < AT_LEAST {
            return None;
        }
        let per_second = -self.slope()?;
        #[expect(clippy::cast_precision_loss, reason = "bytes of a disk, to some digits")]
        let secs = free as f64 / per_second;
        (per_second > 0.0).then(|| Duration::try_from_secs_f64(secs).unwrap_or(Duration::MAX))
    }

    /// Whether the log should tell it now.
    pub(super) fn tells(&mut self, now: Duration, full_in: Duration) -> bool {
        let tells = full_in < SOON && self.told.is_none_or(|told| now.saturating_sub(told) >= TELL_EVERY);
        if tells {
            self.told = Some(now);
        }
        tells
    }

    /// Bytes a second that become free, by the line that lies closest to what was noted.
    #[expect(clippy::cast_precision_loss, reason = "bytes of a disk, to some digits")]
    fn slope(&self) -> Option<f64> {
        let count = self.noted.len() as f64;
        let points = || self.noted.iter().map(|(at, free)| (at.as_secs_f64(), *free as f64));
        let (sum_at, sum_free) =
            points().fold((0.0, 0.0), |(ats, frees), (at, free)| (ats + at, frees + free));
        let (mean_at, mean_free) = (sum_at / count, sum_free / count);
        let (both, own) = points().fold((0.0, 0.0), |(both, own), (at, free)| {
            (both + (at - mean_at) * (free - mean_free), own + (at - mean_at).powi(2))
        });
        (own > 0.0).then(|| both / own)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);
    const GIGABYTE: u64 = 1_000_000_000;

    #[test]
    fn a_disk_that_fills_evenly_is_full_when_it_will_be() {
        let mut pace = Pace::default();
        let mut foretold = None;
        for minute in 0..=120_u32 {
            foretold = pace.look(minute * MINUTE, 100 * GIGABYTE - u64::from(minute) * GIGABYTE / 10);
            assert_eq!(foretold.is_some(), minute >= 60, "minute {minute}");
        }
        // 88 GB at 0.1 GB a minute.
        let minutes = foretold.unwrap().as_secs_f64() / 60.0;
        assert!((879.0..881.0).contains(&minutes), "{minutes}");
    }

    #[test]
    fn one_that_does_not_fill_or_that_is_emptied_is_never_full() {
        let (mut even, mut emptied) = (Pace::default(), Pace::default());
        for minute in 0..=300_u32 {
            assert_eq!(even.look(minute * MINUTE, 50 * GIGABYTE), None);
            assert_eq!(emptied.look(minute * MINUTE, 50 * GIGABYTE + u64::from(minute)), None);
        }
    }

    #[test]
    fn only_the_last_day_counts_and_what_is_noted_is_bounded() {
        let mut pace = Pace::default();
        let day = 24 * 60;
        for minute in 0..=day {
            pace.look(minute * MINUTE, 100 * GIGABYTE - u64::from(minute) * 1_000_000);
        }
        let left = 100 * GIGABYTE - u64::from(day) * 1_000_000;
        let later = (day..=3 * day).map(|minute| pace.look(minute * MINUTE, left)).last();
        assert_eq!(later, Some(None));
        assert!(pace.noted.len() < 300);
    }

    #[test]
    fn that_it_is_full_soon_is_told_once_a_day() {
        let mut pace = Pace::default();
        let days = |count: u32| count * 24 * 60 * MINUTE;
        assert!(!pace.tells(MINUTE, days(8)));
        assert!(pace.tells(MINUTE, days(6)));
        assert!(!pace.tells(2 * MINUTE, days(6)));
        assert!(pace.tells(days(1) + MINUTE, days(5)));
    }
}
