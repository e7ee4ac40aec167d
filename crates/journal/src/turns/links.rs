//! What links that break and come back do to who has which PBX: gateways in a world of their own, second by second.

use super::*;
use crate::{Linked, Part};

const PBX: &str = "a";
const PART: Part = Part(1);
/// So long it takes until a gateway that listens to a PBX would miss nothing of it.
const READY_AFTER: Duration = Duration::from_secs(3);
const STEP: Duration = Duration::from_millis(50);
/// A PBX that falls silent is not heard after so long, and whoever has it knows.
const SILENT_FOR: Duration = Duration::from_secs(3);
/// Within so long a PBX is whose gateway hears it: silence, asking, and a little.
const BOUND: Duration = Duration::from_secs(5);

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn pbx() -> [PbxName; 1] {
    [PbxName::new(PBX)]
}

/// One of the gateways.
struct One {
    id: GatewayId,
    turns: Turns,
    beat: i64,
    /// As it told at its last tick.
    told: Option<Linked>,
    has: Option<Grant>,
    /// Whether the way to the PBX is whole, and since when.
    way: (bool, Duration),
    /// Since when it follows the PBX over a link that lives.
    link: Option<Duration>,
    follows: bool,
    unheard: Option<Duration>,
    ticks_at: Duration,
    may_make: bool,
}

struct World {
    now: Duration,
    all: Vec<One>,
    lease: Lease,
    /// Who had it, and since when.
    history: Vec<(Duration, Option<usize>)>,
    /// Links that were made anew, and so told what was missed, while another heard the PBX.
    assumed: usize,
}

impl World {
    fn new(gateways: usize) -> Self {
        let one = |at: usize| One {
            id: GatewayId(format!("gw{at}")),
            turns: Turns::with_second_readers(),
            beat: 0,
            told: None,
            has: None,
            way: (true, Duration::ZERO),
            link: None,
            follows: false,
            unheard: None,
            ticks_at: Duration::from_millis(137 * at as u64),
            may_make: true,
        };
        let lease = Lease { pbx: PbxName::new(PBX), part: PART, epoch: Epoch(1), owner: None };
        Self {
            now: Duration::ZERO,
            all: (0..gateways).map(one).collect(),
            lease,
            history: Vec::new(),
            assumed: 0,
        }
    }

    fn fleet(&self, me: usize) -> Fleet {
        let beating = |one: &One| Beating {
            id: one.id.clone(),
            name: one.id.0.clone(),
            beat: (0, one.beat),
            pbxs: pbx().to_vec(),
            links: one.told.iter().cloned().collect(),
        };
        let gateways = self.all.iter().filter(|one| one.beat > 0).map(beating).collect();
        Fleet { me: self.all[me].id.clone(), gateways, leases: vec![self.lease.clone()], ..Fleet::default() }
    }

    /// Whether one would miss nothing.
    fn hears(&self, who: usize) -> bool {
        let one = &self.all[who];
        let live = one.link.is_some_and(|since| one.has.is_some() || self.now - since >= READY_AFTER);
        live && one.way.0
    }

    /// A way is cut, at once for all to see, or in silence.
    fn cut(&mut self, who: usize, silently: bool) {
        let now = self.now;
        let one = &mut self.all[who];
        one.way = (false, now);
        if !silently {
            one.link = None;
            one.may_make = one.has.is_none();
        }
    }

    fn mend(&mut self, who: usize) {
        self.all[who].way = (true, self.now);
    }

    fn tick(&mut self, who: usize, asks: bool) {
        let told = self.all[who].follows.then(|| Linked {
            part: PART,
            lacks: (!self.hears(who)).then(|| "down".to_owned()),
            since: None,
        });
        let one = &mut self.all[who];
        one.beat += 1;
        one.told = told;
        one.ticks_at = self.now + secs(1);
        let fleet = self.fleet(who);
        self.all[who].turns.told(self.now, fleet);
        if asks {
            for other in (0..self.all.len()).filter(|other| *other != who) {
                self.tick(other, false);
            }
        }
    }

    fn acts(&mut self, who: usize) {
        let now = self.now;
        // Silence is noticed; a link that is not there is.
        let one = &mut self.all[who];
        let is_silent = !one.way.0 && now - one.way.1 >= SILENT_FOR;
        let is_unheard = one.has.is_some() && (one.link.is_none() || is_silent);
        one.unheard = is_unheard.then(|| one.unheard.unwrap_or(now));
        if is_silent && now - one.way.1 >= secs(13) {
            one.link = None;
        }
        if let Some(since) = one.unheard {
            if one.turns.may_be_heard(now, &pbx()[0], since) {
                if now >= since + ASKS_AFTER {
                    self.tick(who, true);
                    self.tick(who, false);
                }
            } else {
                one.may_make = true;
            }
        }
        let one = &mut self.all[who];
        let has: BTreeMap<_, _> = one.has.map(|grant| (pbx()[0].clone(), grant)).into_iter().collect();
        let unheard = one.unheard.map(|since| (pbx()[0].clone(), since)).into_iter().collect();
        for step in one.turns.steps(now, &pbx(), &has, &unheard) {
            match step {
                Step::Lose(_) => self.all[who].has = None,
                Step::Take { seen, .. } if seen == Some(self.lease.epoch) => {
                    self.lease.epoch.0 += 1;
                    self.lease.owner = Some(self.all[who].id.clone());
                    let is_ready = self.hears(who);
                    let one = &mut self.all[who];
                    one.has = Some(Grant::new(PART, self.lease.epoch));
                    if !is_ready {
                        (one.link, one.may_make) = (None, true);
                    }
                    self.history.push((now, Some(who)));
                }
                Step::Take { .. } => {}
                Step::HandOver { why, .. } => {
                    self.all[who].has = None;
                    // In its order it is handed over by one that goes on listening.
                    if why == Given::ForItsLink {
                        self.all[who].link = None;
                    }
                    self.lease.owner = None;
                    self.history.push((now, None));
                    for other in 0..self.all.len() {
                        self.tick(other, false);
                    }
                }
            }
        }
        let others_hear = (0..self.all.len()).any(|other| other != who && self.hears(other));
        let one = &mut self.all[who];
        let has: BTreeMap<_, _> = one.has.map(|grant| (pbx()[0].clone(), grant)).into_iter().collect();
        one.follows = one.has.is_some() || !one.turns.hears(now, &pbx(), &has).is_empty();
        if !one.follows {
            (one.link, one.may_make) = (None, true);
        } else if one.link.is_none() && one.way.0 && (one.has.is_none() || one.may_make) {
            one.link = Some(now);
            let had_it = self.history.iter().rev().any(|(_, who_had)| *who_had == Some(who));
            let began = self.history.last().is_some_and(|(at, _)| *at == now);
            self.assumed += usize::from(one.has.is_some() && others_hear && had_it && !began);
        }
    }

    fn run_once(&mut self) {
        self.now += STEP;
        for who in 0..self.all.len() {
            if self.now >= self.all[who].ticks_at {
                self.tick(who, false);
            }
        }
        for who in 0..self.all.len() {
            self.acts(who);
        }
    }

    /// So many seconds go by; for how long at a time nobody had it, or one who does not hear it, although another did.
    fn run(&mut self, many: u64) -> Duration {
        let (until, mut wrong_since, mut longest) = (self.now + secs(many), None, Duration::ZERO);
        while self.now < until {
            self.run_once();
            let is_heard = (0..self.all.len()).any(|who| self.hears(who));
            let by_owner = (0..self.all.len()).any(|who| self.all[who].has.is_some() && self.hears(who));
            wrong_since = (is_heard && !by_owner).then(|| wrong_since.unwrap_or(self.now));
            longest = longest.max(wrong_since.map_or(Duration::ZERO, |since| self.now - since));
        }
        longest
    }

    fn owner(&self) -> Option<usize> {
        self.all.iter().position(|one| one.has.is_some())
    }

    fn moves(&self) -> usize {
        self.history.iter().filter(|(_, who)| who.is_some()).count()
    }
}

/// Each has what is its own, and the next listens.
fn settled(gateways: usize) -> (World, usize) {
    let mut world = World::new(gateways);
    world.run(60);
    let owner = world.owner().expect("somebody has it");
    assert!(world.hears(owner) && world.moves() <= 2, "{:?}", world.history);
    (world, owner)
}

#[test]
fn a_pbx_goes_to_whoever_hears_it_and_back_only_over_a_link_that_has_lived_for_a_while() {
    for silently in [false, true] {
        let (mut world, first) = settled(2);
        world.cut(first, silently);
        let cut = world.now;
        world.run(8);
        let other = world.owner().expect("somebody has it");
        let moved = world.history.last().expect("it moved").0 - cut;
        assert!(other != first && moved <= if silently { secs(4) } else { secs(1) }, "{moved:?}");
        world.run(60);
        assert_eq!(world.owner(), Some(other), "it does not go where it is not heard");
        world.mend(first);
        let mended = world.now;
        world.run(60);
        assert_eq!(world.owner(), Some(first), "the first in its order has it again");
        let back = world.history.last().expect("it moved").0 - mended;
        assert!(back >= LIVES_AGAIN_FOR && back < LIVES_AGAIN_FOR + secs(20), "{back:?}");
        assert_eq!(world.assumed, 0);
    }
}

#[test]
fn who_hands_a_pbx_over_in_order_listens_until_another_that_should_does() {
    for gateways in 2..=4 {
        let (mut world, first) = settled(gateways);
        let heard = |world: &World| (0..gateways).filter(|who| world.hears(*who)).count();
        // It goes to the last in its order, who is none to listen to it beside the first.
        world.cut(first, false);
        world.run(60);
        let mut cut = vec![first];
        while cut.len() < gateways - 1 {
            let owner = world.owner().expect("somebody has it");
            world.cut(owner, false);
            cut.push(owner);
            world.run(60);
        }
        cut.iter().for_each(|who| world.mend(*who));
        while world.owner() != Some(first) {
            let before = heard(&world);
            world.run_once();
            assert!(before < 2 || heard(&world) >= 2, "{gateways}: nobody is second: {:?}", world.history);
        }
        for _ in 0..1_200 {
            world.run_once();
            assert!(heard(&world) >= 2, "{gateways}: nobody is second: {:?}", world.history);
        }
        let listen = (0..gateways).filter(|who| world.all[*who].follows).count();
        assert_eq!(listen, 2, "no more than its owner and the next");
    }
}

#[test]
fn where_nobody_hears_a_pbx_nothing_moves() {
    for gateways in 1..=4 {
        let (mut world, first) = settled(gateways);
        let moves = world.moves();
        (0..gateways).for_each(|who| world.cut(who, false));
        world.run(40);
        (0..gateways).for_each(|who| world.mend(who));
        world.run(40);
        assert_eq!((world.owner(), world.moves()), (Some(first), moves), "{:?}", world.history);
        assert!(world.hears(first));
    }
}

#[test]
fn a_link_that_comes_and_goes_takes_its_pbx_along_once() {
    let (mut world, first) = settled(3);
    let moves = world.moves();
    for _ in 0..30 {
        world.cut(first, false);
        world.run(2);
        world.mend(first);
        world.run(18);
    }
    assert_eq!(world.moves(), moves + 1, "{:?}", world.history);
    world.run(60);
    assert_eq!(world.owner(), Some(first));
}

#[test]
fn the_third_listens_where_the_second_does_not_get_through() {
    let (mut world, first) = settled(3);
    let second = (0..3).find(|who| *who != first && world.all[*who].follows).expect("one listens");
    world.cut(second, false);
    world.run(30);
    let third = 3 - first - second;
    assert!(world.hears(third), "it listens in place of the second");
    world.cut(first, false);
    world.run(5);
    assert_eq!(world.owner(), Some(third));
    world.mend(second);
    world.run(60);
    assert!(world.all[second].follows || world.owner() == Some(second));
}

#[test]
fn whatever_breaks_whoever_hears_a_pbx_has_it_soon() {
    for seed in 0..100 {
        let mut chance = splitmix::Rng::new(seed);
        let gateways = 2 + chance.below(3);
        let (mut world, _) = settled(gateways);
        for _ in 0..20 {
            let who = chance.below(gateways);
            match chance.below(3) {
                0 => world.cut(who, false),
                1 => world.cut(who, true),
                _ => world.mend(who),
            }
            let wrong = world.run(1 + chance.below(25) as u64);
            assert!(wrong <= BOUND, "seed {seed}: heard and nobody's for {wrong:?}: {:?}", world.history);
        }
        let between = |two: &[(Duration, usize)]| two[1].0 - two[0].0;
        let taken: Vec<_> = world.history.iter().filter_map(|(at, who)| Some((*at, (*who)?))).collect();
        let comes_back = taken.windows(3).filter(|three| three[0].1 == three[2].1);
        for three in comes_back {
            assert!(
                between(&three[1..]) + between(&three[..2]) >= secs(3),
                "seed {seed} flaps: {:?}",
                world.history
            );
        }
    }
}
