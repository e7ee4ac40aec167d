//! Once a second: says that this gateway lives, and learns whether the store is still its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::errors::Fault;
use super::groups::within;
use super::lease::Me;
use super::link::Use;
use super::pen::Pen;
use super::target::Target;

/// How often.
const BEAT: Duration = Duration::from_secs(1);
/// How long a gateway may act after the start of its last good beat: less than it takes others to hold it for gone.
const TRUSTED: Duration = Duration::from_secs(3);

/// Is told up to when the gateway may act.
pub type OnTrust = Box<dyn Fn(Instant) + Send + Sync>;

/// What the beats say of this gateway.
pub(super) struct Standing {
    /// Whether the last one was taken.
    reached: AtomicBool,
    trusted: Mutex<(Instant, Option<OnTrust>)>,
}

impl Standing {
    /// That of one who has just taken the store.
    pub(super) fn new() -> Self {
        Self { reached: AtomicBool::new(true), trusted: Mutex::new((Instant::now(), None)) }
    }

    pub(super) fn is_reached(&self) -> bool {
        self.reached.load(Ordering::Acquire)
    }

    /// Tells it now, and after each good beat.
    pub(super) fn tell(&self, to: OnTrust) {
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        to(trusted.0);
        trusted.1 = Some(to);
    }

    /// One was not.
    pub(super) fn is_bad(&self, fault: &Fault) {
        if self.reached.swap(false, Ordering::AcqRel) {
            tracing::warn!(?fault, "PostgreSQL does not take this gateway's beat; it goes on trying");
        }
    }

    /// A beat that began then was taken.
    pub(super) fn is_good(&self, began: Instant) {
        let until = began + TRUSTED;
        self.reached.store(true, Ordering::Release);
        let mut trusted = self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.0 = until;
        if let Some(to) = &trusted.1 {
            to(until);
        }
    }
}

/// Beats until the store is another's; then says so, and ends. What cannot be said is said at the next beat: nobody is
/// robbed for a beat that failed, for whoever looks on must see others stand still.
pub(super) async fn run(
    target: Target,
    me: Me,
    patience: Duration,
    lost: Arc<watch::Sender<bool>>,
    standing: Arc<Standing>,
) {
    let mut pen = Pen::new(target, Use::Writing, &[]);
    let mut ticks = interval(BEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let began = Instant::now();
        let beaten = within(&mut pen, patience, async |held| me.beat(&held.link.client).await).await;
        match beaten {
            Ok(true) => standing.is_good(began),
            Ok(false) => {
                tracing::error!("another gateway has taken the store: this one writes nothing any more");
                lost.send_replace(true);
                return;
            }
            Err(fault) => standing.is_bad(&fault),
        }
    }
}
