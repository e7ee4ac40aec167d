//! How long callers waited: counted by length, so that days can be added up and taken away, and any share of them
//! be asked for. Pure.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Lengths are told apart by so many seconds, each up to where the next begins: a second up to a minute, five up to
/// ten minutes, half a minute up to an hour, five minutes beyond.
const STEPS: [(u64, u64); 4] = [(0, 1), (60, 5), (600, 30), (3_600, 300)];
/// What is longer counts as this.
const LONGEST_SECS: u64 = 24 * 3_600;

/// How long callers waited who came through to somebody, and those who did not.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waits {
    /// Of calls that were taken: from joining the queue or the first phone that rang, by whole seconds.
    answered: BTreeMap<u32, u64>,
    /// Of legs that nobody took: how long the caller had waited when the phone stopped.
    missed: BTreeMap<u32, u64>,
}

impl Waits {
    /// How many calls were taken whose wait is known.
    pub fn answered(&self) -> u64 {
        self.answered.values().sum()
    }

    /// How many of them waited so many seconds or less.
    pub fn within(&self, secs: u32) -> u64 {
        self.answered.range(..=secs).map(|(_, many)| many).sum()
    }

    /// The wait in seconds that such a share of those who were taken, in percent, did not exceed; `None` of none.
    pub fn not_longer(&self, percent: u64) -> Option<u64> {
        let wanted = (self.answered() * percent.min(100)).div_ceil(100).max(1);
        let mut seen = 0;
        self.answered.iter().find_map(|(secs, many)| {
            seen += many;
            (seen >= wanted).then_some(u64::from(*secs))
        })
    }

    /// The longest wait in seconds, of those whom nobody took too.
    pub fn longest(&self) -> Option<u64> {
        let last = |of: &BTreeMap<u32, u64>| of.last_key_value().map(|(secs, _)| u64::from(*secs));
        last(&self.answered).max(last(&self.missed))
    }

    /// Whether nothing was counted.
    pub fn is_empty(&self) -> bool {
        self.answered.is_empty() && self.missed.is_empty()
    }

    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        let Self { answered, missed } = other;
        for (mine, others) in [(&mut self.answered, answered), (&mut self.missed, missed)] {
            others.iter().for_each(|(secs, many)| *mine.entry(*secs).or_default() += many);
        }
    }

    /// Counts one.
    pub(crate) fn count(&mut self, wait: Wait) {
        self.count_many(wait, 1);
    }

    /// Counts so many alike.
    pub(crate) fn count_many(&mut self, wait: Wait, many: u64) {
        let of = if wait.answered { &mut self.answered } else { &mut self.missed };
        *of.entry(wait.secs).or_default() += many;
    }

    /// Takes one away, as far as it is there.
    pub(crate) fn discount(&mut self, wait: Wait) {
        let mut one = Self::default();
        one.count(wait);
        self.take(&one);
    }

    /// Takes another away, as far as it is there.
    pub fn take(&mut self, other: &Self) {
        let Self { answered, missed } = other;
        for (mine, others) in [(&mut self.answered, answered), (&mut self.missed, missed)] {
            for (secs, many) in others {
                if let Some(left) = mine.get_mut(secs) {
                    *left = left.saturating_sub(*many);
                }
            }
            mine.retain(|_, many| *many > 0);
        }
    }

    /// How many lengths are told apart.
    pub(crate) fn lengths(&self) -> usize {
        self.answered.len() + self.missed.len()
    }
}

/// The wait of one leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wait {
    pub(crate) secs: u32,
    pub(crate) answered: bool,
}

impl Wait {
    /// So many seconds, until somebody answered or not.
    pub(crate) fn new(secs: u64, answered: bool) -> Self {
        Self { secs: told_apart(secs), answered }
    }
}

/// The length it counts as: the shortest of those it is not told apart from.
fn told_apart(secs: u64) -> u32 {
    let secs = secs.min(LONGEST_SECS);
    let step = STEPS.iter().rev().find(|(from, _)| secs >= *from).map_or(1, |(_, step)| *step);
    u32::try_from(secs - secs % step).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(answered: &[u64], missed: &[u64]) -> Waits {
        let mut waits = Waits::default();
        for (all, answered) in [(answered, true), (missed, false)] {
            all.iter().for_each(|secs| waits.count(Wait::new(*secs, answered)));
        }
        waits
    }

    #[test]
    fn shares_are_those_of_the_calls_one_by_one() {
        let of = waits(&[3, 9, 20, 21, 40, 7, 8, 12, 300, 5], &[]);
        assert_eq!((of.answered(), of.within(20)), (10, 7));
        assert_eq!((of.not_longer(50), of.not_longer(90), of.longest()), (Some(9), Some(40), Some(300)));
        assert_eq!(waits(&[4], &[77]).longest(), Some(75), "five seconds are one beyond a minute");
        assert_eq!(Waits::default().not_longer(50), None);
    }

    #[test]
    fn what_is_added_can_be_taken_away_and_few_lengths_are_told_apart() {
        let (one, other) = (waits(&[1, 1, 90], &[40]), waits(&[1, 3_000], &[40, 7]));
        let mut both = one.clone();
        both.add(&other);
        both.take(&one);
        assert_eq!(both, other);
        both.take(&one);
        assert_eq!(both, waits(&[3_000], &[7]), "not below nothing");
        let all = (0..200_000).map(told_apart).collect::<std::collections::BTreeSet<_>>();
        assert!(all.len() < 550, "{}", all.len());
        assert!(all.iter().all(|secs| told_apart(u64::from(*secs)) == *secs));
    }
}
