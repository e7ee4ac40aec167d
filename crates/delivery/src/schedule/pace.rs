//! A rate: so many requests a second to the receiver of one account, whichever of its web services they go to. What is
//! over waits, and goes in its turn.

use std::collections::VecDeque;
use std::time::Duration;

use crate::policy::Moment;

const SECOND: Duration = Duration::from_secs(1);

/// Within any second, so many.
#[derive(Debug)]
pub(super) struct Pace {
    a_second: u32,
    /// When the last of them were started, at most as many as there may be in a second.
    started: VecDeque<Moment>,
    /// Webhooks that wait, in order.
    pub(super) waiting: VecDeque<u32>,
    /// When the timer fires that lets them go on.
    pub(super) timer: Option<Moment>,
    /// How many webhooks keep it.
    pub(super) kept_by: u32,
}

impl Pace {
    pub(super) fn new(a_second: u32) -> Self {
        Self { a_second, started: VecDeque::new(), waiting: VecDeque::new(), timer: None, kept_by: 0 }
    }

    /// From now on so many; whether that is another rate.
    pub(super) fn change(&mut self, a_second: u32) -> bool {
        let many = self.started.len().saturating_sub(a_second as usize);
        self.started.drain(..many);
        std::mem::replace(&mut self.a_second, a_second) != a_second
    }

    /// From when on one more may be started, if not now.
    pub(super) fn full_until(&self, now: Moment) -> Option<Moment> {
        if self.started.len() < self.a_second as usize {
            return None;
        }
        self.started.front().map(|first| first.plus(SECOND)).filter(|until| *until > now)
    }

    /// One was started.
    pub(super) fn count(&mut self, now: Moment) {
        if self.started.len() >= self.a_second as usize {
            self.started.pop_front();
        }
        self.started.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn within_any_second_there_are_no_more() {
        let mut pace = Pace::new(3);
        let (mut now, mut started) = (Moment(5), Vec::new());
        for step in 0..40 {
            // Bursts with pauses of several lengths between.
            now = now.plus(Duration::from_millis(if step % 7 == 0 { 350 } else { 40 }));
            while pace.full_until(now).is_none() && started.len() < 200 {
                pace.count(now);
                started.push(now);
            }
        }
        let most =
            |from: &Moment| started.iter().filter(|at| **at >= *from && **at < from.plus(SECOND)).count();
        assert_eq!(started.iter().map(most).max(), Some(3));
        assert!(started.len() >= 9, "{started:?}");
        pace.change(1);
        assert_eq!(pace.full_until(now), started.last().map(|last| last.plus(SECOND)));
    }
}
