//! Who has which PBX of a store that gateways share, as the last tick told it: for the window, the API and the figures.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};

use ::pbx::Secret;
use admin::{Beside, EarlierCalls, Link, LinkState, Remark};
use calls::PbxName;
use journal::{Fleet, GatewayId, Lease, Part, WallTime, rest};

use crate::config::Pbx;

/// What is known of a part.
struct Held {
    pbx: PbxName,
    gateway: Option<Gateway>,
    since: Option<WallTime>,
    /// The gateway it was taken from, which was gone, or gave it up for its link.
    from: Option<Giver>,
    /// Gateways that listen to the PBX beside the one that has it.
    beside: Vec<Beside>,
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
    earlier: Mutex<Option<EarlierCalls>>,
}

impl WhoHas {
    pub(super) fn new(wanted: Vec<(Pbx, Secret)>) -> Self {
        Self { wanted: Mutex::new(wanted), held: Mutex::default(), earlier: Mutex::default() }
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
            let beside = beside(fleet, lease, &lives);
            let deaf = beside.iter().filter(|one| one.is_deaf()).count();
            figures(&lease.pbx, deaf, is_mine, lease.epoch.0, fleet.asked.contains(&lease.part));
            Held {
                pbx: lease.pbx.clone(),
                gateway,
                since: moved.map(|moved| moved.since),
                from: moved.and_then(|moved| {
                    let name = name_of(fleet, moved.from.as_ref()?);
                    Some(Giver { name, for_its_link: moved.for_its_link })
                }),
                beside,
            }
        });
        *lock(&self.held) = held.collect();
        *lock(&self.earlier) = fleet.leases.iter().find(|lease| lease.part == Part::REST).map(|lease| {
            let gateway =
                lease.owner.as_ref().filter(|owner| lives(owner)).map(|owner| name_of(fleet, owner));
            let since = fleet.moves.iter().find(|moved| moved.part == Part::REST).map(|moved| moved.since);
            EarlierCalls { since: since.filter(|_| gateway.is_some()), gateway }
        });
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
        for link in &mut links {
            let Some(of_it) = held.iter().find(|one| *one.pbx.as_str() == *link.name) else { continue };
            link.remarks.extend(of_it.beside.iter().filter(|one| one.is_deaf()).map(unheard));
            link.beside = Some(of_it.beside.clone());
        }
        links
    }

    /// Who has the calls of before PBXs were shared.
    pub(super) fn earlier_calls(&self) -> Option<EarlierCalls> {
        lock(&self.earlier).clone()
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

/// Those that listen to a PBX of another's, those first who would miss nothing.
fn beside(fleet: &Fleet, lease: &Lease, lives: impl Fn(&GatewayId) -> bool) -> Vec<Beside> {
    let others = fleet.gateways.iter().filter(|one| Some(&one.id) != lease.owner.as_ref() && lives(&one.id));
    let listens = others.filter_map(|one| {
        let link = one.links.iter().find(|link| link.part == lease.part)?;
        Some(Beside { gateway: one.name.clone(), lacks: link.lacks.clone(), since: link.since })
    });
    let mut beside: Vec<Beside> = listens.collect();
    beside.sort_by_key(|one| (one.lacks.is_some(), one.since));
    beside
}

fn unheard(Beside { gateway, lacks, .. }: &Beside) -> Remark {
    let lacks = lacks.clone().unwrap_or_default();
    let english = format!(
        "the gateway {gateway}, which would have the PBX next, does not hear it ({lacks}): its log says why"
    );
    Remark { code: "next_does_not_hear", args: vec![("gateway", gateway.clone()), ("why", lacks)], english }
}

fn nobody() -> Remark {
    let english = "no gateway has it: is one running that has it in its configuration?".to_owned();
    Remark { code: "at_no_gateway", args: Vec::new(), english }
}

fn figures(pbx: &PbxName, unheard_by: usize, is_mine: bool, epoch: u32, is_asked: bool) {
    let label = || pbx.to_string();
    metrics::gauge!("ringbud_part_owner", "pbx" => label()).set(if is_mine { 1.0 } else { 0.0 });
    metrics::gauge!("ringbud_part_epoch", "pbx" => label()).set(f64::from(epoch));
    let unheard_by = f64::from(u32::try_from(unheard_by).unwrap_or(u32::MAX));
    metrics::gauge!("ringbud_part_next_deaf", "pbx" => label()).set(unheard_by);
    metrics::gauge!("ringbud_part_asked", "pbx" => label()).set(if is_asked { 1.0 } else { 0.0 });
    metrics::counter!("ringbud_part_takeovers_total", "pbx" => label()).increment(0);
    metrics::counter!("ringbud_part_given_up_total", "pbx" => label()).increment(0);
}

#[cfg(test)]
mod tests {
    use admin::Language;
    use journal::{Beating, Epoch, Linked, Moved};

    use super::*;

    #[test]
    fn who_listens_and_is_let_in_nowhere_is_told_and_who_only_begins_to_is_not() {
        let id = |name: &str| GatewayId(name.to_owned());
        let beating = |name: &str, lacks: Option<&str>| Beating {
            id: id(name),
            name: name.to_owned(),
            beat: (0, 0),
            pbxs: Vec::new(),
            links: vec![Linked { part: Part(1), lacks: lacks.map(str::to_owned), since: Some(WallTime(7)) }],
        };
        let pbx = PbxName::new("pbx1");
        let lease = Lease { pbx: pbx.clone(), part: Part(1), epoch: Epoch(1), owner: Some(id("gw1")) };
        let told = |lacks| {
            let gateways = vec![beating("gw1", Some("closed")), beating("gw2", lacks)];
            let fleet = Fleet { gateways, leases: vec![lease.clone()], ..Fleet::default() };
            let who = WhoHas::new(Vec::new());
            who.told(&fleet, |_| true);
            let links = who.links(vec![Link::named("pbx1", LinkState::Connecting)]);
            assert_eq!(links[0].beside, Some(vec![listens("gw2", lacks)]));
            links[0].remarks.iter().map(|remark| remark.english.clone()).collect::<Vec<_>>()
        };
        assert_eq!(told(Some("login_refused")), [unheard(&listens("gw2", Some("login_refused"))).english]);
        assert!(told(Some("connecting")).is_empty() && told(None).is_empty());
    }

    fn listens(gateway: &str, lacks: Option<&str>) -> Beside {
        let lacks = lacks.map(str::to_owned);
        Beside { gateway: gateway.to_owned(), lacks, since: Some(WallTime(7)) }
    }

    #[test]
    fn calls_of_before_pbxs_were_shared_are_of_no_pbx_and_have_somebody() {
        let who = WhoHas::new(Vec::new());
        assert_eq!(who.earlier_calls(), None, "nothing is told yet");
        let gateway = Beating {
            id: GatewayId("1".to_owned()),
            name: "gw1".to_owned(),
            beat: (0, 0),
            pbxs: Vec::new(),
            links: Vec::new(),
        };
        let lease = Lease { pbx: rest(), part: Part::REST, epoch: Epoch(1), owner: Some(gateway.id.clone()) };
        let moved = Moved { part: Part::REST, since: WallTime(9), from: None, for_its_link: false };
        let fleet =
            Fleet { gateways: vec![gateway], leases: vec![lease], moves: vec![moved], ..Fleet::default() };
        let told = |lives: bool| {
            who.told(&fleet, |_| lives);
            assert!(who.links(Vec::new()).is_empty(), "it is no PBX");
            who.earlier_calls().map(|earlier| (earlier.gateway, earlier.since))
        };
        assert_eq!(told(true), Some((Some("gw1".to_owned()), Some(WallTime(9)))));
        assert_eq!(told(false), Some((None, None)), "whoever had them is gone");
    }

    #[test]
    fn what_is_said_of_anothers_pbx_is_said_in_danish_too() {
        let gateway = |lives| Gateway { name: "gw2".to_owned(), is_me: false, lives };
        let from = |for_its_link| Giver { name: "gw1".to_owned(), for_its_link };
        let taken = at(&gateway(true), Some(&from(false)));
        let heard = at(&gateway(true), Some(&from(true)));
        for remark in [
            at(&gateway(true), None),
            taken,
            heard,
            at(&gateway(false), None),
            nobody(),
            unheard(&listens("gw2", Some("closed"))),
        ] {
            let danish = remark.told(Language::Danish);
            assert!(danish != remark.english && !danish.contains('{'), "{danish}");
        }
    }
}
