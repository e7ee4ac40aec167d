//! Who changed what, in the window or by the API: noted in the journal's audit log.

use journal::{ActorKind, AuditEntry, SettingsCache};

use crate::clock;

/// Notes what a person did. A note that cannot be kept is logged: what was done is done.
pub(crate) async fn note(cache: &SettingsCache, who: &str, what: &'static str, account: &str, detail: &str) {
    note_of(cache, ActorKind::Person, who, what, account, detail).await;
}

/// Notes what was done by the API, with a token of this name.
pub(crate) async fn note_by_token(
    cache: &SettingsCache,
    token: &str,
    what: &'static str,
    account: &str,
    detail: &str,
) {
    note_of(cache, ActorKind::Token, token, what, account, detail).await;
}

async fn note_of(
    cache: &SettingsCache,
    kind: ActorKind,
    who: &str,
    what: &'static str,
    account: &str,
    detail: &str,
) {
    tracing::info!(who, what, account, detail, "done");
    let entry = AuditEntry {
        at: clock::now(),
        kind,
        actor: who.to_owned(),
        account: (!account.is_empty()).then(|| calls::AccountId::new(account)),
        what: what.to_owned(),
        subject: String::new(),
        detail: detail.to_owned(),
    };
    if let Err(error) = cache.journal().note_done(vec![entry]).await {
        tracing::warn!(%error, "the audit log could not be written");
    }
}

/// Who did it, as a page shows it.
pub(crate) fn who(entry: &AuditEntry) -> String {
    match entry.kind {
        ActorKind::Person => entry.actor.clone(),
        ActorKind::Token => format!("API {}", entry.actor),
        ActorKind::Cli => format!("cli:{}", entry.actor),
    }
}

/// What it was done to, as a page shows it.
pub(crate) fn told(entry: &AuditEntry) -> String {
    let parts = [entry.subject.as_str(), entry.detail.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}
