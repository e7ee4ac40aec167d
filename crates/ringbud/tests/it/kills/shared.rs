//! Two gateways share the PBXs, under load, and one of them is gone again and again: killed, stopped in order, or standing
//! still. As the other had heard what it needs, nothing that any PBX says is missed: every leg is told as it was, and
//! nothing of it is assumed.

use std::collections::BTreeMap;
use std::time::Duration;

use journal::conformance::engine::{Engine, is_here};

use super::beneath::Beneath;
use super::life::Life;
use super::rng::Rng;
use super::stage::Stage;
use super::told::Manner;
use super::{from_environment, judged};

/// Who is gone, where nobody says how often.
const ROUNDS: u64 = 5;
/// Who has joined is handed a part every two seconds, from the sixth on: it is struck before, between and after these.
const HANDS_OVER_MS: u64 = 8_000;
const AT_ONCE: &str = "by a kill, and back before it was missed";
/// What a dead gateway had asked has arrived by then; nobody has missed it yet.
const HAS_ARRIVED: Duration = Duration::from_secs(1);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_shares_pbxs_is_gone_again_and_again_and_nothing_is_missed() {
    if !is_here() {
        return;
    }
    let rounds = from_environment("RINGBUD_SHARED_KILLS").unwrap_or(ROUNDS);
    let seed = from_environment("RINGBUD_KILLS_SEED").unwrap_or(1);
    let mut rng = Rng::new(seed);
    let stage = Stage::set(seed, Some(Beneath::Engine(Engine::start(0)))).await;
    let feeding = stage.play();
    let mut lives = [Some(stage.share_on(0)), Some(stage.share_on(1))];
    are_whole(lives.iter().flatten()).await;
    stage.played.nothing_is_missed();
    let mut hits = BTreeMap::new();
    for round in 0..rounds {
        stage.told.behave(Manner::any(&mut rng));
        are_whole(lives.iter().flatten()).await;
        let chosen = usize::from(rng.below(2) == 1);
        let victim = if lives[chosen].as_ref().is_some_and(|life| !life.has().is_empty()) {
            chosen
        } else {
            1 - chosen
        };
        let gone = lives[victim].take().unwrap();
        let other = lives[1 - victim].as_ref().unwrap();
        tokio::time::sleep(Duration::from_millis(rng.below(HANDS_OVER_MS))).await;
        let (hit, back) = match (round + seed) % 5 {
            0 => {
                gone.end_in_order().await;
                ("by a stop", None)
            }
            1 => {
                gone.stands_still(true);
                tokio::time::sleep(HAS_ARRIVED).await;
                stage.told.one_is_dead();
                other.has_all().await;
                tokio::time::sleep(Duration::from_millis(rng.below(3_000))).await;
                gone.stands_still(false);
                gone.has_none().await;
                ("by standing still", Some(gone))
            }
            2 => {
                gone.die().await;
                tokio::time::sleep(HAS_ARRIVED / 4).await;
                stage.told.one_is_dead();
                (AT_ONCE, Some(stage.share_on(victim)))
            }
            _ => {
                gone.die().await;
                tokio::time::sleep(HAS_ARRIVED).await;
                stage.told.one_is_dead();
                ("by a kill", None)
            }
        };
        // Who is back at once takes what nobody else heard: a PBX that was just started again.
        if hit != AT_ONCE {
            other.has_all().await;
        }
        lives[victim] = Some(back.unwrap_or_else(|| stage.share_on(victim)));
        *hits.entry(hit).or_insert(0) += 1;
    }
    let [first, second] = lives.map(Option::unwrap);
    are_whole([&first, &second]).await;
    second.end_in_order().await;
    first.has_all().await;
    judged(&stage, feeding, first, &format!("RINGBUD_KILLS_SEED={seed}: gone {hits:?}")).await;
}

/// Waits until each has, or could have, all PBXs and miss nothing. What is being handed over is no reason to wait.
async fn are_whole<'a>(lives: impl IntoIterator<Item = &'a Life>) {
    for life in lives {
        life.is_whole().await;
    }
}
