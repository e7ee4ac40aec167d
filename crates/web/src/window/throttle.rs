//! How often a password may be tried.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use journal::WallTime;

/// Wrong passwords for one name within the window.
const TRIES: u32 = 8;
/// Wrong passwords in all within the window.
const TRIES_IN_ALL: u32 = 200;
/// The window.
const WINDOW_SECS: i64 = 15 * 60;
/// Names remembered at once; beyond it only the count in all holds.
const MAX_NAMES: usize = 10_000;

#[derive(Default)]
struct Count {
    begun_at: WallTime,
    tries: u32,
}

impl Count {
    fn over(&self, limit: u32, now: WallTime) -> bool {
        self.fresh(now) && self.tries >= limit
    }

    fn fresh(&self, now: WallTime) -> bool {
        now.0.saturating_sub(self.begun_at.0) < WINDOW_SECS * 1_000_000
    }

    fn add(&mut self, now: WallTime) {
        if !self.fresh(now) {
            *self = Self { begun_at: now, tries: 0 };
        }
        self.tries = self.tries.saturating_add(1);
    }
}

/// The counts.
#[derive(Default)]
pub(crate) struct Throttle(Mutex<(Count, HashMap<String, Count>)>);

impl Throttle {
    /// Whether another try is let through.
    pub(crate) fn lets(&self, name: &str, now: WallTime) -> bool {
        let counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        !counts.0.over(TRIES_IN_ALL, now) && !counts.1.get(name).is_some_and(|count| count.over(TRIES, now))
    }

    /// Notes a wrong password.
    pub(crate) fn failed(&self, name: &str, now: WallTime) {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        counts.0.add(now);
        counts.1.retain(|_, count| count.fresh(now));
        if counts.1.len() < MAX_NAMES {
            counts.1.entry(name.to_owned()).or_default().add(now);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_closed_after_some_tries_and_opens_again() {
        let throttle = Throttle::default();
        for _ in 0..TRIES {
            assert!(throttle.lets("mette", WallTime(1)));
            throttle.failed("mette", WallTime(1));
        }
        assert!(!throttle.lets("mette", WallTime(2)));
        assert!(throttle.lets("jens", WallTime(2)));
        assert!(throttle.lets("mette", WallTime(2 + WINDOW_SECS * 1_000_000)));
    }
}
