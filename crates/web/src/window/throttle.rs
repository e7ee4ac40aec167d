//! How often one may try to log in.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use journal::WallTime;

/// Wrong passwords for one name within the window.
const TRIES: u32 = 8;
/// Wrong passwords in all within the window.
const TRIES_IN_ALL: u32 = 200;
/// Logins through a provider that come to nothing within the window. Whoever fails there has no name yet, so one
/// who tries for ever cannot be told from the others: it is more than a crowd of honest ones reaches.
const ARRIVALS_IN_ALL: u32 = 2_000;
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
pub(crate) struct Throttle {
    tries: u32,
    tries_in_all: u32,
    counts: Mutex<(Count, HashMap<String, Count>)>,
}

impl Throttle {
    /// For passwords, by the name they are tried for.
    pub(crate) fn of_passwords() -> Self {
        Self { tries: TRIES, tries_in_all: TRIES_IN_ALL, counts: Mutex::default() }
    }

    /// For logins through a provider, which are nobody's yet: all under one name.
    pub(crate) fn of_arrivals() -> Self {
        Self { tries: ARRIVALS_IN_ALL, tries_in_all: ARRIVALS_IN_ALL, counts: Mutex::default() }
    }

    /// Whether another try is let through.
    pub(crate) fn lets(&self, name: &str, now: WallTime) -> bool {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        !counts.0.over(self.tries_in_all, now)
            && !counts.1.get(name).is_some_and(|count| count.over(self.tries, now))
    }

    /// Notes a try that failed.
    pub(crate) fn failed(&self, name: &str, now: WallTime) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
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
        let throttle = Throttle::of_passwords();
        for _ in 0..TRIES {
            assert!(throttle.lets("mette", WallTime(1)));
            throttle.failed("mette", WallTime(1));
        }
        assert!(!throttle.lets("mette", WallTime(2)));
        assert!(throttle.lets("jens", WallTime(2)));
        assert!(throttle.lets("mette", WallTime(2 + WINDOW_SECS * 1_000_000)));
    }
}
