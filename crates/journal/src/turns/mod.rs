//! Whose turn it is to have a part: what a gateway makes of what it is told at its ticks. Pure; times are since any start.
//!
//! No clocks are compared. A gateway is gone when its beat stood still while this one's own ticks were good; an own tick
//! that failed, or came late, starts all of that anew, so nobody is robbed after an outage of the engine, and nobody by
//! one that slept itself.
//!
//! Where each PBX has a second reader, gateways tell each other which PBXs they hear, and a part is the business of those
//! who hear its PBX: whoever has it and does not hear it any more hands it to one who does, and it goes back to the first in
//! its order over a link that lives. Where nobody hears it nothing moves.

mod hearing;

use std::collections::BTreeMap;
use std::time::Duration;

use calls::PbxName;

use crate::{Beating, Epoch, Fleet, GatewayId, Given, Grant, Lease, Part, rest};

use hearing::Hearing;

/// Whose beat stood still for so long is gone.
pub const GONE_AFTER: Duration = Duration::from_secs(4);
/// Ticks come once a second. What was seen before one that came later than this counts for nothing.
pub const LATE_AFTER: Duration = Duration::from_millis(2_500);
/// Whoever is first in a part's order has it for himself for so long, once it is free.
pub const FIRST_FOR: Duration = Duration::from_secs(2);
/// One that has joined is handed a part so often.
pub const HANDED_EVERY: Duration = Duration::from_secs(2);

/// Where each PBX has a second reader, who joins is handed a part after so long at the earliest, and only if it hears the PBX.
pub const JOINED_FOR: Duration = Duration::from_secs(6);
/// One whose link was lost has it back when that has lived for so long again: else a link that comes and goes would take the part along each time.
pub const LIVES_AGAIN_FOR: Duration = Duration::from_secs(30);
/// Who does not hear a PBX any more asks the others after so long: a PBX that went away is gone for them by then, too.
pub const ASKS_AFTER: Duration = Duration::from_millis(250);
/// Who has not heard whether another hears the PBX goes on by himself after so long.
pub const ASKED_FOR: Duration = Duration::from_millis(1_500);
/// One that has not heard a PBX for so long is no second reader of it: the next in order listens as well.
pub const NOT_HEARD_FOR: Duration = Duration::from_secs(10);

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
    /// It is another's, who has joined or hears the PBX.
    HandOver {
        /// Whose part.
        pbx: PbxName,
        /// By the order of the part, or because its PBX is not heard here.
        why: Given,
    },
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
    /// The epoch of each part that somebody has, and which start of its gateway that was.
    leased: BTreeMap<Part, (Epoch, i64)>,
    /// Whether each PBX has a second reader.
    has_seconds: bool,
    hearing: Hearing,
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
        Self { has_seconds: true, ..Self::default() }
    }

    /// As at the start.
    pub fn anew(&self) -> Self {
        Self { has_seconds: self.has_seconds, ..Self::default() }
    }

    /// Of these, those that this gateway follows as second reader: it is the first in their order beside their owner, and
    /// so the one to take them when that one is gone; or those before it have not heard them for a while. Who listens goes
    /// on until one before it does.
    pub fn hears(&self, now: Duration, pbxs: &[PbxName], has: &BTreeMap<PbxName, Grant>) -> Vec<PbxName> {
        let is_second = |pbx: &&PbxName| {
            let Some(lease) = self.lease(pbx).filter(|_| !has.contains_key(*pbx)) else { return false };
            let listens = self.listens(lease.part);
            // Nobody's, or given back just now: whoever listens goes on until somebody has it.
            let owner = lease.owner.as_ref().filter(|owner| **owner != self.fleet.me);
            let Some(owner) = owner else { return listens };
            let beside = self.fleet.gateways.iter().filter(|one| one.id != *owner && one.pbxs.contains(pbx));
            let mut beside: Vec<_> = beside.filter(|one| !self.is_gone(now, &one.id)).collect();
            beside.sort_by_key(|one| std::cmp::Reverse((rank(pbx, one), &one.id)));
            let mut before = beside.iter().take_while(|one| one.id != self.fleet.me);
            let is_beside = beside.iter().any(|one| one.id == self.fleet.me);
            let hears_not = |one: &&Beating| {
                if listens {
                    self.hearing.since(&one.id, lease.part).is_none()
                } else {
                    self.has_not_heard_for(now, one, lease.part) >= NOT_HEARD_FOR
                }
            };
            is_beside && before.all(hears_not)
        };
        pbxs.iter().filter(is_second).cloned().collect()
    }

    fn listens(&self, part: Part) -> bool {
        let me = self.fleet.gateways.iter().find(|one| one.id == self.fleet.me);
        me.is_some_and(|me| me.links.iter().any(|link| link.part == part))
    }

    fn has_not_heard_for(&self, now: Duration, one: &Beating, part: Part) -> Duration {
        let seen = self.beats.get(&one.id).map_or(now, |beat| beat.seen);
        self.hearing.not_for(now, &one.id, part, seen)
    }

    /// Whether another may hear a PBX that this gateway has and has not heard since then: then its link is not made anew
    /// before that is known.
    pub fn may_be_heard(&self, now: Duration, pbx: &PbxName, since: Duration) -> bool {
        now.saturating_sub(since) < ASKED_FOR && self.is_heard_by_another(now, pbx, Duration::ZERO)
    }

    /// Whether another that lives said so at a beat that was seen since then.
    fn is_heard_by_another(&self, now: Duration, pbx: &PbxName, since: Duration) -> bool {
        let Some(part) = self.lease(pbx).map(|lease| lease.part) else { return false };
        let hears = |one: &&Beating| {
            let beats = |beat: &Beat| {
                beat.moved && beat.since >= since && now.saturating_sub(beat.since) < LATE_AFTER
            };
            one.id != self.fleet.me
                && one.pbxs.contains(pbx)
                && self.hearing.since(&one.id, part).is_some()
                && self.beats.get(&one.id).is_some_and(beats)
        };
        self.has_seconds && self.fleet.gateways.iter().any(|one| hears(&one))
    }

    fn lease(&self, pbx: &PbxName) -> Option<&Lease> {
        self.fleet.leases.iter().find(|lease| lease.pbx == *pbx)
    }

    /// A tick was good.
    pub fn told(&mut self, now: Duration, fleet: Fleet) {
        if self.told_at.is_some_and(|before| now.saturating_sub(before) > LATE_AFTER) {
            self.failed();
        }
        self.told_at = Some(now);
        let runs: BTreeMap<GatewayId, i64> =
            self.beats.iter().map(|(id, beat)| (id.clone(), beat.is.0)).collect();
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
        self.hearing.told(now, &fleet);
        let leased = |lease: &Lease| {
            let owner = lease.owner.as_ref()?;
            let run = fleet.gateways.iter().find(|one| one.id == *owner)?.beat.0;
            let seen = self.leased.get(&lease.part).filter(|(epoch, _)| *epoch == lease.epoch);
            // It was taken since the last tick: by who ran then, who may have been started anew in between.
            let taken_by = || (lease.epoch, runs.get(owner).copied().unwrap_or(run));
            Some((lease.part, seen.copied().unwrap_or_else(taken_by)))
        };
        self.leased = fleet.leases.iter().filter_map(leased).collect();
        self.fleet = fleet;
    }

    /// A tick was not.
    pub fn failed(&mut self) {
        self.beats.clear();
        self.free.clear();
        self.handed_at = None;
        self.leased.clear();
        self.hearing.clear();
    }

    /// Whether a gateway was heard of late enough to be there.
    pub fn lives(&self, now: Duration, id: &GatewayId) -> bool {
        !self.is_gone(now, id)
    }

    /// What is to be done now, with what this gateway has, and since when it has not heard which of those.
    pub fn steps(
        &mut self,
        now: Duration,
        pbxs: &[PbxName],
        has: &BTreeMap<PbxName, Grant>,
        unheard: &BTreeMap<PbxName, Duration>,
    ) -> Vec<Step> {
        let (mut steps, mut still_free) = (Vec::new(), BTreeMap::new());
        for pbx in pbxs {
            let lease = self.lease(pbx);
            if let Some(grant) = has.get(pbx) {
                // What was taken since is not seen yet.
                if lease.is_some_and(|lease| lease.epoch > grant.epoch()) {
                    steps.push(Step::Lose(pbx.clone()));
                } else if let Some(since) = unheard.get(pbx)
                    && self.is_heard_by_another(now, pbx, *since + ASKS_AFTER)
                {
                    steps.push(Step::HandOver { pbx: pbx.clone(), why: Given::ForItsLink });
                }
                continue;
            }
            let Some(from) = self.free_from(now, lease) else { continue };
            let since = self.free.get(pbx).copied().unwrap_or(now);
            still_free.insert(pbx.clone(), since);
            let was_mine = lease.filter(|lease| lease.owner.as_ref() == Some(&self.fleet.me));
            let is_turn = match was_mine {
                // What was said since is at hand there; until it would have been missed they may come.
                Some(lease) if self.others_hear(lease.part) => now.saturating_sub(since) >= GONE_AFTER,
                Some(_) => true,
                None => {
                    let is_first = |first: &Beating| first.id == self.fleet.me;
                    self.first_to_take(now, pbx).is_none_or(is_first)
                        || now.saturating_sub(since) >= FIRST_FOR
                }
            };
            if is_turn {
                steps.push(Step::Take { pbx: pbx.clone(), seen: lease.map(|lease| lease.epoch), from });
            }
        }
        self.free = still_free;
        if steps.is_empty()
            && let Some(pbx) = self.to_hand_over(now, has)
        {
            self.handed_at = Some(now);
            steps.push(Step::HandOver { pbx, why: Given::InOrder });
        }
        steps
    }

    /// Whether it is nobody's, and whose it was who is gone.
    fn free_from(&self, now: Duration, lease: Option<&Lease>) -> Option<Option<GatewayId>> {
        match lease.and_then(|lease| lease.owner.as_ref()) {
            None => Some(None),
            Some(owner) if *owner == self.fleet.me => Some(None),
            Some(owner) => {
                let is_free = self.is_gone(now, owner) || lease.is_some_and(|lease| self.has_missed(lease));
                is_free.then(|| Some(owner.clone()))
            }
        }
    }

    /// Whether the gateway that has a part was started anew since, and this one has heard what it missed.
    fn has_missed(&self, lease: &Lease) -> bool {
        let run = self.fleet.gateways.iter().find(|one| lease.owner.as_ref() == Some(&one.id));
        let is_anew =
            run.is_some_and(|one| self.leased.get(&lease.part).is_some_and(|(_, run)| *run != one.beat.0));
        self.has_seconds && is_anew && self.hearing.since(&self.fleet.me, lease.part).is_some()
    }

    /// Whether another said that it hears a PBX: it has what was said while nobody had it.
    fn others_hear(&self, part: Part) -> bool {
        let hears = |one: &Beating| one.id != self.fleet.me && self.hearing.since(&one.id, part).is_some();
        self.has_seconds && self.fleet.gateways.iter().any(hears)
    }

    /// One that is not among those who beat has left; one that was seen at this tick first may live.
    fn is_gone(&self, now: Duration, id: &GatewayId) -> bool {
        self.beats.get(id).is_none_or(|beat| now.saturating_sub(beat.since) >= GONE_AFTER)
    }

    /// Of those who live and can reach a PBX, the first in its order; before all others those who hear it.
    fn first_to_take(&self, now: Duration, pbx: &PbxName) -> Option<&Beating> {
        let part = self.lease(pbx).map(|lease| lease.part);
        let hears = |one: &Beating| {
            self.has_seconds && part.is_some_and(|part| self.hearing.since(&one.id, part).is_some())
        };
        self.can_reach(now, pbx).into_iter().max_by_key(|one| (hears(one), rank(pbx, one), &one.id))
    }

    fn can_reach(&self, now: Duration, pbx: &PbxName) -> Vec<&Beating> {
        let reach = self.fleet.gateways.iter().filter(|one| one.pbxs.contains(pbx));
        reach.filter(|one| !self.is_gone(now, &one.id)).collect()
    }

    fn to_hand_over(&self, now: Duration, has: &BTreeMap<PbxName, Grant>) -> Option<PbxName> {
        if self.handed_at.is_some_and(|at| now.saturating_sub(at) < HANDED_EVERY) {
            return None;
        }
        let is_others = |pbx: &&PbxName| {
            let first = self.can_reach(now, pbx).into_iter().max_by_key(|one| (rank(pbx, one), &one.id));
            let Some(first) = first.filter(|first| first.id != self.fleet.me) else { return false };
            // Only to one that was seen to beat just now.
            let beats = |beat: &Beat| {
                let joined_for = if self.has_seconds { JOINED_FOR } else { Duration::ZERO };
                beat.moved
                    && now.saturating_sub(beat.since) < LATE_AFTER
                    && now.saturating_sub(beat.seen) >= joined_for
            };
            self.beats.get(&first.id).is_some_and(beats)
                && (!self.has_seconds || **pbx == rest() || self.is_ready(now, pbx, &first.id))
        };
        has.keys().find(is_others).cloned()
    }
}

impl Turns {
    /// Whether one hears a PBX, and has done so for long enough if it once did not any more.
    fn is_ready(&self, now: Duration, pbx: &PbxName, id: &GatewayId) -> bool {
        let heard = self.lease(pbx).and_then(|lease| self.hearing.since(id, lease.part));
        heard.is_some_and(|(since, was_lost)| !was_lost || now.saturating_sub(since) >= LIVES_AGAIN_FOR)
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
mod links;
#[cfg(test)]
mod tests;
