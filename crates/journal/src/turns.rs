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
mod tests {
    use super::*;
    use crate::Part;

    const PBXS: [&str; 4] = ["a", "b", "c", "d"];

    fn pbxs() -> Vec<PbxName> {
        PBXS.map(PbxName::new).to_vec()
    }

    fn id(name: &str) -> GatewayId {
        GatewayId(name.to_owned())
    }

    /// As `gw1` is told: who beats how often, and who has which part.
    fn told(beats: &[(&str, i64)], owners: &[(&str, u32, Option<&str>)]) -> Fleet {
        let beating = |(name, beat): &(&str, i64)| Beating {
            id: id(name),
            name: (*name).to_owned(),
            beat: (0, *beat),
            pbxs: pbxs(),
        };
        let lease = |(part, (pbx, epoch, owner)): (u16, &(&str, u32, Option<&str>))| Lease {
            pbx: PbxName::new(*pbx),
            part: Part(part),
            epoch: Epoch(*epoch),
            owner: owner.map(id),
        };
        Fleet {
            me: id("gw1"),
            gateways: beats.iter().map(beating).collect(),
            leases: (1..).zip(owners).map(lease).collect(),
            ..Fleet::default()
        }
    }

    fn secs(secs: u64) -> Duration {
        Duration::from_secs(secs)
    }

    fn taken(steps: &[Step]) -> Vec<&str> {
        let taken = steps.iter().filter_map(|step| match step {
            Step::Take { pbx, .. } => Some(pbx.as_str()),
            Step::Lose(_) | Step::HandOver(_) => None,
        });
        taken.collect()
    }

    #[test]
    fn who_is_alone_takes_everything_at_once() {
        let mut turns = Turns::default();
        turns.told(secs(0), told(&[("gw1", 1)], &[("b", 3, None)]));
        assert_eq!(taken(&turns.steps(secs(0), &pbxs(), &BTreeMap::new())), PBXS);
    }

    #[test]
    fn two_share_what_is_free_and_anybody_takes_what_the_first_does_not() {
        let (mut turns, none) = (Turns::default(), BTreeMap::new());
        let fleet = |beat| told(&[("gw1", beat), ("gw2", beat)], &[]);
        turns.told(secs(0), fleet(1));
        let mine = turns.steps(secs(0), &pbxs(), &none);
        let mut turns_of_other = Turns::default();
        turns_of_other.told(secs(0), Fleet { me: id("gw2"), ..fleet(1) });
        let theirs = turns_of_other.steps(secs(0), &pbxs(), &none);
        let mut all: Vec<_> = taken(&mine).into_iter().chain(taken(&theirs)).collect();
        all.sort_unstable();
        assert_eq!(all, PBXS, "each is one's");
        assert!(!mine.is_empty() && !theirs.is_empty(), "{mine:?} {theirs:?}");
        turns.told(secs(1), fleet(2));
        assert_eq!(turns.steps(secs(1), &pbxs(), &none).len(), mine.len());
        turns.told(secs(2), fleet(3));
        assert_eq!(taken(&turns.steps(secs(2), &pbxs(), &none)), PBXS);
    }

    #[test]
    fn whose_beat_stands_still_is_gone_and_a_failed_or_late_tick_starts_anew() {
        let (mut turns, none, pbx) = (Turns::default(), BTreeMap::new(), [PbxName::new("a")]);
        let fleet = |beat| told(&[("gw1", beat), ("gw2", 7)], &[("a", 3, Some("gw2"))]);
        let tick = |turns: &mut Turns, at: u64| {
            turns.told(secs(at), fleet(i64::try_from(at).unwrap_or(0)));
            turns.steps(secs(at), &pbx, &none)
        };
        for at in 0..4 {
            assert_eq!(tick(&mut turns, at), [], "at {at}");
        }
        turns.failed();
        for at in 4..8 {
            assert_eq!(tick(&mut turns, at), [], "at {at}");
        }
        // It slept itself.
        for at in 20..24 {
            assert_eq!(tick(&mut turns, at), [], "at {at}");
        }
        let from = Some(id("gw2"));
        assert_eq!(tick(&mut turns, 24), [Step::Take { pbx: pbx[0].clone(), seen: Some(Epoch(3)), from }]);
    }

    #[test]
    fn who_starts_again_takes_its_own_at_once_and_what_others_took_is_lost() {
        let pbx = [PbxName::new("a")];
        let mut turns = Turns::default();
        turns.told(secs(0), told(&[("gw1", 1), ("gw2", 1)], &[("a", 3, Some("gw1"))]));
        let took = [Step::Take { pbx: pbx[0].clone(), seen: Some(Epoch(3)), from: None }];
        assert_eq!(turns.steps(secs(0), &pbx, &BTreeMap::new()), took);
        let has = BTreeMap::from([(pbx[0].clone(), Grant::new(Part(1), Epoch(4)))]);
        assert_eq!(turns.steps(secs(0), &pbx, &has), [], "what was told is older");
        turns.told(secs(1), told(&[("gw1", 2), ("gw2", 2)], &[("a", 5, Some("gw2"))]));
        assert_eq!(turns.steps(secs(1), &pbx, &has), [Step::Lose(pbx[0].clone())]);
    }

    #[test]
    fn who_joins_is_handed_one_part_every_two_seconds_and_not_before_it_beats() {
        let grant = |part| Grant::new(Part(part), Epoch(1));
        let mut has: BTreeMap<_, _> =
            (1..).zip(PBXS).map(|(at, pbx)| (PbxName::new(pbx), grant(at))).collect();
        let mut owners = PBXS.map(|pbx| (pbx, 1, Some("gw1")));
        let (mut turns, mut handed) = (Turns::default(), Vec::new());
        turns.told(secs(0), told(&[("gw1", 1)], &owners));
        assert_eq!(turns.steps(secs(0), &pbxs(), &has), []);
        turns.told(secs(1), told(&[("gw1", 2), ("gw2", 1)], &owners));
        assert_eq!(turns.steps(secs(1), &pbxs(), &has), []);
        for at in 2..10_u64 {
            let beat = i64::try_from(at).unwrap_or(0);
            turns.told(secs(at), told(&[("gw1", beat), ("gw2", beat)], &owners));
            for step in turns.steps(secs(at), &pbxs(), &has) {
                let Step::HandOver(pbx) = step else { panic!("{step:?}") };
                has.remove(&pbx);
                owners
                    .iter_mut()
                    .filter(|owner| owner.0 == pbx.as_str())
                    .for_each(|owner| owner.2 = Some("gw2"));
                handed.push((at, pbx));
            }
        }
        assert!(!handed.is_empty() && !has.is_empty(), "{handed:?}");
        assert!(handed.windows(2).all(|two| two[1].0 - two[0].0 >= 2), "{handed:?}");
    }

    #[test]
    fn the_next_in_a_pbxs_order_hears_it_and_is_handed_it_once_it_has_heard_it_for_a_while() {
        let owners = PBXS.map(|pbx| (pbx, 1, Some("gw1")));
        let as_other = |beat| Fleet { me: id("gw2"), ..told(&[("gw1", beat), ("gw2", beat)], &owners) };
        let (mut owner, mut joined) = (Turns::with_second_readers(), Turns::with_second_readers());
        let has: BTreeMap<_, _> =
            (1..).zip(PBXS).map(|(at, pbx)| (PbxName::new(pbx), Grant::new(Part(at), Epoch(1)))).collect();
        let none = BTreeMap::new();
        let mut handed = Vec::new();
        owner.told(secs(0), told(&[("gw1", 1)], &owners));
        for at in 1..12_u64 {
            let beat = i64::try_from(at).unwrap_or(0) + 1;
            owner.told(secs(at), told(&[("gw1", beat), ("gw2", beat)], &owners));
            joined.told(secs(at), as_other(beat));
            assert_eq!(
                joined.hears(secs(at), &pbxs(), &none),
                pbxs(),
                "it is the only one beside their owner"
            );
            assert_eq!(owner.hears(secs(at), &pbxs(), &has), [], "who has one is no second reader of it");
            for step in owner.steps(secs(at), &pbxs(), &has) {
                let Step::HandOver(_) = step else { panic!("{step:?}") };
                handed.push(at);
            }
        }
        assert!(handed.first().is_some_and(|at| *at > JOINED_FOR.as_secs()), "{handed:?}");

        // It died and starts anew: its link has to be made anew, too.
        let anew = |run: i64, beat: i64| {
            let mut fleet = told(&[("gw1", beat), ("gw2", beat)], &owners);
            fleet.gateways[1].beat.0 = run;
            fleet
        };
        for at in 12..12 + JOINED_FOR.as_secs() {
            owner.told(secs(at), anew(1, i64::try_from(at).unwrap_or(0)));
            assert_eq!(owner.steps(secs(at), &pbxs(), &has), [], "at {at}");
        }
        owner.told(secs(18), anew(1, 18));
        assert!(matches!(owner.steps(secs(18), &pbxs(), &has)[..], [Step::HandOver(_)]));
    }
}
