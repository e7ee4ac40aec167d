//! Once a second: says that this gateway lives, and learns whether the store is still its own.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval};

use super::groups::within;
use super::lease::Lease;
use super::link::Use;
use super::pen::Pen;
use super::target::Target;

/// How often.
const BEAT: Duration = Duration::from_secs(1);

/// Beats until the store is another's; then says so, and ends. What cannot be said is said at the next beat: nobody is
/// robbed for a beat that failed, for whoever looks on must see others stand still.
pub(super) async fn run(
    target: Target,
    lease: Arc<Lease>,
    patience: Duration,
    lost: Arc<watch::Sender<bool>>,
    reached: Arc<AtomicBool>,
) {
    let mut pen = Pen::new(target, Use::Writing, &[]);
    let mut ticks = interval(BEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let beaten = within(&mut pen, patience, async |held| lease.beat(&held.link.client).await).await;
        match beaten {
            Ok(true) => reached.store(true, Ordering::Release),
            Ok(false) => {
                tracing::error!("another gateway has taken the store: this one writes nothing any more");
                lost.send_replace(true);
                return;
            }
            Err(fault) if reached.swap(false, Ordering::AcqRel) => {
                tracing::warn!(?fault, "PostgreSQL does not take this gateway's beat; it goes on trying");
            }
            Err(_) => {}
        }
    }
}
