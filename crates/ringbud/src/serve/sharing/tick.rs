//! Beats, tells which links this gateway has, and sees what the others tell.

use std::sync::atomic::Ordering;
use std::time::Duration;

use calls::PbxName;
use journal::{About, Lease, Linked};
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::{Sharing, Told, lock};
use crate::link::{LinkStatus, SILENT};

/// How often this gateway beats, and sees what the others do.
const TICK: Duration = Duration::from_secs(1);
/// A link is pinged once a second: over one that was silent for so long nothing is heard, and others are told so.
const HEARD_WITHIN: Duration = Duration::from_secs(2);

/// Beats for ever, whatever is taken meanwhile.
pub(super) async fn tick(of: &Sharing, told: &Told, began: Instant, stays: watch::Receiver<bool>) {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            _ = ticks.tick() => {}
            () = of.journal.woken() => {}
            () = told.look.notified() => {}
        }
        // Who goes is to be handed nothing.
        let links = if *stays.borrow() { of.linked(&lock(&told.leases)) } else { Vec::new() };
        let asks = told.asks.swap(false, Ordering::AcqRel);
        let answer = of.journal.tick(&About { pbxs: of.names(), links, asks }).await;
        {
            let mut last = lock(&told.turns);
            match answer {
                Ok(fleet) => {
                    // Before this gateway acts again.
                    of.sender.sees(&fleet);
                    lock(&told.leases).clone_from(&fleet.leases);
                    last.1 = Some(fleet.clone());
                    last.0.told(began.elapsed(), fleet.clone());
                    of.who.told(&fleet, |id| last.0.lives(began.elapsed(), id));
                }
                Err(_) => {
                    last.1 = None;
                    last.0.failed();
                }
            }
        }
        told.anew.notify_one();
    }
}

impl Sharing {
    /// How its links are doing, those of its own first.
    fn linked(&self, leases: &[Lease]) -> Vec<Linked> {
        let mut linked: Vec<Linked> = Vec::new();
        let of = |pbx: &PbxName| leases.iter().find(|lease| lease.pbx == *pbx).map(|lease| lease.part);
        let own = self.links.all().into_iter().map(|link| (link, true));
        let behind = lock(&self.behind).clone().into_iter().map(|link| (link, false));
        for (link, is_own) in own.chain(behind) {
            let lacks = |status: &LinkStatus| match status.lacks(HEARD_WITHIN) {
                None if !is_own && !status.is_ready => Some("connecting"),
                lacks => lacks,
            };
            let (part, lacks, since) = link.with(|status| (of(&status.pbx), lacks(status), status.since));
            if let Some(part) = part.filter(|part| linked.iter().all(|one| one.part != *part)) {
                // Since when a link that is up is silent is not known.
                let since = (lacks != Some(SILENT)).then_some(since);
                linked.push(Linked { part, lacks: lacks.map(str::to_owned), since });
            }
        }
        linked
    }
}
