//! The parts that are this gateway's, as far as it knows, and the places it gives in them.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::lease::Me;
use crate::{Epoch, EventSeq, Grant, Lease, Part};

/// So many places an epoch has.
const PLACES: i64 = 1 << EventSeq::EPOCH_SHIFT;

/// What this gateway has.
pub(super) struct Owned {
    pub(super) me: Me,
    parts: Mutex<BTreeMap<Part, One>>,
    /// A write was refused for a part that another has, and no beat has told that since.
    robbed: AtomicBool,
}

struct One {
    /// What was given to whoever writes.
    grant: Grant,
    /// Under which it is written: the grant's, or a later one that was taken when all places of that were given.
    epoch: Epoch,
    given: i64,
    /// Until when another may have requests of it under way; none: no other has.
    careful_until: Option<Instant>,
}

impl One {
    fn careful(&self) -> Duration {
        let left = |until: Instant| until.saturating_duration_since(Instant::now());
        self.careful_until.map_or(Duration::ZERO, left)
    }
}

/// Parts and the epochs they are written under, by number: as the engine is shown them.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Holding {
    pub(super) parts: Vec<i32>,
    pub(super) epochs: Vec<i32>,
}

impl Owned {
    pub(super) fn new(me: Me) -> Self {
        Self { me, parts: Mutex::default(), robbed: AtomicBool::new(false) }
    }

    /// It was taken, and is written under this epoch.
    pub(super) fn take(&self, grant: Grant, epoch: Epoch) {
        self.lock().insert(grant.part(), One { grant, epoch, given: 0, careful_until: None });
    }

    /// Another may have requests of it under way until then.
    pub(super) fn is_careful(&self, grant: Grant, until: Instant) {
        if let Some(one) = self.lock().get_mut(&grant.part()).filter(|one| one.grant == grant) {
            one.careful_until = Some(until);
        }
    }

    /// How long another may have requests of a part under way.
    pub(super) fn careful(&self, part: Part) -> Duration {
        self.lock().get(&part).map_or(Duration::ZERO, One::careful)
    }

    /// The same of all parts.
    pub(super) fn all_careful(&self) -> Vec<(Part, Duration)> {
        self.lock().iter().map(|(part, one)| (*part, one.careful())).collect()
    }

    /// All places of its epoch are given: it was taken once more.
    pub(super) fn renew(&self, part: Part, epoch: Epoch) {
        if let Some(one) = self.lock().get_mut(&part) {
            (one.epoch, one.given) = (epoch, 0);
        }
    }

    /// Nothing is written under it any more.
    pub(super) fn give(&self, grant: Grant) {
        let mut parts = self.lock();
        if parts.get(&grant.part()).is_some_and(|one| one.grant == grant) {
            parts.remove(&grant.part());
        }
    }

    pub(super) fn give_all(&self) {
        self.lock().clear();
    }

    /// Others have these, unless they were taken once more since they were held so.
    pub(super) fn lose(&self, held: &Holding, lost: &[Part]) {
        let mut parts = self.lock();
        for (part, epoch) in held.each().filter(|(part, _)| lost.contains(part)) {
            if parts.get(&part).is_some_and(|one| one.epoch == epoch) {
                parts.remove(&part);
                self.robbed.store(true, Ordering::Release);
            }
        }
    }

    /// What a part is written under.
    pub(super) fn epoch(&self, grant: Grant) -> Option<Epoch> {
        self.lock().get(&grant.part()).filter(|one| one.grant == grant).map(|one| one.epoch)
    }

    /// All of these; or the parts of those that are not this gateway's any more: without them nothing would be proven.
    pub(super) fn holds(&self, grants: impl Iterator<Item = Grant> + Clone) -> Result<Holding, Vec<Part>> {
        let held = self.holding(grants.clone());
        let mut lost: Vec<Part> = grants.map(Grant::part).filter(|part| !held.has(*part)).collect();
        lost.dedup();
        if lost.is_empty() { Ok(held) } else { Err(lost) }
    }

    /// Others are seen to have these: nothing is written under them any more. Whether there were any since this was asked the
    /// last time, found now or by a write that was refused: whoever acts by this gateway may not know of them yet.
    pub(super) fn sees(&self, leases: &[Lease]) -> bool {
        let mut parts = self.lock();
        let before = parts.len();
        let is_mine = |lease: &Lease| lease.owner.as_ref().is_some_and(|owner| owner.0 == self.me.id);
        for lease in leases.iter().filter(|lease| !is_mine(lease)) {
            if parts.get(&lease.part).is_some_and(|one| one.epoch <= lease.epoch) {
                parts.remove(&lease.part);
            }
        }
        self.robbed.swap(false, Ordering::AcqRel) || parts.len() < before
    }

    /// Of these, those that are this gateway's.
    pub(super) fn holding(&self, grants: impl Iterator<Item = Grant>) -> Holding {
        let parts = self.lock();
        let of = |grant: Grant| parts.get(&grant.part()).filter(|one| one.grant == grant);
        let all: BTreeMap<Part, Epoch> =
            grants.filter_map(|grant| Some((grant.part(), of(grant)?.epoch))).collect();
        let parts = all.keys().map(|part| part.0.into()).collect();
        Holding { parts, epochs: all.values().map(|epoch| epoch.0.cast_signed()).collect() }
    }

    /// So many places of a part, the last one before them; `None`: its epoch has not so many left.
    pub(super) fn places(&self, part: Part, many: i64) -> Option<i64> {
        let mut parts = self.lock();
        let one = parts.get_mut(&part)?;
        let after = one.given.saturating_add(many);
        let before = Grant::new(part, one.epoch).first_place() + one.given;
        (after < PLACES).then(|| {
            one.given = after;
            before
        })
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<Part, One>> {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Holding {
    /// Whether it has a part.
    pub(super) fn has(&self, part: Part) -> bool {
        self.parts.binary_search(&part.0.into()).is_ok()
    }

    /// Of one part.
    pub(super) fn of(part: Part, epoch: Epoch) -> Self {
        Self { parts: vec![part.0.into()], epochs: vec![epoch.0.cast_signed()] }
    }

    fn each(&self) -> impl Iterator<Item = (Part, Epoch)> {
        let part = |number: &i32| Part(u16::try_from(*number).unwrap_or(u16::MAX));
        self.parts.iter().map(part).zip(self.epochs.iter().map(|epoch| Epoch(epoch.cast_unsigned())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn owned() -> Owned {
        Owned::new(Me { id: "id".to_owned(), name: "gw1".to_owned(), run: 1 })
    }

    #[test]
    fn what_was_taken_once_more_is_not_lost_by_who_held_the_one_before() {
        let (owned, grant) = (owned(), Grant::new(Part(3), Epoch(7)));
        owned.take(grant, grant.epoch());
        let held = owned.holding([grant].into_iter());
        owned.renew(Part(3), Epoch(8));
        owned.lose(&held, &[Part(3)]);
        assert_eq!(owned.epoch(grant), Some(Epoch(8)), "the grant goes on");
        owned.lose(&owned.holding([grant].into_iter()), &[Part(3)]);
        assert_eq!(owned.epoch(grant), None);
    }

    /// Whoever sends by this gateway learns of it from the beat.
    #[test]
    fn what_a_refused_write_has_shown_is_told_by_the_next_beat_and_once() {
        let (owned, grant) = (owned(), Grant::new(Part(3), Epoch(7)));
        owned.take(grant, grant.epoch());
        assert!(!owned.sees(&[]));
        owned.lose(&owned.holding([grant].into_iter()), &[Part(3)]);
        assert_eq!((owned.sees(&[]), owned.sees(&[])), (true, false));
        owned.take(grant, grant.epoch());
        owned.give(grant);
        assert!(!owned.sees(&[]), "what is given in order is known");
    }

    #[test]
    fn places_end_with_their_epoch() {
        let (owned, grant) = (owned(), Grant::new(Part(3), Epoch(7)));
        owned.take(grant, grant.epoch());
        let first = (3 << EventSeq::PART_SHIFT) | (7 << EventSeq::EPOCH_SHIFT);
        assert_eq!(owned.places(Part(3), 2), Some(first));
        assert_eq!(owned.places(Part(3), PLACES - 3), Some(first + 2));
        assert_eq!(owned.places(Part(3), 1), None);
        owned.renew(Part(3), Epoch(8));
        assert_eq!(
            owned.places(Part(3), 1),
            Some((3 << EventSeq::PART_SHIFT) | (8 << EventSeq::EPOCH_SHIFT))
        );
    }
}
