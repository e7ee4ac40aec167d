//! One channel of FreeSWITCH, as far as what it is to others has to be remembered: events speak of one channel at a
//! time, and much of what they mean is in what was said before.

use std::num::NonZeroU32;

use calls::{Cause, Device, PbxTime, Presentation, Seen};
use compact_str::CompactString;

/// With how many others, of late, a channel is remembered to have been bridged.
const MAX_MET: usize = 6;

/// Where a channel is held. The key of one that is forgotten finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    pub(super) slot: u32,
    // Never nothing, so that no key takes no more room than one.
    pub(super) generation: NonZeroU32,
}

/// What is at the end of a channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// A phone or a line: its `Channel-Presence-ID`, or the gateway or profile it goes through.
    Endpoint(Box<str>),
    /// One half of a loopback, by the name both halves share.
    Loopback {
        /// The lesser of both ids.
        name: Box<str>,
        /// The other half's id.
        other: Box<str>,
    },
}

/// What a channel's own event says of a transfer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Word {
    /// It sent its partner to a number.
    Blind { party: Key, to: Box<str> },
    /// It has a second channel, and its partner goes to this one.
    Attended { second: Key, target: Key },
    /// It has a second channel that says the rest.
    AskSecond { second: Key },
    /// It is such a second channel, whose call the party takes over while it still rings.
    WhileRinging { party: Key },
    /// It is such a second channel: the first says the rest.
    Replaced,
}

/// What another channel's event says of a transfer by this one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hint {
    pub(super) at: PbxTime,
    pub(super) party: Key,
    pub(super) to: Destination,
    /// It only looks like one: what the party says of it itself counts more.
    pub(super) is_guess: bool,
}

/// Where a party was sent, by its own history.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Destination {
    /// To a number.
    Number(Box<str>),
    /// To a channel that was consulted before.
    Channel(Key),
}

/// How a channel ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hangup {
    pub(super) at: PbxTime,
    pub(super) cause: Cause,
    /// Its own end was the reason why whoever it was bridged with ended, not the other way round.
    pub(super) first: bool,
}

/// What the call logic was told of a channel's end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It lives.
    Up,
    /// It ended, or its call was taken over by another, and a word about why may still come.
    Ending(Hangup),
    /// Its end was told, for this reason.
    Over(Cause),
}

/// Whether a transferred party is still on its way: whoever it rings until then is rung by the transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Journey {
    /// It was not transferred, or that is over.
    None,
    /// It was sent somewhere.
    Sent,
    /// It was bridged there, and has not been unbridged.
    Arrived,
}

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) id: Box<str>,
    pub(super) end: End,
    /// It called the PBX.
    pub(super) placed: bool,
    pub(super) number: CompactString,
    pub(super) dialled: CompactString,
    /// The number its dialplan went on to, where that is another.
    pub(super) gone_on: Box<str>,
    /// Its number is not to be shown to others.
    pub(super) withheld: bool,
    /// On whose behalf it is dialled.
    pub(super) origin: Option<Key>,
    pub(super) created_at: PbxTime,
    /// The call logic knows of it.
    pub(super) told: bool,
    pub(super) rang: bool,
    pub(super) lifted_at: Option<PbxTime>,
    /// It was told to be up.
    pub(super) up: bool,
    /// It dialled somebody.
    pub(super) dials: bool,
    /// Those it dialled that are not gone.
    pub(super) dialled_now: Vec<Key>,
    /// A colleague took its call: whoever still rings for it has lost by that.
    pub(super) picked_up: bool,
    /// With whom it is bridged, by the last word of either.
    pub(super) with: Option<Key>,
    /// With whom it was when the other one left; it has not spoken since.
    pub(super) left_by: Option<Key>,
    /// With whom it was bridged, the last one last; each with how many it had met before that one, however often it
    /// met it since.
    met: Vec<(Key, u32)>,
    /// How many others it has met, those that are forgotten among them.
    met_ever: u32,
    /// How many entries of its `transfer_history` were seen.
    pub(super) history: u32,
    /// Words and hints are rare.
    pub(super) word: Option<Box<Word>>,
    /// The channel of the same phone that says it joins its party with this one's.
    pub(super) joined_by: Option<Key>,
    pub(super) hint: Option<Box<Hint>>,
    pub(super) life: Life,
    pub(super) journey: Journey,
    /// It is in a parking place.
    pub(super) parked: bool,
    /// With whom the call logic was told that it is connected.
    pub(super) joined: Option<Key>,
    /// What it says of a transfer was told.
    pub(super) transferred: bool,
    /// A phone that keeps its line open to be given callers.
    pub(super) agent: bool,
    /// A caller in a queue that was offered to such a phone.
    pub(super) for_agent: bool,
    /// Heard of since the link came up.
    pub(super) sure: bool,
}

impl Channel {
    pub(super) fn new(id: &str, end: End, placed: bool, created_at: PbxTime) -> Self {
        Self {
            id: id.into(),
            end,
            placed,
            number: CompactString::default(),
            dialled: CompactString::default(),
            gone_on: Box::default(),
            withheld: false,
            origin: None,
            created_at,
            told: false,
            rang: false,
            lifted_at: None,
            up: false,
            dials: false,
            dialled_now: Vec::new(),
            picked_up: false,
            with: None,
            left_by: None,
            met: Vec::new(),
            met_ever: 0,
            history: 0,
            word: None,
            joined_by: None,
            hint: None,
            life: Life::Up,
            journey: Journey::None,
            parked: false,
            joined: None,
            transferred: false,
            agent: false,
            for_agent: false,
            sure: true,
        }
    }

    pub(super) fn is_loopback(&self) -> bool {
        matches!(self.end, End::Loopback { .. })
    }

    pub(super) fn lives(&self) -> bool {
        self.life == Life::Up
    }

    /// In the words of the call logic.
    pub(super) fn seen(&self) -> Seen<'_> {
        let device = match &self.end {
            End::Endpoint(endpoint) => Device::Endpoint(endpoint),
            End::Loopback { name, .. } => Device::Helper(name),
        };
        let presentation = if self.withheld { Presentation::Withheld } else { Presentation::Unsaid };
        Seen { number: &self.number, dialled: &self.dialled, presentation, ..Seen::of(&self.id, device) }
    }

    pub(super) fn meet(&mut self, other: Key) {
        let met = match self.met.iter().position(|(met, _)| *met == other) {
            Some(place) => self.met.remove(place),
            None => {
                if self.met.len() >= MAX_MET {
                    self.met.remove(0);
                }
                let before = self.met_ever;
                self.met_ever = before.saturating_add(1);
                (other, before)
            }
        };
        // Most meet one, and most of those nobody else.
        if self.met.is_empty() {
            self.met.reserve_exact(1);
        }
        self.met.push(met);
    }

    /// With whom it was bridged, the last one last.
    pub(super) fn met(&self) -> impl DoubleEndedIterator<Item = Key> {
        self.met.iter().map(|(met, _)| *met)
    }

    /// Whether it was bridged with anybody.
    pub(super) fn met_nobody(&self) -> bool {
        self.met.is_empty()
    }

    /// Which of its partners it met first; `None` if it never met this one.
    pub(super) fn met_as(&self, other: Key) -> Option<u32> {
        self.met.iter().find(|(met, _)| *met == other).map(|(_, before)| *before)
    }
}
