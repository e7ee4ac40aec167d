//! Keeping events: what the writer of a PBX's moments asks for.

use std::sync::Arc;
use std::time::Duration;

use calls::{Event, EventId, Note, PbxName, PbxTime, Restored};

use super::{EventSeq, Grant, Kept, Pending, Reply};
use crate::WallTime;
use crate::settings::IntegrationId;

/// One moment's output of one PBX's tracker, to be kept whole or not at all.
#[derive(Clone, Debug)]
pub struct Append {
    /// That its part is this gateway's.
    pub grant: Grant,
    /// The PBX it came from.
    pub pbx: PbxName,
    /// The events, each with the integrations that have a webhook for it.
    pub events: Vec<(Event, Vec<IntegrationId>)>,
    /// The notes.
    pub notes: Vec<Note>,
    /// The last moment the PBX was heard, by its clock.
    pub heard_at: PbxTime,
    /// When it reached us, as people are shown it.
    pub received_at: WallTime,
    /// How long ago that was when it is asked to be kept, by a clock that never jumps: patience goes by it.
    pub age: Duration,
}

/// What became of an event that was appended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Appended {
    /// Kept, with these deliveries waiting.
    Stored(EventSeq, Vec<Pending>),
    /// An event of the same id is there already: not an error, nothing is told twice.
    Repeat(EventSeq),
    /// It cannot be.
    Refused(Refusal),
    /// The part is another's now. Nothing of the moment is kept.
    Fenced,
}

/// Why an event is not kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// The leg has ended already: nothing follows `Ended`.
    AfterEnded,
    /// The leg began the other way: it rang and cannot have called out, or the other way round.
    BegunOtherwise,
    /// The leg calls out, and answers nothing.
    NotIncoming,
}

/// Keeping events.
pub trait Events: Send + Sync {
    /// Keeps events with their deliveries and notes: one transaction, on disk when the reply comes. One
    /// answer an event, in order. Identity of an event is (leg, kind); what the leg has judges it, whoever brings it.
    /// Moments whose part is another's stop no others.
    fn append<'a>(&'a self, batch: &'a [Append]) -> Reply<'a, Vec<Vec<Appended>>>;

    /// What the call logic needs to go on after a restart: open legs, notes, last moment heard.
    fn restore(&self, pbx: PbxName) -> Reply<'_, Restored>;

    /// The events of these places; one that is gone is left out.
    fn bodies(&self, events: Vec<EventSeq>) -> Reply<'_, Vec<Arc<Kept>>>;

    /// The id of an event that was kept, if it is there.
    fn find(&self, id: EventId) -> Reply<'_, Option<Arc<Kept>>>;
}
