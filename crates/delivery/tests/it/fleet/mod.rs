//! Several gateways, one store, each told by `journal::turns` whose turn it is: crashes, gateways that stand still and
//! wake, cuts, a store that is away, answers that get lost, parts that are handed over, receivers that fail, spools that are
//! merged by who has their part still or go to who has it by now. In virtual time; a failing run prints its seed.
//!
//! The gateways' own wall clocks differ by hours and are set now and then, and the store's says something else again: the
//! schedule goes by moments, and the store by its own clock.

mod cut;
mod deliveries;
mod engine;
mod gateway;
mod judge;
mod lane;
mod owning;
mod world;

use judge::Judge;
use world::{Troubles, World};

/// So many stories of two gateways, of three and of four; more, where somebody has the time, by this variable.
fn runs() -> u64 {
    std::env::var("RINGBUD_FLEETS").map_or(200, |many| many.parse().expect("a number of stories"))
}

const ALL: Troubles = Troubles {
    gateways: 3,
    parts: 3,
    calls: 16,
    crashes: true,
    pauses: true,
    cuts: true,
    outages: true,
    hand_overs: true,
    lost_answers: true,
    bad_receivers: true,
    links: false,
};

/// Links to PBXs are lost and made anew, and each PBX has second readers.
const LINKS: Troubles = Troubles { links: true, ..ALL };

fn play(seed: u64, troubles: Troubles) -> World {
    let run = std::panic::catch_unwind(|| {
        let mut world = World::new(seed, troubles);
        world.run();
        Judge::check(&mut world);
        world
    });
    run.unwrap_or_else(|_| panic!("seed {seed} with {} gateways fails", troubles.gateways))
}

fn nothing_is_lost_and_order_is_kept(gateways: usize) {
    let (mut fenced, mut taken_over, mut handed_over) = (0, 0, 0);
    let (mut merged, mut brought) = (0, 0);
    for seed in 0..runs() {
        let world = play(seed, Troubles { gateways, ..ALL });
        fenced += world.engine.fenced;
        taken_over += world.judge.taken_over;
        handed_over += world.judge.handed_over;
        merged += world.judge.merged;
        brought += world.engine.handed_over;
    }
    assert!(fenced > 0, "nobody wrote too late");
    assert!(taken_over > runs() / 4 && handed_over > runs(), "{taken_over} {handed_over}");
    assert!(merged > runs() && brought > runs() / 2, "from spools {merged} by owners, {brought} by others");
}

#[test]
fn nothing_is_lost_and_order_is_kept_whichever_of_two_fails() {
    nothing_is_lost_and_order_is_kept(2);
}

#[test]
fn nothing_is_lost_and_order_is_kept_whichever_of_three_fails() {
    nothing_is_lost_and_order_is_kept(3);
}

#[test]
fn nothing_is_lost_and_order_is_kept_whichever_of_four_fails() {
    nothing_is_lost_and_order_is_kept(4);
}

#[test]
fn a_link_that_is_lost_moves_its_pbx_and_nothing_is_lost_whatever_else_fails() {
    let (mut given_up, mut fenced) = (0, 0);
    for seed in 0..runs() {
        let world = play(seed, LINKS);
        given_up += world.judge.given_up;
        fenced += world.engine.fenced;
    }
    assert!(given_up > runs() / 2 && fenced > 0, "{given_up} {fenced}");
}

#[test]
fn who_gives_a_pbx_up_for_its_link_repeats_nothing() {
    let mut given_up = 0;
    for seed in 0..runs() / 4 {
        let calm = Troubles { crashes: false, pauses: false, cuts: false, outages: false, ..LINKS };
        let calm = Troubles { hand_overs: false, lost_answers: false, bad_receivers: false, ..calm };
        let world = play(seed, calm);
        given_up += world.judge.given_up;
        assert_eq!(world.judge.repeats(), 0, "seed {seed}");
    }
    assert!(given_up > runs() / 4, "{given_up}");
}

#[test]
fn who_hands_over_repeats_nothing() {
    let calm = Troubles {
        crashes: false,
        pauses: false,
        cuts: false,
        outages: false,
        lost_answers: false,
        bad_receivers: false,
        ..ALL
    };
    for seed in 0..runs() / 10 {
        let world = play(seed, calm);
        assert_eq!(world.judge.repeats(), 0, "seed {seed}");
    }
}

#[test]
fn the_same_seed_is_the_same_story_of_all_of_them() {
    assert_eq!(play(3, ALL).judge.story(), play(3, ALL).judge.story());
    assert_ne!(play(3, ALL).judge.story(), play(4, ALL).judge.story());
}
