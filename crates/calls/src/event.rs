//! What comes out of the call logic.

use std::sync::Arc;
use std::time::Duration;

use crate::{AccountId, CallId, EventId, LegId, PbxTime, Phone};

/// The four events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EventKind {
    /// The employee's phone starts to ring.
    Incoming,
    /// The employee answers, on that phone.
    Answered,
    /// The employee's phone places a call.
    Outgoing,
    /// The leg is gone.
    Ended,
}

impl EventKind {
    /// All four, in the order of a leg's life.
    pub const ALL: [Self; 4] = [Self::Incoming, Self::Answered, Self::Outgoing, Self::Ended];

    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Incoming => "Incoming",
            Self::Answered => "Answered",
            Self::Outgoing => "Outgoing",
            Self::Ended => "Ended",
        }
    }
}

/// How a leg began.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Direction {
    /// It rang, or was answered without ringing.
    Incoming,
    /// It placed a call.
    Outgoing,
}

/// Why a leg ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EndReason {
    /// The employee hung up a call that was up.
    HungUpByEmployee,
    /// The other side hung up a call that was up.
    HungUpByCounterpart,
    /// It rang too long.
    NoAnswer,
    /// The called party was busy.
    Busy,
    /// The called party refused.
    Rejected,
    /// Another phone answered.
    AnsweredElsewhere,
    /// A colleague picked the call up.
    PickedUp,
    /// The calling side gave up before an answer.
    Cancelled,
    /// The call was transferred away from this leg.
    Transferred,
    /// The PBX was restarted.
    PbxRestarted,
    /// It ended while the link to the PBX was down.
    LinkLost,
    /// The call could not be set up.
    Failed,
}

impl EndReason {
    /// The name on the wire.
    pub const fn name(self) -> &'static str {
        match self {
            Self::HungUpByEmployee => "hungup_by_employee",
            Self::HungUpByCounterpart => "hungup_by_counterpart",
            Self::NoAnswer => "no_answer",
            Self::Busy => "busy",
            Self::Rejected => "rejected",
            Self::AnsweredElsewhere => "answered_elsewhere",
            Self::PickedUp => "picked_up",
            Self::Cancelled => "cancelled",
            Self::Transferred => "transferred",
            Self::PbxRestarted => "pbx_restarted",
            Self::LinkLost => "link_lost",
            Self::Failed => "failed",
        }
    }
}

/// A transfer, as the legs it touches tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transfer {
    /// `TransferedUniqueId`: the party that was transferred.
    pub party: LegId,
    /// `TransferedNumber`: that party's number; empty when withheld.
    pub party_number: Arc<str>,
    /// `TransferTo`: the number transferred to.
    pub to: Arc<str>,
}

/// What only an `Ended` has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// When the conversation began, if it did.
    pub answered_at: Option<PbxTime>,
    /// Why it ended.
    pub reason: EndReason,
    /// The transfer, if the call of this leg was transferred.
    pub transfer: Option<Transfer>,
}

/// The event itself, with what only its kind has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum What {
    /// The phone starts to ring.
    Incoming,
    /// The employee answers.
    Answered,
    /// The phone places a call.
    Outgoing,
    /// The leg is gone.
    Ended(Ended),
}

/// One call event of one leg. Everything a request or a stored record needs is in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// `UniqueCallId`.
    pub leg: LegId,
    /// `CallId`, the same in all events of the leg.
    pub call: CallId,
    /// 1, 2, 3 within the leg.
    pub sequence: u8,
    /// The phone, with the employee who had it when the leg began.
    pub phone: Arc<Phone>,
    /// How the leg began.
    pub direction: Direction,
    /// When this happened, by the PBX's clock.
    pub at: PbxTime,
    /// When the leg began.
    pub begun_at: PbxTime,
    /// Since when the caller had waited by then, where that is longer: in a queue, or from the first phone that rang.
    pub waiting_since: Option<PbxTime>,
    /// `LinkedUniqueCallId`: the counterpart, where known.
    pub counterpart: Option<LegId>,
    /// `ANumber`: the calling party's number; empty when withheld.
    pub a_number: Arc<str>,
    /// `BNumber`: the number dialled, on legs that began with `Outgoing`; else empty.
    pub b_number: Arc<str>,
    /// `DialedNumber`: the number the outside caller called, where known; else empty.
    pub dialed_number: Arc<str>,
    /// `QueueName`: the queue the call came through; else empty.
    pub queue: Arc<str>,
    /// Whether anything in this event had to be assumed because the link to the PBX was down.
    pub assumed: bool,
    /// The event.
    pub what: What,
}

impl Event {
    /// Which of the four.
    pub const fn kind(&self) -> EventKind {
        match self.what {
            What::Incoming => EventKind::Incoming,
            What::Answered => EventKind::Answered,
            What::Outgoing => EventKind::Outgoing,
            What::Ended(_) => EventKind::Ended,
        }
    }

    /// The identity of the event: leg and kind.
    pub fn id(&self) -> EventId {
        let mut id = String::with_capacity(self.leg.as_str().len() + 9);
        id.extend(self.id_chars());
        EventId::new(id)
    }

    /// The same, for whoever has a place to write it to.
    pub fn id_chars(&self) -> impl Iterator<Item = char> {
        let leg = self.leg.as_str().chars().map(|c| if c == '.' { '-' } else { c });
        leg.chain(['-']).chain(self.kind().name().chars().map(|c| c.to_ascii_lowercase()))
    }

    /// The account the event belongs to.
    pub fn account(&self) -> &AccountId {
        &self.phone.account
    }

    /// `Duration`: from answer to the end of the leg; zero if it was never answered or has not ended.
    pub fn duration(&self) -> Duration {
        match &self.what {
            What::Ended(Ended { answered_at: Some(answered_at), .. }) => self.at.since(*answered_at),
            What::Incoming | What::Answered | What::Outgoing | What::Ended(_) => Duration::ZERO,
        }
    }
}

/// What the call logic knows of a channel and no event tells. Kept in the journal with the events of the
/// same moment, so that a restart in the middle of a call does not forget it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// The PBX's id of the channel the note is about.
    pub channel: Arc<str>,
    /// What to keep in place of an earlier note; `None` when nothing is left to keep.
    pub kept: Option<Kept>,
}

/// What a note keeps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The transfer of this channel's party: it counts for every phone the channel then rings.
    pub transfer: Option<Transfer>,
    /// The transfer of this channel's own leg.
    pub leg_transfer: Option<Transfer>,
    /// When the other side of an outgoing leg answered.
    pub answered_at: Option<PbxTime>,
    /// Since when this channel's leg has its other side on hold. For who looks on: no event tells it.
    pub held_since: Option<PbxTime>,
}

/// Something the call logic did not expect. Data, not an error: it is counted and told, and on it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anomaly {
    /// When, by the PBX's clock.
    pub at: PbxTime,
    /// The PBX's id of the channel it is about; empty where it is about none.
    pub channel: Arc<str>,
    /// What, in words for a person; the same words for the same kind.
    pub what: &'static str,
}

/// Anything that comes out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Output {
    /// A call event.
    Event(Box<Event>),
    /// Something to keep or to forget.
    Note(Note),
    /// Something unexpected.
    Anomaly(Anomaly),
}
