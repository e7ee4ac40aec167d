//! A start that waits for its turn: another gateway has the store, and this one takes over when that one is gone.

use std::sync::Arc;

use tokio::sync::watch;

/// What everybody who is asked meanwhile sees of the wait.
#[derive(Clone, Debug)]
pub struct StandBy(Arc<watch::Sender<Option<Holder>>>);

/// Who has the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// What people call the gateway that has it.
    pub name: String,
    /// Since when, in words.
    pub since: String,
    /// Whether the engine answered when it was asked last.
    pub is_reached: bool,
}

impl Default for StandBy {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl StandBy {
    /// Somebody else has the store, and is waited for.
    pub fn waits(&self, now: Holder) {
        let before = self.0.send_replace(Some(now.clone()));
        metrics::gauge!("ringbud_gateway_standing_by").set(1.0);
        let Holder { name, since, is_reached } = now;
        if !is_reached {
            return;
        }
        if before.is_none_or(|before| (&before.name, &before.since) != (&name, &since)) {
            tracing::info!(
                holder = name,
                since,
                "stands by: another gateway has the store, and is waited for"
            );
        } else {
            tracing::info!(holder = name, "PostgreSQL answers again; this gateway stands by as before");
        }
    }

    /// The wait is over, if there was one.
    pub(crate) fn is_over(&self) {
        metrics::gauge!("ringbud_gateway_standing_by").set(0.0);
        if let Some(Holder { name, since, .. }) = self.0.send_replace(None) {
            tracing::info!(from = name, since, "takes over: the store is this gateway's now");
        }
    }

    /// Comes back as soon as it waits.
    pub(crate) async fn begins(&self) {
        // The sender is in self: it cannot be gone.
        let _ = self.0.subscribe().wait_for(Option::is_some).await;
    }

    /// How it is doing, in a sentence; `None` while it does not wait.
    pub(crate) fn in_words(&self) -> Option<String> {
        self.0.borrow().as_ref().map(Holder::in_words)
    }
}

impl Holder {
    fn in_words(&self) -> String {
        let Self { name, since, is_reached } = self;
        let cut_off = if *is_reached { "" } else { "; PostgreSQL does not answer at present" };
        format!("stands by: gateway {name} holds the store since {since}{cut_off}")
    }
}
