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
}

impl Trouble {
    /// Something failed.
    pub(super) fn failed(was: Option<Self>, now: Moment) -> Self {
        let was = was.unwrap_or(Self { since: now, counted: Duration::ZERO, running: None });
        Self { running: was.running.or(Some(now)), ..was }
    }

    /// It was so long when the program ended; nothing has been tried since.
    pub(super) const fn recalled(since: Moment, counted: Duration) -> Self {
        Self { since, counted, running: None }
    }

    /// Nothing is due any more.
    pub(super) fn rest(&mut self, now: Moment) {
        self.counted = self.lasted(now);
        self.running = None;
    }

    /// How long it has failed.
    pub(super) fn lasted(&self, now: Moment) -> Duration {
        self.counted + self.running.map_or(Duration::ZERO, |running| now.since(running))
    }
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
