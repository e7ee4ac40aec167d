//! Ended legs whole: a row each, by the place of its last event, with its events and what was noted of their
//! deliveries until then, word for word as the rows were. A row is put in once, at the end of its tree, and never
//! written again: what comes of a delivery afterwards is noted in the history as for any other.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::LazyLock;

use calls::LegId;
use rusqlite::{Connection, OptionalExtension};
use serde::{Deserialize, Serialize};
use zstd::bulk::{Compressor, Decompressor};
use zstd::dict::{DecoderDictionary, EncoderDictionary};
use zstd::zstd_safe::CParameter;

use super::super::errors::StoreError;
use super::places;
use super::raw::{Raw, kept_of};
use crate::record::Whole;
use crate::{EventSeq, Kept};

/// A packed leg.
pub(in crate::sqlite) const LEG: &str = "SELECT body FROM leg WHERE last = ?1";

/// The first byte of a row: the shape, squeezed with the dictionary below.
const VERSION: u8 = 1;
/// What legs have in common, made of invented ones (`the_dictionary_is_made`): names of headers and parameters, no
/// person's numbers. What was packed with it needs it for ever: a better one gets another version.
const DICTIONARY: &[u8] = include_bytes!("../../../dictionaries/legs_1.dict");
/// zstd's fastest.
const LEVEL: i32 = 1;
/// No row is larger once it is read: [`NOTED_BYTES`] and four events.
const READ_BYTES: usize = 16 * 1024 * 1024;
/// What was noted of a leg's deliveries is packed with it up to so many bytes; beyond that it stays in the history.
pub(in crate::sqlite) const NOTED_BYTES: usize = 1024 * 1024;
/// As many legs are at hand while one question is answered: neighbours in a list are often of the same.
const AT_HAND: usize = 32;

/// An ended leg.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Leg {
    pub(in crate::sqlite) leg: LegId,
    /// Its events, in order.
    pub(in crate::sqlite) events: Vec<Event>,
}

/// One of its events, with what was noted of its deliveries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Event {
    pub(in crate::sqlite) raw: Raw,
    pub(in crate::sqlite) noted: Vec<Noted>,
}

/// An attempt, or a delivery that came through: as a row of the history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Noted {
    pub(in crate::sqlite) integration: i64,
    pub(in crate::sqlite) number: u16,
    pub(in crate::sqlite) delivered: bool,
    pub(in crate::sqlite) at: i64,
    pub(in crate::sqlite) detail: Option<Vec<u8>>,
}

impl Leg {
    /// The place of its last event.
    pub(in crate::sqlite) fn last(&self) -> i64 {
        self.events.last().map_or(0, |event| event.raw.seq)
    }

    /// One of its events.
    pub(in crate::sqlite) fn kept(&self, at: usize) -> Result<Kept, StoreError> {
        kept_of(&self.leg, &self.events[at].raw)
    }
}

/// As it is squeezed: places by how far they are before the last, moments by how far they are behind another.
#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    leg: &'a str,
    account: &'a str,
    call: &'a str,
    at: i64,
    #[serde(borrow)]
    events: Vec<EventShape<'a>>,
}

#[derive(Serialize, Deserialize)]
struct EventShape<'a> {
    before_last: u64,
    kind: u8,
    /// Behind the leg's.
    at: i64,
    /// Behind that.
    received_at: i64,
    /// Where it is not the leg's.
    account: Option<&'a str>,
    call: Option<&'a str>,
    #[serde(borrow)]
    body: Whole<'a>,
    #[serde(borrow)]
    noted: Vec<NotedShape<'a>>,
}

#[derive(Serialize, Deserialize)]
struct NotedShape<'a> {
    integration: i64,
    number: u16,
    delivered: bool,
    /// Behind the moment its event was received.
    at: i64,
    #[serde(borrow)]
    detail: Option<Whole<'a>>,
}

/// Writes legs; keeps its tools from one to the next.
pub(in crate::sqlite) struct Packer {
    compressor: Compressor<'static>,
    /// The leg before it is squeezed, and after.
    whole: Vec<u8>,
    squeezed: Vec<u8>,
}

impl Packer {
    pub(in crate::sqlite) fn new() -> Result<Self, StoreError> {
        static PREPARED: LazyLock<EncoderDictionary<'static>> =
            LazyLock::new(|| EncoderDictionary::copy(DICTIONARY, LEVEL));
        let made = || {
            let mut compressor = Compressor::with_prepared_dictionary(&PREPARED)?;
            // The row's own check, and nothing that says once more which dictionary it is.
            compressor.set_parameter(CParameter::ChecksumFlag(true))?;
            compressor.set_parameter(CParameter::DictIdFlag(false))?;
            Ok::<_, std::io::Error>(compressor)
        };
        let compressor = made().map_err(|error| StoreError::Fault(error.to_string()))?;
        Ok(Self { compressor, whole: Vec::new(), squeezed: Vec::new() })
    }

    /// The row of a leg.
    pub(in crate::sqlite) fn pack(&mut self, leg: &Leg) -> Result<Vec<u8>, StoreError> {
        let failed = |error: &dyn std::fmt::Display| StoreError::Fault(error.to_string());
        self.whole.clear();
        let whole = std::mem::take(&mut self.whole);
        self.whole = postcard::to_extend(&shape(leg), whole).map_err(|error| failed(&error))?;
        self.squeezed.clear();
        self.squeezed.reserve(zstd::zstd_safe::compress_bound(self.whole.len()));
        let squeezed = self.compressor.compress_to_buffer(&self.whole, &mut self.squeezed);
        squeezed.map_err(|error| failed(&error))?;
        let mut row = Vec::with_capacity(self.squeezed.len() + 1);
        row.push(VERSION);
        row.extend_from_slice(&self.squeezed);
        Ok(row)
    }
}

fn shape(leg: &Leg) -> Shape<'_> {
    let (last, first) = (leg.last(), leg.events.first());
    let account = first.map_or("", |event| &event.raw.account);
    let call = first.map_or("", |event| &event.raw.call);
    let begun_at = first.map_or(0, |event| event.raw.at);
    let other = |own: &'_ str, legs: &str| own != legs;
    let events = leg.events.iter().map(|Event { raw, noted }| EventShape {
        before_last: last.abs_diff(raw.seq),
        kind: raw.kind,
        at: raw.at.wrapping_sub(begun_at),
        received_at: raw.received_at.wrapping_sub(raw.at),
        account: other(&raw.account, account).then_some(&*raw.account),
        call: other(&raw.call, call).then_some(&*raw.call),
        body: Whole(&raw.body),
        noted: noted
            .iter()
            .map(|noted| NotedShape {
                integration: noted.integration,
                number: noted.number,
                delivered: noted.delivered,
                at: noted.at.wrapping_sub(raw.received_at),
                detail: noted.detail.as_deref().map(Whole),
            })
            .collect(),
    });
    Shape { leg: leg.leg.as_str(), account, call, at: begun_at, events: events.collect() }
}

/// The leg of a row.
pub(in crate::sqlite) fn unpack(last: i64, row: &[u8]) -> Result<Leg, StoreError> {
    static PREPARED: LazyLock<DecoderDictionary<'static>> =
        LazyLock::new(|| DecoderDictionary::copy(DICTIONARY));
    thread_local! {
        /// A tool for each thread that reads: it is large.
        static UNPACKER: RefCell<Option<Decompressor<'static>>> = const { RefCell::new(None) };
    }
    let damaged = |why: &dyn std::fmt::Display| {
        StoreError::Damaged(format!("the leg that ended at place {last}: {why}"))
    };
    let squeezed = match row.split_first() {
        Some((&VERSION, squeezed)) => squeezed,
        Some((version, _)) => return Err(damaged(&format_args!("version {version} is not known"))),
        None => return Err(damaged(&"it is empty")),
    };
    let whole = UNPACKER.with_borrow_mut(|tool| {
        let tool = match tool {
            Some(tool) => tool,
            None => tool.insert(Decompressor::with_prepared_dictionary(&PREPARED)?),
        };
        let bytes = Decompressor::upper_bound(squeezed).unwrap_or(READ_BYTES).min(READ_BYTES);
        tool.decompress(squeezed, bytes)
    });
    let whole = whole.map_err(|error| damaged(&error))?;
    let shape: Shape<'_> = postcard::from_bytes(&whole).map_err(|error| damaged(&error))?;
    Ok(leg_of(last, &shape))
}

fn leg_of(last: i64, shape: &Shape<'_>) -> Leg {
    let events = shape.events.iter().map(|event| {
        let at = shape.at.wrapping_add(event.at);
        let received_at = at.wrapping_add(event.received_at);
        let noted = event.noted.iter().map(|noted| Noted {
            integration: noted.integration,
            number: noted.number,
            delivered: noted.delivered,
            at: received_at.wrapping_add(noted.at),
            detail: noted.detail.as_ref().map(|detail| detail.0.to_vec()),
        });
        Event {
            noted: noted.collect(),
            raw: Raw {
                seq: last.saturating_sub_unsigned(event.before_last),
                kind: event.kind,
                at,
                received_at,
                account: event.account.unwrap_or(shape.account).to_owned(),
                call: event.call.unwrap_or(shape.call).to_owned(),
                body: event.body.0.to_vec(),
            },
        }
    });
    Leg { leg: LegId::new(shape.leg), events: events.collect() }
}

/// The packed leg that ended at a place.
pub(in crate::sqlite) fn ended_at(conn: &Connection, last: i64) -> Result<Option<Leg>, StoreError> {
    let mut select = conn.prepare_cached(LEG)?;
    let row: Option<Vec<u8>> = select.query_row([last], |row| row.get(0)).optional()?;
    row.map(|row| unpack(last, &row)).transpose()
}

fn lost(seq: i64, last: i64) -> StoreError {
    StoreError::Damaged(format!("the event of place {seq} is not in the leg that ended at place {last}"))
}

/// An event of a packed leg: which of its events it is.
pub(in crate::sqlite) struct Found {
    pub(in crate::sqlite) leg: Rc<Leg>,
    pub(in crate::sqlite) at: usize,
}

impl Found {
    /// The event.
    pub(in crate::sqlite) fn kept(&self) -> Result<Kept, StoreError> {
        self.leg.kept(self.at)
    }

    /// What was noted of its deliveries when its leg was packed.
    pub(in crate::sqlite) fn noted(&self) -> &[Noted] {
        &self.leg.events[self.at].noted
    }
}

/// Packed legs, some of them at hand, within one question: a page asks for the same leg several times.
pub(in crate::sqlite) struct Shelf<'conn> {
    conn: &'conn Connection,
    at_hand: RefCell<VecDeque<(i64, Rc<Leg>)>>,
}

impl<'conn> Shelf<'conn> {
    pub(in crate::sqlite) fn new(conn: &'conn Connection) -> Self {
        Self { conn, at_hand: RefCell::default() }
    }

    /// What is asked.
    pub(in crate::sqlite) fn conn(&self) -> &'conn Connection {
        self.conn
    }

    /// The packed leg that ended at a place.
    pub(in crate::sqlite) fn ended_at(&self, last: i64) -> Result<Option<Rc<Leg>>, StoreError> {
        let mut at_hand = self.at_hand.borrow_mut();
        if let Some((_, leg)) = at_hand.iter().rfind(|(known, _)| *known == last) {
            return Ok(Some(leg.clone()));
        }
        let Some(leg) = ended_at(self.conn, last)?.map(Rc::new) else { return Ok(None) };
        if at_hand.len() >= AT_HAND {
            at_hand.pop_front();
        }
        at_hand.push_back((last, leg.clone()));
        Ok(Some(leg))
    }

    /// The event of a place in the leg that ended at another.
    pub(in crate::sqlite) fn event(&self, seq: i64, last: i64) -> Result<Found, StoreError> {
        let leg = self.ended_at(last)?.ok_or_else(|| lost(seq, last))?;
        let at = leg.events.iter().position(|event| event.raw.seq == seq).ok_or_else(|| lost(seq, last))?;
        Ok(Found { leg, at })
    }

    /// The event of a place, if its leg is packed.
    pub(in crate::sqlite) fn with_event(&self, seq: EventSeq) -> Result<Option<Found>, StoreError> {
        places::last_of(self.conn, seq.0)?.map(|last| self.event(seq.0, last)).transpose()
    }
}

#[cfg(test)]
mod tests;
