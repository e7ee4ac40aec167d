//! Who has which PBX of a store that gateways share, as the last tick told it: for the window, the API and the figures.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::pbx::Secret;
use admin::{Link, LinkState, Remark};
use calls::PbxName;
use journal::{Fleet, GatewayId, WallTime, rest};

use crate::config::Pbx;

/// What is known of a part.
struct Held {
    pbx: PbxName,
    gateway: Option<Gateway>,
    since: Option<WallTime>,
    /// The gateway it was taken from, which was gone, or gave it up for its link.
    from: Option<Giver>,
}

struct Giver {
    name: String,
    for_its_link: bool,
}

struct Gateway {
    name: String,
    is_me: bool,
    lives: bool,
}

/// The PBXs of this gateway's configuration, and who has them.
pub(super) struct WhoHas {
    wanted: Mutex<Vec<(Pbx, Secret)>>,
    held: Mutex<Vec<Held>>,
}

impl WhoHas {
    pub(super) fn new(wanted: Vec<(Pbx, Secret)>) -> Self {
        Self { wanted: Mutex::new(wanted), held: Mutex::default() }
    }

    /// Those this gateway can reach, in the configuration's order.
    pub(super) fn wanted(&self) -> Vec<(Pbx, Secret)> {
        lock(&self.wanted).clone()
    }

    pub(super) fn want(&self, pbxs: Vec<(Pbx, Secret)>) {
        *lock(&self.wanted) = pbxs;
    }

    pub(super) fn of(&self, pbx: &PbxName) -> Option<(Pbx, Secret)> {
        lock(&self.wanted).iter().find(|(one, _)| one.name == *pbx).cloned()
    }

    /// Takes in what was told at a tick.
    pub(super) fn told(&self, fleet: &Fleet, lives: impl Fn(&GatewayId) -> bool) {
        let of_pbxs = fleet.leases.iter().filter(|lease| lease.pbx != rest());
        let held = of_pbxs.map(|lease| {
            let gateway = lease.owner.as_ref().map(|owner| Gateway {
                name: name_of(fleet, owner),
                is_me: *owner == fleet.me,
                lives: lives(owner),
            });
            let moved = fleet.moves.iter().find(|moved| moved.part == lease.part);
            let is_mine = gateway.as_ref().is_some_and(|gateway| gateway.is_me);
            figures(&lease.pbx, is_mine, lease.epoch.0, fleet.asked.contains(&lease.part));
            Held {
                pbx: lease.pbx.clone(),
                gateway,
                since: moved.map(|moved| moved.since),
                from: moved.and_then(|moved| {
                    let name = name_of(fleet, moved.from.as_ref()?);
                    Some(Giver { name, for_its_link: moved.for_its_link })
                }),
            }
        });
        *lock(&self.held) = held.collect();
        let beating = fleet.gateways.iter().filter(|one| lives(&one.id)).count();
        metrics::gauge!("ringbud_gateways_beating")
            .set(f64::from(u32::try_from(beating).unwrap_or(u32::MAX)));
    }

    /// Beside the links that this gateway has: those of PBXs that others have, or nobody. First in the configuration's
    /// order, then those it does not name.
    pub(super) fn links(&self, mut own: Vec<Link>) -> Vec<Link> {
        let (wanted, held) = (lock(&self.wanted), lock(&self.held));
        let mut links = Vec::with_capacity(held.len());
        for (pbx, _) in wanted.iter() {
            let at = own.iter().position(|link| *link.name == *pbx.name.as_str());
            links.push(at.map(|at| own.remove(at)).unwrap_or_else(|| {
                let part = held.iter().find(|one| one.pbx == pbx.name);
                Link { address: pbx.address.clone(), ..elsewhere(&pbx.name, part) }
            }));
        }
        links.append(&mut own);
        let named: BTreeSet<String> = links.iter().map(|link| link.name.clone()).collect();
        let others = held.iter().filter(|one| !named.contains(one.pbx.as_str()));
        links.extend(others.map(|one| elsewhere(&one.pbx, Some(one))));
        links
    }
}

/// What people call it.
pub(super) fn name_of(fleet: &Fleet, id: &GatewayId) -> String {
    let named = fleet.gateways.iter().find(|one| one.id == *id);
    named.map_or_else(|| id.0.clone(), |one| one.name.clone())
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The link to a PBX that is not this gateway's.
fn elsewhere(pbx: &PbxName, held: Option<&Held>) -> Link {
    let Some(held) = held else { return Link::named(pbx.as_str(), LinkState::Connecting) };
    let state = match &held.gateway {
        // Taken, and not followed yet.
        Some(gateway) if gateway.is_me => LinkState::Connecting,
        Some(gateway) => LinkState::Elsewhere(at(gateway, held.from.as_ref())),
        None => LinkState::Down(Some(nobody())),
    };
    Link { since: held.since, ..Link::named(pbx.as_str(), state) }
}

fn at(gateway: &Gateway, from: Option<&Giver>) -> Remark {
    let Gateway { name, lives, .. } = gateway;
    let mut args = vec![("gateway", name.clone())];
    match (lives, from) {
        (false, _) => Remark {
            code: "at_gateway_silent",
            args,
            english: format!("the gateway {name} has it and is not heard: another takes it within seconds"),
        },
        (true, Some(Giver { name: from, for_its_link: true })) => {
            args.push(("from", from.clone()));
            let english = format!("the gateway {name} has it: {from} did not hear the PBX any more");
            Remark { code: "at_gateway_heard", args, english }
        }
        (true, Some(Giver { name: from, .. })) => {
            args.push(("from", from.clone()));
            let english = format!("the gateway {name} has it: it took it from {from}, which was gone");
            Remark { code: "at_gateway_taken", args, english }
        }
        (true, None) => Remark { code: "at_gateway", args, english: format!("the gateway {name} has it") },
    }
}

fn nobody() -> Remark {
    let english = "no gateway has it: is one running that has it in its configuration?".to_owned();
    Remark { code: "at_no_gateway", args: Vec::new(), english }
}

fn figures(pbx: &PbxName, is_mine: bool, epoch: u32, is_asked: bool) {
    let label = || pbx.to_string();
    metrics::gauge!("ringbud_part_owner", "pbx" => label()).set(if is_mine { 1.0 } else { 0.0 });
    metrics::gauge!("ringbud_part_epoch", "pbx" => label()).set(f64::from(epoch));
    metrics::gauge!("ringbud_part_asked", "pbx" => label()).set(if is_asked { 1.0 } else { 0.0 });
    metrics::counter!("ringbud_part_takeovers_total", "pbx" => label()).increment(0);
    metrics::counter!("ringbud_part_given_up_total", "pbx" => label()).increment(0);
}

#[cfg(test)]
mod tests {
    use admin::Language;

    use super::*;

    #[test]
    fn what_is_said_of_anothers_pbx_is_said_in_danish_too() {
        let gateway = |lives| Gateway { name: "gw2".to_owned(), is_me: false, lives };
        let from = |for_its_link| Giver { name: "gw1".to_owned(), for_its_link };
        let taken = at(&gateway(true), Some(&from(false)));
        let heard = at(&gateway(true), Some(&from(true)));
        for remark in [at(&gateway(true), None), taken, heard, at(&gateway(false), None), nobody()] {
            let danish = remark.told(Language::Danish);
            assert!(danish != remark.english && !danish.contains('{'), "{danish}");
        }
    }
}
