//! Which integrations an event goes to.

use std::sync::Arc;

use calls::{AccountId, EventKind};
use journal::SettingsCache;
use journal::settings::IntegrationId;

/// Asks the settings at the moment the event happens.
#[derive(Clone)]
pub struct Routes(Arc<SettingsCache>);

impl Routes {
    /// By these settings.
    pub fn new(cache: Arc<SettingsCache>) -> Self {
        Self(cache)
    }

    /// The integrations of an account that have a webhook for this kind of event.
    pub fn of(&self, account: &AccountId, kind: EventKind) -> Vec<IntegrationId> {
        let Some(account) = self.0.account(account) else { return Vec::new() };
        let with_url =
            account.integrations.iter().filter(|(_, (integration, _))| integration.url(kind).is_some());
        with_url.map(|(id, _)| *id).collect()
    }
}
