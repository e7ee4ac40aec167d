//! One gateway is cut off from the store and goes on hearing its PBXs, for twenty seconds and for longer than deliveries go
//! on; all else is well. Who delivers when, what may come again, and what becomes of what it kept.

use std::collections::BTreeSet;

use journal::Part;

use super::judge::Judge;
use super::world::{DELIVER_THROUGH, SECOND, Troubles, World};
use super::{ALL, runs};

/// One that was cut off is missed within this, and its parts are another's.
const TAKEN_WITHIN: i64 = 6 * SECOND;
/// Who reaches the store again has handed over what it kept, and the owner has read it.
const BROUGHT_WITHIN: i64 = 3 * SECOND;
/// A receiver that is well has an event so soon: its call's requests go one after the other.
const TOLD_WITHIN: i64 = 2 * SECOND;

const CALM: Troubles = Troubles {
    calls: 48,
    crashes: false,
    pauses: false,
    cuts: false,
    outages: false,
    hand_overs: false,
    lost_answers: false,
    bad_receivers: false,
    ..ALL
};

/// Whether the others hear its PBXs, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    ByAll,
    ByItAlone,
}

/// What came of it.
#[derive(Default)]
struct Came {
    /// Requests of who was cut off, from when others had its parts on.
    delivered_on: usize,
    /// Events it heard and held.
    held: usize,
    /// Events that came again.
    again: usize,
    /// Events and outcomes that it brought to whoever had its parts.
    brought: u64,
}

/// The parts that somebody else has.
fn of_others(world: &World, who: usize) -> BTreeSet<Part> {
    let others = world.gateways.iter().enumerate().filter(|(other, _)| *other != who);
    others.flat_map(|(_, gateway)| gateway.owns.keys().copied()).collect()
}

fn cut(seed: u64, gateways: usize, lasts: i64, heard: Heard) -> Came {
    let mut world = World::new(seed, Troubles { gateways, ..CALM });
    let cut = 40 * SECOND + i64::try_from(seed % 7).expect("few") * SECOND / 7;
    world.run_until(cut);
    let owns = |who: &usize| world.gateways[*who].owns.contains_key(&Part(1));
    let who = (0..gateways).find(owns).expect("somebody has it");
    let parts: BTreeSet<Part> = world.gateways[who].owns.keys().copied().collect();
    let mends = cut + lasts;
    world.cut(who, mends);
    if heard == Heard::ByItAlone {
        parts.iter().for_each(|part| world.only_one_hears(who, *part, mends + 2 * BROUGHT_WITHIN));
    }

    world.run_until(cut + TAKEN_WITHIN);
    assert!(parts.is_subset(&of_others(&world, who)), "another has {parts:?}");
    world.run_until(mends - 1);
    let delivers_until = mends.min(cut + DELIVER_THROUGH);
    let delivered_on = world.judge.starts_of(who, cut + TAKEN_WITHIN, delivers_until);
    assert_eq!(world.judge.starts_of(who, delivers_until, mends), 0, "it holds what it has");
    let kept = world.gateways[who].spool.len() as u64;

    // It keeps nothing for itself, and nothing of it is made as it was: all goes to who has its parts.
    world.run_until(mends + BROUGHT_WITHIN);
    assert!(world.gateways[who].spool.is_empty() && world.engine.is_nothing_asked());
    let brought = world.engine.handed_over;
    assert!(world.judge.merged == 0 && brought >= kept, "{} {brought} {kept}", world.judge.merged);
    let all_kept = world.judge.tellings().into_iter().filter(|(_, (said, _))| *said < mends).count();
    let in_store = world.engine.all().count() * super::world::WEBHOOKS as usize;
    assert!(in_store >= all_kept, "{in_store} of {all_kept}");
    world.run();
    Judge::check(&mut world);

    let mut came = Came { delivered_on, brought, ..Came::default() };
    // Who is back goes on until it has found out.
    let both_until = if lasts < DELIVER_THROUGH { mends + 2 * SECOND } else { delivers_until };
    for ((id, webhook), (said, taken)) in world.judge.tellings() {
        let meanwhile = (cut..mends).contains(&said);
        let is_held = |at: &i64| heard == Heard::ByItAlone && said >= delivers_until && *at >= mends;
        if meanwhile {
            let first = taken.iter().min();
            let is_soon = first.is_some_and(|at| *at < said + TOLD_WITHIN);
            came.held += usize::from(first.is_some_and(is_held));
            let in_time = is_soon || (heard == Heard::ByItAlone && said + TOLD_WITHIN >= delivers_until);
            assert!(
                in_time,
                "{id:?}, said {} s after the cut, taken by {webhook} at {taken:?}",
                (said - cut) / SECOND
            );
        }
        came.again += taken.len().saturating_sub(1);
        // Two tell an event only while both deliver.
        let both_may = (cut - TOLD_WITHIN..both_until).contains(&said);
        assert!(taken.len() <= 2 && (both_may || taken.len() <= 1), "{id:?} of {said} at {taken:?}");
    }
    came
}

fn all(lasts: i64, heard: Heard) -> Came {
    let mut all = Came::default();
    for gateways in [2, 3] {
        for seed in 0..runs() / 8 {
            let run = std::panic::catch_unwind(|| cut(seed, gateways, lasts, heard));
            let Ok(Came { delivered_on, held, again, brought }) = run else {
                panic!("seed {seed} with {gateways} gateways, {} s, {heard:?}", lasts / SECOND);
            };
            all.delivered_on += delivered_on;
            all.held += held;
            all.again += again;
            all.brought += brought;
        }
    }
    let Came { delivered_on, held, again, brought } = &all;
    println!("{heard:?}: {delivered_on} requests on, {held} held, {again} again, {brought} brought");
    all
}

#[test]
fn who_is_cut_off_for_a_while_delivers_on_and_another_tells_the_same() {
    let came = all(20 * SECOND, Heard::ByAll);
    assert!(came.delivered_on > 0 && came.again > 0 && came.brought > 0 && came.held == 0);
}

#[test]
fn what_only_one_that_is_cut_off_hears_is_told_by_it_and_brought_to_the_owner() {
    let came = all(20 * SECOND, Heard::ByItAlone);
    assert!(came.delivered_on > 0 && came.brought > 0 && came.held == 0);
}

#[test]
fn who_is_cut_off_for_longer_than_deliveries_go_on_holds_and_another_tells() {
    let came = all(200 * SECOND, Heard::ByAll);
    assert!(came.delivered_on > 0 && came.again > 0 && came.brought > 0 && came.held == 0);
}

#[test]
fn what_only_one_hears_that_is_cut_off_for_longer_than_deliveries_go_on_is_held_and_told_by_the_owner() {
    let came = all(200 * SECOND, Heard::ByItAlone);
    assert!(came.delivered_on > 0 && came.brought > 0 && came.held > 0);
}
