//! Which integrations an event goes to.

use std::sync::Arc;

use calls::{AccountId, EventKind};
use journal::SettingsBook;
use journal::settings::IntegrationId;

/// Asks the settings at the moment the event happens.
#[derive(Clone)]
pub struct Routes(Arc<SettingsBook>);

impl Routes {
    /// By these settings.
    pub fn new(book: Arc<SettingsBook>) -> Self {
        Self(book)
    }

    /// The integrations of an account that have a webhook for this kind of event.
    pub fn of(&self, account: &AccountId, kind: EventKind) -> Vec<IntegrationId> {
        let Some(account) = self.0.account(account) else { return Vec::new() };
        let with_url =
            account.integrations.iter().filter(|(_, (integration, _))| integration.url(kind).is_some());
        with_url.map(|(id, _)| *id).collect()
    }
}
