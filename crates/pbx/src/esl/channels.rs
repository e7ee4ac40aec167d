//! The channels FreeSWITCH has now, as far as what they are to each other has to be remembered: events of
//! FreeSWITCH speak of one channel at a time, and much of what they mean is in what was said before.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::num::NonZeroU32;

use calls::{Cause, Device, PbxTime, Presentation, Seen};
use compact_str::CompactString;
use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// At most so many channels are remembered; the oldest is forgotten beyond that.
pub(super) const MAX_CHANNELS: usize = 1_000_000;

/// With how many others, of late, a channel is remembered to have been bridged.
const MAX_MET: usize = 6;

/// Where a channel is held. The key of one that is forgotten finds nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    slot: u32,
    // Never nothing, so that no key takes no more room than one.
    generation: NonZeroU32,
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

/// Channels by id and by key.
#[derive(Debug, Default)]
pub(super) struct Channels {
    slots: Vec<(NonZeroU32, Option<Box<Channel>>)>,
    free: Vec<u32>,
    /// By the ids they came with, which stand in the channels. Never walked.
    ids: HashTable<Key>,
    /// By those they got later. Never walked.
    later_ids: HashMap<Box<str>, Key, FxBuildHasher>,
    /// In the order they came; some are gone.
    order: VecDeque<Key>,
}

impl Channels {
    pub(super) fn find(&self, id: &str) -> Option<Key> {
        let found = self.ids.find(hash(id), |key| id_of(&self.slots, *key) == id);
        let key = *found.or_else(|| self.later_ids.get(id))?;
        self.get(key).map(|_| key)
    }

    pub(super) fn get(&self, key: Key) -> Option<&Channel> {
        let (generation, channel) = self.slots.get(key.slot as usize)?;
        (*generation == key.generation).then_some(channel.as_deref()).flatten()
    }

    pub(super) fn get_mut(&mut self, key: Key) -> Option<&mut Channel> {
        let (generation, channel) = self.slots.get_mut(key.slot as usize)?;
        (*generation == key.generation).then_some(channel.as_deref_mut()).flatten()
    }

    /// Puts a channel in; its id must not be there yet.
    pub(super) fn insert(&mut self, channel: Channel) -> Key {
        while self.len() >= MAX_CHANNELS {
            let Some(oldest) = self.order.pop_front() else { break };
            self.remove(oldest);
        }
        let slot = self.free.pop().unwrap_or_else(|| {
            self.slots.push((NonZeroU32::MIN, None));
            u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
        });
        let (generation, place) = &mut self.slots[slot as usize];
        let key = Key { slot, generation: *generation };
        let hashed = hash(&channel.id);
        *place = Some(Box::new(channel));
        let slots = &self.slots;
        self.ids.insert_unique(hashed, key, |key| hash(id_of(slots, *key)));
        if self.order.len() >= 2 * self.len() + 16 {
            let slots = &self.slots;
            self.order.retain(|key| slots[key.slot as usize].0 == key.generation);
        }
        self.order.push_back(key);
        key
    }

    /// A channel changed its id: it is known by both, and to the call logic by the first.
    pub(super) fn rename(&mut self, key: Key, id: &str) {
        if self.get(key).is_some() && self.later_ids.len() < MAX_CHANNELS {
            self.later_ids.insert(id.into(), key);
        }
    }

    pub(super) fn remove(&mut self, key: Key) {
        let Some(channel) = self.get(key) else { return };
        if let Ok(entry) = self.ids.find_entry(hash(&channel.id), |found| *found == key) {
            entry.remove();
        }
        let (generation, channel) = &mut self.slots[key.slot as usize];
        *generation = generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        *channel = None;
        self.free.push(key.slot);
        if self.later_ids.len() > 2 * self.len() + 16 {
            let slots = &self.slots;
            self.later_ids.retain(|_, key| slots[key.slot as usize].0 == key.generation);
        }
    }

    /// All of them, in the order they came.
    pub(super) fn keys(&self) -> Vec<Key> {
        self.order.iter().copied().filter(|key| self.get(*key).is_some()).collect()
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len() - self.free.len()
    }

    /// A channel is dialled on behalf of another.
    pub(super) fn dialled_by(&mut self, key: Key, origin: Key) {
        if let Some(channel) = self.get_mut(key) {
            channel.origin = Some(origin);
        }
        let mut dialled =
            self.get_mut(origin).map(|origin| std::mem::take(&mut origin.dialled_now)).unwrap_or_default();
        dialled.retain(|key| self.get(*key).is_some_and(Channel::lives));
        // Most dial one.
        if dialled.is_empty() {
            dialled.reserve_exact(1);
        }
        dialled.push(key);
        if let Some(channel) = self.get_mut(origin) {
            channel.dials = true;
            channel.dialled_now = dialled;
            channel.picked_up = false;
        }
    }

    /// The phones and lines a channel dials that have neither rung nor answered nor ended.
    pub(super) fn about_to_ring(&self, key: Key) -> bool {
        let dialled = self.get(key).map(|channel| channel.dialled_now.as_slice()).unwrap_or_default();
        let dialled = dialled.iter().filter_map(|key| self.get(*key));
        dialled.into_iter().any(|other| other.lives() && !other.rang && !other.up && !other.is_loopback())
    }

    /// Whether nobody is known on whose behalf a channel is dialled, and it dialled nobody.
    pub(super) fn by_order(&self, key: Key) -> bool {
        self.get(key).is_some_and(|channel| !channel.placed && !channel.dials)
            && self.real_origin(key).is_none()
    }

    /// The other half of a loopback.
    pub(super) fn other_half(&self, key: Key) -> Option<Key> {
        match &self.get(key)?.end {
            End::Loopback { other, .. } => self.find(other),
            End::Endpoint(_) => None,
        }
    }

    /// Whom a channel is connected with, seen through loopbacks.
    pub(super) fn far_end(&self, key: Key) -> Option<Key> {
        let mut at = self.get(key)?.with?;
        for _ in 0..16 {
            if !self.get(at)?.is_loopback() {
                return Some(at);
            }
            at = self.get(self.other_half(at)?)?.with?;
        }
        None
    }

    /// On whose behalf a channel is dialled, seen through loopbacks.
    pub(super) fn real_origin(&self, key: Key) -> Option<Key> {
        let mut at = self.get(key)?.origin?;
        for _ in 0..16 {
            let channel = self.get(at)?;
            if !channel.is_loopback() {
                return Some(at);
            }
            at = match channel.origin {
                Some(origin) => origin,
                None => self.get(self.other_half(at)?)?.origin?,
            };
        }
        None
    }
}

/// The id of a channel that is held; empty for one that is not any more.
fn id_of(slots: &[(NonZeroU32, Option<Box<Channel>>)], key: Key) -> &str {
    let (_, channel) = &slots[key.slot as usize];
    channel.as_ref().map_or("", |channel| &channel.id)
}

fn hash(id: &str) -> u64 {
    FxBuildHasher.hash_one(id)
}
