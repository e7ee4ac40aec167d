//! Gateways and leases in RAM: one row a PBX, and who writes shows its epoch.

use std::collections::BTreeMap;

use calls::PbxName;

use crate::{Beating, Epoch, Fleet, GatewayId, Grant, Lease, Part};

#[derive(Clone, Default)]
pub(super) struct Parts {
    leases: BTreeMap<PbxName, Lease>,
    beats: BTreeMap<GatewayId, (i64, Vec<PbxName>)>,
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
            leases: self.leases.values().cloned().collect(),
            ..Fleet::default()
        }
    }

    pub(super) fn take(&mut self, me: &GatewayId, pbx: PbxName, seen: Option<Epoch>) -> Option<Grant> {
        if self.leases.get(&pbx).map(|lease| lease.epoch) != seen {
            return None;
        }
        let next = Part(u16::try_from(self.leases.len() + 1).ok()?);
        let lease =
            self.leases.entry(pbx.clone()).or_insert(Lease { pbx, part: next, epoch: Epoch(0), owner: None });
        lease.epoch.0 += 1;
        lease.owner = Some(me.clone());
        Some(Grant::new(lease.part, lease.epoch))
    }

    pub(super) fn release(&mut self, me: &GatewayId, grant: Grant) {
        let of = |lease: &&mut Lease| lease.part == grant.part() && lease.epoch == grant.epoch();
        if let Some(lease) = self.leases.values_mut().find(of) {
            lease.owner = lease.owner.take().filter(|owner| owner != me);
        }
    }

    pub(super) fn leave(&mut self, me: &GatewayId) {
        self.beats.remove(me);
        for lease in self.leases.values_mut() {
            lease.owner = lease.owner.take().filter(|owner| owner != me);
        }
    }

    /// Those that were ever given.
    pub(super) fn numbers(&self) -> impl Iterator<Item = Part> {
        self.leases.values().map(|lease| lease.part)
    }

    /// Whether its part is still whose it was. The one part of a store that a gateway has for itself is always its own.
    pub(super) fn holds(&self, grant: Grant) -> bool {
        let of = |lease: &Lease| {
            lease.part == grant.part() && lease.epoch == grant.epoch() && lease.owner.is_some()
        };
        grant == Grant::ALONE || self.leases.values().any(of)
    }
}
