//! What waits of one webhook, by how long it is worth waiting for: ready ones first in, first out, and what follows in a call
//! by its age; those that failed by when they are due again.
//!
//! Each webhook has its own, so that nobody ever looks at all that is pending: a webhook that works again pulls
//! its own forward by exchanging two heaps.

use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};

use super::slab::{NONE, Slab, State};
use crate::policy::Moment;

/// So many are looked at to tell what comes next: those that were settled while they stood here are passed by.
const LOOKED_AT: usize = 8 * 1024;

/// A list of slots, first in, first out.
#[derive(Clone, Copy, Debug)]
struct List {
    first: u32,
    last: u32,
}

/// When a slot is due, the stamp that tells whether it still is, and the slot.
type Retries = BinaryHeap<Reverse<(Moment, u32, u32)>>;

/// One webhook's deliveries of one worth.
#[derive(Debug)]
pub(super) struct Queue {
    ready: List,
    /// Ready as well, but not in the list: an earlier event of its call held it back. By since when it has been wanted.
    followers: BTreeSet<(Moment, u32)>,
    /// Due again at their moment.
    retrying: Retries,
    /// Due again at once: the webhook works, or is no longer what it was.
    pulled: Retries,
}

impl Queue {
    pub(super) const fn new() -> Self {
        Self {
            ready: List { first: NONE, last: NONE },
            followers: BTreeSet::new(),
            retrying: BinaryHeap::new(),
            pulled: BinaryHeap::new(),
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ready.first == NONE && self.followers.is_empty() && self.pulled.is_empty()
    }

    /// The one whose turn is next, if it is ready: the first of the list, or of those that follow, if it has waited as long.
    pub(super) fn first(&mut self, slab: &mut Slab) -> Option<u32> {
        while self.ready.first != NONE {
            let next = slab.get(self.ready.first).next_ready;
            if !is_let_go(slab, self.ready.first) {
                break;
            }
            self.ready.first = next;
        }
        while self.followers.first().is_some_and(|(_, at)| is_let_go(slab, *at)) {
            self.followers.pop_first();
        }
        let listed = Some(self.ready.first).filter(|at| *at != NONE);
        let follower = self.followers.first().copied();
        match (follower, listed) {
            (Some((since, _)), Some(listed)) if since > slab.get(listed).since => Some(listed),
            (follower, listed) => follower.map(|(_, at)| at).or(listed),
        }
    }

    pub(super) fn push(&mut self, slab: &mut Slab, at: u32) {
        slab.get_mut(at).next_ready = NONE;
        if self.ready.first == NONE {
            self.ready.first = at;
        } else {
            slab.get_mut(self.ready.last).next_ready = at;
        }
        self.ready.last = at;
    }

    /// The same for one whose call's earlier event held it back.
    pub(super) fn follow(&mut self, slab: &Slab, at: u32) {
        self.followers.insert((slab.get(at).since, at));
    }

    /// Those that were never tried, about in the order in which their turns come.
    pub(super) fn next<'a>(&'a self, slab: &'a Slab) -> impl Iterator<Item = u32> + use<'a> {
        let listed = |at: u32| Some(at).filter(|at| *at != NONE);
        let list =
            std::iter::successors(listed(self.ready.first), move |at| listed(slab.get(*at).next_ready));
        let mut list = list.peekable();
        let mut followers = self.followers.iter().peekable();
        let all = std::iter::from_fn(move || match (followers.peek(), list.peek()) {
            (Some((since, _)), Some(listed)) if *since > slab.get(*listed).since => list.next(),
            (Some(_), _) => followers.next().map(|(_, at)| *at),
            (None, _) => list.next(),
        });
        all.take(LOOKED_AT).filter(|at| slab.get(*at).is_to_be_tried_first())
    }

    /// Takes the next.
    pub(super) fn pop(&mut self, slab: &mut Slab) -> Option<u32> {
        if let Some(at) = self.first(slab) {
            match self.followers.first() {
                Some((_, follower)) if *follower == at => drop(self.followers.pop_first()),
                _ => self.ready.first = slab.get(at).next_ready,
            }
            return Some(at);
        }
        let next = next_valid(&mut self.pulled, slab);
        if self.pulled.is_empty() {
            self.pulled = BinaryHeap::new();
        }
        next
    }

    pub(super) fn retry(&mut self, due: Moment, stamp: u32, at: u32) {
        self.retrying.push(Reverse((due, stamp, at)));
    }

    /// When the next is due again.
    pub(super) fn next_due(&self) -> Option<Moment> {
        self.retrying.peek().map(|Reverse((due, ..))| *due)
    }

    /// One that is due again.
    pub(super) fn pop_due(&mut self, now: Moment, slab: &Slab) -> Option<u32> {
        while self.next_due()? <= now {
            let Reverse((_, stamp, at)) = self.retrying.pop()?;
            if is_valid(slab, stamp, at) {
                return Some(at);
            }
        }
        None
    }

    /// What waits for its moment need not.
    pub(super) fn pull_forward(&mut self) {
        self.pulled.append(&mut self.retrying);
    }

    pub(super) fn bytes(&self) -> usize {
        let retries = self.retrying.capacity() + self.pulled.capacity();
        // Its nodes are half full at least.
        let followers = 2 * self.followers.len();
        retries * size_of::<Reverse<(Moment, u32, u32)>>() + followers * size_of::<(Moment, u32)>()
    }
}

/// One that was settled while it stood here is let go when its turn comes.
fn is_let_go(slab: &mut Slab, at: u32) -> bool {
    match slab.get(at).state {
        State::SettlingListed => slab.get_mut(at).state = State::Settling,
        State::GoneListed => slab.remove(at),
        _ => return false,
    }
    true
}

fn next_valid(retries: &mut Retries, slab: &Slab) -> Option<u32> {
    loop {
        let Reverse((_, stamp, at)) = retries.pop()?;
        if is_valid(slab, stamp, at) {
            return Some(at);
        }
    }
}

fn is_valid(slab: &Slab, stamp: u32, at: u32) -> bool {
    let slot = slab.get(at);
    slot.stamp == stamp && slot.state == State::Retrying
}
