//! The gateway killed again and again under load, and everything it told held against what the PBXs did.
//!
//! PBXs play calls without a pause, whether anybody listens or not, and show what lives on them to whoever
//! asks; the program follows them, is killed at moments a seed chooses, and started again on the same data
//! folder; a receiver answers at once, slowly, wrongly or not at all. In the end [`judge`] has two witnesses
//! that know nothing of each other: what the PBXs did ([`played`]) and what was asked of the receiver
//! ([`told`]).
//!
//! `RINGBUD_KILLS` says how often (`just kills ROUNDS SEED`), `RINGBUD_KILLS_SEED` how, `RINGBUD_KILLS_OF`
//! which program, if not the one under test. A kill takes no file from the system, so this says nothing of
//! a power cut.

mod judge;
mod life;
mod moment;
mod played;
mod rng;
mod stage;
mod told;

use std::collections::BTreeMap;
use std::time::Duration;

use crate::bed::patiently;
use journal::conformance::engine;
use judge::Verdict;
use moment::Moment;
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
        kill_and_judge(Some(engine::Engine::start(0))).await;
    }
}

async fn kill_and_judge(beneath: Option<engine::Engine>) {
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
    stage.told.behave(Manner::Prompt);
    let life = stage.live();
    life.reaches(life::Standing::Followed).await;
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
    let verdict = patiently("the verdict", Verdict::of(&stage)).await;
    println!("killed {moments:?}; the receiver was {manners:?}\n{}", verdict.counts);
    assert!(
        verdict.faults.is_empty(),
        "RINGBUD_KILLS={rounds} RINGBUD_KILLS_SEED={seed}: {} faults:\n{}\n{}",
        verdict.faults.len(),
        verdict.first_faults(),
        stage.last_words(),
    );
}
