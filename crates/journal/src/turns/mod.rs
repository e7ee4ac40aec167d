//! Whose turn it is to have a part: what a gateway makes of what it is told at its ticks. Pure; times are since any start.
//!
//! No clocks are compared. A gateway is gone when its beat stood still while this one's own ticks were good; an own tick
//! that failed, or came late, starts all of that anew, so nobody is robbed after an outage of the engine, and nobody by
//! one that slept itself.

use std::collections::BTreeMap;
use std::time::Duration;

use calls::PbxName;

use crate::{Beating, Epoch, Fleet, GatewayId, Grant, Lease};

/// Whose beat stood still for so long is gone.
pub const GONE_AFTER: Duration = Duration::from_secs(4);
/// Ticks come once a second. What was seen before one that came later than this counts for nothing.
pub const LATE_AFTER: Duration = Duration::from_millis(2_500);
/// Whoever is first in a part's order has it for himself for so long, once it is free.
pub const FIRST_FOR: Duration = Duration::from_secs(2);
/// One that has joined is handed a part so often.
pub const HANDED_EVERY: Duration = Duration::from_secs(2);

/// Where a PBX has a second reader, who joins has its link and knows the calls after so long: it is handed the part then.
pub const JOINED_FOR: Duration = Duration::from_secs(6);

/// What a gateway should do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Another has it.
    Lose(PbxName),
    /// It is free, and this gateway's turn.
    Take {
        /// Whose part.
        pbx: PbxName,
        /// As it was seen; `None`: it has no part yet.
        seen: Option<Epoch>,
        /// The gateway that had it and is gone; none where it was given back, or was this gateway's own.
        from: Option<GatewayId>,
    },
    /// It is another's by the order of its part, and that one has joined.
    HandOver(PbxName),
}

/// What was seen of the others.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    told_at: Option<Duration>,
    fleet: Fleet,
    beats: BTreeMap<GatewayId, Beat>,
    /// Since when a part is free.
    free: BTreeMap<PbxName, Duration>,
    handed_at: Option<Duration>,
    /// How long who joins was seen before it is handed anything.
    joined_for: Duration,
}

/// A gateway's beat.
#[derive(Clone, Copy, Debug)]
struct Beat {
    is: (i64, i64),
    /// Since when it stands still.
    since: Duration,
    /// Whether it was seen to move.
    moved: bool,
    /// Since when it is seen.
    seen: Duration,
}

impl Turns {
    /// Where each PBX has a second reader.
    pub fn with_second_readers() -> Self {
        Self { joined_for: JOINED_FOR, ..Self::default() }
    }

    /// Of these, those that this gateway follows as second reader: it is the first in their order beside their owner, and
    /// so the one to take them when that one is gone.
    pub fn hears(&self, now: Duration, pbxs: &[PbxName], has: &BTreeMap<PbxName, Grant>) -> Vec<PbxName> {
        let is_second = |pbx: &&PbxName| {
            let lease = self.fleet.leases.iter().find(|lease| lease.pbx == **pbx);
            let Some(owner) = lease.and_then(|lease| lease.owner.as_ref()) else { return false };
            let beside = self.fleet.gateways.iter().filter(|one| one.id != *owner && one.pbxs.contains(pbx));
            let first =
                beside.filter(|one| !self.is_gone(now, &one.id)).max_by_key(|one| (rank(pbx, one), &one.id));
            !has.contains_key(*pbx)
                && *owner != self.fleet.me
                && first.is_some_and(|one| one.id == self.fleet.me)
        };
        pbxs.iter().filter(is_second).cloned().collect()
    }

    /// A tick was good.
    pub fn told(&mut self, now: Duration, fleet: Fleet) {
        if self.told_at.is_some_and(|before| now.saturating_sub(before) > LATE_AFTER) {
            self.failed();
        }
        self.told_at = Some(now);
        self.beats.retain(|id, _| fleet.gateways.iter().any(|one| one.id == *id));
        for one in &fleet.gateways {
            let first = Beat { is: one.beat, since: now, moved: false, seen: now };
            let beat = self.beats.entry(one.id.clone()).or_insert(first);
            if beat.is != one.beat {
                // One that starts anew, or wakes, has joined anew.
                let is_anew = beat.is.0 != one.beat.0 || now.saturating_sub(beat.since) >= GONE_AFTER;
                let seen = if is_anew { now } else { beat.seen };
                *beat = Beat { moved: true, is: one.beat, since: now, seen };
            }
        }
        self.fleet = fleet;
    }

    /// A tick was not.
    pub fn failed(&mut self) {
        self.beats.clear();
        self.free.clear();
        self.handed_at = None;
    }

    /// Whether a gateway was heard of late enough to be there.
    pub fn lives(&self, now: Duration, id: &GatewayId) -> bool {
        !self.is_gone(now, id)
    }

    /// What is to be done now, with what this gateway has.
    pub fn steps(&mut self, now: Duration, pbxs: &[PbxName], has: &BTreeMap<PbxName, Grant>) -> Vec<Step> {
        let (mut steps, mut still_free) = (Vec::new(), BTreeMap::new());
        for pbx in pbxs {
            let lease = self.fleet.leases.iter().find(|lease| lease.pbx == *pbx);
            if let Some(grant) = has.get(pbx) {
                // What was taken since is not seen yet.
                if lease.is_some_and(|lease| lease.epoch > grant.epoch()) {
                    steps.push(Step::Lose(pbx.clone()));
                }
                continue;
            }
            let Some(from) = self.free_from(now, lease) else { continue };
            let since = self.free.get(pbx).copied().unwrap_or(now);
            still_free.insert(pbx.clone(), since);
            let was_mine = lease.is_some_and(|lease| lease.owner.as_ref() == Some(&self.fleet.me));
            let is_first = self.first(now, pbx).is_none_or(|first| first.id == self.fleet.me);
            if was_mine || is_first || now.saturating_sub(since) >= FIRST_FOR {
                steps.push(Step::Take { pbx: pbx.clone(), seen: lease.map(|lease| lease.epoch), from });
            }
        }
        self.free = still_free;
        if steps.is_empty()
            && let Some(pbx) = self.to_hand_over(now, has)
        {
            self.handed_at = Some(now);
            steps.push(Step::HandOver(pbx));
        }
        steps
    }

    /// Whether it is nobody's, and whose it was who is gone.
    fn free_from(&self, now: Duration, lease: Option<&Lease>) -> Option<Option<GatewayId>> {
        match lease.and_then(|lease| lease.owner.as_ref()) {
            None => Some(None),
            Some(owner) if *owner == self.fleet.me => Some(None),
            Some(owner) => self.is_gone(now, owner).then(|| Some(owner.clone())),
        }
    }

    /// One that is not among those who beat has left; one that was seen at this tick first may live.
    fn is_gone(&self, now: Duration, id: &GatewayId) -> bool {
        self.beats.get(id).is_none_or(|beat| now.saturating_sub(beat.since) >= GONE_AFTER)
    }

    /// Of those who live and can reach a PBX, the first in its order.
    fn first(&self, now: Duration, pbx: &PbxName) -> Option<&Beating> {
        let reach = self.fleet.gateways.iter().filter(|one| one.pbxs.contains(pbx));
        reach.filter(|one| !self.is_gone(now, &one.id)).max_by_key(|one| (rank(pbx, one), &one.id))
    }

    fn to_hand_over(&self, now: Duration, has: &BTreeMap<PbxName, Grant>) -> Option<PbxName> {
        if self.handed_at.is_some_and(|at| now.saturating_sub(at) < HANDED_EVERY) {
            return None;
        }
        let is_others = |pbx: &&PbxName| {
            let first = self.first(now, pbx).filter(|first| first.id != self.fleet.me);
            // Only to one that was seen to beat just now.
            let beats = |beat: &Beat| {
                beat.moved
                    && now.saturating_sub(beat.since) < LATE_AFTER
                    && now.saturating_sub(beat.seen) >= self.joined_for
            };
            first.is_some_and(|first| self.beats.get(&first.id).is_some_and(beats))
        };
        has.keys().find(is_others).cloned()
    }
}

/// A gateway's place in the order of a part: as everybody works it out, and such that one more or less moves few others.
fn rank(pbx: &PbxName, gateway: &Beating) -> u64 {
    let text = pbx.as_str().bytes().chain([0]).chain(gateway.name.bytes());
    let mut hash = text.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    hash = (hash ^ (hash >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    hash ^ (hash >> 33)
}

#[cfg(test)]
mod tests;
