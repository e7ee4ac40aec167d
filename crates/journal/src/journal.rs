//! The trait, and the words it speaks.

use std::future::Future;
use std::ops::Range;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use calls::{
    AccountId, CallId, Direction, Event, EventId, EventKind, LegId, Note, PbxName, PbxTime, Restored,
};

use crate::JournalError;
use crate::audit::{AuditEntry, AuditFilter, AuditPage};
use crate::settings::{IntegrationId, Setting, SettingKey, Versioned};
use crate::{LegOutcome, Sums};

/// A future that may cross threads.
pub type Reply<'a, T> = Pin<Box<dyn Future<Output = Result<T, JournalError>> + Send + 'a>>;

/// Microseconds since the epoch by our own clock. Never compared with a PBX's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct WallTime(pub i64);

/// The place of an event in the journal; grows with every event kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventSeq(pub i64);

/// A delivery: one event on its way to one integration's webhook for its kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DeliveryId {
    /// The event.
    pub event: EventSeq,
    /// The integration.
    pub integration: IntegrationId,
}

/// One moment's output of one PBX's tracker, to be kept whole or not at all.
#[derive(Clone, Debug)]
pub struct Append {
    /// The PBX it came from.
    pub pbx: PbxName,
    /// The events, each with the integrations that have a webhook for it.
    pub events: Vec<(Event, Vec<IntegrationId>)>,
    /// The notes.
    pub notes: Vec<Note>,
    /// The last moment the PBX was heard, by its clock.
    pub heard_at: PbxTime,
    /// When it reached us.
    pub received_at: WallTime,
}

/// What became of an event that was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Kept, with these deliveries waiting.
    Stored(EventSeq),
    /// An event of the same id is there already: not an error, nothing is told twice.
    Repeat(EventSeq),
    /// The leg has ended already: nothing follows `Ended`.
    AfterEnded,
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

/// A delivery that is not settled: what the schedule in RAM needs, nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Which.
    pub id: DeliveryId,
    /// The account.
    pub account: AccountId,
    /// The event's kind.
    pub kind: EventKind,
    /// [`call_hash`] of the event's call: the lane that keeps order.
    pub call_hash: u64,
    /// When the event was kept.
    pub created_at: WallTime,
    /// Attempts so far.
    pub attempts: u16,
    /// When it is due; in the past if it has not been tried.
    pub due_at: WallTime,
    /// Kept, but not to be sent until its webhook is resumed.
    pub held: bool,
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
    /// What went wrong, in words; empty on success.
    pub error: String,
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
    /// To be tried again.
    RetryAt(WallTime),
    /// Too late to be of use.
    Expired,
    /// Given up, in words.
    Failed(String),
    /// Cancelled by a person.
    Cancelled,
    /// Kept while its webhook is paused.
    Held,
    /// Wanted again by a person, or its webhook was resumed: due now.
    Again(WallTime),
}

/// One settlement.
#[derive(Clone, Debug)]
pub struct Settle {
    /// Which delivery.
    pub id: DeliveryId,
    /// The attempt behind it, if history is kept and there was one.
    pub attempt: Option<Box<Attempt>>,
    /// What it is now.
    pub outcome: Outcome,
}

/// Whether a settlement counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It did.
    Done,
    /// Another gateway owns this delivery now, or it was settled already.
    Fenced,
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
    /// The last status or error, in words; empty before the first attempt.
    pub last: String,
    /// When it was settled or last tried.
    pub updated_at: WallTime,
}

/// What to list. All parts are optional and narrow the list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// The account.
    pub account: Option<AccountId>,
    /// A leg.
    pub leg: Option<LegId>,
    /// A call.
    pub call: Option<CallId>,
    /// A kind of event.
    pub kind: Option<EventKind>,
    /// An employee's local number.
    pub employee: Option<String>,
    /// A part of any of the numbers.
    pub number: Option<String>,
    /// From this moment of the PBX's clock on.
    pub from: Option<PbxTime>,
    /// Up to this moment.
    pub until: Option<PbxTime>,
    /// How a leg came out; only lists of legs ask.
    pub outcome: Option<LegOutcome>,
    /// Only deliveries in one of these states (by `DeliveryState`'s variant; a time in it is ignored).
    pub states: Vec<DeliveryState>,
    /// Only what is older than this place: for paging, newest first.
    pub before: Option<EventSeq>,
    /// Only what is newer than this place, oldest first: for following.
    pub after: Option<EventSeq>,
    /// At most so many (deliveries of one event are never torn apart); the store bounds it at 1,000, and 0
    /// means that bound.
    pub limit: usize,
}

/// One leg, as the list of calls shows it.
#[derive(Clone, Debug, PartialEq)]
pub struct LegRecord {
    /// The place of its first event, for paging.
    pub seq: EventSeq,
    /// The event it began with.
    pub begun: Event,
    /// When it was answered, by its events or notes.
    pub answered_at: Option<PbxTime>,
    /// The event it ended with, if it has.
    pub ended: Option<Event>,
    /// How it began.
    pub direction: Direction,
}

/// A setting to write or to remove.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Put {
    /// Its name.
    pub key: SettingKey,
    /// Its value; `None` removes it.
    pub value: Option<Setting>,
    /// The version the caller read, 0 for a new one; `None` overwrites whatever is there.
    pub expected: Option<u64>,
}

/// A change of a setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingChange {
    /// Its name.
    pub key: SettingKey,
    /// Its value, unless it was removed.
    pub value: Option<Setting>,
    /// The revision this change made.
    pub version: u64,
    /// When.
    pub changed_at: WallTime,
}

/// A webhook that fails, and for how long it had when this was noted. A length of time and no moment: neither
/// the time the program was off nor a clock that was set counts as failing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failing {
    /// Whose.
    pub integration: IntegrationId,
    /// Which.
    pub url: String,
    /// How long nothing has succeeded while it was tried; zero: it works.
    pub lasted: Duration,
}

/// How many deliveries one [`Journal::load`] brings at most.
pub const LOADED_AT_ONCE: usize = 8_192;

/// How many legs one [`Journal::prune`] forgets at most.
pub const PRUNED_AT_ONCE: usize = 500;

/// How much is kept, for operators.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Bytes on disk.
    pub bytes: u64,
    /// Bytes of them that are in use; what was forgotten leaves room that is used again.
    pub used: u64,
    /// Events kept.
    pub events: u64,
    /// Deliveries not settled.
    pub pending: u64,
    /// Events that lists and reports have to look through, for they are not digested yet.
    pub undigested: u64,
}

/// What is kept, and the verbs for it. Every method may be called at once from many tasks.
pub trait Journal: Send + Sync + 'static {
    /// Keeps events with their deliveries and notes: one transaction, on disk when the reply comes. One
    /// answer an event, in order. Identity of an event is (leg, kind).
    fn append<'a>(&'a self, batch: &'a [Append]) -> Reply<'a, Vec<Vec<Appended>>>;

    /// What is not settled, oldest first, from behind a delivery on (or from the beginning), at most
    /// [`LOADED_AT_ONCE`] at a time; nothing: that was all. For a start or a takeover, before anything else is
    /// offered: the first of a million can be on their way while the last are read.
    fn load(&self, after: Option<DeliveryId>) -> Reply<'_, Vec<Pending>>;

    /// All of that at once, where it is not much.
    fn load_all(&self) -> Reply<'_, Vec<Pending>> {
        Box::pin(async move {
            let mut all = Vec::new();
            loop {
                let more = self.load(all.last().map(|pending: &Pending| pending.id)).await?;
                if more.is_empty() {
                    return Ok(all);
                }
                all.extend(more);
            }
        })
    }

    /// The events of these places; one that is gone is left out.
    fn bodies(&self, events: Vec<EventSeq>) -> Reply<'_, Vec<Arc<Kept>>>;

    /// Settles deliveries with their attempts: one transaction.
    fn settle<'a>(&'a self, batch: &'a [Settle]) -> Reply<'a, Vec<Settled>>;

    /// What the call logic needs to go on after a restart: open legs, notes, last moment heard.
    fn restore(&self, pbx: PbxName) -> Reply<'_, Restored>;

    /// Kept events, newest first (oldest first with `after`).
    fn events(&self, filter: Filter) -> Reply<'_, Vec<Arc<Kept>>>;

    /// Legs, newest first.
    fn legs(&self, filter: Filter) -> Reply<'_, Vec<LegRecord>>;

    /// What the legs of an account come to that have ended and began within a stretch of time.
    fn sums(&self, account: AccountId, within: Range<PbxTime>) -> Reply<'_, Sums>;

    /// Deliveries, newest first.
    fn deliveries(&self, filter: Filter) -> Reply<'_, Vec<DeliveryRecord>>;

    /// The attempts of a delivery, oldest first.
    fn attempts(&self, id: DeliveryId) -> Reply<'_, Vec<Attempt>>;

    /// Forgets legs that ended before a moment of our clock and have nothing pending (of all accounts, or
    /// one): their events, deliveries and attempts, [`PRUNED_AT_ONCE`] legs at a time. The reply says how many
    /// events are gone. Zero: nothing is left to prune.
    fn prune(&self, account: Option<AccountId>, before: WallTime) -> Reply<'_, u64>;

    /// The moment of our clock such that the legs of an account that ended since take at most so many bytes, as
    /// their events and attempts are kept (what lists and reports find them by comes on top); for
    /// [`Journal::prune`]. `None`: all that ended take no more.
    fn kept_within(&self, account: AccountId, bytes: u64) -> Reply<'_, Option<WallTime>>;

    /// All settings.
    fn settings(&self) -> Reply<'_, Vec<Versioned>>;

    /// Writes or removes settings, each key once, all of them or none, and appends to the audit log what was
    /// done: one transaction. One version each, in order; 0 where there was nothing to remove. Where nothing was
    /// changed, nothing is noted.
    fn put_all(&self, puts: Vec<Put>, noted: Vec<AuditEntry>) -> Reply<'_, Vec<u64>>;

    /// Writes or (with `None`) removes one setting, as [`Journal::put_all`].
    fn put(&self, key: SettingKey, value: Option<Setting>, expected: Option<u64>) -> Reply<'_, u64> {
        Box::pin(async move {
            let versions = self.put_all(vec![Put { key, value, expected }], Vec::new()).await?;
            Ok(versions.first().copied().unwrap_or(0))
        })
    }

    /// Appends to the audit log what was done and is no change of a setting.
    fn note_done(&self, noted: Vec<AuditEntry>) -> Reply<'_, ()> {
        Box::pin(async move { self.put_all(Vec::new(), noted).await.map(drop) })
    }

    /// The audit log, newest first.
    fn audit(&self, filter: AuditFilter) -> Reply<'_, AuditPage>;

    /// Forgets what stands in the audit log from before a moment, but not the newest
    /// [`AUDIT_OF_PEOPLE_KEPT`](crate::AUDIT_OF_PEOPLE_KEPT) of people; and what is beyond
    /// [`AUDIT_KEPT_AT_MOST`](crate::AUDIT_KEPT_AT_MOST), however young. The oldest first, at most
    /// [`AUDIT_PRUNED_AT_ONCE`](crate::AUDIT_PRUNED_AT_ONCE) at a time; the reply says how many. Zero: nothing is
    /// left to forget.
    fn prune_audit(&self, before: WallTime) -> Reply<'_, u64>;

    /// A number that grows with every settings change by any process on this store. The version of a setting
    /// is the revision its last change made.
    fn settings_revision(&self) -> Reply<'_, u64>;

    /// What was changed after a revision, oldest first; a removed setting has no value.
    fn settings_since(&self, revision: u64) -> Reply<'_, Vec<SettingChange>>;

    /// A number no integration of this store has or had.
    fn allocate_integration(&self) -> Reply<'_, IntegrationId>;

    /// The webhooks that were failing when they were noted last, by integration and URL.
    fn failing(&self) -> Reply<'_, Vec<Failing>>;

    /// Replaces what is noted of these webhooks: one transaction. What works is not kept.
    fn note_failing(&self, notes: Vec<Failing>) -> Reply<'_, ()>;

    /// How much is kept.
    fn size(&self) -> Reply<'_, Size>;

    /// When the newest event reached us, by our own clock: what a clock that was set wrong is told by.
    fn newest_event_at(&self) -> Reply<'_, Option<WallTime>>;

    /// The id of an event that was kept, if it is there.
    fn find(&self, id: EventId) -> Reply<'_, Option<Arc<Kept>>>;
}
