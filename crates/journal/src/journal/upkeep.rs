//! Keeping the store in shape: forgetting, how much there is, what is noted beside the calls.

use std::time::Duration;

use calls::AccountId;

use super::{Cursor, Reply};
use crate::settings::IntegrationId;
use crate::{AuditFilter, AuditPage, WallTime};

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
    /// Where several gateways share the store: which row of failures it is. Another number: somebody had something taken in
    /// between. Zero in a note that begins one, and where one gateway has the store.
    pub streak: u64,
}

/// How many legs one [`Upkeep::prune`] forgets at most.
pub const PRUNED_AT_ONCE: usize = 500;

/// How many legs one [`Upkeep::erase`] erases at most.
pub const ERASED_AT_ONCE: usize = 500;

/// Whose legs are erased.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Erase {
    /// An employee's, by local number.
    Employee(String),
    /// Those that have this number, as it was kept, in any part of any of their events: the caller's, the one called,
    /// the phone's, that of a party of a transfer.
    Number(String),
}

/// What an [`Upkeep::erase`] did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Erased {
    /// Events that are gone.
    pub events: u64,
    /// Legs it came upon that have not ended: they stay, and can be erased when they have.
    pub running: u64,
    /// Where to go on; `None`: that was all.
    pub rest: Option<Cursor>,
}

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
    /// Events that lists and reports have to look through, for they are not rolled up yet.
    pub not_rolled_up: u64,
}

/// Keeping the store in shape.
pub trait Upkeep: Send + Sync {
    /// Forgets legs that ended before a moment of our clock and have nothing pending (of all accounts, or
    /// one): their events, deliveries and attempts, [`PRUNED_AT_ONCE`] legs at a time. The reply says how many
    /// events are gone. Zero: nothing is left to prune.
    fn prune(&self, account: Option<AccountId>, before: WallTime) -> Reply<'_, u64>;

    /// Erases legs of an account that have ended, whole: their events, deliveries and attempts, also what waits. From
    /// behind a place on, [`ERASED_AT_ONCE`] legs at a time. A request that is on its way is not called back.
    fn erase(&self, account: AccountId, whose: Erase, after: Cursor) -> Reply<'_, Erased>;

    /// The moment of our clock such that the legs of an account that ended since take at most so many bytes, as
    /// their events and attempts come in (packed they take about a quarter; what lists and reports find them by comes
    /// on top); for
    /// [`Upkeep::prune`]. `None`: all that ended take no more.
    fn kept_within(&self, account: AccountId, bytes: u64) -> Reply<'_, Option<WallTime>>;

    /// The webhooks that were failing when they were noted last, by integration and URL.
    fn failing(&self) -> Reply<'_, Vec<Failing>>;

    /// Replaces what is noted of these webhooks: one transaction. What works is not kept. Where several gateways share the
    /// store a note of a streak that is over changes nothing, nor does one that begins what another has begun; of two that
    /// count the same streak the longer holds.
    fn note_failing(&self, notes: Vec<Failing>) -> Reply<'_, ()>;

    /// Takes the note of a webhook away that is to be paused for its failures. Whether it still was of this streak: if not,
    /// some gateway had something taken, or another one pauses it. Who asks once more, for an answer was lost, has the same
    /// one. Who has the store for itself knows that alone.
    fn end_failing(&self, note: Failing) -> Reply<'_, bool> {
        drop(note);
        Box::pin(std::future::ready(Ok(true)))
    }

    /// How much is kept.
    fn size(&self) -> Reply<'_, Size>;

    /// When the newest event reached us, by our own clock: what a clock that was set wrong is told by.
    fn newest_event_at(&self) -> Reply<'_, Option<WallTime>>;

    /// The audit log, newest first.
    fn audit(&self, filter: AuditFilter) -> Reply<'_, AuditPage>;

    /// Forgets what stands in the audit log from before a moment, but not the newest
    /// [`AUDIT_OF_PEOPLE_KEPT`](crate::AUDIT_OF_PEOPLE_KEPT) of people; and what is beyond
    /// [`AUDIT_KEPT_AT_MOST`](crate::AUDIT_KEPT_AT_MOST), however young. The oldest first, at most
    /// [`AUDIT_PRUNED_AT_ONCE`](crate::AUDIT_PRUNED_AT_ONCE) at a time; the reply says how many. Zero: nothing is
    /// left to forget.
    fn prune_audit(&self, before: WallTime) -> Reply<'_, u64>;
}
