//! One event: its known headers, found once and borrowed from the bytes they came in.

use std::borrow::Cow;

use crate::lines::Places;

use super::codec::{Kind, Message};
use super::field::{COUNT, Field};
use super::{json, value};

/// An event. Every known header was found in one pass over the lines; values are decoded when asked for.
#[derive(Clone)]
pub struct Event<'a> {
    values: [Option<&'a [u8]>; COUNT],
}

impl<'a> Event<'a> {
    /// Reads the body of a `text/event-plain`. Of a header that comes twice the first counts; what follows
    /// the blank line after the headers (an event's own body) is not read.
    pub fn read(body: &'a [u8]) -> Self {
        let mut event = Self { values: [None; COUNT] };
        let mut start = 0;
        for end in Places::of(body).as_slice() {
            let end = *end as usize;
            if end == start {
                return event;
            }
            event.take(&body[start..end]);
            start = end + 1;
        }
        event.take(&body[start..]);
        event
    }

    #[inline]
    fn take(&mut self, line: &'a [u8]) {
        if let Some((field, value)) = Field::of_line(line) {
            self.values[field as usize].get_or_insert(&line[value..]);
        }
    }

    /// The event of a message, if it is one. One in JSON is written into `plain` as lines first: the same
    /// event in either form says the same.
    pub fn of(message: &Message<'a>, plain: &'a mut Vec<u8>) -> Option<Self> {
        match message.kind {
            Kind::Plain => Some(Self::read(message.body)),
            Kind::Json => {
                json::to_plain(message.body, plain)?;
                Some(Self::read(plain))
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
