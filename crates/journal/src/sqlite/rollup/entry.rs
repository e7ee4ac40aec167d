//! An ended leg as lists and reports look for it, and how some fifteen of them lie in one row. A row of `line` is
//! an account's legs that began at or behind a place, up to the next row's: in the order they ended, for a leg is
//! added at the end. Numbers and names lie in it as they are, so that a part of one is found without reading it.

use calls::{Event, PbxTime};
use serde::{Deserialize, Serialize};

use super::super::errors::StoreError;
use crate::Kept;
use crate::rules::begins;
use crate::sums::{LegOutcome, Outline, Person};
use crate::waits::Wait;

/// A row that would be longer takes no more legs. So much lies in a page of the tree, beside its neighbours.
pub(in crate::sqlite) const FULL: usize = 900;
/// The first byte of a row.
const VERSION: u8 = 2;
/// Before this version a leg had no wait and no queue, the last of its shape.
const WITHOUT_WAITS: u8 = 1;

/// An ended leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Entry {
    /// The places of its events, in order; the last is its end.
    pub(in crate::sqlite) places: Vec<i64>,
    /// The place of the event it began with; a leg whose beginning was never kept has none, and is in no list of
    /// legs and no sum.
    pub(in crate::sqlite) begun: Option<i64>,
    pub(in crate::sqlite) begun_at: PbxTime,
    pub(in crate::sqlite) outline: Outline,
    pub(in crate::sqlite) person: Person,
    /// The numbers it is found by, each on a line.
    pub(in crate::sqlite) numbers: String,
    /// How long the caller waited; none of a leg for which that counts nowhere.
    pub(in crate::sqlite) wait: Option<Wait>,
    /// The queue the caller came through; empty for none.
    pub(in crate::sqlite) queue: String,
}

impl Entry {
    /// Of a leg by the places of its events, in order, the event it began with and the last; `None` if that is no
    /// end.
    pub(super) fn of(places: Vec<i64>, begun: Option<&Kept>, ended: &Event) -> Option<Self> {
        let begun = begun.map(|begun| (begun.seq.0, Part::begun(&begun.event)));
        Some(Part::ended(ended)?.whole(places, begun))
    }

    /// Where it lies: by the event it began with, or its first.
    pub(in crate::sqlite) fn place(&self) -> i64 {
        self.begun.or(self.places.first().copied()).unwrap_or(0)
    }

    pub(in crate::sqlite) fn last(&self) -> i64 {
        self.places.last().copied().unwrap_or(0)
    }

    /// How many places its last event is behind its first.
    pub(super) fn reach(&self) -> i64 {
        self.last() - self.places.first().copied().unwrap_or(0)
    }

    /// When it began; `None` if its beginning was never kept.
    pub(in crate::sqlite) fn began_at(&self) -> Option<PbxTime> {
        self.begun.map(|_| self.begun_at)
    }
}

/// What of a leg's entry one of its events tells.
pub(in crate::sqlite) enum Part {
    /// The numbers of the event it began with.
    Begun(String),
    /// The rest, of the event it ended with.
    Ended(Box<Ended>),
}

/// What the event tells that a leg ended with.
pub(in crate::sqlite) struct Ended(Entry);

impl Part {
    /// `None`: nothing.
    pub(in crate::sqlite) fn of(event: &Event) -> Option<Self> {
        if begins(event.kind()) {
            return Some(Self::Begun(Self::begun(event)));
        }
        Self::ended(event).map(|ended| Self::Ended(Box::new(ended)))
    }

    fn begun(event: &Event) -> String {
        numbers(event)
    }

    fn ended(event: &Event) -> Option<Ended> {
        Some(Ended(Entry {
            places: Vec::new(),
            begun: None,
            begun_at: event.begun_at,
            outline: Outline::of(event)?,
            person: Person::of(event),
            numbers: String::new(),
            wait: Wait::of(event),
            queue: event.queue.to_string(),
        }))
    }
}

impl Ended {
    /// With the places of its events, in order, and where and with which numbers it began.
    pub(in crate::sqlite) fn whole(self, places: Vec<i64>, begun: Option<(i64, String)>) -> Entry {
        let (begun, numbers) = begun.unzip();
        Entry { places, begun, numbers: numbers.unwrap_or_default(), ..self.0 }
    }
}

/// The numbers a leg is found by, each once.
fn numbers(begun: &Event) -> String {
    let phone = &begun.phone;
    let all =
        [&*phone.number, phone.employee_number(), &begun.a_number, &begun.b_number, &begun.dialed_number];
    let mut told: Vec<&str> = Vec::with_capacity(all.len());
    for number in all {
        if !number.is_empty() && !told.contains(&number) {
            told.push(number);
        }
    }
    told.join("\n")
}

/// As it lies in a row: places by how far they are from its key.
#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    first: i64,
    /// From each place to the next.
    steps: Vec<u64>,
    /// Which of the places it began with, from 1; 0 for none.
    begun: u8,
    begun_at: i64,
    /// The outcome's number, 16 for outgoing, 32 for transferred.
    how: u8,
    talk_secs: u64,
    ring_micros: u64,
    number: &'a str,
    name: &'a str,
    numbers: &'a str,
    /// 0 for none; else one more than twice the seconds, and one more if it was answered.
    wait: u64,
    queue: &'a str,
}

/// The same before [`VERSION`].
#[derive(Serialize, Deserialize)]
struct Shape1<'a> {
    first: i64,
    steps: Vec<u64>,
    begun: u8,
    begun_at: i64,
    how: u8,
    talk_secs: u64,
    ring_micros: u64,
    number: &'a str,
    name: &'a str,
    numbers: &'a str,
}

impl<'a> From<Shape1<'a>> for Shape<'a> {
    fn from(older: Shape1<'a>) -> Self {
        let Shape1 { first, steps, begun, begun_at, how, talk_secs, ring_micros, number, name, numbers } =
            older;
        let (wait, queue) = (0, "");
        Self {
            first,
            steps,
            begun,
            begun_at,
            how,
            talk_secs,
            ring_micros,
            number,
            name,
            numbers,
            wait,
            queue,
        }
    }
}

const OUTGOING: u8 = 16;
const TRANSFERRED: u8 = 32;

/// An empty row.
pub(in crate::sqlite) fn empty() -> Vec<u8> {
    vec![VERSION]
}

/// Adds a leg to the row of a key.
pub(in crate::sqlite) fn push(key: i64, row: &mut Vec<u8>, entry: &Entry) {
    let step = |from: i64, to: i64| u64::try_from(to - from).unwrap_or(0);
    let begun = entry.places.iter().position(|place| Some(*place) == entry.begun);
    let Outline { outcome, outgoing, talk_secs, ring_micros, transferred } = entry.outline;
    let flag = |is: bool, flag: u8| if is { flag } else { 0 };
    let shape = Shape {
        first: entry.places.first().map_or(0, |first| first - key),
        steps: entry.places.windows(2).map(|pair| step(pair[0], pair[1])).collect(),
        begun: begun.map_or(0, |at| u8::try_from(at + 1).unwrap_or(0)),
        begun_at: entry.begun_at.as_micros(),
        how: outcome_number(outcome) | flag(outgoing, OUTGOING) | flag(transferred, TRANSFERRED),
        talk_secs,
        ring_micros,
        number: &entry.person.number,
        name: &entry.person.name,
        numbers: &entry.numbers,
        wait: entry.wait.map_or(0, |wait| u64::from(wait.secs) * 2 + u64::from(wait.answered) + 1),
        queue: &entry.queue,
    };
    *row = postcard::to_extend(&shape, std::mem::take(row)).expect("an entry can be written to memory");
}

/// What is looked for of a leg, as it lies in its row: nothing is copied for a leg that is not wanted.
pub(in crate::sqlite) struct Glance<'a> {
    outcome: u8,
    /// The number of the person.
    pub(in crate::sqlite) number: &'a str,
    /// The numbers it is found by, each on a line.
    pub(in crate::sqlite) numbers: &'a str,
}

impl Glance<'_> {
    /// Whether it came out so.
    pub(in crate::sqlite) fn is(&self, outcome: LegOutcome) -> bool {
        self.outcome == outcome_number(outcome)
    }
}

/// The legs of a row, in the order they ended.
pub(in crate::sqlite) fn read(key: i64, row: &[u8]) -> Result<Vec<Entry>, StoreError> {
    read_those(key, row, |_| true)
}

/// Those of a row's legs that are wanted, in the order they ended.
pub(in crate::sqlite) fn read_those(
    key: i64,
    row: &[u8],
    wanted: impl Fn(&Glance<'_>) -> bool,
) -> Result<Vec<Entry>, StoreError> {
    let damaged = |why: String| StoreError::Damaged(format!("the legs listed from place {key} on: {why}"));
    let mut entries = Vec::new();
    let (is_older, mut rest) = match row.split_first() {
        Some((&VERSION, rest)) => (false, rest),
        Some((&WITHOUT_WAITS, rest)) => (true, rest),
        Some((version, _)) => return Err(damaged(format!("version {version} is not known"))),
        None => return Err(damaged("they are empty".to_owned())),
    };
    while !rest.is_empty() {
        let taken = if is_older {
            postcard::take_from_bytes::<Shape1<'_>>(rest).map(|(older, behind)| (Shape::from(older), behind))
        } else {
            postcard::take_from_bytes::<Shape<'_>>(rest)
        };
        let (shape, behind) = taken.map_err(|error| damaged(error.to_string()))?;
        rest = behind;
        let Shape { how, number, numbers, .. } = shape;
        if wanted(&Glance { outcome: how & (OUTGOING - 1), number, numbers }) {
            entries.push(entry(key, &shape).map_err(damaged)?);
        }
    }
    Ok(entries)
}

fn entry(key: i64, shape: &Shape<'_>) -> Result<Entry, String> {
    let behind = |from: i64, step: u64| from.saturating_add_unsigned(step);
    let mut places = vec![key.saturating_add(shape.first)];
    for step in &shape.steps {
        places.push(behind(places[places.len() - 1], *step));
    }
    let begun = usize::from(shape.begun).checked_sub(1).map(|at| places.get(at).copied());
    let begun = match begun {
        Some(None) => return Err("it begins with none of its events".to_owned()),
        Some(Some(place)) => Some(place),
        None => None,
    };
    let number = shape.how & (OUTGOING - 1);
    Ok(Entry {
        places,
        begun,
        begun_at: PbxTime::from_micros(shape.begun_at),
        outline: Outline {
            outcome: outcome_of(number).ok_or_else(|| format!("there is no outcome {number}"))?,
            outgoing: shape.how & OUTGOING != 0,
            talk_secs: shape.talk_secs,
            ring_micros: shape.ring_micros,
            transferred: shape.how & TRANSFERRED != 0,
        },
        person: Person { number: shape.number.to_owned(), name: shape.name.to_owned() },
        numbers: shape.numbers.to_owned(),
        wait: shape
            .wait
            .checked_sub(1)
            .map(|kept| Wait { secs: u32::try_from(kept / 2).unwrap_or(u32::MAX), answered: kept % 2 == 1 }),
        queue: shape.queue.to_owned(),
    })
}

/// What stands in the rows of a person's legs: their number, as a row has it.
pub(in crate::sqlite) fn mark_of(number: &str) -> Vec<u8> {
    postcard::to_stdvec(number).expect("a number can be written to memory")
}

/// A row as it is written now; none if it is so already.
pub(super) fn renewed(key: i64, row: &[u8]) -> Result<Option<Vec<u8>>, StoreError> {
    if row.first() != Some(&WITHOUT_WAITS) {
        return Ok(None);
    }
    let mut renewed = empty();
    read(key, row)?.iter().for_each(|leg| push(key, &mut renewed, leg));
    Ok(Some(renewed))
}

/// Which of the outcomes of ended legs it is.
pub(in crate::sqlite) fn outcome_at(outcome: LegOutcome) -> Option<usize> {
    usize::from(outcome_number(outcome)).checked_sub(1)
}

const fn outcome_number(outcome: LegOutcome) -> u8 {
    match outcome {
        LegOutcome::Running => 0,
        LegOutcome::Answered => 1,
        LegOutcome::Missed => 2,
        LegOutcome::Elsewhere => 3,
        LegOutcome::Busy => 4,
        LegOutcome::Unanswered => 5,
    }
}

fn outcome_of(number: u8) -> Option<LegOutcome> {
    LegOutcome::ALL.into_iter().find(|outcome| outcome_number(*outcome) == number)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(places: &[i64], begun: Option<i64>, outcome: LegOutcome) -> Entry {
        Entry {
            places: places.to_vec(),
            begun,
            begun_at: PbxTime::from_micros(1_795_000_000_123_456),
            outline: Outline {
                outcome,
                outgoing: places.len() == 2,
                talk_secs: 61,
                ring_micros: 7_000_001,
                transferred: places.len() == 3,
            },
            person: Person { number: "101".to_owned(), name: "Åse".to_owned() },
            numbers: "201\n101\n+4512345678".to_owned(),
            wait: (places.len() > 1).then_some(Wait { secs: 7, answered: places.len() == 3 }),
            queue: if places.len() == 3 { "salg" } else { "" }.to_owned(),
        }
    }

    #[test]
    fn a_glance_at_a_leg_tells_what_the_leg_does_and_a_row_has_the_mark_of_its_people() {
        let outcomes = [LegOutcome::Answered, LegOutcome::Busy, LegOutcome::Elsewhere, LegOutcome::Busy];
        let mut row = empty();
        for (at, outcome) in (0..).zip(outcomes) {
            push(1_000, &mut row, &entry(&[1_000 + at, 2_000 + at], Some(1_000 + at), outcome));
        }
        let all = read(1_000, &row).unwrap();
        for outcome in LegOutcome::ALL {
            let glanced = read_those(1_000, &row, |leg| leg.is(outcome)).unwrap();
            let those = all.iter().filter(|leg| leg.outline.outcome == outcome).cloned().collect::<Vec<_>>();
            assert_eq!(glanced, those, "{outcome:?}");
        }
        let by_number = read_those(1_000, &row, |leg| leg.number == "101" && leg.numbers.contains("4512"));
        assert_eq!(by_number.unwrap(), all);
        let has = |number: &str| memchr::memmem::find(&row, &mark_of(number)).is_some();
        assert_eq!((has("101"), has("10"), has("201")), (true, false, false));
    }

    #[test]
    fn legs_come_out_of_a_row_as_they_were_put_in() {
        let entries = [
            entry(&[1_000, 1_003, 90_000], Some(1_000), LegOutcome::Answered),
            entry(&[1_001, 1_002], Some(1_001), LegOutcome::Busy),
            entry(&[4_000_000_000_000], None, LegOutcome::Missed),
        ];
        let mut row = empty();
        entries.iter().for_each(|entry| push(1_000, &mut row, entry));
        assert_eq!(read(1_000, &row).unwrap(), entries);
        assert!(
            memchr::memmem::find(&row, b"1234").is_some(),
            "a part of a number is found as it lies there"
        );
        for cut in 1..row.len() {
            let _ = read(1_000, &row[..cut]);
        }
        assert!(read(1_000, &[9]).is_err() && read(1_000, &[]).is_err());
    }

    #[test]
    fn a_row_of_an_older_program_is_read_without_waits_and_takes_more_legs() {
        let entries = [entry(&[1_000, 1_003, 90_000], Some(1_000), LegOutcome::Answered)];
        let mut row = empty();
        entries.iter().for_each(|entry| push(1_000, &mut row, entry));
        let (shape, _) = postcard::take_from_bytes::<Shape<'_>>(&row[1..]).unwrap();
        let Shape {
            first, steps, begun, begun_at, how, talk_secs, ring_micros, number, name, numbers, ..
        } = shape;
        let older =
            Shape1 { first, steps, begun, begun_at, how, talk_secs, ring_micros, number, name, numbers };
        let older = postcard::to_extend(&older, vec![WITHOUT_WAITS]).unwrap();
        let expected = Entry { wait: None, queue: String::new(), ..entries[0].clone() };
        assert_eq!(read(1_000, &older).unwrap(), std::slice::from_ref(&expected));
        let mut renewed = renewed(1_000, &older).unwrap().expect("it is older");
        push(1_000, &mut renewed, &entries[0]);
        assert_eq!(read(1_000, &renewed).unwrap(), [expected, entries[0].clone()]);
    }

    #[test]
    fn a_row_holds_some_fifteen_legs() {
        let mut row = empty();
        let mut legs = 0;
        while row.len() < FULL {
            push(
                1_000,
                &mut row,
                &entry(
                    &[1_000 + legs, 1_300 + legs, 90_000 + legs],
                    Some(1_000 + legs),
                    LegOutcome::Answered,
                ),
            );
            legs += 1;
        }
        assert!((12..30).contains(&legs), "{legs}");
    }
}
