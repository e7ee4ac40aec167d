//! The traits, and the words they speak. A room asks only for the part it needs; who opens a store has all of
//! them, as a [`Journal`].

mod deliveries;
mod events;
mod facts;
mod history;
mod inbox;
mod parts;
mod settings;
mod upkeep;

pub use deliveries::*;
pub use events::*;
pub use facts::*;
pub use history::*;
pub use inbox::*;
pub use parts::*;
pub use settings::*;
pub use upkeep::*;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use bytes::Bytes;
use calls::{CallId, Event, PbxName};

use crate::settings::IntegrationId;
use crate::{JournalError, Reason, WallTime};

/// A future that may cross threads.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, JournalError>> + Send + 'a>>;

/// The place of an event in the journal; grows with every event kept of a part, over all its owners. Between parts it
/// says nothing of what came first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventSeq(pub i64);

impl EventSeq {
    /// Where an event's part stands in its place, above the bits in which its owner counts.
    pub const PART_SHIFT: u32 = 48;
    /// The bits in which its owner counts, under an epoch.
    pub(crate) const EPOCH_SHIFT: u32 = 28;

    /// The part of the store it is in.
    pub const fn part(self) -> Part {
        Part((self.0 >> Self::PART_SHIFT) as u16)
    }
}

/// A delivery: one event on its way to one integration's webhook for its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    /// The event.
    pub event: EventSeq,
    /// The integration.
    pub integration: IntegrationId,
}

/// The lane of a call's deliveries, in which they keep their order: the same for a call on every run and
/// every replica (FNV-1a with a final mix, so that neighbours spread).
pub fn call_hash(call: &CallId) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in call.as_str().bytes() {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

/// A kept event.
#[derive(Clone, Debug, PartialEq)]
pub struct Kept {
    /// Its place.
    pub seq: EventSeq,
    /// When it reached us.
    pub received_at: WallTime,
    /// The PBX it came from.
    pub pbx: PbxName,
    /// The event.
    pub event: Event,
}

/// One HTTP request that was made, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u16,
    /// When it began.
    pub at: WallTime,
    /// How long it took.
    pub took_micros: u64,
    /// The address that was connected to; empty if none was.
    pub address: String,
    /// Method, path and query as sent.
    pub request_line: String,
    /// The headers as sent, secrets blanked.
    pub request_headers: Headers,
    /// The body as sent.
    pub request_body: Bytes,
    /// The status, if there was an answer.
    pub status: Option<u16>,
    /// What went wrong; nothing on success.
    pub reason: Option<Reason>,
    /// The answer's first 4 KB.
    pub response_body: Vec<u8>,
}

/// Headers as they are kept: one text, for an attempt is made and forgotten much more often than looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Headers(String);

impl Headers {
    /// A copy with room for so many bytes more.
    #[must_use]
    pub fn copied_with_room(&self, bytes: usize) -> Self {
        let mut text = String::with_capacity(self.0.len() + bytes);
        text.push_str(&self.0);
        Self(text)
    }

    /// Adds one. No header of a request has a line break in it.
    pub fn push(&mut self, name: &str, value: &str) {
        self.0.reserve(name.len() + value.len() + 3);
        self.0.push_str(name);
        self.0.push_str(": ");
        self.0.push_str(value);
        self.0.push('\n');
    }

    /// Names and values, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.lines().filter_map(|line| line.split_once(": "))
    }

    pub(crate) fn as_text(&self) -> &str {
        &self.0
    }

    pub(crate) fn from_text(text: &str) -> Self {
        Self(text.to_owned())
    }
}

impl<'a> FromIterator<(&'a str, &'a str)> for Headers {
    fn from_iter<T: IntoIterator<Item = (&'a str, &'a str)>>(pairs: T) -> Self {
        let mut headers = Self::default();
        pairs.into_iter().for_each(|(name, value)| headers.push(name, value));
        headers
    }
}

/// What an attempt, or a decision, made of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The receiver took it.
    Delivered,
    /// To be tried again in so long.
    RetryIn(Duration),
    /// Too late to be of use.
    Expired,
    /// Given up; why, where the attempt does not say it.
    Failed(Option<Reason>),
    /// Cancelled by a person.
    Cancelled,
    /// Kept while its webhook is paused.
    Held,
    /// Wanted again by a person, or its webhook was resumed: due in so long, which is at once but for who copies a store.
    Again(Duration),
}

/// The state of a delivery, as a person is told it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Not tried yet.
    Waiting,
    /// Tried and to be tried again at this moment.
    Retrying(WallTime),
    /// Kept while its webhook is paused.
    Paused,
    /// The receiver took it.
    Delivered,
    /// Too late to be of use.
    Expired,
    /// Given up.
    Failed,
    /// Cancelled by a person.
    Cancelled,
}

/// A delivery with its event, for people.
#[derive(Clone, Debug, PartialEq)]
pub struct DeliveryRecord {
    /// Which.
    pub id: DeliveryId,
    /// The event.
    pub event: Kept,
    /// Where it stands.
    pub state: DeliveryState,
    /// How many attempts were made.
    pub attempts: u16,
    /// The last status or what went wrong; nothing before the first attempt.
    pub last: Option<Reason>,
    /// When it was settled or last tried.
    pub updated_at: WallTime,
}

/// What is kept, and all the verbs for it. Every method may be called at once from many tasks.
pub trait Journal: Events + Deliveries + Parts + Settings + History + Upkeep + 'static {}

impl<T: Events + Deliveries + Parts + Settings + History + Upkeep + 'static> Journal for T {}
