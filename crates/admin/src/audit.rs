//! Who did what: reading the audit log, and how its entries are shown.

use std::collections::BTreeSet;

use journal::settings::Scope;
use journal::{ActorKind, AuditEntry, AuditFilter, AuditPage};

use crate::actor::shown;
use crate::admin::Admin;
use crate::noted::Noted;
use crate::tokens::role_of;
use crate::{Actor, Code, Refusal, logged_as};

/// Who did it, as a page shows it.
pub fn who(entry: &AuditEntry) -> String {
    shown(entry.kind, &entry.actor)
}

/// Who is meant, by what [`who`] shows: what they are, where that can be told, and what their kind calls them.
pub fn meant(shown: &str) -> (Option<ActorKind>, &str) {
    // No person's name has a blank, unless a provider vouches for it: then the key is behind it.
    let token = shown.strip_prefix("API ").filter(|rest| !rest.contains([' ', '[']));
    match (token, shown.strip_prefix("cli:")) {
        (Some(token), _) => (Some(ActorKind::Token), token),
        (None, Some(user)) => (Some(ActorKind::Cli), user),
        (None, None) => (None, shown),
    }
}

/// What it was done to, as a page shows it.
pub fn told(entry: &AuditEntry) -> String {
    let parts = [entry.subject.as_str(), entry.detail.as_str()];
    parts.into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" · ")
}

impl Admin {
    /// The audit log, newest first: an account's for those who administer it, all of it for operators, who see also
    /// what was done to an account that is gone. From where others than its own people came is not told to an account.
    pub async fn audit(&self, actor: &Actor, filter: AuditFilter) -> Result<AuditPage, Refusal> {
        if actor.operates() {
            return Ok(self.journal.audit(filter).await?);
        }
        let account = filter.account.as_ref().ok_or_else(|| Refusal::new(Code::OperatorsOnly))?;
        let account = self.changes(actor, account.as_str())?;
        let of_account = |scope: &Scope| role_of(scope).1 == Some(&account.id);
        let users = self.cache.users().into_iter().filter(|(_, (user, _))| of_account(&user.scope));
        let users = users.map(|(key, (user, _))| (ActorKind::Person, logged_as(&key, &user)));
        let tokens = self.cache.tokens().into_iter().filter(|(_, (token, _))| of_account(&token.scope));
        let tokens = tokens.map(|(name, _)| (ActorKind::Token, name));
        let own: BTreeSet<_> = users.chain(tokens).collect();
        let mut page = self.journal.audit(filter).await?;
        for entry in &mut page.entries {
            if !own.contains(&(entry.kind, entry.actor.clone())) {
                entry.address = None;
            }
        }
        Ok(page)
    }

    /// Notes what was done and is no change of a setting. A note that cannot be kept is logged: what was done is done.
    pub(crate) async fn note(&self, actor: &Actor, noted: Noted<'_>) {
        if let Err(error) = self.journal.note_done(vec![noted.by(actor)]).await {
            tracing::warn!(%error, "the audit log could not be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_shown_is_who_is_meant() {
        for (kind, name) in [(ActorKind::Token, "crm"), (ActorKind::Cli, "root")] {
            assert_eq!(meant(&shown(kind, name)), (Some(kind), name));
        }
        for person in ["olga", "Mette Holm [oidc:nordlys]", "API [oidc:nordlys]"] {
            assert_eq!(meant(&shown(ActorKind::Person, person)), (None, person));
        }
    }
}
