//! Gateways and leases in RAM: one row a PBX, and who writes shows its epoch.

use std::collections::BTreeMap;
use std::time::Duration;

use calls::PbxName;

use crate::{Beating, Epoch, Fleet, GatewayId, Grant, Lease, Part, Taken, WallTime, rest};

#[derive(Clone, Default)]
pub(super) struct Parts {
    leases: BTreeMap<PbxName, Given>,
    beats: BTreeMap<GatewayId, (i64, Vec<PbxName>)>,
}

#[derive(Clone)]
struct Given {
    lease: Lease,
    /// As it was when the part was taken, or is since it was given back.
    careful: Duration,
    taken_at: WallTime,
}

impl Given {
    /// Whoever has it has it no more.
    fn is_given_back(&mut self, now: WallTime) {
        let had = u64::try_from(now.0 - self.taken_at.0).unwrap_or(0);
        self.careful = self.careful.saturating_sub(Duration::from_micros(had));
        self.lease.owner = None;
    }
}

impl Parts {
    pub(super) fn beat(&mut self, me: &GatewayId, reaches: &[PbxName]) -> Fleet {
        let (beat, pbxs) = self.beats.entry(me.clone()).or_default();
        *beat += 1;
        reaches.clone_into(pbxs);
        let beating = |(id, (beat, pbxs)): (&GatewayId, &(i64, Vec<PbxName>))| Beating {
            id: id.clone(),
            name: id.0.clone(),
            beat: (0, *beat),
            pbxs: pbxs.clone(),
        };
        Fleet {
            me: me.clone(),
            gateways: self.beats.iter().map(beating).collect(),
            leases: self.leases.values().map(|given| given.lease.clone()).collect(),
            ..Fleet::default()
        }
    }

    pub(super) fn take(
        &mut self,
        me: &GatewayId,
        pbx: PbxName,
        seen: Option<Epoch>,
        careful: Duration,
        now: WallTime,
    ) -> Option<Taken> {
        if self.leases.get(&pbx).map(|given| given.lease.epoch) != seen {
            return None;
        }
        let rest = rest();
        let of_pbxs = self.leases.keys().filter(|name| **name != rest).count();
        let next = if pbx == rest { Part::REST } else { Part(u16::try_from(of_pbxs + 1).ok()?) };
        let given = self.leases.entry(pbx.clone()).or_insert(Given {
            lease: Lease { pbx, part: next, epoch: Epoch(0), owner: None },
            careful: Duration::ZERO,
            taken_at: now,
        });
        given.lease.epoch.0 += 1;
        given.lease.owner = Some(me.clone());
        given.careful = given.careful.max(careful);
        given.taken_at = now;
        let grant = Grant::new(given.lease.part, given.lease.epoch);
        Some(Taken { grant, careful: given.careful })
    }

    pub(super) fn release(&mut self, me: &GatewayId, grant: Grant, now: WallTime) {
        let of = |given: &&mut Given| {
            let lease = &given.lease;
            lease.part == grant.part() && lease.epoch == grant.epoch() && lease.owner.as_ref() == Some(me)
        };
        if let Some(given) = self.leases.values_mut().find(of) {
            given.is_given_back(now);
        }
    }

    pub(super) fn leave(&mut self, me: &GatewayId, now: WallTime) {
        self.beats.remove(me);
        let own = |given: &&mut Given| given.lease.owner.as_ref() == Some(me);
        self.leases.values_mut().filter(own).for_each(|given| given.is_given_back(now));
    }

    /// Those that were ever given.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Part> {
        self.leases.values().map(|given| given.lease.part)
    }

    /// Whether its part is still whose it was. The one part of a store that a gateway has for itself is always its own.
    pub(super) fn holds(&self, grant: Grant) -> bool {
        let of = |given: &Given| {
            let lease = &given.lease;
            lease.part == grant.part() && lease.epoch == grant.epoch() && lease.owner.is_some()
        };
        grant == Grant::ALONE || self.leases.values().any(of)
    }
}
