//! Gateways and leases in RAM: one row a PBX, and who writes shows its epoch.

use std::collections::BTreeMap;
use std::time::Duration;

use calls::PbxName;

use crate::{
    About, Beating, Epoch, Fleet, GatewayId, Given, Grant, Lease, Linked, Moved, Part, Taken, WallTime, rest,
};

#[derive(Clone, Default)]
pub(super) struct Parts {
    leases: BTreeMap<PbxName, Row>,
    beats: BTreeMap<GatewayId, (i64, Vec<PbxName>, Vec<Linked>)>,
}

#[derive(Clone)]
struct Row {
    lease: Lease,
    /// As it was when the part was taken, or is since it was given back.
    careful: Duration,
    taken_at: WallTime,
    /// Whom it was taken from, or who gave it up for its link.
    from: Option<(GatewayId, Given)>,
}

impl Row {
    /// Whoever has it has it no more.
    fn is_given_back(&mut self, why: Given, now: WallTime) {
        let had = u64::try_from(now.0 - self.taken_at.0).unwrap_or(0);
        self.careful = self.careful.saturating_sub(Duration::from_micros(had));
        let by = self.lease.owner.take();
        self.from = by.filter(|_| why == Given::ForItsLink).map(|by| (by, why));
    }
}

impl Parts {
    pub(super) fn beat(&mut self, me: &GatewayId, about: &About) -> Fleet {
        let (beat, pbxs, links) = self.beats.entry(me.clone()).or_default();
        *beat += 1;
        about.pbxs.clone_into(pbxs);
        about.links.clone_into(links);
        let beating = |(id, (beat, pbxs, links)): (&GatewayId, &(i64, Vec<PbxName>, Vec<Linked>))| Beating {
            id: id.clone(),
            name: id.0.clone(),
            beat: (0, *beat),
            pbxs: pbxs.clone(),
            links: links.clone(),
        };
        let moved = |row: &Row| Moved {
            part: row.lease.part,
            since: row.taken_at,
            from: row.from.as_ref().map(|(from, _)| from.clone()),
            for_its_link: row.from.as_ref().is_some_and(|(_, why)| *why == Given::ForItsLink),
        };
        Fleet {
            me: me.clone(),
            gateways: self.beats.iter().map(beating).collect(),
            leases: self.leases.values().map(|row| row.lease.clone()).collect(),
            moves: self.leases.values().map(moved).collect(),
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
        let given = self.leases.entry(pbx.clone()).or_insert(Row {
            lease: Lease { pbx, part: next, epoch: Epoch(0), owner: None },
            careful: Duration::ZERO,
            taken_at: now,
            from: None,
        });
        given.lease.epoch.0 += 1;
        match given.lease.owner.replace(me.clone()) {
            None => given.from = given.from.take().filter(|(from, _)| from != me),
            Some(had) => given.from = (had != *me).then_some((had, Given::InOrder)),
        }
        given.careful = given.careful.max(careful);
        given.taken_at = now;
        let grant = Grant::new(given.lease.part, given.lease.epoch);
        Some(Taken { grant, careful: given.careful })
    }

    pub(super) fn release(&mut self, me: &GatewayId, grant: Grant, why: Given, now: WallTime) {
        let of = |given: &&mut Row| {
            let lease = &given.lease;
            lease.part == grant.part() && lease.epoch == grant.epoch() && lease.owner.as_ref() == Some(me)
        };
        if let Some(given) = self.leases.values_mut().find(of) {
            given.is_given_back(why, now);
        }
    }

    pub(super) fn leave(&mut self, me: &GatewayId, now: WallTime) {
        self.beats.remove(me);
        let own = |given: &&mut Row| given.lease.owner.as_ref() == Some(me);
        self.leases.values_mut().filter(own).for_each(|given| given.is_given_back(Given::InOrder, now));
    }

    /// Those that were ever given.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Part> {
        self.leases.values().map(|given| given.lease.part)
    }

    /// Whether its part is still whose it was. The one part of a store that a gateway has for itself is always its own.
    pub(super) fn holds(&self, grant: Grant) -> bool {
        let of = |given: &Row| {
            let lease = &given.lease;
            lease.part == grant.part() && lease.epoch == grant.epoch() && lease.owner.is_some()
        };
        grant == Grant::ALONE || self.leases.values().any(of)
    }
}
