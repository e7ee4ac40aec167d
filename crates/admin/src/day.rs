//! What an account's people did in a day of its own, and what days that are over came to: remembered for a moment.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use calls::AccountId;
use journal::{Tally, Waits};

/// What a time came to that was over before today is good for so long, for a report asks for itself again and again:
/// a call that ended late, or was forgotten, shows a minute later.
const GOOD_FOR_MICROS: i64 = 60 * 1_000_000;
/// So many are remembered.
const MOST: usize = 2_048;

/// What an account's people did in a day, or in some.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Day {
    /// How many calls, and how long.
    pub tally: Tally,
    /// How long callers waited.
    pub waits: Waits,
}

impl Day {
    pub(crate) fn add(&mut self, other: &Self) {
        self.tally.add(&other.tally);
        self.waits.add(&other.waits);
    }

    pub(crate) fn take(&mut self, other: &Self) {
        take(&mut self.tally, &other.tally);
        self.waits.take(&other.waits);
    }
}

/// Takes another away; a call that ended between two questions takes nothing below nothing.
fn take(tally: &mut Tally, other: &Tally) {
    let Tally { taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred } = other;
    tally.taken = tally.taken.saturating_sub(*taken);
    tally.missed = tally.missed.saturating_sub(*missed);
    tally.elsewhere = tally.elsewhere.saturating_sub(*elsewhere);
    tally.made = tally.made.saturating_sub(*made);
    tally.talks = tally.talks.saturating_sub(*talks);
    tally.talk_secs = tally.talk_secs.saturating_sub(*talk_secs);
    tally.ring_micros = tally.ring_micros.saturating_sub(*ring_micros);
    tally.transferred = tally.transferred.saturating_sub(*transferred);
}

/// What times came to, with when that was asked.
#[derive(Debug, Default)]
pub(crate) struct Remembered(Mutex<HashMap<Asked, (i64, Day)>>);

/// Whose, from when, until when.
pub(crate) type Asked = (AccountId, i64, i64);

impl Remembered {
    pub(crate) fn get(&self, asked: &Asked, now: i64) -> Option<Day> {
        let all = self.lock();
        let (_, day) = all.get(asked).filter(|(at, _)| (*at..*at + GOOD_FOR_MICROS).contains(&now))?;
        Some(day.clone())
    }

    pub(crate) fn put(&self, asked: Asked, now: i64, day: &Day) {
        let mut all = self.lock();
        if all.len() >= MOST {
            all.retain(|_, (at, _)| (*at..*at + GOOD_FOR_MICROS).contains(&now));
            if all.len() >= MOST {
                all.clear();
            }
        }
        all.insert(asked, (now, day.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Asked, (i64, Day)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_time_came_to_is_remembered_for_a_minute_and_not_without_a_bound() {
        let remembered = Remembered::default();
        let asked = |from: i64| (AccountId::new("1"), from, from + 1);
        let day = Day { tally: Tally { taken: 7, ..Tally::default() }, ..Day::default() };
        remembered.put(asked(0), 1_000, &day);
        assert_eq!(remembered.get(&asked(0), 1_000), Some(day.clone()));
        assert_eq!(remembered.get(&asked(0), 1_000 + GOOD_FOR_MICROS - 1), Some(day.clone()));
        assert_eq!(remembered.get(&asked(0), 1_000 + GOOD_FOR_MICROS), None);
        assert_eq!(remembered.get(&asked(0), 999), None, "a clock that was set back");
        assert_eq!(remembered.get(&asked(1), 1_000), None);
        for from in 0..i64::try_from(3 * MOST).unwrap() {
            remembered.put(asked(from), 1_000, &day);
        }
        assert!(remembered.lock().len() <= MOST);
    }
}
