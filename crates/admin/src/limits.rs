//! How often something may be done: a burst, then one after each interval. Pure; time comes in as a duration since
//! some beginning.

use std::collections::HashMap;
use std::time::Duration;

/// So many are remembered; who could do a burst anew is forgotten first.
const KEYS_MAX: usize = 4_096;

/// A burst, then one after each interval, for each key.
#[derive(Debug)]
pub(crate) struct Limit {
    burst: u32,
    interval: Duration,
    /// When each has its whole burst again.
    whole_at: HashMap<String, Duration>,
}

impl Limit {
    pub(crate) fn new(burst: u32, interval: Duration) -> Self {
        Self { burst, interval, whole_at: HashMap::new() }
    }

    /// How long to wait until one more is good; zero: now.
    pub(crate) fn wait(&self, key: &str, now: Duration) -> Duration {
        let whole_at = self.whole_at.get(key).copied().unwrap_or_default().max(now);
        (whole_at + self.interval).saturating_sub(now + self.interval * self.burst)
    }

    /// One more was done.
    pub(crate) fn count(&mut self, key: &str, now: Duration) {
        if self.whole_at.len() >= KEYS_MAX && !self.whole_at.contains_key(key) {
            self.make_room(now);
        }
        let whole_at = self.whole_at.entry(key.to_owned()).or_default();
        *whole_at = (*whole_at).max(now) + self.interval;
    }

    fn make_room(&mut self, now: Duration) {
        self.whole_at.retain(|_, whole_at| *whole_at > now);
        if self.whole_at.len() >= KEYS_MAX {
            let soonest = self.whole_at.iter().min_by_key(|(_, whole_at)| **whole_at);
            if let Some(key) = soonest.map(|(key, _)| key.clone()) {
                self.whole_at.remove(&key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_burst_is_good_then_one_after_each_interval() {
        let mut limit = Limit::new(3, 10 * SECOND);
        for _ in 0..3 {
            assert_eq!(limit.wait("one", SECOND), Duration::ZERO);
            limit.count("one", SECOND);
        }
        assert_eq!(limit.wait("one", SECOND), 10 * SECOND);
        assert_eq!(limit.wait("other", SECOND), Duration::ZERO, "each has its own");
        assert_eq!(limit.wait("one", 11 * SECOND), Duration::ZERO);
        limit.count("one", 11 * SECOND);
        assert_eq!(limit.wait("one", 12 * SECOND), 9 * SECOND);
        assert_eq!(limit.wait("one", 100 * SECOND), Duration::ZERO);
    }

    #[test]
    fn what_is_remembered_is_bounded_and_who_waits_is_not_forgotten_first() {
        let mut limit = Limit::new(1, 10 * SECOND);
        for _ in 0..10 {
            limit.count("waits long", SECOND);
        }
        for number in 0..3 * KEYS_MAX {
            limit.count(&number.to_string(), SECOND);
        }
        assert_eq!(limit.whole_at.len(), KEYS_MAX);
        assert!(limit.wait("waits long", SECOND) > 60 * SECOND);
    }
}
