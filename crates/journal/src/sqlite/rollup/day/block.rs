//! The rows of one block, as legs are added and taken out.

use std::collections::BTreeMap;

use rusqlite::Connection;

use super::super::super::errors::StoreError;
use super::super::entry::{Entry, outcome_at};
use super::part::{FULL, Part, Sum, counts};
use super::{Within, each};
use crate::sums::Person;
use crate::waits::Waits;

/// The rows of one block: a day, or some of them.
#[derive(Clone, Debug, Default)]
pub(super) struct Block {
    /// By their number, each with whether it is to be written.
    pub(super) parts: BTreeMap<i64, (Part, bool)>,
}

impl Block {
    pub(super) fn load(conn: &Connection, account: &str, span: i64, block: i64) -> Result<Self, StoreError> {
        let mut parts = BTreeMap::new();
        each(conn, account, span, &(block..block + 1), |_, number, part| {
            parts.insert(number, (part, false));
        })?;
        Ok(Self { parts })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.parts.is_empty()
    }

    /// What a person's legs come to: in whichever row they are, or in the first that has room.
    fn sum_of(&mut self, person: &Person) -> &mut Sum {
        let place = self.parts.iter().find_map(|(number, (part, _))| {
            Some((*number, part.people.iter().position(|sum| sum.is(person))?))
        });
        let number = match (place, self.parts.last_key_value()) {
            (Some((number, _)), _) => number,
            (None, Some((number, (part, _)))) if part.bytes() >= FULL => number + 1,
            (None, Some((number, _))) => *number,
            (None, None) => 0,
        };
        let (part, changed) = self.parts.entry(number).or_default();
        *changed = true;
        let at = match place {
            Some((_, at)) => at,
            None => {
                part.people.push(Sum::none_of(person));
                part.people.len() - 1
            }
        };
        &mut part.people[at]
    }

    /// The first row, which is to be written. What was added up before it was there is not known.
    fn first(&mut self) -> &mut Part {
        let is_new = self.parts.is_empty();
        let (part, changed) = self.parts.entry(0).or_insert_with(|| {
            let part = Part::default();
            let outcomes = part.outcomes.filter(|_| is_new);
            (Part { outcomes, ..part }, true)
        });
        *changed = true;
        part
    }

    fn add_calls(&mut self, quarter: u16, calls: u64) {
        if calls > 0 {
            *self.first().quarters.entry(quarter).or_default() += calls;
        }
    }

    pub(super) fn add_leg(&mut self, leg: &Entry, at: Within) {
        let tally = leg.outline.tally();
        self.sum_of(&leg.person).add_one(counts(&tally), leg.wait);
        self.add_calls(at.quarter, tally.calls());
        if let (Some(outcomes), Some(which)) = (&mut self.first().outcomes, outcome_at(leg.outline.outcome)) {
            outcomes[which] |= 1_u64.checked_shl(at.bit.into()).unwrap_or(0);
        }
        if let Some(wait) = leg.wait
            && !leg.queue.is_empty()
        {
            let mut waits = Waits::default();
            waits.count(wait);
            self.add_queue(&leg.queue, &waits);
        }
    }

    fn add_queue(&mut self, queue: &str, waits: &Waits) {
        if !queue.is_empty() && !waits.is_empty() {
            self.first().queues.entry(queue.to_owned()).or_default().add(waits);
        }
    }

    pub(super) fn take_leg(&mut self, leg: &Entry, at: Within) {
        let tally = leg.outline.tally();
        for (part, changed) in self.parts.values_mut() {
            if let Some(at) = part.people.iter().position(|sum| sum.is(&leg.person)) {
                part.people[at].take(counts(&tally), leg.wait);
                if part.people[at].legs == 0 {
                    part.people.swap_remove(at);
                }
                *changed = true;
            }
            if let Some(calls) = part.quarters.get_mut(&at.quarter)
                && tally.calls() > 0
            {
                *calls = calls.saturating_sub(tally.calls());
                *changed = true;
            }
            part.quarters.retain(|_, calls| *calls > 0);
            if let (Some(waits), Some(wait)) = (part.queues.get_mut(&leg.queue), leg.wait) {
                waits.discount(wait);
                *changed = true;
            }
            part.queues.retain(|_, waits| !waits.is_empty());
        }
    }

    /// No leg that came out so is left in its hour.
    pub(super) fn take_outcome(&mut self, outcome: usize, at: Within) {
        if let Some((Part { outcomes: Some(outcomes), .. }, changed)) = self.parts.get_mut(&0) {
            outcomes[outcome] &= !1_u64.checked_shl(at.bit.into()).unwrap_or(0);
            *changed = true;
        }
    }

    /// Adds a day that begins so far behind the beginning of this one.
    pub(super) fn add_day(&mut self, day: &Self, begins: Within) {
        for (part, _) in day.parts.values() {
            for sum in &part.people {
                let person = Person { number: sum.number.clone(), name: sum.name.clone() };
                self.sum_of(&person).add(sum.legs, sum.counts, &sum.waits);
            }
            for (quarter, calls) in &part.quarters {
                self.add_calls(begins.quarter.saturating_add(*quarter), *calls);
            }
            part.queues.iter().for_each(|(queue, waits)| self.add_queue(queue, waits));
        }
        if day.is_empty() {
            return;
        }
        let of_day = day.parts.get(&0).and_then(|(part, _)| part.outcomes);
        let first = self.first();
        first.outcomes = first.outcomes.zip(of_day).map(|(mut outcomes, of_day)| {
            let bit = 1_u64.checked_shl(begins.bit.into()).unwrap_or(0);
            outcomes
                .iter_mut()
                .zip(of_day)
                .for_each(|(bits, hours)| *bits |= if hours > 0 { bit } else { 0 });
            outcomes
        });
    }
}
