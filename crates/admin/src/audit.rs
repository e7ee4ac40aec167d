//! Who did what: what is noted with each change, and reading it.

use calls::AccountId;
use journal::{ActorKind, AuditEntry, AuditFilter, AuditPage};

use crate::admin::Admin;
use crate::{Actor, Refusal, clock};

/// Who did it, as a page shows it.
pub fn who(entry: &AuditEntry) -> String {
    shown(entry.kind, &entry.actor)
}

pub(crate) fn shown(kind: ActorKind, name: &str) -> String {
    match kind {
        ActorKind::Person => name.to_owned(),
        // No person's name has a blank, so a token is never taken for one.
        ActorKind::Token => format!("API {name}"),
        ActorKind::Cli => format!("cli:{name}"),
    }
}

/// What it was done to, as a page shows it.
pub fn told(entry: &AuditEntry) -> String {
    let parts = [entry.subject.as_str(), entry.detail.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// What is to be noted of something that was done.
#[derive(Clone, Copy)]
pub(crate) struct Noted<'a> {
    /// A key of the catalogue of texts.
    pub(crate) what: &'static str,
    /// Empty for the gateway itself.
    pub(crate) account: &'a str,
    /// Which one; empty for none.
    pub(crate) subject: &'a str,
    /// More of it; may be empty.
    pub(crate) detail: &'a str,
}

impl Noted<'_> {
    /// The entry, as of now.
    pub(crate) fn by(self, actor: &Actor) -> AuditEntry {
        let Self { what, account, subject, detail } = self;
        tracing::info!(who = actor.name(), what, account, subject, detail, "done");
        AuditEntry {
            at: clock::now(),
            kind: actor.kind(),
            actor: actor.own_name().to_owned(),
            account: (!account.is_empty()).then(|| AccountId::new(account)),
            what: what.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
        }
    }
}

impl Admin {
    /// The audit log, newest first: an account's for those who see it, all of it for operators.
    pub async fn audit(&self, actor: &Actor, filter: AuditFilter) -> Result<AuditPage, Refusal> {
        match &filter.account {
            Some(account) => drop(self.reads(actor, account.as_str())?),
            None => Self::operates(actor)?,
        }
        Ok(self.journal.audit(filter).await?)
    }

    /// Notes what was done and is no change of a setting. A note that cannot be kept is logged: what was done is done.
    pub(crate) async fn note(&self, actor: &Actor, noted: Noted<'_>) {
        if let Err(error) = self.journal.note_done(vec![noted.by(actor)]).await {
            tracing::warn!(%error, "the audit log could not be written");
        }
    }
}
