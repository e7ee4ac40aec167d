//! How the sender and its webhooks are doing.

use std::sync::atomic::Ordering;
use std::time::Duration;

use calls::EventKind;
use journal::WallTime;
use journal::settings::IntegrationId;

use super::{LastAnswer, Sender};

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
    /// How long the oldest delivery has waited.
    pub oldest: Option<Duration>,
    /// The last answer.
    pub last: Option<LastAnswer>,
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
            journal_blocked: self.shared.settler.blocked.load(Ordering::Relaxed),
        }
    }

    /// How long the oldest delivery of all has waited. Looks at all of them.
    pub fn oldest(&self) -> Option<Duration> {
        let core = self.shared.lock();
        let oldest = core.schedule.oldest(None)?;
        Some(self.shared.clock.now().since(oldest))
    }

    /// How the webhooks of an integration are doing: those that were used since the start.
    pub fn webhooks(&self, integration: IntegrationId) -> Vec<WebhookStatus> {
        let settings = self.shared.book.integration(integration).map(|(_, settings)| settings);
        let core = self.shared.lock();
        let now = self.shared.clock.now();
        let of = |key: &crate::schedule::WebhookKey| {
            let hook = core.routes.hook_of(*key);
            let url = Some(&*hook.url);
            let serves = |kind: &EventKind| settings.as_ref().is_some_and(|of| of.url(*kind) == url);
            let state = core.schedule.webhook(*key);
            WebhookStatus {
                kinds: EventKind::ALL.into_iter().filter(serves).collect(),
                pending: state.pending,
                in_flight: state.in_flight,
                troubled: state.open,
                failing_since: state.failing_since.map(|at| self.shared.clock.wall_of(at)),
                oldest: core.schedule.oldest(Some(*key)).map(|oldest| now.since(oldest)),
                last: hook.last.clone(),
            }
        };
        core.routes.hooks_of(integration).iter().map(of).filter(|status| !status.kinds.is_empty()).collect()
    }
}
