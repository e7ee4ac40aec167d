//! Logins that were begun and not finished: each for one browser, once, and not for long. Pure.

use std::collections::HashMap;

use journal::WallTime;
use openidconnect::{Nonce, PkceCodeVerifier};
use sha2::{Digest as _, Sha256};

/// At most so many are under way; the oldest makes room.
pub const ATTEMPTS_MAX: usize = 10_000;
/// So long a person may take at the provider.
pub const ATTEMPT_LIFE_SECS: i64 = 10 * 60;
/// A longer way back is forgotten, in bytes.
const NEXT_MAX: usize = 2_048;

/// A login under way.
#[derive(Debug)]
pub struct Attempt {
    /// Where the person wanted to go.
    pub next: String,
    pub(crate) nonce: Nonce,
    pub(crate) verifier: PkceCodeVerifier,
    browser: [u8; 32],
    begun_at: WallTime,
}

/// All of them, by what the provider sends back (`state`).
#[derive(Debug, Default)]
pub(crate) struct Attempts(HashMap<[u8; 32], Attempt>);

impl Attempts {
    pub(crate) fn begin(
        &mut self,
        state: &str,
        browser: &str,
        next: &str,
        (nonce, verifier): (Nonce, PkceCodeVerifier),
        now: WallTime,
    ) {
        self.0.retain(|_, attempt| attempt.lives(now));
        if self.0.len() >= ATTEMPTS_MAX
            && let Some(oldest) = self.0.iter().min_by_key(|(_, one)| one.begun_at).map(|(key, _)| *key)
        {
            self.0.remove(&oldest);
        }
        let next = if next.len() <= NEXT_MAX { next } else { "" };
        let attempt =
            Attempt { next: next.to_owned(), nonce, verifier, browser: hash(browser), begun_at: now };
        self.0.insert(hash(state), attempt);
    }

    /// Takes one out, for good: if it lives, and for the browser that began it.
    pub(crate) fn take(&mut self, state: &str, browser: &str, now: WallTime) -> Option<Attempt> {
        let attempt = self.0.remove(&hash(state))?;
        (attempt.lives(now) && attempt.browser == hash(browser)).then_some(attempt)
    }
}

impl Attempt {
    fn lives(&self, now: WallTime) -> bool {
        now.0.saturating_sub(self.begun_at.0) < ATTEMPT_LIFE_SECS * 1_000_000
    }
}

fn hash(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(attempts: &mut Attempts, state: &str, secs: i64) {
        let secrets = (Nonce::new("n".into()), PkceCodeVerifier::new("v".repeat(43)));
        attempts.begin(state, "browser", "/next", secrets, WallTime(secs * 1_000_000));
    }

    fn take(attempts: &mut Attempts, state: &str, browser: &str, secs: i64) -> bool {
        attempts.take(state, browser, WallTime(secs * 1_000_000)).is_some()
    }

    #[test]
    fn a_login_is_finished_once() {
        let mut attempts = Attempts::default();
        begin(&mut attempts, "a", 0);
        assert!(!take(&mut attempts, "b", "browser", 1));
        assert!(take(&mut attempts, "a", "browser", 1));
        assert!(!take(&mut attempts, "a", "browser", 1));
    }

    #[test]
    fn a_login_is_finished_by_the_browser_that_began_it_and_in_time() {
        let mut attempts = Attempts::default();
        begin(&mut attempts, "a", 0);
        assert!(!take(&mut attempts, "a", "another", 1));
        begin(&mut attempts, "a", 0);
        assert!(!take(&mut attempts, "a", "browser", ATTEMPT_LIFE_SECS));
        begin(&mut attempts, "a", 0);
        assert!(take(&mut attempts, "a", "browser", ATTEMPT_LIFE_SECS - 1));
    }

    #[test]
    fn logins_under_way_are_bounded_in_number_and_in_size() {
        let mut attempts = Attempts::default();
        begin(&mut attempts, "first", 0);
        for number in 0..ATTEMPTS_MAX {
            begin(&mut attempts, &number.to_string(), 1);
        }
        assert_eq!(attempts.0.len(), ATTEMPTS_MAX);
        assert!(!take(&mut attempts, "first", "browser", 2));
        let secrets = (Nonce::new("n".into()), PkceCodeVerifier::new("v".repeat(43)));
        attempts.begin("long", "browser", &"/".repeat(NEXT_MAX + 1), secrets, WallTime(2_000_000));
        let long = attempts.take("long", "browser", WallTime(2_000_000)).unwrap();
        assert_eq!(long.next, "");
    }
}
