//! Once a second: says that this gateway lives, and learns whether the store is still its own.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval};

use super::errors::Fault;
use super::groups::within;
use super::lease::Me;
use super::link::Use;
use super::pen::Pen;
use super::spooling::{Spooling, reach};
use super::target::Target;

/// How often.
const BEAT: Duration = Duration::from_secs(1);
/// How long a gateway may act after the start of its last good beat: less than it takes others to hold it for gone.
const TRUSTED: Duration = Duration::from_secs(3);

/// So much longer may a beat take that fails because of the engine.
const STOOD_STILL: Duration = Duration::from_secs(1);

/// Is told up to when the gateway may act, and whether it decides what is not sent any more: who delivers on while it is cut
/// off does not, for another may have the store.
pub type OnTrust = Box<dyn Fn(Instant, bool) + Send + Sync>;

/// What the beats say of this gateway.
pub(super) struct Standing {
    /// Whether the last one was taken.
    reached: AtomicBool,
    trusted: Mutex<Trusted>,
    /// How long deliveries go on after the last good beat, once one has failed.
    deliver_through: Duration,
}

struct Trusted {
    /// When the last good beat began.
    heard: Instant,
    until: Instant,
    decides: bool,
    /// Whether it was said that nothing is sent any more.
    is_over: bool,
    /// When the last beat was over, and whether this process has stood still since the last good one.
    last: Instant,
    stood_still: bool,
    to: Option<OnTrust>,
}

impl Trusted {
    fn tell(&self) {
        if let Some(to) = &self.to {
            to(self.until, self.decides);
        }
    }

    /// A beat was made and failed: from now on it is known that the engine is away, and deliveries go on for a while. With
    /// time alone that never begins: who slept asks first.
    fn is_cut_off(&mut self, deliver_through: Duration) {
        if !deliver_through.is_zero() {
            self.until = self.until.max(self.heard + deliver_through);
            self.decides = false;
            self.tell();
        }
        if !self.is_over && Instant::now() >= self.until {
            self.is_over = true;
            tracing::warn!(
                "PostgreSQL has been away for longer than deliveries go on: they are held until it is back, and calls are kept"
            );
        }
    }
}

impl Standing {
    /// That of one who has just taken the store.
    pub(super) fn new(deliver_through: Duration) -> Self {
        let now = Instant::now();
        let trusted = Trusted {
            heard: now,
            until: now,
            decides: true,
            is_over: false,
            last: now,
            stood_still: false,
            to: None,
        };
        Self { reached: AtomicBool::new(true), trusted: Mutex::new(trusted), deliver_through }
    }

    pub(super) fn is_reached(&self) -> bool {
        self.reached.load(Ordering::Acquire)
    }

    /// Tells it now, and after each beat that changes it.
    pub(super) fn tell(&self, to: OnTrust) {
        let mut trusted = self.trusted();
        trusted.to = Some(to);
        trusted.tell();
    }

    /// One that began then was not. One that took so much longer than an answer is waited for, or came so late, failed
    /// because this process stood still: then nothing is known of the engine, and another may have what was this gateway's.
    pub(super) fn is_bad(&self, fault: &Fault, began: Instant, patience: Duration) {
        self.is_not_reached(fault);
        let mut trusted = self.trusted();
        let came_late = began.saturating_duration_since(trusted.last) > BEAT + patience + STOOD_STILL;
        trusted.stood_still |= came_late || began.elapsed() > patience + STOOD_STILL;
        trusted.last = Instant::now();
        if trusted.stood_still {
            trusted.until = trusted.heard + TRUSTED;
            trusted.tell();
        } else {
            trusted.is_cut_off(self.deliver_through);
        }
    }

    fn is_not_reached(&self, fault: &Fault) {
        if self.reached.swap(false, Ordering::AcqRel) {
            tracing::warn!(?fault, "PostgreSQL does not take this gateway's beat; it goes on trying");
        }
    }

    /// A beat that began then was taken, but told that another has something that this gateway took for its own: it acts on
    /// nothing before it has given that up, and beats again.
    pub(super) fn is_robbed(&self) {
        self.reached.store(true, Ordering::Release);
        let mut trusted = self.trusted();
        (trusted.last, trusted.stood_still) = (Instant::now(), true);
    }

    /// A beat that began then was taken. One whose answer was read when its trust was over already tells that this process
    /// stood still meanwhile.
    pub(super) fn is_good(&self, began: Instant) {
        self.reached.store(true, Ordering::Release);
        let mut trusted = self.trusted();
        (trusted.last, trusted.stood_still) = (Instant::now(), began.elapsed() >= TRUSTED);
        trusted.heard = began;
        trusted.until = began + TRUSTED;
        trusted.decides = true;
        trusted.is_over = false;
        trusted.tell();
    }

    fn trusted(&self) -> MutexGuard<'_, Trusted> {
        self.trusted.lock().unwrap_or_else(PoisonError::into_inner)
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
    spooling: Spooling,
) {
    let mut pen = Pen::new(target, Use::Writing, &[]);
    let mut ticks = interval(BEAT);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let began = Instant::now();
        let beaten = match reach(&mut pen, patience).await {
            Ok(()) => within(&mut pen, patience, async |held| me.beat(&held.link.client).await).await,
            Err(fault) => Err(fault),
        };
        match beaten {
            Ok(true) => {
                standing.is_good(began);
                spooling.is_heard();
            }
            Ok(false) => {
                tracing::error!("another gateway has taken the store: this one writes nothing any more");
                lost.send_replace(true);
                return;
            }
            Err(fault) => standing.is_bad(&fault, began, patience),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(1);
    const THROUGH: Duration = Duration::from_secs(120);

    #[tokio::test(start_paused = true)]
    async fn who_stood_still_delivers_on_only_behind_a_good_beat() {
        let standing = Standing::new(THROUGH);
        let until = || standing.trusted().until;
        let fails = || standing.is_bad(&Fault::Damaged(String::new()), Instant::now(), PATIENCE);
        let heard = Instant::now();
        standing.is_good(heard);
        tokio::time::advance(BEAT).await;
        fails();
        assert_eq!(until(), heard + THROUGH, "it is cut off");

        tokio::time::advance(Duration::from_secs(8)).await;
        for _ in 0..3 {
            fails();
            assert_eq!(until(), heard + TRUSTED, "another may have what was its own");
            tokio::time::advance(BEAT).await;
        }
        standing.is_robbed();
        tokio::time::advance(BEAT).await;
        fails();
        assert_eq!(until(), heard + TRUSTED);

        let again = Instant::now();
        standing.is_good(again);
        assert_eq!(until(), again + TRUSTED);
        tokio::time::advance(BEAT).await;
        fails();
        assert_eq!(until(), again + THROUGH);

        // It stood still while a beat was under way, and reads its answer when it wakes.
        let before = Instant::now();
        tokio::time::advance(Duration::from_secs(8)).await;
        standing.is_good(before);
        tokio::time::advance(BEAT).await;
        fails();
        assert_eq!(until(), before + TRUSTED, "that answer is of before");
    }
}
