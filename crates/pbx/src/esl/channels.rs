//! The channels FreeSWITCH has now: by id and by key, and who is whose on the way over loopbacks.

use std::collections::{HashMap, VecDeque};
use std::hash::BuildHasher;
use std::num::NonZeroU32;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::channel::{Channel, End, Key};

/// At most so many channels are remembered; the oldest is forgotten beyond that.
pub(super) const MAX_CHANNELS: usize = 1_000_000;

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
