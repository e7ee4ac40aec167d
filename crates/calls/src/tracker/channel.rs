//! What is known of one channel, and of one bridge.

use std::sync::Arc;

use compact_str::CompactString;
use smallvec::SmallVec;

use crate::tracker::arena::{BridgeKey, ChannelKey, Named, OfBridge, OfChannel};
use crate::tracker::leg::{Leg, Open};
use crate::{Cause, DialOutcome, ListedState, Meeting, Origin, PbxTime, Phone, Transfer};

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
    /// Who was parked.
    pub(super) party: ChannelKey,
    pub(super) transfer: Transfer,
}

/// An attempt at a phone that rang has ended; whether the leg has, shows within a moment: a PBX that hands the
/// call of one channel over to another says that the attempt ended and begins it anew.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lost {
    pub(super) at: PbxTime,
    pub(super) outcome: DialOutcome,
}

/// A phone that keeps its line open to be given callers.
#[derive(Debug, Default)]
pub(super) struct Agent {
    /// The leg of the caller it talks with.
    pub(super) talk: Option<Box<Open>>,
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
    pub(super) meeting: Meeting,
    pub(super) since: Option<PbxTime>,
    pub(super) answered_at: Option<PbxTime>,
}

/// What few channels have.
#[derive(Debug, Default)]
pub(super) struct Rare {
    /// The queue it waits in, or came through.
    pub(super) queue: CompactString,
    /// The number for which somebody ordered it from outside.
    pub(super) ordered: Option<Box<str>>,
    /// The phone being reached sent the call on: the next attempt carries this.
    pub(super) forwarding: Option<Transfer>,
    pub(super) parking: Option<Parking>,
    /// Since when its device has the other side on hold.
    pub(super) held_since: Option<PbxTime>,
    /// When the attempt to reach it ended in vain, while its leg has not.
    pub(super) lost: Option<Lost>,
}

/// A channel that has nothing of it.
static NOTHING_RARE: Rare = Rare {
    queue: CompactString::const_new(""),
    ordered: None,
    forwarding: None,
    parking: None,
    held_since: None,
    lost: None,
};

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: CompactString,
    /// Its id may come again: only with the second it was made in it is unique.
    pub(super) is_chosen: bool,
    pub(super) made_at: PbxTime,
    pub(super) party: Party,
    pub(super) origin: Option<Origin>,
    /// Its number as it was first presented: the phone's own, before the PBX puts on another.
    pub(super) own_number: CompactString,
    /// Its number as the PBX presents it now.
    pub(super) number: CompactString,
    /// Its number must not be shown to others.
    pub(super) withheld: bool,
    /// The number shown to whoever is at its end: that of the other side.
    pub(super) connected: CompactString,
    /// The number it is after.
    pub(super) dialled: CompactString,
    /// It was reached because somebody ordered it from outside, as was seen once: the helpers over which that
    /// went may be gone.
    pub(super) by_order: bool,
    /// The first channel of the call it belongs to, as far as is known.
    pub(super) group: CompactString,
    pub(super) ringing_at: Option<PbxTime>,
    /// Since when it waits for somebody to answer: from the queue it entered or the first phone that rang for it.
    pub(super) waiting_since: Option<PbxTime>,
    pub(super) up_at: Option<PbxTime>,
    pub(super) caller: Caller,
    /// When the attempt to reach it was answered.
    pub(super) reached_at: Option<PbxTime>,
    /// The channels being reached, or reached, on its behalf.
    pub(super) dials: SmallVec<[ChannelKey; 1]>,
    pub(super) bridge: Option<BridgeKey>,
    /// The bridge it was in before.
    pub(super) last_bridge: Option<BridgeKey>,
    /// The one it was alone with in a bridge, when that one or it left.
    pub(super) last_with: Option<ChannelKey>,
    pub(super) mark: Option<Box<Mark>>,
    /// Somebody took the call of this channel, so whoever still rings for it has lost.
    pub(super) taken: bool,
    /// When somebody who rings for it lifted, which may be the same or not yet.
    pub(super) lifted_at: Option<PbxTime>,
    pub(super) last_outcome: Option<DialOutcome>,
    pub(super) last_cause: Cause,
    pub(super) hanging_up: bool,
    /// It left its bridge while somebody was still in it.
    pub(super) left_first: bool,
    pub(super) leg: Leg,
    pub(super) agent: Option<Box<Agent>>,
    pub(super) rare: Option<Box<Rare>>,
    pub(super) presence: Presence,
    /// The first word about it, in a gap, was not its beginning: what is told of that is late.
    pub(super) beginning_missed: bool,
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
            is_chosen: false,
            made_at: PbxTime::default(),
            party: Party::Trunk,
            origin: None,
            own_number: CompactString::default(),
            number: CompactString::default(),
            withheld: false,
            connected: CompactString::default(),
            dialled: CompactString::default(),
            by_order: false,
            group: id.into(),
            ringing_at: None,
            waiting_since: None,
            up_at: None,
            caller: Caller::Unknown,
            reached_at: None,
            dials: SmallVec::new(),
            bridge: None,
            last_bridge: None,
            last_with: None,
            mark: None,
            taken: false,
            lifted_at: None,
            last_outcome: None,
            last_cause: Cause::Normal,
            hanging_up: false,
            left_first: false,
            leg: Leg::Silent,
            agent: None,
            rare: None,
            presence: Presence::Confirmed,
            beginning_missed: false,
            noted: false,
        }
    }

    /// What few channels have.
    pub(super) fn rare(&self) -> &Rare {
        self.rare.as_deref().unwrap_or(&NOTHING_RARE)
    }

    /// The same, to be changed.
    pub(super) fn rare_mut(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// When the attempt to reach it ended in vain, which counts no more.
    pub(super) fn take_lost(&mut self) -> Option<Lost> {
        self.rare.as_mut()?.lost.take()
    }

    pub(super) fn set_queue(&mut self, queue: &str) {
        if self.rare().queue != queue {
            self.rare_mut().queue = queue.into();
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

    /// The id that is unique for ever: its own, with the second it was made in where it may come again.
    pub(super) fn unique_id(&self) -> CompactString {
        if !self.is_chosen {
            return self.id.clone();
        }
        compact_str::format_compact!("{}-{}", self.id, self.made_at.as_micros().div_euclid(1_000_000))
    }

    /// Its number as others may see it; empty when withheld.
    pub(super) fn shown_number(&self) -> &str {
        if self.withheld { "" } else { &self.number }
    }

    /// The number by which people know who is at its end; empty when withheld.
    pub(super) fn public_number(&self) -> &str {
        match &self.party {
            _ if self.withheld => "",
            Party::Phone { .. } if self.placed() && !self.own_number.is_empty() => &self.own_number,
            Party::Phone { phone, .. } if self.number.is_empty() || self.by_order => &phone.number,
            Party::Phone { .. } | Party::Trunk | Party::Helper { .. } | Party::Machine => &self.number,
        }
    }

    /// The leg that is open: of an agent the one of the caller it talks with.
    pub(super) fn open(&self) -> Option<&Open> {
        match (&self.agent, &self.leg) {
            (Some(agent), _) if agent.talk.is_some() => agent.talk.as_deref(),
            (_, Leg::Open(open)) => Some(open),
            (_, Leg::Silent | Leg::Over) => None,
        }
    }

    /// The same, to be changed.
    pub(super) fn open_mut(&mut self) -> Option<&mut Open> {
        match (&mut self.agent, &mut self.leg) {
            (Some(agent), _) if agent.talk.is_some() => agent.talk.as_deref_mut(),
            (_, Leg::Open(open)) => Some(open),
            (_, Leg::Silent | Leg::Over) => None,
        }
    }

    /// Whether nobody reaches it, nor has it been said to ring, to be up or to call.
    pub(super) fn says_nothing(&self) -> bool {
        let is_reached = self.caller != Caller::Unknown || self.by_order || self.beginning_missed;
        !self.placed() && !is_reached && self.ringing_at.is_none() && self.up_at.is_none() && self.is_silent()
    }

    pub(super) fn is_silent(&self) -> bool {
        matches!(self.leg, Leg::Silent)
    }
}

#[derive(Debug)]
pub(super) struct Bridge {
    pub(super) id: CompactString,
    pub(super) meeting: Meeting,
    pub(super) members: SmallVec<[ChannelKey; 2]>,
    pub(super) last_left: Option<PbxTime>,
}

impl Named for Bridge {
    type Kind = OfBridge;

    fn name(&self) -> &str {
        &self.id
    }
}
