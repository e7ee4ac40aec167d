//! What the doors ask: who somebody is before they are anybody, and what is noted when they come and go. Checking
//! passwords, and when a session ends, are the window's.

mod first;
mod link;
mod look;
mod session;
mod vouched;

use std::net::IpAddr;

use journal::settings::User;
use subtle::ConstantTimeEq as _;

use crate::Actor;
use crate::admin::Admin;
use crate::noted::Noted;
pub use link::UserLink;
pub use session::KeptSession;
pub use vouched::{Admission, VouchedPerson, logged_as};

impl Admin {
    /// The person of this name, to see whether it is they who ask.
    pub fn person(&self, name: &str) -> Option<User> {
        self.cache.user(name).map(|(user, _)| user)
    }

    /// Notes that somebody has logged in with their password.
    pub async fn note_login(&self, name: &str, user: &User, from: Option<IpAddr>) {
        let actor = Actor::person(logged_as(name, user), user.scope.clone()).at(from);
        self.note(&actor, at_door("audit.login", "")).await;
    }

    /// Notes that somebody has logged out.
    pub async fn note_logout(&self, actor: &Actor) {
        self.note(actor, at_door("audit.logout", "")).await;
    }
}

fn at_door<'a>(what: &'static str, detail: &'a str) -> Noted<'a> {
    Noted { what, account: "", subject: "", detail }
}

/// Whether two keys are the same, in a time that does not tell how much of them is.
fn same(one: &str, other: &str) -> bool {
    bool::from(one.as_bytes().ct_eq(other.as_bytes()))
}

#[cfg(test)]
async fn room() -> Result<Admin, journal::JournalError> {
    beside(std::sync::Arc::new(journal::memory::Memory::new())).await
}

/// The same place as another gateway knows it, from before anything was done in it.
#[cfg(test)]
async fn beside(journal: std::sync::Arc<dyn journal::Journal>) -> Result<Admin, journal::JournalError> {
    let cache = std::sync::Arc::new(journal::SettingsCache::load(journal.clone()).await?);
    Ok(Admin::aside(journal, cache, delivery::guard::Guard::default()))
}
