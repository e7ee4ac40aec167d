//! What a commit adds to the log, as one blob: records behind one another, each with its own tag, and a check of eight
//! bytes over all of them. It is written as it is judged, and read at a start or after a commit that failed.

use std::time::Duration;

use super::super::errors::StoreError;
use super::super::settle::Row;
use super::super::table::raw::Raw;
use crate::settings::IntegrationId;
use crate::{DeliveryId, EventSeq, Outcome, Reason, WallTime};

/// The first byte of a blob.
const VERSION: u8 = 1;
const CHECK_BYTES: usize = 8;

const EVENT: u8 = 1;
const SETTLED: u8 = 2;
const NOTE: u8 = 3;
const HEARD: u8 = 4;

/// One of them.
pub(super) enum Record {
    Event { leg: String, raw: Raw, integrations: Vec<u32> },
    Settled(Row),
    Note { pbx: String, channel: String, kept: Option<Vec<u8>> },
    Heard { pbx: String, at: i64 },
}

/// A blob that is being written.
#[derive(Default)]
pub(in crate::sqlite) struct Blob(Vec<u8>);

impl Blob {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn event(&mut self, leg: &str, raw: &Raw, integrations: &[IntegrationId]) {
        self.tag(EVENT);
        self.int(raw.seq);
        self.0.push(raw.kind);
        self.int(raw.at);
        self.int(raw.received_at);
        self.bytes(raw.account.as_bytes());
        self.bytes(leg.as_bytes());
        self.bytes(raw.call.as_bytes());
        self.bytes(&raw.body);
        self.number(integrations.len() as u64);
        integrations.iter().for_each(|integration| self.number(integration.number.into()));
    }

    pub(super) fn settled(&mut self, row: &Row) {
        self.tag(SETTLED);
        self.int(row.id.event.0);
        self.number(row.id.integration.number.into());
        let (tag, why) = match &row.outcome {
            Outcome::Delivered => (0, None),
            Outcome::RetryIn(_) => (1, None),
            Outcome::Expired => (2, None),
            Outcome::Failed(why) => (3, why.as_ref()),
            Outcome::Cancelled => (4, None),
            Outcome::Held => (5, None),
            Outcome::Again(_) => (6, None),
        };
        self.0.push(tag);
        if let Some(at) = row.due_at {
            self.int(at.0);
        }
        self.option(why.map(Reason::to_kept).as_ref().map(String::as_bytes));
        self.option(row.tried.as_ref().map(|(_, came_to)| came_to.as_bytes()));
        if let Some((number, _)) = row.tried {
            self.number(number.into());
        }
        self.option(row.detail.as_deref());
        self.int(row.at.0);
    }

    pub(super) fn note(&mut self, pbx: &str, channel: &str, kept: Option<&[u8]>) {
        self.tag(NOTE);
        self.bytes(pbx.as_bytes());
        self.bytes(channel.as_bytes());
        self.option(kept);
    }

    pub(super) fn heard(&mut self, pbx: &str, at: i64) {
        self.tag(HEARD);
        self.bytes(pbx.as_bytes());
        self.int(at);
    }

    /// The whole blob.
    pub(super) fn sealed(mut self) -> Vec<u8> {
        let check = check(&self.0);
        self.0.extend_from_slice(&check.to_le_bytes());
        self.0
    }

    fn tag(&mut self, tag: u8) {
        if self.0.is_empty() {
            self.0.reserve(1024);
            self.0.push(VERSION);
        }
        self.0.push(tag);
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.0.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.0.push(number as u8);
    }

    fn int(&mut self, int: i64) {
        self.number((int.cast_unsigned() << 1) ^ (int >> 63).cast_unsigned());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.extend_from_slice(bytes);
    }

    /// Nothing is a length of zero, something one more than its own.
    fn option(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => {
                self.number(bytes.len() as u64 + 1);
                self.0.extend_from_slice(bytes);
            }
            None => self.number(0),
        }
    }
}

/// Over eight bytes at a time: a bit that changed is found, whoever means harm is not kept out.
fn check(bytes: &[u8]) -> u64 {
    const MIX: u64 = 0x9e37_79b9_7f4a_7c15;
    let mut sum = bytes.len() as u64;
    let mut chunks = bytes.chunks_exact(8);
    for chunk in &mut chunks {
        let chunk = u64::from_le_bytes(chunk.try_into().unwrap_or_default());
        sum = (sum ^ chunk).wrapping_mul(MIX).rotate_left(29);
    }
    for byte in chunks.remainder() {
        sum = (sum ^ u64::from(*byte)).wrapping_mul(MIX).rotate_left(29);
    }
    sum ^ (sum >> 32)
}

/// Shows the records of a blob, in order.
pub(super) fn read(
    id: i64,
    blob: &[u8],
    mut visit: impl FnMut(Record) -> Result<(), StoreError>,
) -> Result<(), StoreError> {
    let damaged = |why: &str| StoreError::Damaged(format!("row {id} of the log: {why}"));
    let (records, sum) = blob.split_last_chunk::<CHECK_BYTES>().ok_or_else(|| damaged("it is too short"))?;
    if check(records) != u64::from_le_bytes(*sum) {
        return Err(damaged("its check is wrong"));
    }
    let mut rest = match records.split_first() {
        Some((&VERSION, rest)) => Rest(rest),
        _ => return Err(damaged("its version is not known")),
    };
    while !rest.0.is_empty() {
        visit(rest.record().ok_or_else(|| damaged("a record cannot be read"))?)?;
    }
    Ok(())
}

/// What is not read yet.
struct Rest<'a>(&'a [u8]);

impl<'a> Rest<'a> {
    fn record(&mut self) -> Option<Record> {
        match self.byte()? {
            EVENT => self.event(),
            SETTLED => self.settled().map(Record::Settled),
            NOTE => Some(Record::Note {
                pbx: self.text()?,
                channel: self.text()?,
                kept: self.option()?.map(<[u8]>::to_vec),
            }),
            HEARD => Some(Record::Heard { pbx: self.text()?, at: self.int()? }),
            _ => None,
        }
    }

    fn event(&mut self) -> Option<Record> {
        let (seq, kind, at, received_at) = (self.int()?, self.byte()?, self.int()?, self.int()?);
        let (account, leg, call) = (self.text()?, self.text()?, self.text()?);
        let body = self.bytes()?.to_vec();
        let many = self.number()?;
        let integrations = (0..many).map(|_| self.number()?.try_into().ok()).collect::<Option<_>>()?;
        Some(Record::Event {
            leg,
            raw: Raw { seq, kind, at, received_at, account, call, body },
            integrations,
        })
    }

    fn settled(&mut self) -> Option<Row> {
        let event = EventSeq(self.int()?);
        let integration = IntegrationId { number: self.number()?.try_into().ok()? };
        let tag = self.byte()?;
        let due_at = if matches!(tag, 1 | 6) { Some(WallTime(self.int()?)) } else { None };
        let why = self.option()?;
        let outcome = match tag {
            0 => Outcome::Delivered,
            // When is told by the moment it is due.
            1 => Outcome::RetryIn(Duration::ZERO),
            2 => Outcome::Expired,
            3 => Outcome::Failed(match why {
                Some(why) => Reason::from_kept(std::str::from_utf8(why).ok()?),
                None => None,
            }),
            4 => Outcome::Cancelled,
            5 => Outcome::Held,
            6 => Outcome::Again(Duration::ZERO),
            _ => return None,
        };
        let tried = match self.option()? {
            Some(came_to) => {
                let came_to = String::from_utf8(came_to.to_vec()).ok()?;
                Some((self.number()?.try_into().ok()?, came_to))
            }
            None => None,
        };
        let detail = self.option()?.map(<[u8]>::to_vec);
        let id = DeliveryId { event, integration };
        Some(Row { id, outcome, due_at, tried, detail, at: WallTime(self.int()?) })
    }

    fn byte(&mut self) -> Option<u8> {
        let (byte, rest) = self.0.split_first()?;
        self.0 = rest;
        Some(*byte)
    }

    fn number(&mut self) -> Option<u64> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            number |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Some(number);
            }
        }
        None
    }

    fn int(&mut self) -> Option<i64> {
        let number = self.number()?;
        Some((number >> 1).cast_signed() ^ -(number & 1).cast_signed())
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let many = usize::try_from(self.number()?).ok()?;
        let (bytes, rest) = self.0.split_at_checked(many)?;
        self.0 = rest;
        Some(bytes)
    }

    fn option(&mut self) -> Option<Option<&'a [u8]>> {
        let Some(many) = self.number()?.checked_sub(1) else { return Some(None) };
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(many).ok()?)?;
        self.0 = rest;
        Some(Some(bytes))
    }

    fn text(&mut self) -> Option<String> {
        String::from_utf8(self.bytes()?.to_vec()).ok()
    }
}
