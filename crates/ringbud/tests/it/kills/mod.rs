//! The gateway killed again and again under load, and everything it told held against what the PBXs did.
//!
//! PBXs play calls without a pause, whether anybody listens or not, and show what lives on them to whoever
//! asks; the program follows them, is killed at moments a seed chooses, and started again on the same data
//! folder; a receiver answers at once, slowly, wrongly or not at all. In the end [`judge`] has two witnesses
//! that know nothing of each other: what the PBXs did ([`played`]) and what was asked of the receiver
//! ([`told`]).
//!
//! `RINGBUD_KILLS` says how often (`just kills ROUNDS SEED`), `RINGBUD_KILLS_SEED` how, `RINGBUD_KILLS_OF`
//! which program, if not the one under test, and `RINGBUD_KILLS_BESIDE` which one is the second of two (`just fleet-versions`
//! gives it an older one); `just fleet-patroni` puts the real Patroni beneath. A kill takes no file from the system, so this says nothing of
//! a power cut.

mod away;
mod beneath;
mod judge;
mod life;
mod moment;
mod patroni;
mod played;
mod rng;
mod shared;
mod stage;
mod told;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::bed::patiently;
use beneath::{Beneath, Strike};
use journal::conformance::engine;
use judge::Verdict;
use life::Standing;
use moment::Moment;
use patroni::Patroni;
use rng::Rng;
use stage::Stage;
pub(crate) use stage::old_leg;
use told::Manner;

/// Kills where nobody says how many.
const ROUNDS: usize = 20;
/// The PBX plays on for so long at most while no gateway runs.
const DEAD_MS: u64 = 300;
/// How long the last life goes on before the PBXs fall silent.
const LAST_LOAD: Duration = Duration::from_millis(1_500);

/// What was refused and waits for its next attempt comes within this.
const LAST_PATIENCE: Duration = Duration::from_secs(60);

const STOPPED: &str = "by a stop";

fn from_environment(name: &str) -> Option<u64> {
    let value = std::env::var(name).ok()?;
    Some(value.parse().unwrap_or_else(|_| panic!("{name}={value} is no number")))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_moments_nothing_is_lost_and_order_is_kept() {
    kill_and_judge(None).await;
}

/// The program, and PostgreSQL beneath it, which is started again where it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_on_postgresql_and_postgresql_killed_nothing_is_lost_and_order_is_kept() {
    if engine::is_here() {
        kill_and_judge(Some(Beneath::Engine(engine::Engine::start(0)))).await;
    }
}

async fn kill_and_judge(beneath: Option<Beneath>) {
    let rounds = from_environment("RINGBUD_KILLS").map_or(ROUNDS, |rounds| usize::try_from(rounds).unwrap());
    let seed = from_environment("RINGBUD_KILLS_SEED").unwrap_or(1);
    println!("{rounds} kills with seed {seed}");
    let mut rng = Rng::new(seed);
    let stage = Stage::set(seed, beneath).await;
    let feeding = stage.play();
    let (mut moments, mut manners) = (BTreeMap::new(), BTreeMap::new());
    for round in 1..=rounds {
        let (moment, manner) = (Moment::any(&mut rng, stage.has_engine()), Manner::any(&mut rng));
        stage.told.behave(manner);
        let hit = moment.live_and_die(&stage, &mut rng).await;
        *moments.entry(hit).or_insert(0) += 1;
        *manners.entry(manner.name()).or_insert(0) += 1;
        tokio::time::sleep(Duration::from_millis(rng.below(DEAD_MS))).await;
        if round % 50 == 0 {
            println!("{round} kills; {} requests", stage.told.counts().requests);
        }
    }
    let heading = format!(
        "RINGBUD_KILLS={rounds} RINGBUD_KILLS_SEED={seed}: killed {moments:?}; the receiver was {manners:?}"
    );
    let last = stage.live();
    judged(&stage, feeding, last, &heading).await;
}

/// Two of them: one has the store, the other stands by and takes over when that one is killed or told to stop; at times
/// PostgreSQL beneath both is killed before.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_with_another_standing_by_nothing_is_lost_and_order_is_kept() {
    if !engine::is_here() {
        return;
    }
    let rounds = from_environment("RINGBUD_KILLS").unwrap_or(ROUNDS as u64) / 4;
    let seed = from_environment("RINGBUD_KILLS_SEED").unwrap_or(1);
    println!("{rounds} takeovers with seed {seed}");
    let mut rng = Rng::new(seed);
    let stage = Stage::set(seed, Some(Beneath::Engine(engine::Engine::start(0)))).await;
    let feeding = stage.play();
    let mut has_it = stage.live_on(0);
    has_it.reaches(Standing::Followed).await;
    let (mut hits, mut machine) = (BTreeMap::new(), 0);
    for _ in 0..rounds {
        stage.told.behave(Manner::any(&mut rng));
        machine = 1 - machine;
        let next = stage.live_on(machine);
        next.reaches(Standing::StandsBy).await;
        tokio::time::sleep(Duration::from_millis(rng.below(1_500))).await;
        let hit = match rng.below(4) {
            0 => {
                has_it.end_in_order().await;
                STOPPED
            }
            1 => {
                stage.strike_beneath(Strike::Server);
                tokio::time::sleep(Duration::from_millis(rng.below(2_500))).await;
                has_it.die().await;
                "by a kill behind one of PostgreSQL"
            }
            _ => {
                has_it.die().await;
                "by a kill"
            }
        };
        *hits.entry(hit).or_insert(0) += 1;
        stage.played.life_is_over();
        // Who stops in order and who has it then are one to the receiver: nothing may be told twice.
        if hit != STOPPED {
            stage.told.life_is_over().await;
        }
        next.reaches(Standing::Followed).await;
        has_it = next;
    }
    judged(&stage, feeding, has_it, &format!("RINGBUD_KILLS_SEED={seed}: taken over {hits:?}")).await;
}

/// The real Patroni beneath two of them: what takes writes is killed, its machine is, or another is made the one in order,
/// while the gateway lives, is killed as well, or told to stop.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes, and wants Patroni: just fleet-patroni"]
async fn on_patroni_whose_servers_die_nothing_is_lost_and_order_is_kept() {
    let installed = std::env::var_os("RINGBUD_PATRONI").expect("RINGBUD_PATRONI: just fleet-patroni");
    let rounds = from_environment("RINGBUD_KILLS").unwrap_or(9);
    let seed = from_environment("RINGBUD_KILLS_SEED").unwrap_or(1);
    let mut rng = Rng::new(seed);
    let cluster = tokio::task::block_in_place(|| Patroni::start(Path::new(&installed)));
    let stage = Stage::set(seed, Some(Beneath::Patroni(cluster))).await;
    let feeding = stage.play();
    let mut machine = 0;
    let mut has_it = stage.live_on(machine);
    has_it.reaches(Standing::Followed).await;
    for round in 0..rounds {
        stage.told.behave(Manner::any(&mut rng));
        let how =
            [Strike::Server, Strike::Machine, Strike::SwitchedOver][usize::try_from(round % 3).unwrap()];
        let next = stage.live_on(1 - machine);
        next.reaches(Standing::StandsBy).await;
        tokio::time::sleep(Duration::from_millis(rng.below(1_500))).await;
        let (of_gateway, gone) = match (round / 3 + round) % 3 {
            0 => ("goes on", None),
            1 => ("is killed first", Some(true)),
            _ => ("is killed behind it", Some(false)),
        };
        let goes = async |life: life::Life| {
            life.die().await;
            stage.played.life_is_over();
            stage.told.life_is_over().await;
        };
        match gone {
            None => {
                stage.strike_beneath(how);
                assert_eq!(
                    next.standing(),
                    Standing::StandsBy,
                    "nobody takes over for what becomes of PostgreSQL"
                );
                next.end_in_order().await;
            }
            Some(first) => {
                if first {
                    goes(has_it).await;
                    stage.strike_beneath(how);
                } else {
                    stage.strike_beneath(how);
                    goes(has_it).await;
                }
                next.reaches(Standing::Followed).await;
                (has_it, machine) = (next, 1 - machine);
            }
        }
        println!("{how:?}, the gateway {of_gateway}: {} requests so far", stage.told.counts().requests);
    }
    let heading = format!("RINGBUD_KILLS={rounds} RINGBUD_KILLS_SEED={seed}: {}", stage.of_beneath());
    judged(&stage, feeding, has_it, &heading).await;
}

/// The last life goes on until everything is told, and then it is looked at what was.
async fn judged(stage: &Stage, feeding: stage::Feeding, life: life::Life, heading: &str) {
    stage.told.behave(Manner::Prompt);
    life.reaches(Standing::Followed).await;
    tokio::time::sleep(LAST_LOAD).await;
    stage.fall_silent(feeding).await;
    let owed = || stage.played.owed(&stage.told);
    let all_told = async {
        while !owed().is_empty() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    // What is still owed after this is what the judge finds.
    let _ = tokio::time::timeout(LAST_PATIENCE, all_told).await;
    life.end_in_order().await;
    let verdict = patiently("the verdict", Verdict::of(stage)).await;
    println!("{heading}\n{}", verdict.counts);
    assert!(
        verdict.faults.is_empty(),
        "{heading}: {} faults:\n{}\n{}",
        verdict.faults.len(),
        verdict.first_faults(),
        stage.last_words(),
    );
}
