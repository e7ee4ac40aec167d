use super::*;
use crate::{Linked, Part};

const PBXS: [&str; 4] = ["a", "b", "c", "d"];
const HEARS_ALL: BTreeMap<PbxName, Duration> = BTreeMap::new();

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
        links: Vec::new(),
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

/// The second of them hears all PBXs.
fn second_hears(mut fleet: Fleet) -> Fleet {
    let parts = fleet.leases.iter().map(|lease| Linked { part: lease.part, lacks: None, since: None });
    fleet.gateways[1].links = parts.collect();
    fleet
}

fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}

fn taken(steps: &[Step]) -> Vec<&str> {
    let taken = steps.iter().filter_map(|step| match step {
        Step::Take { pbx, .. } => Some(pbx.as_str()),
        Step::Lose(_) | Step::HandOver { .. } => None,
    });
    taken.collect()
}

#[test]
fn who_is_alone_takes_everything_at_once() {
    let mut turns = Turns::default();
    turns.told(secs(0), told(&[("gw1", 1)], &[("b", 3, None)]));
    assert_eq!(taken(&turns.steps(secs(0), &pbxs(), &BTreeMap::new(), &HEARS_ALL)), PBXS);
}

#[test]
fn two_share_what_is_free_and_anybody_takes_what_the_first_does_not() {
    let (mut turns, none) = (Turns::default(), BTreeMap::new());
    let fleet = |beat| told(&[("gw1", beat), ("gw2", beat)], &[]);
    turns.told(secs(0), fleet(1));
    let mine = turns.steps(secs(0), &pbxs(), &none, &HEARS_ALL);
    let mut turns_of_other = Turns::default();
    turns_of_other.told(secs(0), Fleet { me: id("gw2"), ..fleet(1) });
    let theirs = turns_of_other.steps(secs(0), &pbxs(), &none, &HEARS_ALL);
    let mut all: Vec<_> = taken(&mine).into_iter().chain(taken(&theirs)).collect();
    all.sort_unstable();
    assert_eq!(all, PBXS, "each is one's");
    assert!(!mine.is_empty() && !theirs.is_empty(), "{mine:?} {theirs:?}");
    turns.told(secs(1), fleet(2));
    assert_eq!(turns.steps(secs(1), &pbxs(), &none, &HEARS_ALL).len(), mine.len());
    turns.told(secs(2), fleet(3));
    assert_eq!(taken(&turns.steps(secs(2), &pbxs(), &none, &HEARS_ALL)), PBXS);
}

#[test]
fn whose_beat_stands_still_is_gone_and_a_failed_or_late_tick_starts_anew() {
    let (mut turns, none, pbx) = (Turns::default(), BTreeMap::new(), [PbxName::new("a")]);
    let fleet = |beat| told(&[("gw1", beat), ("gw2", 7)], &[("a", 3, Some("gw2"))]);
    let tick = |turns: &mut Turns, at: u64| {
        turns.told(secs(at), fleet(i64::try_from(at).unwrap_or(0)));
        turns.steps(secs(at), &pbx, &none, &HEARS_ALL)
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
    assert_eq!(turns.steps(secs(0), &pbx, &BTreeMap::new(), &HEARS_ALL), took);
    let has = BTreeMap::from([(pbx[0].clone(), Grant::new(Part(1), Epoch(4)))]);
    assert_eq!(turns.steps(secs(0), &pbx, &has, &HEARS_ALL), [], "what was told is older");
    turns.told(secs(1), told(&[("gw1", 2), ("gw2", 2)], &[("a", 5, Some("gw2"))]));
    assert_eq!(turns.steps(secs(1), &pbx, &has, &HEARS_ALL), [Step::Lose(pbx[0].clone())]);
}

#[test]
fn who_joins_is_handed_one_part_every_two_seconds_and_not_before_it_beats() {
    let grant = |part| Grant::new(Part(part), Epoch(1));
    let mut has: BTreeMap<_, _> = (1..).zip(PBXS).map(|(at, pbx)| (PbxName::new(pbx), grant(at))).collect();
    let mut owners = PBXS.map(|pbx| (pbx, 1, Some("gw1")));
    let (mut turns, mut handed) = (Turns::default(), Vec::new());
    turns.told(secs(0), told(&[("gw1", 1)], &owners));
    assert_eq!(turns.steps(secs(0), &pbxs(), &has, &HEARS_ALL), []);
    turns.told(secs(1), told(&[("gw1", 2), ("gw2", 1)], &owners));
    assert_eq!(turns.steps(secs(1), &pbxs(), &has, &HEARS_ALL), []);
    for at in 2..10_u64 {
        let beat = i64::try_from(at).unwrap_or(0);
        turns.told(secs(at), told(&[("gw1", beat), ("gw2", beat)], &owners));
        for step in turns.steps(secs(at), &pbxs(), &has, &HEARS_ALL) {
            let Step::HandOver { pbx, .. } = step else { panic!("{step:?}") };
            has.remove(&pbx);
            owners.iter_mut().filter(|owner| owner.0 == pbx.as_str()).for_each(|owner| owner.2 = Some("gw2"));
            handed.push((at, pbx));
        }
    }
    assert!(!handed.is_empty() && !has.is_empty(), "{handed:?}");
    assert!(handed.windows(2).all(|two| two[1].0 - two[0].0 >= 2), "{handed:?}");
}

#[test]
fn the_next_in_a_pbxs_order_hears_it_and_is_handed_it_once_it_has_heard_it_for_a_while() {
    let owners = PBXS.map(|pbx| (pbx, 1, Some("gw1")));
    let fleet = |beat| second_hears(told(&[("gw1", beat), ("gw2", beat)], &owners));
    let as_other = |beat| Fleet { me: id("gw2"), ..fleet(beat) };
    let (mut owner, mut joined) = (Turns::with_second_readers(), Turns::with_second_readers());
    let has: BTreeMap<_, _> =
        (1..).zip(PBXS).map(|(at, pbx)| (PbxName::new(pbx), Grant::new(Part(at), Epoch(1)))).collect();
    let none = BTreeMap::new();
    let mut handed = Vec::new();
    owner.told(secs(0), told(&[("gw1", 1)], &owners));
    for at in 1..12_u64 {
        let beat = i64::try_from(at).unwrap_or(0) + 1;
        owner.told(secs(at), fleet(beat));
        joined.told(secs(at), as_other(beat));
        assert_eq!(joined.hears(secs(at), &pbxs(), &none), pbxs(), "it is the only one beside their owner");
        assert_eq!(owner.hears(secs(at), &pbxs(), &has), [], "who has one is no second reader of it");
        for step in owner.steps(secs(at), &pbxs(), &has, &HEARS_ALL) {
            let Step::HandOver { .. } = step else { panic!("{step:?}") };
            handed.push(at);
        }
    }
    assert!(handed.first().is_some_and(|at| *at > JOINED_FOR.as_secs()), "{handed:?}");

    // It died and starts anew: its link has to be made anew, too.
    let anew = |run: i64, beat: i64| {
        let mut fleet = second_hears(told(&[("gw1", beat), ("gw2", beat)], &owners));
        fleet.gateways[1].beat.0 = run;
        fleet
    };
    for at in 12..12 + JOINED_FOR.as_secs() {
        owner.told(secs(at), anew(1, i64::try_from(at).unwrap_or(0)));
        assert_eq!(owner.steps(secs(at), &pbxs(), &has, &HEARS_ALL), [], "at {at}");
    }
    owner.told(secs(18), anew(1, 18));
    assert!(matches!(owner.steps(secs(18), &pbxs(), &has, &HEARS_ALL)[..], [Step::HandOver { .. }]));
}

/// `gw2` has `b` since its start `run`, or had it before, and `gw1` hears all.
fn started(run: i64, beat: i64, epoch: u32, me: &str) -> Fleet {
    let mut fleet = told(&[("gw1", beat), ("gw2", beat)], &[("b", epoch, Some("gw2"))]);
    fleet.gateways[1].beat.0 = run;
    fleet.gateways[0].links = vec![Linked { part: Part(1), lacks: None, since: None }];
    Fleet { me: id(me), ..fleet }
}

#[test]
fn who_is_back_before_it_is_missed_leaves_its_part_to_the_one_that_heard_the_pbx() {
    let (only, none) = ([PbxName::new("b")], BTreeMap::new());
    let mut hears = Turns::with_second_readers();
    hears.told(secs(0), started(1, 1, 7, "gw1"));
    assert!(hears.steps(secs(0), &only, &none, &HEARS_ALL).is_empty(), "its owner lives");
    hears.told(secs(1), started(2, 2, 7, "gw1"));
    let taken = Step::Take { pbx: PbxName::new("b"), seen: Some(Epoch(7)), from: Some(id("gw2")) };
    assert_eq!(hears.steps(secs(1), &only, &none, &HEARS_ALL), [taken]);

    // Its owner took it first, after all: it is his.
    hears.told(secs(2), started(2, 3, 8, "gw1"));
    assert!(hears.steps(secs(2), &only, &none, &HEARS_ALL).is_empty());

    // It was killed so soon after it had it that nobody had seen it there.
    let mut hears = Turns::with_second_readers();
    hears.told(secs(0), started(1, 1, 7, "gw1"));
    hears.told(secs(1), started(2, 2, 8, "gw1"));
    let taken = Step::Take { pbx: PbxName::new("b"), seen: Some(Epoch(8)), from: Some(id("gw2")) };
    assert_eq!(hears.steps(secs(1), &only, &none, &HEARS_ALL), [taken]);

    let mut back = Turns::with_second_readers();
    back.told(secs(0), started(2, 2, 7, "gw2"));
    assert!(back.steps(secs(0), &only, &none, &HEARS_ALL).is_empty(), "another has heard it");
    for now in 1..=3 {
        back.told(secs(now), started(2, 2 + i64::try_from(now).unwrap(), 7, "gw2"));
        assert!(back.steps(secs(now), &only, &none, &HEARS_ALL).is_empty());
    }
    back.told(secs(4), started(2, 6, 7, "gw2"));
    assert_eq!(back.steps(secs(4), &only, &none, &HEARS_ALL).len(), 1, "nobody took it");

    // Nobody else hears it: it is its own at once.
    let mut alone = Turns::with_second_readers();
    let mut fleet = started(2, 2, 7, "gw2");
    fleet.gateways[0].links =
        vec![Linked { part: Part(1), lacks: Some("connecting".to_owned()), since: None }];
    alone.told(secs(0), fleet);
    assert_eq!(alone.steps(secs(0), &only, &none, &HEARS_ALL).len(), 1);
}

/// `gw2` is of an older program, which says nothing of its links.
#[test]
fn a_neighbour_that_tells_nothing_of_its_links_lives_beside_and_is_handed_nothing_in_order() {
    let none = BTreeMap::new();
    let heard = |beats: &[(&str, i64)], owner: Option<&str>| {
        let mut fleet = told(beats, &PBXS.map(|pbx| (pbx, 1, owner)));
        fleet.gateways[0].links =
            (1..).zip(PBXS).map(|(at, _)| Linked { part: Part(at), lacks: None, since: None }).collect();
        fleet
    };
    let beat = |at: u64| i64::try_from(at).unwrap_or(0);
    let mut turns = Turns::with_second_readers();

    // What it has is its own while it beats, and this one listens beside it.
    for at in 0..20 {
        turns.told(secs(at), heard(&[("gw1", beat(at)), ("gw2", beat(at))], Some("gw2")));
        assert_eq!(turns.steps(secs(at), &pbxs(), &none, &HEARS_ALL), [], "at {at}");
        assert_eq!(turns.hears(secs(at), &pbxs(), &none), pbxs());
    }
    // It dies: after four seconds all is this one's.
    for at in 20..23 {
        turns.told(secs(at), heard(&[("gw1", beat(at)), ("gw2", 19)], Some("gw2")));
        assert_eq!(turns.steps(secs(at), &pbxs(), &none, &HEARS_ALL), [], "at {at}");
    }
    turns.told(secs(23), heard(&[("gw1", 23), ("gw2", 19)], Some("gw2")));
    assert_eq!(taken(&turns.steps(secs(23), &pbxs(), &none, &HEARS_ALL)), PBXS);

    // It is back: nobody knows whether it hears a PBX, so it waits until something is free.
    let has: BTreeMap<_, _> =
        (1..).zip(PBXS).map(|(at, pbx)| (PbxName::new(pbx), Grant::new(Part(at), Epoch(1)))).collect();
    for at in 24..60 {
        turns.told(secs(at), heard(&[("gw1", beat(at)), ("gw2", beat(at))], Some("gw1")));
        assert_eq!(turns.steps(secs(at), &pbxs(), &has, &HEARS_ALL), [], "at {at}");
    }
    // By its own rules it takes what is given back; what it leaves is this one's at once, for it hears the PBXs.
    let mut older = Turns::default();
    let free = heard(&[("gw1", 60), ("gw2", 60)], None);
    older.told(secs(60), Fleet { me: id("gw2"), ..free.clone() });
    assert!(!older.steps(secs(60), &pbxs(), &none, &HEARS_ALL).is_empty());
    turns.told(secs(60), free);
    assert_eq!(taken(&turns.steps(secs(60), &pbxs(), &none, &HEARS_ALL)), PBXS);
}
