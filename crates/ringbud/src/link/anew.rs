//! Where gateways share PBXs, a link that broke is not made anew before it is known that no other gateway hears the PBX:
//! whoever does is handed it instead, and nothing has to be assumed.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::{Notify, watch};

/// Whoever is not told goes on by himself after so long.
const TOLD_WITHIN: Duration = Duration::from_secs(3);

/// Whether a link may be made anew; where nobody else has one, always.
#[derive(Clone, Debug, Default)]
pub(crate) struct Anew {
    is_asked_for: Arc<AtomicBool>,
    waits: watch::Sender<bool>,
    /// Told that a link broke, of all of them.
    broke: Arc<Notify>,
}

impl Anew {
    /// One of those of which somebody is told when they break.
    pub(crate) fn telling(broke: Arc<Notify>) -> Self {
        Self { broke, ..Self::default() }
    }

    /// From now on it is asked for first: another gateway may hear the PBX, too.
    pub(crate) fn is_asked_for(&self) {
        self.is_asked_for.store(true, Ordering::Release);
    }

    /// Another gateway has the PBX: nobody is asked any more, and what waits goes on.
    pub(crate) fn is_not_asked_for(&self) {
        self.is_asked_for.store(false, Ordering::Release);
        self.may_be_made();
    }

    /// Nobody else hears the PBX.
    pub(crate) fn may_be_made(&self) {
        self.waits.send_replace(false);
    }

    /// Says that the link is lost, and waits until it may be made.
    pub(crate) async fn may(&self) {
        if !self.is_asked_for.load(Ordering::Acquire) {
            return;
        }
        let mut waits = self.waits.subscribe();
        self.waits.send_replace(true);
        self.broke.notify_one();
        let _ = tokio::time::timeout(TOLD_WITHIN, waits.wait_for(|waits| !*waits)).await;
    }
}
