//! One event: its known headers, found once and borrowed from the bytes they came in.

use std::borrow::Cow;

use crate::lines::Places;

use super::field::{COUNT, Field};
use super::finding::find;
use super::message::{Kind, Message};
use super::{json, value};

/// An event. Every known header was found in one pass over the lines; values are decoded when asked for.
#[derive(Clone)]
pub struct Event<'a> {
    values: [Option<&'a [u8]>; COUNT],
}

/// Room that one event after the other is read in.
#[derive(Debug, Default)]
pub struct Room {
    /// One in JSON, as lines.
    plain: Vec<u8>,
    ends: Places,
}

impl<'a> Event<'a> {
    /// Reads the body of a `text/event-plain`. Of a header that comes twice the first counts; what follows
    /// the blank line after the headers (an event's own body) is not read.
    pub fn read(body: &'a [u8]) -> Self {
        Self::read_in(&mut Places::default(), body)
    }

    fn read_in(ends: &mut Places, body: &'a [u8]) -> Self {
        let mut event = Self { values: [None; COUNT] };
        ends.clear();
        ends.add_all(body);
        find(body, ends.as_slice(), |field, value| {
            event.values[field as usize].get_or_insert(value);
        });
        event
    }

    /// The event of a message, if it is one. One in JSON is written out as lines first: the same event in
    /// either form says the same.
    pub fn of(message: &Message<'a>, Room { plain, ends }: &'a mut Room) -> Option<Self> {
        match message.kind {
            Kind::Plain => Some(Self::read_in(ends, message.body)),
            Kind::Json => {
                json::to_plain(message.body, plain)?;
                Some(Self::read_in(ends, plain))
            }
            _ => None,
        }
    }

    /// The value as it came, encoded; empty where there is none.
    pub fn raw(&self, field: Field) -> &'a [u8] {
        self.values[field as usize].unwrap_or_default()
    }

    /// The value; empty where there is none. Bytes that are no UTF-8 are replaced.
    pub fn get(&self, field: Field) -> Cow<'a, str> {
        value::decode(self.raw(field))
    }

    /// The value of a header that FreeSWITCH never has to encode (an id, a state, a number); empty where there
    /// is none, or where it has bytes that no such value has.
    pub fn word(&self, field: Field) -> &'a str {
        std::str::from_utf8(self.raw(field)).unwrap_or_default()
    }

    /// The moment in a header in microseconds; `None` where it is missing, zero or no number.
    pub fn micros(&self, field: Field) -> Option<i64> {
        self.word(field).parse().ok().filter(|micros| *micros > 0)
    }
}

impl std::fmt::Debug for Event<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let present = Field::ALL.into_iter().filter(|field| self.values[*field as usize].is_some());
        f.debug_map().entries(present.map(|field| (field.name(), self.get(field)))).finish()
    }
}
