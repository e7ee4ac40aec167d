//! A row of sums at rest: some people's, and in the first of a block what is of all of them.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::super::super::errors::StoreError;
use crate::sums::{Person, Tally};
use crate::waits::{Wait, Waits};

/// A row that has about so many bytes takes no more people: the next row does.
pub(super) const FULL: usize = 3_000;
/// About what a person takes besides number and name.
const PERSON_BYTES: usize = 16;
/// About what a length of a wait takes, with how many there were.
const LENGTH_BYTES: usize = 3;
/// The first byte of a row.
const VERSION: u8 = 3;
/// Before this version it did not say when which outcomes were.
const WITHOUT_OUTCOMES: u8 = 2;
/// And before that one it had no waits either.
const WITHOUT_WAITS: u8 = 1;

/// What one person's legs come to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Sum {
    pub(super) number: String,
    pub(super) name: String,
    pub(super) legs: u64,
    /// The counts of a tally, in its order.
    pub(super) counts: [u64; 8],
    pub(super) waits: Waits,
}

/// The same without waits.
#[derive(Serialize, Deserialize)]
struct Sum1 {
    number: String,
    name: String,
    legs: u64,
    counts: [u64; 8],
}

impl From<Sum1> for Sum {
    fn from(older: Sum1) -> Self {
        let Sum1 { number, name, legs, counts } = older;
        Self { number, name, legs, counts, waits: Waits::default() }
    }
}

impl Sum {
    pub(super) fn none_of(person: &Person) -> Self {
        let Person { number, name } = person.clone();
        Self { number, name, legs: 0, counts: [0; 8], waits: Waits::default() }
    }

    pub(super) fn is(&self, person: &Person) -> bool {
        self.number == person.number && self.name == person.name
    }

    pub(super) fn add(&mut self, legs: u64, counts: [u64; 8], waits: &Waits) {
        self.legs += legs;
        self.waits.add(waits);
        self.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }

    pub(super) fn add_one(&mut self, counts: [u64; 8], wait: Option<Wait>) {
        self.legs += 1;
        wait.into_iter().for_each(|wait| self.waits.count(wait));
        self.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }

    pub(super) fn take(&mut self, counts: [u64; 8], wait: Option<Wait>) {
        if let Some(wait) = wait {
            self.waits.discount(wait);
        }
        self.legs = self.legs.saturating_sub(1);
        self.counts.iter_mut().zip(counts).for_each(|(sum, count)| *sum = sum.saturating_sub(count));
    }
}

pub(super) fn counts(tally: &Tally) -> [u64; 8] {
    let Tally { taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred } = *tally;
    [taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred]
}

pub(super) fn tally(counts: [u64; 8]) -> Tally {
    let [taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred] = counts;
    Tally { taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred }
}

/// By the outcome's number, from that of an answered one on, in which hours of a day, or days of a longer span, legs began
/// that came out so.
pub(super) type Outcomes = [u64; 5];

/// One row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Part {
    /// Those of the block are in its first row; not known of legs that an older program added up.
    pub(super) outcomes: Option<Outcomes>,
    /// Calls by the quarter of an hour, counted from the block's beginning; all of them are in the first row.
    pub(super) quarters: BTreeMap<u16, u64>,
    pub(super) people: Vec<Sum>,
    /// By the queue callers came through; all of them are in the first row.
    pub(super) queues: BTreeMap<String, Waits>,
}

impl Default for Part {
    fn default() -> Self {
        Self {
            outcomes: Some(Outcomes::default()),
            quarters: BTreeMap::new(),
            people: Vec::new(),
            queues: BTreeMap::new(),
        }
    }
}

/// The same before [`VERSION`].
#[derive(Serialize, Deserialize)]
struct Part2 {
    quarters: BTreeMap<u16, u64>,
    people: Vec<Sum>,
    queues: BTreeMap<String, Waits>,
}

/// The same before that.
#[derive(Serialize, Deserialize)]
struct Part1 {
    quarters: BTreeMap<u16, u64>,
    people: Vec<Sum1>,
}

impl Part {
    pub(super) fn read(body: &[u8]) -> Result<Self, StoreError> {
        let damaged = |why: &dyn std::fmt::Display| StoreError::Damaged(format!("the sums of a day: {why}"));
        match body.split_first() {
            Some((&VERSION, rest)) => postcard::from_bytes(rest).map_err(|error| damaged(&error)),
            Some((&WITHOUT_OUTCOMES, rest)) => {
                let Part2 { quarters, people, queues } =
                    postcard::from_bytes(rest).map_err(|error| damaged(&error))?;
                Ok(Self { outcomes: None, quarters, people, queues })
            }
            Some((&WITHOUT_WAITS, rest)) => {
                let Part1 { quarters, people } =
                    postcard::from_bytes(rest).map_err(|error| damaged(&error))?;
                let people = people.into_iter().map(Sum::from).collect();
                Ok(Self { outcomes: None, quarters, people, queues: BTreeMap::new() })
            }
            Some((version, _)) => Err(damaged(&format_args!("version {version} is not known"))),
            None => Err(damaged(&"they are empty")),
        }
    }

    /// Of a row its outcomes alone.
    pub(super) fn outcomes_of(body: &[u8]) -> Option<Outcomes> {
        let outcomes = body.strip_prefix(&[VERSION])?;
        postcard::take_from_bytes::<Option<Outcomes>>(outcomes).ok()?.0
    }

    /// Of a row its quarters alone.
    pub(super) fn quarters_of(body: &[u8]) -> Result<BTreeMap<u16, u64>, StoreError> {
        let read = match body.split_first() {
            Some((&VERSION, rest)) => {
                postcard::take_from_bytes::<(Option<Outcomes>, BTreeMap<u16, u64>)>(rest)
                    .map(|((_, quarters), _)| quarters)
            }
            Some((&(WITHOUT_OUTCOMES | WITHOUT_WAITS), rest)) => {
                postcard::take_from_bytes::<BTreeMap<u16, u64>>(rest).map(|(quarters, _)| quarters)
            }
            // What is wrong with it is said there.
            Some(_) | None => return Self::read(body).map(|part| part.quarters),
        };
        read.map_err(|error| StoreError::Damaged(format!("the quarters of a day: {error}")))
    }

    /// As the program before this one wrote it.
    #[cfg(test)]
    pub(super) fn as_before(body: &[u8]) -> Vec<u8> {
        let Self { quarters, people, queues, .. } = Self::read(body).expect("a row of sums");
        postcard::to_extend(&Part2 { quarters, people, queues }, vec![WITHOUT_OUTCOMES]).expect("written")
    }

    pub(super) fn write(&self) -> Vec<u8> {
        postcard::to_extend(self, vec![VERSION]).expect("sums can be written to memory")
    }

    pub(super) fn is_empty(&self) -> bool {
        self.quarters.is_empty() && self.people.is_empty() && self.queues.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        let waits = |waits: &Waits| waits.lengths() * LENGTH_BYTES;
        let people = self
            .people
            .iter()
            .map(|sum| PERSON_BYTES + sum.number.len() + sum.name.len() + waits(&sum.waits));
        let queues = self.queues.iter().map(|(queue, of)| queue.len() + waits(of));
        self.quarters.len() * 3 + people.sum::<usize>() + queues.sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_says_when_which_outcomes_were_and_one_of_an_older_program_does_not() {
        let part = Part { outcomes: Some([1, 0, 1 << 63, 0, 5]), ..Part::default() };
        assert_eq!(Part::outcomes_of(&part.write()), part.outcomes);
        assert_eq!(Part::read(&part.write()).unwrap().outcomes, part.outcomes);
        let Part { quarters, people, queues, .. } = part;
        let older = Part2 { quarters, people, queues };
        let older = postcard::to_extend(&older, vec![WITHOUT_OUTCOMES]).unwrap();
        assert_eq!((Part::outcomes_of(&older), Part::read(&older).unwrap().outcomes), (None, None));
    }

    #[test]
    fn the_quarters_of_a_row_are_read_without_the_rest_whoever_wrote_it() {
        let person = Person { number: "101".to_owned(), name: "Åse".to_owned() };
        let quarters: BTreeMap<u16, u64> = [(7, 2), (95, 300)].into();
        let (people, queues) = (vec![Sum::none_of(&person)], BTreeMap::new());
        let part = Part { quarters: quarters.clone(), people, ..Part::default() };
        let part2 = Part2 { quarters: quarters.clone(), people: part.people.clone(), queues };
        let part1 = Part1 { quarters: quarters.clone(), people: Vec::new() };
        for row in [
            part.write(),
            postcard::to_extend(&part2, vec![WITHOUT_OUTCOMES]).unwrap(),
            postcard::to_extend(&part1, vec![WITHOUT_WAITS]).unwrap(),
        ] {
            assert_eq!(Part::quarters_of(&row).unwrap(), quarters, "version {}", row[0]);
        }
        assert!(Part::quarters_of(&[]).is_err() && Part::quarters_of(&[9, 0]).is_err());
    }

    #[test]
    fn a_day_of_an_older_program_has_no_waits_and_takes_some() {
        let sum = Sum1 { number: "101".to_owned(), name: "Åse".to_owned(), legs: 2, counts: [1; 8] };
        let older = Part1 { quarters: [(7, 2)].into(), people: vec![sum] };
        let older = postcard::to_extend(&older, vec![WITHOUT_WAITS]).unwrap();
        let mut part = Part::read(&older).unwrap();
        assert_eq!((part.people[0].legs, part.people[0].waits.is_empty()), (2, true));
        part.people[0].waits.count(Wait { secs: 4, answered: true });
        assert_eq!(part.outcomes, None, "nobody noted them");
        let again = part.write();
        assert_eq!(Part::outcomes_of(&again), None);
        let again = Part::read(&again).unwrap();
        assert_eq!((again.people[0].waits.answered(), again.quarters[&7]), (1, 2));
    }
}
