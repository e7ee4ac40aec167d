//! When the gateway is killed.

use std::time::Duration;

use super::beneath::Strike;
use super::life::Standing;
use super::rng::Rng;
use super::stage::{Stage, changed};

/// A kind of moment.
#[derive(Clone, Copy, Debug)]
pub(super) enum Moment {
    /// Any, in the first seconds of a life.
    Any,
    /// Before it has opened the store, or while it does.
    Opening,
    /// While it takes up what the life before left.
    Restoring,
    /// While stream and list of channels are being put together.
    Settling,
    /// In the middle of its work.
    Busy,
    /// While old history is being forgotten.
    Forgetting,
    /// While the log is being carried into the journal's file.
    CarryingOver,
    /// While it stops in order.
    Stopping,
    /// Some time after what the store stands on was killed, while it goes on; only where that is no file.
    Beneath,
}

const ALL: [Moment; 10] = [
    Moment::Any,
    Moment::Opening,
    Moment::Restoring,
    Moment::Settling,
    Moment::Settling,
    Moment::Busy,
    Moment::Busy,
    Moment::Forgetting,
    Moment::CarryingOver,
    Moment::Stopping,
];

/// Looks at the journal's file before a log that is not carried over is given up.
const LOOKS: usize = 600;

impl Moment {
    pub(super) fn any(rng: &mut Rng, has_engine: bool) -> Self {
        if has_engine && rng.below(2) == 0 {
            return Self::Beneath;
        }
        ALL[usize::try_from(rng.below(ALL.len() as u64)).unwrap()]
    }

    /// One life of the gateway, up to this moment. What was hit.
    pub(super) async fn live_and_die(self, stage: &Stage, rng: &mut Rng) -> &'static str {
        if matches!(self, Self::Forgetting) {
            stage.grow_old().await;
        }
        let life = stage.live();
        let mut pause = async |most_ms: u64| {
            tokio::time::sleep(Duration::from_micros(rng.below(most_ms * 1_000))).await;
        };
        let mut hit = match self {
            Self::Any => {
                pause(2_500).await;
                "at any moment"
            }
            Self::Opening => {
                pause(80).await;
                "opening"
            }
            Self::Restoring => {
                life.reaches(Standing::Loaded).await;
                pause(25).await;
                "restoring"
            }
            Self::Settling => {
                life.reaches(Standing::Runs).await;
                pause(800).await;
                "settling a gap"
            }
            Self::Busy => {
                life.reaches(Standing::Followed).await;
                pause(2_500).await;
                "busy"
            }
            Self::Forgetting => {
                life.reaches(Standing::Runs).await;
                pause(500).await;
                "forgetting"
            }
            Self::CarryingOver => {
                life.reaches(Standing::Followed).await;
                let hit = is_carried_over(stage).await;
                pause(6).await;
                if hit { "carrying the log over" } else { "busy" }
            }
            Self::Beneath => {
                life.reaches(Standing::Followed).await;
                pause(1_000).await;
                stage.strike_beneath(Strike::Server);
                pause(2_500).await;
                "beneath, and then it"
            }
            Self::Stopping => {
                life.reaches(Standing::Followed).await;
                pause(400).await;
                life.ask_to_stop();
                pause(60).await;
                "stopping"
            }
        };
        if !life.die().await {
            hit = "not, it had stopped";
        }
        stage.played.life_is_over();
        stage.told.life_is_over().await;
        hit
    }
}

/// Waits until the journal's file is written to, which only happens when its log is carried over.
async fn is_carried_over(stage: &Stage) -> bool {
    if stage.has_engine() {
        return false;
    }
    let file = stage.data().join("journal.sqlite");
    let before = changed(&file);
    for _ in 0..LOOKS {
        if changed(&file) != before {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    false
}
