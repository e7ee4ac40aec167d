//! Things with a name, found by name or by key, walked in a fixed order.
//!
//! A key of something that is gone finds nothing, so links between things need no clearing up.

use std::hash::BuildHasher;
use std::marker::PhantomData;
use std::num::NonZeroU32;

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

/// What an arena holds.
pub(super) trait Named {
    /// Keeps keys of one kind of thing apart from keys of another.
    type Kind;

    /// Its name, unique in the arena.
    fn name(&self) -> &str;
}

/// Marks the keys of channels.
pub(super) enum OfChannel {}

/// Marks the keys of bridges.
pub(super) enum OfBridge {}

pub(super) type ChannelKey = Key<OfChannel>;
pub(super) type BridgeKey = Key<OfBridge>;

/// A place in an arena of one kind of thing.
pub(super) struct Key<K> {
    slot: u32,
    /// Never zero, so that no key at all takes no more room than one.
    generation: NonZeroU32,
    of: PhantomData<fn() -> K>,
}

impl<T> Key<T> {
    /// A small number, unique among what is held now.
    pub(super) fn place(self) -> usize {
        self.slot as usize
    }
}

impl<T> Clone for Key<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Key<T> {}

impl<T> PartialEq for Key<T> {
    fn eq(&self, other: &Self) -> bool {
        self.slot == other.slot && self.generation == other.generation
    }
}

impl<T> Eq for Key<T> {}

impl<T> PartialOrd for Key<T> {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Key<T> {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.slot, self.generation).cmp(&(other.slot, other.generation))
    }
}

impl<T> std::fmt::Debug for Key<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "#{}.{}", self.slot, self.generation)
    }
}

#[derive(Debug)]
struct Slot<T> {
    generation: NonZeroU32,
    held: Option<Box<T>>,
}

#[derive(Debug)]
pub(super) struct Arena<T> {
    slots: Vec<Slot<T>>,
    free: Vec<u32>,
    index: HashTable<u32>,
}

impl<T> Default for Arena<T> {
    fn default() -> Self {
        Self { slots: Vec::new(), free: Vec::new(), index: HashTable::new() }
    }
}

/// The hash of a name, the same on every run.
pub(super) fn hash(name: &str) -> u64 {
    FxBuildHasher.hash_one(name)
}

impl<T: Named> Arena<T> {
    pub(super) fn len(&self) -> usize {
        self.index.len()
    }

    pub(super) fn find(&self, name: &str) -> Option<Key<T::Kind>> {
        let slot = *self.index.find(hash(name), |&slot| self.is_named(slot, name))?;
        Some(self.key(slot))
    }

    /// Puts a thing in; its name must not be there yet.
    pub(super) fn insert(&mut self, thing: T) -> Key<T::Kind> {
        let hash_of_name = hash(thing.name());
        let slot = match self.free.pop() {
            Some(slot) => slot,
            None => {
                self.slots.push(Slot { generation: NonZeroU32::MIN, held: None });
                u32::try_from(self.slots.len() - 1).unwrap_or(u32::MAX)
            }
        };
        self.slots[slot as usize].held = Some(Box::new(thing));
        let slots = &self.slots;
        self.index.insert_unique(hash_of_name, slot, |&slot| {
            slots[slot as usize].held.as_ref().map_or(0, |held| hash(held.name()))
        });
        self.key(slot)
    }

    pub(super) fn remove(&mut self, key: Key<T::Kind>) -> Option<Box<T>> {
        self.get(key)?;
        let slot = &mut self.slots[key.slot as usize];
        let held = slot.held.take()?;
        slot.generation = slot.generation.checked_add(1).unwrap_or(NonZeroU32::MIN);
        if let Ok(entry) = self.index.find_entry(hash(held.name()), |&slot| slot == key.slot) {
            entry.remove();
        }
        self.free.push(key.slot);
        Some(held)
    }

    /// Changes what is held, its name included, which must not be there yet.
    pub(super) fn rename(&mut self, key: Key<T::Kind>, change: impl FnOnce(&mut T)) {
        let Some(mut held) = self.remove(key) else { return };
        change(&mut held);
        self.free.retain(|slot| *slot != key.slot);
        let slot = key.slot as usize;
        let hash_of_name = hash(held.name());
        self.slots[slot] = Slot { generation: key.generation, held: Some(held) };
        let slots = &self.slots;
        self.index.insert_unique(hash_of_name, key.slot, |&slot| {
            slots[slot as usize].held.as_ref().map_or(0, |held| hash(held.name()))
        });
    }

    pub(super) fn get(&self, key: Key<T::Kind>) -> Option<&T> {
        let slot = self.slots.get(key.slot as usize)?;
        (slot.generation == key.generation).then_some(slot.held.as_deref()).flatten()
    }

    pub(super) fn get_mut(&mut self, key: Key<T::Kind>) -> Option<&mut T> {
        let slot = self.slots.get_mut(key.slot as usize)?;
        (slot.generation == key.generation).then_some(slot.held.as_deref_mut()).flatten()
    }

    /// All keys, in an order that depends on nothing but what was put in and taken out.
    pub(super) fn keys(&self) -> Vec<Key<T::Kind>> {
        let used = self.slots.iter().enumerate().filter(|(_, slot)| slot.held.is_some());
        used.map(|(slot, _)| self.key(u32::try_from(slot).unwrap_or(u32::MAX))).collect()
    }

    fn key(&self, slot: u32) -> Key<T::Kind> {
        Key { slot, generation: self.slots[slot as usize].generation, of: PhantomData }
    }

    fn is_named(&self, slot: u32, name: &str) -> bool {
        self.slots[slot as usize].held.as_ref().is_some_and(|held| held.name() == name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Named for String {
        type Kind = Self;

        fn name(&self) -> &str {
            self
        }
    }

    #[test]
    fn a_key_of_something_gone_finds_nothing_even_when_its_place_is_taken_again() {
        let mut arena = Arena::default();
        let first = arena.insert("a".to_owned());
        assert_eq!(arena.find("a"), Some(first));
        arena.remove(first);
        let second = arena.insert("b".to_owned());
        assert!(arena.get(first).is_none());
        assert!(arena.find("a").is_none());
        assert_eq!(arena.get(second).map(String::as_str), Some("b"));
        assert!(arena.remove(first).is_none());
        assert_eq!(arena.len(), 1);
    }

    #[test]
    fn what_gets_another_name_keeps_its_key() {
        let mut arena = Arena::default();
        let key = arena.insert("a".to_owned());
        arena.rename(key, |held| *held = "b".to_owned());
        assert_eq!((arena.find("a"), arena.find("b")), (None, Some(key)));
        assert_eq!(arena.get(key).map(String::as_str), Some("b"));
        assert!(arena.insert("c".to_owned()) != key);
        assert_eq!(arena.len(), 2);
    }
}
