//! The lanes: the deliveries of one call to one webhook, in order, of which only the first moves.

use std::hash::{BuildHasher as _, Hasher as _};

use hashbrown::HashTable;
use rustc_hash::FxBuildHasher;

use super::slab::{NONE, Slab, Slot};

/// Each lane by its first slot.
#[derive(Debug, Default)]
pub(super) struct Lanes {
    heads: HashTable<u32>,
}

impl Lanes {
    pub(super) fn bytes(&self) -> usize {
        self.heads.allocation_size()
    }

    /// Puts a slot at the end of its lane; says whether it is the first, or else which one is.
    pub(super) fn join(&mut self, slab: &mut Slab, at: u32) -> Option<u32> {
        let (webhook, call_hash) = key(slab, at);
        let hash = hash_of(webhook, call_hash);
        let head = self.heads.find(hash, |head| key(slab, *head) == (webhook, call_hash)).copied();
        match head {
            Some(head) => {
                let tail = slab.get(head).tail;
                slab.get_mut(tail).next = at;
                slab.get_mut(head).tail = at;
                Some(head)
            }
            None => {
                let slot = slab.get_mut(at);
                slot.tail = at;
                slot.next = NONE;
                self.heads.insert_unique(hash, at, |head| {
                    let (webhook, call_hash) = key(slab, *head);
                    hash_of(webhook, call_hash)
                });
                None
            }
        }
    }

    /// The slots of a lane, in order.
    pub(super) fn of<'a>(
        &self,
        slab: &'a Slab,
        webhook: u32,
        call_hash: u64,
    ) -> impl Iterator<Item = (u32, &'a Slot)> {
        let hash = hash_of(webhook, call_hash);
        let head = self.heads.find(hash, |head| key(slab, *head) == (webhook, call_hash)).copied();
        let after = |at: &u32| Some(slab.get(*at).next).filter(|next| *next != NONE);
        std::iter::successors(head, after).map(|at| (at, slab.get(at)))
    }

    /// Takes the first slot out of its lane; returns the one that is first now. The slot itself stays.
    pub(super) fn leave(&mut self, slab: &mut Slab, at: u32) -> Option<u32> {
        let (webhook, call_hash) = key(slab, at);
        let (next, tail) = (slab.get(at).next, slab.get(at).tail);
        let found = self.heads.find_entry(hash_of(webhook, call_hash), |head| *head == at);
        let Ok(mut entry) = found else { return None };
        slab.get_mut(at).next = NONE;
        if next == NONE {
            entry.remove();
            return None;
        }
        *entry.get_mut() = next;
        slab.get_mut(next).tail = tail;
        Some(next)
    }

    /// Takes a slot that is not the first out of its lane.
    pub(super) fn unlink(&mut self, slab: &mut Slab, at: u32) {
        let (webhook, call_hash) = key(slab, at);
        let hash = hash_of(webhook, call_hash);
        let head = self.heads.find(hash, |head| key(slab, *head) == (webhook, call_hash)).copied();
        let Some(head) = head else { return };
        let mut before = head;
        while slab.get(before).next != at {
            before = slab.get(before).next;
            if before == NONE {
                return;
            }
        }
        let after = slab.get(at).next;
        slab.get_mut(before).next = after;
        if after == NONE {
            slab.get_mut(head).tail = before;
        }
        slab.get_mut(at).next = NONE;
    }
}

fn key(slab: &Slab, at: u32) -> (u32, u64) {
    let slot = slab.get(at);
    (slot.webhook, slot.call_hash)
}

fn hash_of(webhook: u32, call_hash: u64) -> u64 {
    let mut hasher = FxBuildHasher.build_hasher();
    hasher.write_u64(call_hash);
    hasher.write_u32(webhook);
    hasher.finish()
}
