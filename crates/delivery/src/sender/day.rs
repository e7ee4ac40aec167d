//! What came of the requests to a web service in each hour of the last day: counted in memory, since the start.

use std::time::Duration;

use journal::WallTime;

/// So many hours are remembered, the present one among them.
pub const HOURS: usize = 24;
const HOUR_MICROS: i64 = 3_600 * 1_000_000;

/// The requests of an hour.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hour {
    /// Taken at the first attempt.
    pub taken: u32,
    /// Taken at a later one.
    pub retried: u32,
    /// Refused, unanswered or not even sent.
    pub failed: u32,
    /// How long those that were taken took, in all.
    pub took: Duration,
    /// The longest that was waited for one, from the moment its event reached us until it was taken.
    pub waited: Duration,
}

impl Hour {
    /// How long a request that was taken took on average.
    pub fn mean(&self) -> Option<Duration> {
        self.took.checked_div(self.taken.saturating_add(self.retried))
    }

    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        let Self { taken, retried, failed, took, waited } = other;
        self.taken = self.taken.saturating_add(*taken);
        self.retried = self.retried.saturating_add(*retried);
        self.failed = self.failed.saturating_add(*failed);
        self.took = self.took.saturating_add(*took);
        self.waited = self.waited.max(*waited);
    }
}

/// A request that was taken.
#[derive(Clone, Copy, Debug)]
pub(super) struct Taken {
    /// How long it took.
    pub(super) took: Duration,
    /// So long after its event had reached us.
    pub(super) waited: Duration,
}

/// The last day: its hours in which something was asked, the oldest first. A web service that is asked seldom has few.
#[derive(Clone, Debug, Default)]
pub(super) struct Day {
    /// Each with its number since the epoch.
    hours: Vec<(i64, Hour)>,
}

impl Day {
    /// Counts a request; nothing is `taken` where it failed.
    pub(super) fn count(&mut self, at: WallTime, attempt: u16, taken: Option<Taken>) {
        let hour = self.hour(number(at));
        match taken {
            Some(Taken { took, waited }) => {
                let of = if attempt <= 1 { &mut hour.taken } else { &mut hour.retried };
                *of = of.saturating_add(1);
                hour.took = hour.took.saturating_add(took);
                hour.waited = hour.waited.max(waited);
            }
            None => hour.failed = hour.failed.saturating_add(1),
        }
    }

    /// The hour that is counted now. A clock that was set back counts into the hour it had reached.
    fn hour(&mut self, now: i64) -> &mut Hour {
        if self.hours.last().is_none_or(|(last, _)| *last < now) {
            self.hours.retain(|(hour, _)| is_of_the_day(*hour, now));
            self.hours.reserve_exact(1);
            self.hours.push((now, Hour::default()));
        }
        let last = self.hours.len() - 1;
        &mut self.hours[last].1
    }

    /// The hours up to a moment, the oldest first.
    pub(super) fn until(&self, now: WallTime) -> [Hour; HOURS] {
        let now = self.hours.last().map_or(0, |(last, _)| *last).max(number(now));
        let mut day = [Hour::default(); HOURS];
        for (hour, of) in self.hours.iter().filter(|(hour, _)| is_of_the_day(*hour, now)) {
            let ago = usize::try_from(now - hour).unwrap_or(0);
            day[HOURS - 1 - ago] = *of;
        }
        day
    }
}

/// The hour of a moment, since the epoch.
fn number(at: WallTime) -> i64 {
    at.0.div_euclid(HOUR_MICROS)
}

/// Whether an hour is one of the last day at another.
fn is_of_the_day(hour: i64, now: i64) -> bool {
    now.saturating_sub(hour) < HOURS as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: Duration = Duration::from_millis(1);

    fn taken(took: u32, waited: u32) -> Option<Taken> {
        Some(Taken { took: MS * took, waited: MS * waited })
    }

    fn at(hour: i64) -> WallTime {
        WallTime((490_000 + hour) * HOUR_MICROS + 5)
    }

    #[test]
    fn the_last_day_is_told_hour_by_hour_and_what_is_older_is_forgotten() {
        let mut day = Day::default();
        day.count(at(0), 1, taken(40, 50));
        day.count(at(0), 3, taken(80, 7_080));
        day.count(at(2), 1, None);
        let hours = day.until(at(2));
        assert_eq!(hours[HOURS - 1], Hour { failed: 1, ..Hour::default() });
        assert_eq!(hours[HOURS - 2], Hour::default());
        assert_eq!(
            hours[HOURS - 3],
            Hour { taken: 1, retried: 1, failed: 0, took: 120 * MS, waited: 7_080 * MS }
        );
        assert_eq!(hours[HOURS - 3].mean(), Some(60 * MS));
        assert_eq!(day.until(at(23))[0].taken, 1, "the oldest hour of the day");
        assert_eq!(day.until(at(24))[0], Hour::default(), "a day later it is gone");
        assert_eq!((day.until(at(24))[1].failed, day.until(at(25))[0].failed), (1, 1));
        assert_eq!(day.until(at(900)), [Hour::default(); HOURS]);
    }

    #[test]
    fn a_web_service_takes_room_for_the_hours_in_which_it_was_asked() {
        let mut day = Day::default();
        day.count(at(0), 1, None);
        assert_eq!(day.hours.capacity(), 1);
        for hour in 1..200 {
            day.count(at(hour), 1, None);
            day.count(at(hour), 2, None);
        }
        assert_eq!((day.hours.len(), day.hours.capacity()), (HOURS, HOURS));
        assert!(day.until(at(199)).iter().all(|hour| hour.failed > 0));
    }

    #[test]
    fn a_clock_that_is_set_back_loses_nothing() {
        let mut day = Day::default();
        day.count(at(5), 1, taken(1, 1));
        day.count(at(3), 1, None);
        let mut all = Hour::default();
        day.until(at(5)).iter().for_each(|hour| all.add(hour));
        assert_eq!((all.taken, all.failed), (1, 1));
    }
}
