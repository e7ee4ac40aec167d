//! How long to wait before the next attempt to connect. Pure: chance is an argument.

use std::time::Duration;

/// The first pause after a link that had been up.
const FIRST: Duration = Duration::from_millis(500);
/// No pause is longer.
const LONGEST: Duration = Duration::from_secs(30);
/// The first pause after a refused login: a PBX may lock out who tries too often.
const FIRST_REFUSED: Duration = Duration::from_secs(5);
/// A link that was up for so long counts as sound; before that the pauses go on growing.
const SOUND: Duration = Duration::from_secs(20);

/// Growing pauses, with chance so that many gateways do not come back in step.
#[derive(Debug, Default)]
pub(crate) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// The link was up for this long.
    pub(crate) fn was_up(&mut self, up: Duration) {
        if up >= SOUND {
            self.failures = 0;
        }
    }

    /// The pause after one more failure: between half and the whole of a doubling time.
    pub(crate) fn pause(&mut self, login_refused: bool, chance: u32) -> Duration {
        let first = if login_refused { FIRST_REFUSED } else { FIRST };
        let whole = first.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        let half = whole / 2;
        half + half.mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_to_a_bound_and_never_vanish() {
        let mut backoff = Backoff::default();
        let pauses: Vec<_> = (0..40).map(|_| backoff.pause(false, u32::MAX)).collect();
        assert_eq!(pauses[0], FIRST);
        assert!(pauses.windows(2).all(|pair| pair[0] <= pair[1]));
        assert_eq!(pauses[39], LONGEST);
        assert_eq!(Backoff::default().pause(false, 0), FIRST / 2);
    }

    #[test]
    fn a_refused_login_is_not_tried_again_at_once() {
        assert!(Backoff::default().pause(true, 0) >= FIRST_REFUSED / 2);
    }

    #[test]
    fn only_a_link_that_was_up_for_a_while_begins_anew() {
        let mut backoff = Backoff::default();
        for _ in 0..5 {
            backoff.pause(false, 0);
        }
        backoff.was_up(SOUND / 2);
        assert!(backoff.pause(false, 0) > FIRST);
        backoff.was_up(SOUND);
        assert_eq!(backoff.pause(false, u32::MAX), FIRST);
    }
}
