//! What is noted with each change: an entry of the audit log, by whoever did it.

use calls::AccountId;
use journal::AuditEntry;

use crate::{Actor, clock};

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
            address: actor.address(),
            account: (!account.is_empty()).then(|| AccountId::new(account)),
            what: what.to_owned(),
            subject: subject.to_owned(),
            detail: detail.to_owned(),
        }
    }
}
