//! What goes into the call logic: what any PBX can say about its channels, in no PBX's own words.
//!
//! Everything is borrowed from the message it was read from; the tracker copies what it keeps.

use std::sync::Arc;

use crate::{CallId, Direction, LegId, Note, PbxTime, Phone};

/// What is at the end of a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Device<'a> {
    /// A device or trunk, by the PBX's name for its endpoint (`PJSIP/1001-101`).
    Endpoint(&'a str),
    /// The same, where the PBX says of this very channel that it is a provider's line (its calls come in where
    /// calls from outside do): a phone only if it is named as one.
    Provider(&'a str),
    /// One half of a helper pair of the PBX (Asterisk's `Local/…;1`), by the name both halves share.
    Helper(&'a str),
    /// A helper of the PBX that is nobody and joins nothing (announcers, recorders).
    Machine,
}

/// A channel as a message shows it. Empty text means that the message does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen<'a> {
    /// The PBX's own id of the channel, unique on that PBX for ever.
    pub id: &'a str,
    /// What is at its end.
    pub device: Device<'a>,
    /// The number of whoever is at this channel's end, as the PBX presents it; empty when withheld.
    pub number: &'a str,
    /// The number this channel is after: dialled by it, or dialled to reach it.
    pub dialled: &'a str,
    /// The PBX's own grouping (Asterisk's `Linkedid`), where it has one.
    pub group: &'a str,
    /// The number the PBX shows to whoever is at this channel's end: that of the other side.
    pub connected: &'a str,
    /// Whether `number` may be shown to others.
    pub presentation: Presentation,
    /// The id was chosen by an application and may come again: of its own accord it is not unique for ever.
    pub is_chosen: bool,
}

impl<'a> Seen<'a> {
    /// A channel of which a message says nothing but this.
    #[inline]
    pub const fn of(id: &'a str, device: Device<'a>) -> Self {
        Self {
            id,
            device,
            number: "",
            dialled: "",
            group: "",
            connected: "",
            presentation: Presentation::Unsaid,
            is_chosen: false,
        }
    }
}

/// Whether a caller lets its number be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Presentation {
    /// The message does not say.
    Unsaid,
    /// It may be shown.
    Allowed,
    /// It must not, whatever number came with it.
    Withheld,
}

/// What kind of meeting a bridge is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Meeting {
    /// A conversation, of two as a rule.
    Talk,
    /// A conference room.
    Room,
    /// A place to wait in, with music or without: nobody there hears anybody.
    Waiting,
}

/// How a channel came into being.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// It called the PBX: a phone that dials, a caller from outside.
    Placed,
    /// The PBX calls it.
    Called,
}

/// How an attempt of the PBX to reach a channel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DialOutcome {
    /// It answered.
    Answered,
    /// It did not answer in time.
    NoAnswer,
    /// It was busy, or refused as busy.
    Busy,
    /// The PBX gave up: the caller hung up or another answered.
    Cancelled,
    /// It could not be reached.
    Failed,
}

/// Why a channel is gone, as far as a PBX says (ITU-T Q.850, grouped).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cause {
    /// Nothing said (0).
    Unsaid,
    /// Normal clearing (16, 31), or interworking (127).
    Normal,
    /// Busy (17).
    Busy,
    /// No answer (18, 19).
    NoAnswer,
    /// Refused (21).
    Rejected,
    /// Answered elsewhere (26).
    AnsweredElsewhere,
    /// Taken by a colleague.
    PickedUp,
    /// No such number, no route, out of order, congestion: every other cause.
    Unreachable,
}

/// One thing a PBX says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]

pub enum Input<'a> {
    /// A channel came into being.
    Appeared {
        /// The channel.
        who: Seen<'a>,
        /// How.
        origin: Origin,
    },
    /// A channel turns out to have called the PBX itself, whatever it looked like when it came into being.
    Placing {
        /// The channel, with the number it dialled.
        who: Seen<'a>,
    },
    /// Whoever ordered a channel to be reached (click-to-call) had it dial this number afterwards.
    Ordered {
        /// The channel.
        who: Seen<'a>,
        /// The number.
        dialled: &'a str,
    },
    /// The phone at the end of the channel keeps its line open to be given callers, or does so no longer.
    Agent {
        /// The channel.
        who: Seen<'a>,
        /// Whether it logged in.
        is_on: bool,
    },
    /// Numbers of a channel changed.
    Changed {
        /// The channel with its numbers now.
        who: Seen<'a>,
    },
    /// The device at the end of the channel rings.
    Ringing {
        /// The channel.
        who: Seen<'a>,
    },
    /// The channel is up: its device answered, or the PBX answered it.
    Up {
        /// The channel.
        who: Seen<'a>,
    },
    /// The PBX began to reach a channel.
    DialBegan {
        /// On whose behalf; `None` if the PBX was asked to from outside (click-to-call).
        from: Option<Seen<'a>>,
        /// The channel being reached.
        to: Seen<'a>,
    },
    /// That attempt ended.
    DialEnded {
        /// On whose behalf.
        from: Option<Seen<'a>>,
        /// The channel that was being reached.
        to: Seen<'a>,
        /// How it ended.
        outcome: DialOutcome,
        /// The number the device sent the call on to (SIP 302); else empty.
        forward: &'a str,
    },
    /// A channel joined a bridge.
    Joined {
        /// The channel.
        who: Seen<'a>,
        /// The bridge's id.
        bridge: &'a str,
        /// What kind of meeting it is.
        meeting: Meeting,
        /// The id of the channel whose place it takes; empty for none.
        in_place_of: &'a str,
    },
    /// A channel left a bridge.
    Left {
        /// The channel.
        who: Seen<'a>,
        /// The bridge's id.
        bridge: &'a str,
    },
    /// Two halves of a helper pair belong together.
    Paired {
        /// One half.
        one: Seen<'a>,
        /// The other.
        two: Seen<'a>,
    },
    /// The device at the end of the channel put whoever it talks with on hold.
    Held {
        /// The channel.
        who: Seen<'a>,
    },
    /// It took them back. Also said where nobody was on hold.
    Unheld {
        /// The channel.
        who: Seen<'a>,
    },
    /// A blind transfer took effect.
    BlindTransfer {
        /// The channel that transferred.
        by: Seen<'a>,
        /// The party that was transferred, where the PBX says.
        party: Option<Seen<'a>>,
        /// The number transferred to.
        to: &'a str,
    },
    /// An attended transfer took effect.
    ///
    /// Borrows its four channels, for every input is as large as the largest and is handed on several times.
    AttendedTransfer {
        /// The transferring phone's channel to the party.
        first: &'a Seen<'a>,
        /// The transferring phone's channel to the target; the same channel where the PBX consults for it.
        second: &'a Seen<'a>,
        /// The party that was transferred, where the PBX says.
        party: Option<&'a Seen<'a>>,
        /// The party transferred to, where the PBX says; may be a helper.
        target: Option<&'a Seen<'a>>,
    },
    /// A phone took a call that rang elsewhere.
    PickedUp {
        /// The channel that took it.
        by: Seen<'a>,
        /// The channel that rang.
        from: Seen<'a>,
    },
    /// A channel was parked.
    Parked {
        /// The parked channel.
        party: Seen<'a>,
        /// Where it can be fetched.
        space: &'a str,
    },
    /// A parked channel was fetched.
    Retrieved {
        /// Who fetched it.
        by: Seen<'a>,
        /// The parked channel.
        party: Seen<'a>,
    },
    /// A parked channel was not fetched in time and goes back.
    ParkingTimedOut {
        /// The parked channel.
        party: Seen<'a>,
    },
    /// A transferred channel has arrived: whoever it reaches from now on is not reached by the transfer.
    Arrived {
        /// The channel.
        party: Seen<'a>,
    },
    /// A channel entered a queue.
    QueueEntered {
        /// The channel.
        who: Seen<'a>,
        /// The queue's name.
        queue: &'a str,
    },
    /// A channel left a queue.
    QueueLeft {
        /// The channel.
        who: Seen<'a>,
    },
    /// The device at the end of the channel is hanging up.
    HangingUp {
        /// The channel.
        who: Seen<'a>,
    },
    /// The channel is gone.
    Gone {
        /// The channel.
        who: Seen<'a>,
        /// Why, as far as the PBX says. Causes are unreliable: the call logic only asks them for the reason
        /// it tells, never for what happened.
        cause: Cause,
    },
    /// The link to the PBX was lost; what follows is after a gap.
    LinkLost,
    /// The PBX was restarted during the gap: nothing from before is up.
    Restarted,
    /// All channels the PBX has now. May overlap with what is said before and after, in either order.
    Snapshot {
        /// The channels.
        listed: &'a [Listed<'a>],
    },
}

/// The state of a channel in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListedState {
    /// Being set up, or calling and not answered yet.
    Pending,
    /// Its device rings.
    Ringing,
    /// Up.
    Up,
}

/// A channel in a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed<'a> {
    /// The channel.
    pub who: Seen<'a>,
    /// How it came into being, where the list says.
    pub origin: Option<Origin>,
    /// Its state.
    pub state: ListedState,
    /// The bridge it is in; empty for none.
    pub bridge: &'a str,
    /// What kind of meeting that is, where the list says; a conversation where it does not.
    pub meeting: Meeting,
    /// Whether the phone at its end keeps its line open to be given callers.
    pub is_agent: bool,
    /// When it came into being, where known.
    pub since: Option<PbxTime>,
    /// When it was answered, where known.
    pub answered_at: Option<PbxTime>,
}

/// A leg that had begun and not ended when Ringbud stopped.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenLeg {
    /// Its id.
    pub leg: LegId,
    /// Its call.
    pub call: CallId,
    /// The sequence of the last event that was kept.
    pub sequence: u8,
    /// The phone as it was when the leg began.
    pub phone: Arc<Phone>,
    /// How it began.
    pub direction: Direction,
    /// When it began.
    pub begun_at: PbxTime,
    /// As in the event.
    pub waiting_since: Option<PbxTime>,
    /// When it was answered, if its `Answered` was told. (The other side's answer of an outgoing leg is in
    /// the notes.)
    pub answered_at: Option<PbxTime>,
    /// Its counterpart.
    pub counterpart: Option<LegId>,
    /// As in the event.
    pub a_number: Arc<str>,
    /// As in the event.
    pub b_number: Arc<str>,
    /// As in the event.
    pub dialed_number: Arc<str>,
    /// As in the event.
    pub queue: Arc<str>,
}

/// What the journal gives back at a start.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Restored {
    /// The legs that were open.
    pub legs: Vec<OpenLeg>,
    /// The notes that were kept.
    pub notes: Vec<Note>,
    /// The last moment the PBX was heard, by its clock.
    pub last_heard: Option<PbxTime>,
}
