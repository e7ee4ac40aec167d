//! Who hears which PBX, as gateways tell it at their ticks, and since when this one sees it so.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Epoch, Fleet, GatewayId, Part};

/// What was told.
#[derive(Clone, Debug, Default)]
pub(super) struct Hearing {
    links: BTreeMap<(Part, GatewayId), Told>,
    /// Since when a part is as it is: who has it is none to listen to it, and who had it begins to.
    parts: BTreeMap<Part, (Epoch, Duration)>,
}

/// Of one link.
#[derive(Clone, Copy, Debug)]
struct Told {
    /// The start of its gateway.
    run: i64,
    hears: bool,
    since: Duration,
    /// Whether it heard the PBX once and then did not.
    was_lost: bool,
}

impl Hearing {
    /// Takes in a tick.
    pub(super) fn told(&mut self, now: Duration, fleet: &Fleet) {
        for lease in &fleet.leases {
            let at = self.parts.entry(lease.part).or_insert((lease.epoch, now));
            if at.0 != lease.epoch {
                *at = (lease.epoch, now);
            }
        }
        let runs: BTreeMap<&GatewayId, i64> =
            fleet.gateways.iter().map(|one| (&one.id, one.beat.0)).collect();
        self.links.retain(|(_, id), told| runs.get(id) == Some(&told.run));
        // Who says nothing of a link any more has none.
        for ((part, id), told) in &mut self.links {
            let one = fleet.gateways.iter().find(|one| one.id == *id);
            if one.is_some_and(|one| one.links.iter().all(|link| link.part != *part)) {
                told.is(now, false);
            }
        }
        for one in &fleet.gateways {
            for link in &one.links {
                let (run, hears) = (one.beat.0, link.lacks.is_none());
                let first = Told { run, hears, since: now, was_lost: false };
                self.links.entry((link.part, one.id.clone())).or_insert(first).is(now, hears);
            }
        }
    }

    /// All counts begin anew.
    pub(super) fn clear(&mut self) {
        self.links.clear();
        self.parts.clear();
    }

    /// Since when one hears a PBX, and whether it once did not any more.
    pub(super) fn since(&self, id: &GatewayId, part: Part) -> Option<(Duration, bool)> {
        let told = self.links.get(&(part, id.clone())).filter(|told| told.hears);
        told.map(|told| (told.since, told.was_lost))
    }

    /// For how long one that could does not hear a PBX; one that says nothing of it, since it is `seen`.
    pub(super) fn not_for(&self, now: Duration, id: &GatewayId, part: Part, seen: Duration) -> Duration {
        let told = self.links.get(&(part, id.clone()));
        let since = match told {
            Some(told) if told.hears => now,
            Some(told) => told.since,
            None => seen,
        };
        let as_it_is = self.parts.get(&part).map_or(now, |(_, since)| *since);
        now.saturating_sub(since.max(as_it_is))
    }
}

impl Told {
    fn is(&mut self, now: Duration, hears: bool) {
        if self.hears != hears {
            self.was_lost |= self.hears;
            (self.hears, self.since) = (hears, now);
        }
    }
}
