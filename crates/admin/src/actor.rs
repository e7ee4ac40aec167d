//! Who does something: a person in a browser, a program with a token, or whoever sits at the machine.

use std::net::IpAddr;

use calls::AccountId;
use journal::ActorKind;
use journal::settings::Scope;

/// What the name of a token begins with that the command line made for itself; no token made by hand has a colon.
pub(crate) const OF_MACHINE: &str = "cli:";

/// By which door somebody came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Surface {
    /// The window.
    Window,
    /// The REST API.
    Api,
    /// The command line, on the machine itself.
    CommandLine,
}

impl Surface {
    fn kind(self) -> ActorKind {
        match self {
            Self::Window => ActorKind::Person,
            Self::Api => ActorKind::Token,
            Self::CommandLine => ActorKind::Cli,
        }
    }
}

/// Who does something, what they may, and from where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Actor {
    /// As their kind calls them.
    own_name: String,
    /// As the audit log shows them.
    name: String,
    scope: Scope,
    surface: Surface,
    address: Option<IpAddr>,
}

impl Actor {
    /// A person who is logged in; `name` is what the audit log has of them.
    pub fn person(name: impl Into<String>, scope: Scope) -> Self {
        Self::new(name.into(), scope, Surface::Window)
    }

    /// A program with a token of this name. One that the command line made for itself speaks for who sits there.
    pub fn token(name: &str, scope: Scope) -> Self {
        let at_machine = name.strip_prefix(OF_MACHINE).map(|rest| rest.split(':').next().unwrap_or(rest));
        match at_machine {
            Some(user) => Self { scope, ..Self::machine(user) },
            None => Self::new(name.to_owned(), scope, Surface::Api),
        }
    }

    /// Whoever may read the configuration and the store may do everything; `user` is the system's name for them.
    pub fn machine(user: &str) -> Self {
        Self::new(user.to_owned(), Scope::Everything, Surface::CommandLine)
    }

    fn new(own_name: String, scope: Scope, surface: Surface) -> Self {
        let name = shown(surface.kind(), &own_name);
        Self { own_name, name, scope, surface, address: None }
    }

    /// The same, from this address.
    #[must_use]
    pub fn at(self, address: Option<IpAddr>) -> Self {
        Self { address, ..self }
    }

    /// What stands in the audit log.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// As their kind calls them.
    pub(crate) fn own_name(&self) -> &str {
        &self.own_name
    }

    /// What they are.
    pub(crate) fn kind(&self) -> ActorKind {
        self.surface.kind()
    }

    /// By which door they came.
    pub fn surface(&self) -> Surface {
        self.surface
    }

    /// From where, as far as it is known.
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// What they may.
    pub fn scope(&self) -> &Scope {
        &self.scope
    }

    /// Whether they operate the whole.
    pub fn operates(&self) -> bool {
        match self.scope {
            Scope::Everything => true,
            Scope::Account(_) | Scope::ReadAccount(_) => false,
        }
    }

    /// Whether anything of an account may be seen.
    pub fn sees(&self, account: &AccountId) -> bool {
        match &self.scope {
            Scope::Everything => true,
            Scope::Account(own) | Scope::ReadAccount(own) => own == account,
        }
    }

    /// Whether an account may be changed.
    pub fn may_change(&self, account: &AccountId) -> bool {
        match &self.scope {
            Scope::Everything => true,
            Scope::Account(own) => own == account,
            Scope::ReadAccount(_) => false,
        }
    }
}

/// Who did it, as a page shows it.
pub(crate) fn shown(kind: ActorKind, name: &str) -> String {
    match kind {
        ActorKind::Person => name.to_owned(),
        // No person's name has a blank, so a token is never taken for one.
        ActorKind::Token => format!("API {name}"),
        ActorKind::Cli => format!("cli:{name}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_of_the_command_line_speaks_for_who_sits_there() {
        let actor = Actor::token("cli:olga:4711", Scope::Everything);
        assert_eq!((actor.name(), actor.surface()), ("cli:olga", Surface::CommandLine));
        assert_eq!(Actor::token("crm", Scope::Everything).name(), "API crm");
    }
}
