//! Which web services' next bodies are read before their turn, and how far that has got.

use rustc_hash::FxHashMap;

use crate::schedule::WebhookKey;

/// Calls of a web service that are looked at together.
const AT_ONCE: usize = 1_024;
/// And of all together.
pub(super) const IN_ALL: usize = 16_384;
/// Of a web service where many are worked off. So many web services are read ahead at most; the others' bodies are read one by
/// one.
const AT_LEAST: usize = 64;

/// Whose are read ahead.
#[derive(Default)]
pub(super) struct Ahead {
    of: FxHashMap<WebhookKey, Reach>,
}

/// How far it is read.
struct Reach {
    /// So many may be started before there may be one that is not at hand.
    left: usize,
    is_reading: bool,
}

impl Ahead {
    /// Something was started, at hand or missing; whether the next are to be read.
    pub(super) fn started(&mut self, webhook: WebhookKey, is_missing: bool) -> bool {
        if self.of.is_empty() && !is_missing {
            return false;
        }
        let half = self.at_once() / 2;
        if let Some(reach) = self.of.get_mut(&webhook) {
            reach.left = reach.left.saturating_sub(1);
            let is_due = !reach.is_reading && reach.left <= half;
            reach.is_reading |= is_due;
            return is_due;
        }
        if !is_missing {
            return false;
        }
        if self.of.len() >= IN_ALL / AT_LEAST {
            self.begins_anew();
        }
        let has_room = self.of.len() < IN_ALL / AT_LEAST;
        if has_room {
            self.of.insert(webhook, Reach { left: 0, is_reading: true });
        }
        has_room
    }

    /// Those that are not being read begin with the next that is not at hand.
    pub(super) fn begins_anew(&mut self) {
        self.of.retain(|_, reach| reach.is_reading);
    }

    /// So many calls of a web service are looked at.
    pub(super) fn at_once(&self) -> usize {
        (IN_ALL / self.of.len().max(1)).clamp(AT_LEAST, AT_ONCE)
    }

    /// Of so many calls that come next what is missing is being read; if nothing is, it is looked again when as many were started.
    pub(super) fn reads(&mut self, webhook: WebhookKey, left: usize, is_reading: bool) {
        if let Some(reach) = self.of.get_mut(&webhook) {
            *reach = Reach { left, is_reading };
        }
    }

    pub(super) fn has_read(&mut self, webhook: WebhookKey) {
        if let Some(reach) = self.of.get_mut(&webhook) {
            reach.is_reading = false;
        }
    }

    /// Nothing of a web service is read ahead, until something is missing again.
    pub(super) fn ends(&mut self, webhook: WebhookKey) {
        self.of.remove(&webhook);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_are_read_when_half_of_the_last_is_left() {
        let (mut ahead, hook) = (Ahead::default(), WebhookKey(1));
        assert!(!ahead.started(hook, false), "all is at hand");
        assert!(ahead.started(hook, true));
        assert!(!ahead.started(hook, true), "they are being read");
        ahead.of.insert(hook, Reach { left: AT_ONCE, is_reading: false });
        let before = (0..AT_ONCE).take_while(|_| !ahead.started(hook, false)).count();
        assert_eq!(before, AT_ONCE / 2 - 1);
    }

    #[test]
    fn not_too_many_are_read_ahead_and_none_is_left_out_for_good() {
        let most = u32::try_from(IN_ALL / AT_LEAST).expect("some");
        let mut ahead = Ahead::default();
        for hook in 0..2 * most {
            assert_eq!(ahead.started(WebhookKey(hook), true), hook < most, "all of them are being read");
            assert!(ahead.of.len() * ahead.at_once() <= IN_ALL);
        }
        for reach in ahead.of.values_mut() {
            *reach = Reach { left: 10, is_reading: false };
        }
        assert!(ahead.started(WebhookKey(most), true));
        assert_eq!(ahead.of.len(), 1, "the others begin anew");
    }
}
