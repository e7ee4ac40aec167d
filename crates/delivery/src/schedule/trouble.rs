//! How long a webhook has failed: the time in which something of it was due, was tried and failed. A quiet day
//! is no failing day, however the last call before it went.

use std::time::Duration;

use crate::policy::Moment;

/// From the first failure after a success to the next success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    /// The first failure, for people.
    pub(super) since: Moment,
    /// What counted before.
    counted: Duration,
    /// Since when it counts; not while nothing is due.
    running: Option<Moment>,
    /// What other gateways of the same store make of it, where it is about a pause: more, or less, in microseconds.
    others: i64,
}

impl Trouble {
    /// Something failed.
    pub(super) fn failed(was: Option<Self>, now: Moment) -> Self {
        let was = was.unwrap_or(Self { since: now, counted: Duration::ZERO, running: None, others: 0 });
        Self { running: was.running.or(Some(now)), ..was }
    }

    /// It was so long when the program ended; nothing has been tried since.
    pub(super) const fn recalled(since: Moment, counted: Duration) -> Self {
        Self { since, counted, running: None, others: 0 }
    }

    /// Nothing is due any more.
    pub(super) fn rest(&mut self, now: Moment) {
        self.counted = self.lasted(now);
        self.running = None;
    }

    /// Whether something of it is due.
    pub(super) const fn is_running(&self) -> bool {
        self.running.is_some()
    }

    /// How long nobody had anything taken, as far as it is known.
    pub(super) fn counted(&self, now: Moment) -> Duration {
        let lasted = micros(self.lasted(now)).saturating_add(self.others);
        Duration::from_micros(u64::try_from(lasted).unwrap_or(0))
    }

    /// By all gateways together it is so long.
    pub(super) fn counts_from(&mut self, counted: Duration, now: Moment) {
        self.others = micros(counted) - micros(self.lasted(now));
    }

    /// How long it has failed here.
    pub(super) fn lasted(&self, now: Moment) -> Duration {
        self.counted + self.running.map_or(Duration::ZERO, |running| now.since(running))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX / 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: Duration = Duration::from_secs(24 * 3_600);

    #[test]
    fn only_the_time_in_which_something_was_due_counts() {
        let mut trouble = Trouble::failed(None, Moment(0));
        let later = Moment(0).plus(DAY);
        trouble = Trouble::failed(Some(trouble), later);
        assert_eq!(trouble.lasted(later), DAY);
        trouble.rest(later);
        let much_later = later.plus(30 * DAY);
        assert_eq!(trouble.lasted(much_later), DAY);
        trouble = Trouble::failed(Some(trouble), much_later);
        assert_eq!((trouble.lasted(much_later.plus(DAY)), trouble.since), (2 * DAY, Moment(0)));
    }
}
