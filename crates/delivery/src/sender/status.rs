//! How the sender and its webhooks are doing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use calls::EventKind;
use journal::WallTime;
use journal::settings::IntegrationId;

use super::{HOURS, Hour, LastAnswer, Sender};
use crate::policy::Moment;
use crate::schedule::WebhookKey;

/// How a webhook is doing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookStatus {
    /// The kinds of events it is called for.
    pub kinds: Vec<EventKind>,
    /// Deliveries not settled.
    pub pending: u32,
    /// Requests out.
    pub in_flight: u32,
    /// Whether it keeps failing and is left alone but for a probe now and then.
    pub troubled: bool,
    /// Since when nothing has succeeded, if the last attempt failed.
    pub failing_since: Option<WallTime>,
    /// When something of it is tried next, if it waits for a moment.
    pub next_try: Option<WallTime>,
    /// Whether what waits does so because of the account's rate.
    pub paced: bool,
    /// The last answer.
    pub last: Option<LastAnswer>,
    /// The requests of the last day for each of those kinds, hour by hour, the oldest first; counted since the
    /// start.
    pub days: Vec<[Hour; HOURS]>,
}

/// How the sender is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SenderStatus {
    /// Deliveries not settled, those of paused webhooks not counted.
    pub pending: usize,
    /// Requests out.
    pub in_flight: u32,
    /// Bytes the pending deliveries take in memory.
    pub bytes: usize,
    /// Webhooks, and the destinations they are at, that are known now: of what is gone nothing stays.
    pub known: (usize, usize),
    /// Kinds of events of webhooks whose requests are ready to be rendered.
    pub ready_made: usize,
    /// Whether outcomes wait because the journal cannot be written.
    pub journal_blocked: bool,
}

impl Sender {
    /// How the sender is doing.
    pub fn status(&self) -> SenderStatus {
        let core = self.shared.lock();
        SenderStatus {
            pending: core.schedule.pending(),
            in_flight: core.schedule.in_flight(),
            bytes: core.schedule.bytes(),
            known: core.schedule.known(),
            ready_made: core.routes.ready_made(),
            journal_blocked: self.shared.settler.blocked.load(Ordering::Relaxed),
        }
    }

    /// How long the oldest delivery of all has waited. Looks at all of them, a piece at a time.
    pub fn oldest(&self) -> Option<Duration> {
        let mut oldest = None;
        self.each_pending(|_, since| oldest = Some(oldest.map_or(since, |oldest: Moment| oldest.min(since))));
        oldest.map(|oldest| self.shared.clock.now().since(oldest))
    }

    /// Shows every pending delivery, by its webhook and since when it has been wanted; the lock is free between
    /// pieces, so that nothing is sent later because somebody looks.
    fn each_pending(&self, mut each: impl FnMut(WebhookKey, Moment)) {
        let mut piece = 0;
        while self.shared.lock().schedule.look_at(piece, &mut each) {
            piece += 1;
        }
    }

    /// How many requests were accepted since the start, and how many were not.
    pub fn answered(&self) -> [u64; 2] {
        self.shared.lock().routes.answered()
    }

    /// How the webhooks of an integration are doing: those that were used since the start.
    pub fn webhooks(&self, integration: IntegrationId) -> Vec<WebhookStatus> {
        let settings = self.shared.book.integration(integration).map(|(_, settings)| settings);
        let core = self.shared.lock();
        let wall = self.shared.clock.wall();
        let of = |key: &WebhookKey| {
            let hook = core.routes.hook_of(*key);
            let url = Some(&*hook.url);
            let serves = |kind: &EventKind| settings.as_ref().is_some_and(|of| of.url(*kind) == url);
            let state = core.schedule.webhook(*key);
            let kinds: Vec<_> = EventKind::ALL.into_iter().filter(serves).collect();
            WebhookStatus {
                days: kinds.iter().map(|kind| hook.day(*kind, wall)).collect(),
                kinds,
                pending: state.pending,
                in_flight: state.in_flight,
                troubled: state.open,
                failing_since: state.failing_since.map(|at| self.shared.clock.wall_of(at)),
                next_try: state.next_try.map(|at| self.shared.clock.wall_of(at)),
                paced: state.paced,
                last: hook.last.clone(),
            }
        };
        core.routes.hooks_of(integration).iter().map(of).filter(|status| !status.kinds.is_empty()).collect()
    }
}
