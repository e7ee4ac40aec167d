//! The pending deliveries, 48 bytes each, in chunks that never move.

use calls::EventKind;
use journal::{EventSeq, Part};

use crate::policy::Moment;

/// No slot.
pub(super) const NONE: u32 = u32::MAX;

/// Slots a chunk.
const CHUNK: usize = 4_096;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    /// Nothing is in this slot.
    Free,
    /// Behind an earlier event of its call.
    Behind,
    /// In its webhook's list, to be sent as soon as there is room.
    Ready,
    /// Tried, and to be tried again when its timer fires.
    Retrying,
    /// To be passed by, when somebody decides again.
    Standing,
    /// The same, for a person wants it cancelled.
    StandingCancelled,
    /// A request is out.
    InFlight,
    /// A request is out; if it fails, that is the end of it.
    InFlightCancelled,
    /// A request is out, but somebody else has settled the delivery.
    InFlightFenced,
    /// Settled, but not on disk yet.
    Settling,
    /// The same, while it still stands in its webhook's list.
    SettlingListed,
    /// Settled and on disk, and still in its webhook's list, which lets it go when its turn comes.
    GoneListed,
}

/// One pending delivery.
#[derive(Clone, Copy, Debug)]
pub(super) struct Slot {
    pub(super) seq: i64,
    pub(super) call_hash: u64,
    /// From when on its patience counts.
    pub(super) since: Moment,
    pub(super) webhook: u32,
    /// The next of the lane.
    pub(super) next: u32,
    /// The last of the lane; true in the lane's first slot only.
    pub(super) tail: u32,
    /// The next in the webhook's list, or in the list of free slots.
    pub(super) next_ready: u32,
    /// Tells a live timer from a stale one.
    pub(super) stamp: u32,
    pub(super) attempts: u16,
    pub(super) kind: EventKind,
    pub(super) state: State,
}

impl Slot {
    /// Whether no request was made for it, and one is to be.
    pub(super) fn is_to_be_tried_first(&self) -> bool {
        self.attempts == 0 && matches!(self.state, State::Ready | State::Behind)
    }
}

const _: () = assert!(size_of::<Slot>() == 48, "the memory of a pending delivery is a promise");

/// All slots.
#[derive(Debug)]
pub(super) struct Slab {
    chunks: Vec<Box<[Slot]>>,
    free: u32,
    len: usize,
}

impl Slab {
    pub(super) fn new() -> Self {
        Self { chunks: Vec::new(), free: NONE, len: 0 }
    }

    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn bytes(&self) -> usize {
        self.chunks.len() * CHUNK * size_of::<Slot>()
    }

    pub(super) fn insert(&mut self, slot: Slot) -> u32 {
        if self.free == NONE {
            self.grow();
        }
        let at = self.free;
        let place = self.get_mut(at);
        let (free, stamp) = (place.next_ready, place.stamp);
        *place = Slot { stamp, next_ready: NONE, ..slot };
        self.free = free;
        self.len += 1;
        at
    }

    pub(super) fn remove(&mut self, at: u32) {
        let free = self.free;
        let place = self.get_mut(at);
        let was_gone = place.state == State::GoneListed;
        place.state = State::Free;
        place.stamp = place.stamp.wrapping_add(1);
        place.next_ready = free;
        self.free = at;
        self.len -= usize::from(!was_gone);
    }

    /// It is pending no more, but its place is not free yet.
    pub(super) fn leave_listed(&mut self, at: u32) {
        self.get_mut(at).state = State::GoneListed;
        self.len -= 1;
    }

    pub(super) fn get(&self, at: u32) -> &Slot {
        &self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }

    pub(super) fn get_mut(&mut self, at: u32) -> &mut Slot {
        &mut self.chunks[at as usize / CHUNK][at as usize % CHUNK]
    }

    /// The places of the pending ones of a part.
    pub(super) fn of(&self, part: Part) -> Vec<u32> {
        let all = self.chunks.iter().flatten().zip(0_u32..);
        all.filter(|(slot, _)| !matches!(slot.state, State::Free | State::GoneListed))
            .filter(|(slot, _)| EventSeq(slot.seq).part() == part)
            .map(|(_, at)| at)
            .collect()
    }

    /// The pending ones among a piece of the slots; none beyond the last piece.
    pub(super) fn piece(&self, piece: usize) -> Option<impl Iterator<Item = &Slot>> {
        let pending = |slot: &&Slot| !matches!(slot.state, State::Free | State::GoneListed);
        Some(self.chunks.get(piece)?.iter().filter(pending))
    }

    fn grow(&mut self) {
        let first = u32::try_from(self.chunks.len() * CHUNK).unwrap_or(NONE);
        let empty = |at: u32| Slot {
            seq: 0,
            call_hash: 0,
            since: Moment(0),
            webhook: NONE,
            next: NONE,
            tail: NONE,
            next_ready: at,
            stamp: 0,
            attempts: 0,
            kind: EventKind::Incoming,
            state: State::Free,
        };
        let last = CHUNK as u32 - 1;
        let next = |at: u32| if at == last { NONE } else { first + at + 1 };
        self.chunks.push((0..=last).map(|at| empty(next(at))).collect());
        self.free = first;
    }
}
