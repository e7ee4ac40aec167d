//! A recorded call, made ready to be played again with other people: its text with holes.
//!
//! What identifies a call or a person in a recording becomes a [`Hole`]; all else is kept byte for byte.
//! Filling the holes is the [`crate::part`]'s business.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

/// Who is who in the recordings.
const RECORDED_ACCOUNT: &str = "1001";
const RECORDED_EMPLOYEES: [(&str, &str); 3] =
    [("101", "Anna Ash"), ("102", "Ben Birch"), ("103", "Cara Cedar")];
const RECORDED_OUTSIDE: &str = "+4917";
const RECORDED_NUMBERS: &str = "+493010010";

/// What has to be fresh each time a recording is played. Indices count from the first that is mentioned.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Hole {
    /// The time of the message.
    Time,
    /// A `Uniqueid` or `Linkedid`.
    Unique(usize),
    /// A bridge's id.
    Bridge(usize),
    /// The eight digits at the end of a channel's name.
    Channel(usize),
    /// The same, of a Local channel, which has a count of its own.
    Local(usize),
    /// The account.
    Account,
    /// An employee's local number.
    Employee(usize),
    /// An employee's name.
    Name(usize),
    /// The number of somebody outside.
    Outside(usize),
    /// What the account's own outside numbers begin with.
    Prefix,
}

/// A piece of a message.
#[derive(Clone, Debug)]
pub(crate) enum Piece {
    /// As recorded: a range of the shape's text.
    Text(Range<usize>),
    /// To be filled.
    Hole(Hole),
}

/// One message and how long after the one before it came.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) after: Duration,
    pub(crate) pieces: Vec<Piece>,
}

/// A recorded call with holes.
#[derive(Clone, Debug)]
pub struct Shape {
    name: String,
    text: String,
    pub(crate) steps: Vec<Step>,
    /// How many of each there are.
    pub(crate) uniques: usize,
    pub(crate) bridges: usize,
    pub(crate) channels: usize,
    pub(crate) locals: usize,
    pub(crate) employees: usize,
    pub(crate) outsiders: usize,
}

impl Shape {
    /// Reads a recording of the events of one call, as AMI sends them, with timestamps. Messages without a
    /// timestamp (`FullyBooted`, answers to actions) are no part of the call and left out.
    pub fn read(name: &str, recording: &str) -> Self {
        let mut reader = Reader::default();
        let mut last = None;
        for message in recording.split("\r\n\r\n").filter(|message| !message.trim().is_empty()) {
            let Some(at) = timestamp_us(message) else { continue };
            let after = Duration::from_micros(at.saturating_sub(last.unwrap_or(at)));
            last = Some(at.max(last.unwrap_or(at)));
            let pieces = reader.message(message);
            reader.steps.push(Step { after, pieces });
        }
        reader.shape(name)
    }

    /// The recording's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// How many messages it has.
    pub fn messages(&self) -> usize {
        self.steps.len()
    }

    pub(crate) fn text(&self, range: &Range<usize>) -> &str {
        self.text.get(range.clone()).unwrap_or_default()
    }
}

fn timestamp_us(message: &str) -> Option<u64> {
    let value = message.lines().find_map(|line| line.strip_prefix("Timestamp: "))?;
    let (secs, micros) = value.trim_end().split_once('.')?;
    Some(secs.parse::<u64>().ok()? * 1_000_000 + micros.parse::<u64>().ok()?)
}

/// What has been seen of a recording so far.
#[derive(Default)]
struct Reader {
    text: String,
    steps: Vec<Step>,
    uniques: Seen,
    bridges: Seen,
    channels: Seen,
    locals: Seen,
    outsiders: Seen,
    employees: usize,
}

/// Numbers things in the order they are first mentioned.
#[derive(Default)]
struct Seen(BTreeMap<String, usize>);

impl Seen {
    fn index(&mut self, what: &str) -> usize {
        let next = self.0.len();
        *self.0.entry(what.to_owned()).or_insert(next)
    }
}

impl Reader {
    fn message(&mut self, message: &str) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for line in message.split("\r\n").filter(|line| !line.is_empty()) {
            match line.split_once(": ") {
                Some(("Timestamp", _)) => {
                    self.keep("Timestamp: ", &mut pieces);
                    pieces.push(Piece::Hole(Hole::Time));
                }
                Some((header, value)) => {
                    self.keep(header, &mut pieces);
                    self.keep(": ", &mut pieces);
                    self.value(value, &mut pieces);
                }
                None => self.keep(line, &mut pieces),
            }
            self.keep("\r\n", &mut pieces);
        }
        self.keep("\r\n", &mut pieces);
        pieces
    }

    /// Text as it is, joined to the text before it.
    fn keep(&mut self, text: &str, pieces: &mut Vec<Piece>) {
        let start = self.text.len();
        self.text.push_str(text);
        match pieces.last_mut() {
            Some(Piece::Text(range)) if range.end == start => range.end = self.text.len(),
            _ => pieces.push(Piece::Text(start..self.text.len())),
        }
    }

    fn value(&mut self, value: &str, pieces: &mut Vec<Piece>) {
        if let Some(person) = RECORDED_EMPLOYEES.iter().position(|(_, name)| *name == value) {
            pieces.push(Piece::Hole(self.employee(person, Hole::Name)));
        } else if is_unique_id(value) {
            pieces.push(Piece::Hole(Hole::Unique(self.uniques.index(value))));
        } else if is_bridge_id(value) {
            pieces.push(Piece::Hole(Hole::Bridge(self.bridges.index(value))));
        } else if let Some((endpoint, suffix, half)) = split_channel(value) {
            self.numbers(endpoint, pieces);
            self.keep("-", pieces);
            let hole = if endpoint.starts_with("Local/") {
                Hole::Local(self.locals.index(suffix))
            } else {
                Hole::Channel(self.channels.index(suffix))
            };
            pieces.push(Piece::Hole(hole));
            self.keep(half, pieces);
        } else {
            self.numbers(value, pieces);
        }
    }

    /// Text in which whole numbers of the recorded people and the account become holes.
    fn numbers(&mut self, text: &str, pieces: &mut Vec<Piece>) {
        let is_number = |c: char| c == '+' || c.is_ascii_digit();
        let mut rest = text;
        while let Some(start) = rest.find(is_number) {
            let (before, from) = rest.split_at(start);
            let length = from.find(|c: char| !is_number(c)).unwrap_or(from.len());
            let (number, after) = from.split_at(length);
            self.keep(before, pieces);
            let apart = !before.ends_with(|c: char| c.is_alphanumeric())
                && !after.starts_with(|c: char| c.is_alphanumeric());
            if !(apart && self.number(number, pieces)) {
                self.keep(number, pieces);
            }
            rest = after;
        }
        self.keep(rest, pieces);
    }

    /// A whole number, if it is somebody's.
    fn number(&mut self, number: &str, pieces: &mut Vec<Piece>) -> bool {
        let employee = |number| RECORDED_EMPLOYEES.iter().position(|(local, _)| *local == number);
        if number == RECORDED_ACCOUNT {
            pieces.push(Piece::Hole(Hole::Account));
        } else if let Some(person) = employee(number) {
            pieces.push(Piece::Hole(self.employee(person, Hole::Employee)));
        } else if number.starts_with(RECORDED_OUTSIDE) {
            pieces.push(Piece::Hole(Hole::Outside(self.outsiders.index(number))));
        } else if let Some(local) = number.strip_prefix(RECORDED_NUMBERS) {
            pieces.push(Piece::Hole(Hole::Prefix));
            match employee(local) {
                Some(person) => pieces.push(Piece::Hole(self.employee(person, Hole::Employee))),
                None => self.keep(local, pieces),
            }
        } else {
            return false;
        }
        true
    }

    fn employee(&mut self, person: usize, hole: fn(usize) -> Hole) -> Hole {
        self.employees = self.employees.max(person + 1);
        hole(person)
    }

    fn shape(self, name: &str) -> Shape {
        Shape {
            name: name.to_owned(),
            text: self.text,
            steps: self.steps,
            uniques: self.uniques.0.len(),
            bridges: self.bridges.0.len(),
            channels: self.channels.0.len(),
            locals: self.locals.0.len(),
            employees: self.employees,
            outsiders: self.outsiders.0.len(),
        }
    }
}

/// `1795343903.12`: an epoch and a count.
fn is_unique_id(value: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    value.split_once('.').is_some_and(|(epoch, count)| epoch.len() == 10 && digits(epoch) && digits(count))
}

/// `435698cd-7e1d-47fb-b1b3-d5a052e835f2`.
fn is_bridge_id(value: &str) -> bool {
    value.split('-').map(str::len).eq([8, 4, 4, 4, 12])
        && value.bytes().all(|byte| byte == b'-' || byte.is_ascii_hexdigit())
}

/// `PJSIP/1001-101-0000001a` and `Local/101@tenant-1001-0000000a;1`: what is before the last dash, the
/// eight digits, the half.
fn split_channel(value: &str) -> Option<(&str, &str, &str)> {
    let (endpoint, end) = value.rsplit_once('-')?;
    let (suffix, half) = end.split_at_checked(8)?;
    let hex = suffix.bytes().all(|byte| byte.is_ascii_hexdigit());
    (endpoint.contains('/') && hex && matches!(half, "" | ";1" | ";2")).then_some((endpoint, suffix, half))
}
