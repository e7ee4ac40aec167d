//! Who did what: the entries of the audit log, and what of it is asked for.

use std::net::IpAddr;

use calls::AccountId;

use crate::{Cursor, MAX_LISTED, WallTime};

/// A part of an entry is cut at so many characters.
pub const AUDIT_MAX_CHARS: usize = 500;

/// So many of what people did are kept, however old they are: who made an account two years ago can be told.
pub const AUDIT_OF_PEOPLE_KEPT: usize = 500;

/// So many of what people did are kept at most, and as many of what tokens and the command line did; beyond that
/// the oldest go, however young they are.
pub const AUDIT_KEPT_AT_MOST: usize = 100_000;

/// How many entries one `prune_audit` forgets at most.
pub const AUDIT_PRUNED_AT_ONCE: usize = 1_000;

/// What someone is who did something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ActorKind {
    /// A person in the window.
    Person,
    /// A program, by an API token.
    Token,
    /// Somebody at the machine itself, by the command line.
    Cli,
}

/// Something that was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditEntry {
    /// When, by our own clock.
    pub at: WallTime,
    /// What did it.
    pub kind: ActorKind,
    /// Who: a person's name, a token's, a user of the machine.
    pub actor: String,
    /// From which address, where one is known: behind a trusted proxy the one it forwards for.
    pub address: Option<IpAddr>,
    /// The account it was done to; `None`: to the gateway.
    pub account: Option<AccountId>,
    /// What was done, as a key of the catalogue of texts.
    pub what: String,
    /// To which one: an employee's number, a token's name; may be empty.
    pub subject: String,
    /// More of it; may be empty.
    pub detail: String,
}

impl AuditEntry {
    /// As it is kept: lines and other controls are blanks, and no part is longer than [`AUDIT_MAX_CHARS`].
    pub(crate) fn bounded(self) -> Self {
        let plain = |text: String| -> String {
            let fits = text.len() <= AUDIT_MAX_CHARS && !text.chars().any(char::is_control);
            if fits {
                return text;
            }
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(AUDIT_MAX_CHARS).collect()
        };
        Self {
            actor: plain(self.actor),
            what: plain(self.what),
            subject: plain(self.subject),
            detail: plain(self.detail),
            ..self
        }
    }
}

/// What of the audit log is asked for. All parts are optional and narrow the list.
#[derive(Clone, Debug, Default)]
pub struct AuditFilter {
    /// What was done to an account.
    pub account: Option<AccountId>,
    /// What one did.
    pub actor: Option<String>,
    /// What people, tokens or the command line did.
    pub kind: Option<ActorKind>,
    /// Where the page before this one ended.
    pub after: Option<Cursor>,
    /// At most so many; the store bounds it at [`MAX_LISTED`], and 0 means that bound.
    pub limit: usize,
}

impl AuditFilter {
    /// The bound of a page.
    pub(crate) fn bounded_limit(&self) -> usize {
        if self.limit == 0 { MAX_LISTED } else { self.limit.min(MAX_LISTED) }
    }
}

/// A part of the list, newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AuditPage {
    /// What was done.
    pub entries: Vec<AuditEntry>,
    /// Where the next page begins, if there is one.
    pub next: Option<Cursor>,
}
