//! What is known of one channel, and of one bridge.

use std::sync::Arc;

use compact_str::CompactString;
use smallvec::SmallVec;

use crate::tracker::arena::{BridgeKey, ChannelKey, Named, OfBridge, OfChannel};
use crate::tracker::leg::Leg;
use crate::{Cause, DialOutcome, ListedState, Origin, PbxTime, Phone, Transfer};

/// Who is at the end of a channel.
#[derive(Debug)]
pub(super) enum Party {
    /// A phone: the endpoint, to ask again who has it, and the phone as it was at first sight.
    Phone { endpoint: CompactString, phone: Arc<Phone> },
    /// Anything outside.
    Trunk,
    /// One half of a helper pair.
    Helper { other: Option<ChannelKey> },
    /// A helper that is nobody.
    Machine,
}

/// On whose behalf a channel is being reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Caller {
    /// Not known (yet), or nobody reaches it: it placed its call itself.
    Unknown,
    /// Nobody: the PBX was asked to from outside.
    Nobody,
    /// This channel.
    Channel(ChannelKey),
}

/// A transfer that counts for the phones a channel rings. Of several on the way to a phone the newest
/// counts.
#[derive(Clone, Debug)]
pub(super) struct Mark {
    pub(super) age: u64,
    pub(super) transfer: Transfer,
}

/// A channel that was parked out of a leg whose transfer has not been told yet.
#[derive(Clone, Debug)]
pub(super) struct Parking {
    pub(super) at: PbxTime,
    pub(super) transfer: Transfer,
}

/// How sure it is that the channel is still there.
#[derive(Debug)]
pub(super) enum Presence {
    /// Heard of since the link came up.
    Confirmed,
    /// Not heard of since the link was lost.
    Unconfirmed,
    /// Known from a snapshot alone: its beginning is either still to come in the stream or was missed.
    Listed(Box<Late>),
    /// Missing in a snapshot taken while the link was up.
    Missing,
}

/// What a snapshot says of a channel whose beginning was not seen.
#[derive(Debug)]
pub(super) struct Late {
    pub(super) state: ListedState,
    pub(super) bridge: Box<str>,
    pub(super) since: Option<PbxTime>,
    pub(super) answered_at: Option<PbxTime>,
}

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: CompactString,
    pub(super) party: Party,
    pub(super) origin: Option<Origin>,
    /// Its number as it was first presented: the phone's own, before the PBX puts on another.
    pub(super) own_number: CompactString,
    /// Its number as the PBX presents it now.
    pub(super) number: CompactString,
    /// The number it is after.
    pub(super) dialled: CompactString,
    /// The first channel of the call it belongs to, as far as is known.
    pub(super) group: CompactString,
    pub(super) ringing_at: Option<PbxTime>,
    pub(super) up_at: Option<PbxTime>,
    pub(super) caller: Caller,
    /// Whether the attempt to reach it was answered.
    pub(super) reached: bool,
    /// The channels being reached, or reached, on its behalf.
    pub(super) dials: SmallVec<[ChannelKey; 1]>,
    pub(super) bridge: Option<BridgeKey>,
    /// The bridge it was in before.
    pub(super) last_bridge: Option<BridgeKey>,
    pub(super) queue: CompactString,
    pub(super) mark: Option<Box<Mark>>,
    /// The phone being reached sent the call on: the next attempt carries this.
    pub(super) forwarding: Option<Box<Transfer>>,
    /// Somebody took the call of this channel, so whoever still rings for it has lost.
    pub(super) taken: bool,
    pub(super) last_outcome: Option<DialOutcome>,
    pub(super) last_cause: Cause,
    pub(super) hanging_up: bool,
    /// It left its bridge while somebody was still in it.
    pub(super) left_first: bool,
    pub(super) leg: Leg,
    pub(super) parking: Option<Box<Parking>>,
    pub(super) presence: Presence,
    /// The first word about it, in a gap, was not its beginning: what is told of that is late.
    pub(super) beginning_missed: bool,
    /// Since when its device has the other side on hold.
    pub(super) held_since: Option<PbxTime>,
    /// Whether the journal has a note about it.
    pub(super) noted: bool,
}

impl Named for Channel {
    type Kind = OfChannel;

    fn name(&self) -> &str {
        &self.id
    }
}

impl Channel {
    /// A channel of which nothing is known but its name.
    pub(super) fn new(id: &str) -> Self {
        Self {
            id: id.into(),
            party: Party::Trunk,
            origin: None,
            own_number: CompactString::default(),
            number: CompactString::default(),
            dialled: CompactString::default(),
            group: id.into(),
            ringing_at: None,
            up_at: None,
            caller: Caller::Unknown,
            reached: false,
            dials: SmallVec::new(),
            bridge: None,
            last_bridge: None,
            queue: CompactString::default(),
            mark: None,
            forwarding: None,
            taken: false,
            last_outcome: None,
            last_cause: Cause::Normal,
            hanging_up: false,
            left_first: false,
            leg: Leg::Silent,
            parking: None,
            presence: Presence::Confirmed,
            beginning_missed: false,
            held_since: None,
            noted: false,
        }
    }

    pub(super) fn is_helper(&self) -> bool {
        matches!(self.party, Party::Helper { .. })
    }

    pub(super) fn is_phone(&self) -> bool {
        matches!(self.party, Party::Phone { .. })
    }

    /// Whether it placed its call itself.
    pub(super) fn placed(&self) -> bool {
        self.origin == Some(Origin::Placed)
    }

    /// The other half, if this is a helper whose pair is known.
    pub(super) fn other_half(&self) -> Option<ChannelKey> {
        match self.party {
            Party::Helper { other } => other,
            Party::Phone { .. } | Party::Trunk | Party::Machine => None,
        }
    }

    /// The number by which people know who is at its end.
    pub(super) fn public_number(&self) -> &str {
        match &self.party {
            Party::Phone { .. } if self.placed() && !self.own_number.is_empty() => &self.own_number,
            Party::Phone { phone, .. } if self.number.is_empty() => &phone.number,
            Party::Phone { .. } | Party::Trunk | Party::Helper { .. } | Party::Machine => &self.number,
        }
    }
}

#[derive(Debug)]
pub(super) struct Bridge {
    pub(super) id: CompactString,
    pub(super) members: SmallVec<[ChannelKey; 2]>,
    pub(super) last_left: Option<PbxTime>,
}

impl Named for Bridge {
    type Kind = OfBridge;

    fn name(&self) -> &str {
        &self.id
    }
}
