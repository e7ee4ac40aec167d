//! Pausing a webhook: written into the settings, so that the account sees when, why, and what was said.

use std::sync::Arc;
use std::time::Duration;

use calls::EventKind;
use journal::settings::{Integration, IntegrationId, Pause, Setting, SettingKey};
use journal::{JournalError, Reason};
use tasks::Part;

use super::{LastAnswer, Shared, notices};
use crate::alert::What;
use crate::reason::{GivesReason as _, WhyPaused, english};

/// The pause before a pausing that could not be written is tried again.
const WRITE_AGAIN: Duration = Duration::from_secs(1);

/// A webhook that is to be paused.
pub(super) struct Pausing {
    pub(super) integration: IntegrationId,
    pub(super) url: Arc<str>,
    pub(super) why: WhyPaused,
    pub(super) last: LastAnswer,
}

/// Pauses a webhook for all kinds of events it serves, because it answered 410 or has failed for too long.
pub(super) fn spawn(shared: Arc<Shared>, pausing: Pausing) {
    let pausing = Arc::new(pausing);
    tasks::spawn_anew(Part::WebhookPausing, move || until_written(shared.clone(), pausing.clone()));
}

async fn until_written(shared: Arc<Shared>, pausing: Arc<Pausing>) {
    let name = (pausing.integration, pausing.url.clone());
    if pausing.why == WhyPaused::Failing && !shared.fails_everywhere(&name).await {
        tracing::info!(url = %pausing.url, "a webhook that has failed here for days is not paused: another gateway gets through, or has paused it");
        return;
    }
    while let Err(error) = pause(&shared, &pausing).await {
        tracing::error!(%error, "a webhook that is to be paused is not yet");
        if matches!(error, JournalError::Closed) {
            return;
        }
        tokio::time::sleep(WRITE_AGAIN).await;
    }
}

async fn pause(shared: &Shared, pausing: &Pausing) -> Result<(), JournalError> {
    let Pausing { integration, url, why, last } = pausing;
    let server_said = match last.status {
        Some(status) => Some(Reason::status(status)),
        None => last.reason.as_deref().cloned(),
    };
    let served = |settings: &Integration| {
        let new =
            |kind: &EventKind| settings.url(*kind) == Some(&**url) && !settings.paused.contains_key(kind);
        EventKind::ALL.into_iter().filter(new).collect::<Vec<_>>()
    };
    let kinds = shared.book.integration(*integration).map_or_else(Vec::new, |(_, now)| served(&now));
    let pause = Pause { since: shared.clock.wall(), why: why.reason(), server_said, by_person: false };
    change(shared, *integration, |settings| {
        for kind in served(settings) {
            settings.paused.insert(kind, pause.clone());
        }
    })
    .await
    .map(|account| {
        if let Some(account) = account {
            tracing::warn!(%account, %url, why = %english(&pause.why), server_said = pause.server_said.as_ref().map(english), "webhook paused");
            if !kinds.is_empty() {
                shared.operator.tell(notices::paused(&account, &kinds, url, &pause));
                shared.tell_account(*integration, url, kinds.clone(), What::Paused(pause.clone()));
            }
        }
    })
}

/// Changes an integration's settings, whoever else changes them meanwhile. Says whose they are; nothing if
/// the integration is gone.
pub(super) async fn change(
    shared: &Shared,
    id: IntegrationId,
    edit: impl Fn(&mut Integration),
) -> Result<Option<calls::AccountId>, JournalError> {
    loop {
        let Some((account, settings)) = shared.book.integration(id) else { return Ok(None) };
        let version = account.integrations.get(&id).map_or(0, |(_, version)| *version);
        let mut edited = Integration::clone(&settings);
        edit(&mut edited);
        if edited == *settings {
            return Ok(Some(account.id.clone()));
        }
        let key = SettingKey::Integration(account.id.clone(), id);
        match shared.book.put(key, Some(Setting::Integration(Box::new(edited))), Some(version)).await {
            Ok(_) => return Ok(Some(account.id.clone())),
            Err(JournalError::Conflict { .. }) => {
                shared.book.refresh().await?;
            }
            Err(error) => return Err(error),
        }
    }
}
