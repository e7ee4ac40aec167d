//! Why there is no link, or no longer: a code with its arguments, and the English sentence of it.

use pbx::{Argument, Code, Failure, Remark};

use super::transport::ConnectError;

/// Why there is no link, or no longer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkFailure {
    /// No connection.
    #[error(transparent)]
    NotConnected(#[from] ConnectError),
    /// The PBX did not let us in, is none that can be followed, or fell silent.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// It closed the connection.
    #[error("the PBX closed the link")]
    Closed,
    /// The system says that the connection is gone.
    #[error("the link broke: {why}")]
    Broken {
        /// Its words.
        why: String,
    },
    /// So much waits to be worked off that it was left before it suffers.
    #[error(
        "more of what the PBX said waits than is kept, so the link was closed before the PBX has to keep it; it is opened anew, and what is missed meanwhile is assumed"
    )]
    TooFarBehind,
    /// Nothing that is sent is taken.
    #[error("the PBX takes nothing any more")]
    Stuck,
}

impl LinkFailure {
    /// The connection is gone, by the system's words.
    pub(crate) fn broken(error: &std::io::Error) -> Self {
        Self::Broken { why: error.to_string() }
    }

    /// Whether the PBX answered, and trying again soon will hardly help.
    pub const fn is_refusal(&self) -> bool {
        match self {
            Self::Failed(failure) => !failure.is_transient(),
            Self::NotConnected(_) | Self::Closed | Self::Broken { .. } | Self::TooFarBehind | Self::Stuck => {
                false
            }
        }
    }

    /// Its code: the same in the API, the window and the operator's notices.
    pub const fn code(&self) -> Code {
        match self {
            Self::NotConnected(error) => error.code(),
            Self::Failed(failure) => failure.code(),
            Self::Closed => "closed",
            Self::Broken { .. } => "broken",
            Self::TooFarBehind => "too_far_behind",
            Self::Stuck => "stuck",
        }
    }

    /// As data, for whoever has sentences of its own.
    pub fn remark(&self) -> Remark {
        Remark { code: self.code(), arguments: self.arguments(), english: self.to_string() }
    }

    /// All codes.
    pub fn codes() -> impl Iterator<Item = Code> {
        let own = ["closed", "broken", "too_far_behind", "stuck"];
        ConnectError::CODES.into_iter().chain(Failure::CODES).chain(own)
    }

    /// What the sentence of the code speaks of.
    pub fn arguments(&self) -> Vec<Argument> {
        match self {
            Self::NotConnected(error) => error.arguments(),
            Self::Failed(failure) => failure.arguments(),
            Self::Broken { why } => vec![("why", why.clone())],
            Self::Closed | Self::TooFarBehind | Self::Stuck => Vec::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use pbx::{Kind, Product};

    use super::*;

    #[test]
    fn every_failure_has_its_code_among_those_listed_and_says_as_data_what_it_says_in_words() {
        let kind = Kind::Asterisk;
        let (text, within) = (String::new, Duration::from_secs(3));
        let connect = [
            ConnectError::Unreachable { product: Product::of_kind(kind), address: text(), why: text() },
            ConnectError::TimedOut { address: text() },
            ConnectError::Tls { kind, address: text(), why: text() },
            ConnectError::Authorities { file: text(), why: text() },
        ];
        let failed = [
            Failure::NotThisPbx { product: Product::of_kind(kind), said: text() },
            Failure::NoGreeting { kind, within },
            Failure::LoginRefused { product: Product::of_kind(kind), username: text(), said: text() },
            Failure::AddressRefused { product: Product::of_kind(kind) },
            Failure::SecretNotShown { said: text() },
            Failure::TooOld { kind, version: text(), needed: "12" },
            Failure::NoAnswer { action: "Login", within },
            Failure::Frozen { silent: within },
            Failure::Dismissed,
        ];
        let own = [
            LinkFailure::Closed,
            LinkFailure::Broken { why: text() },
            LinkFailure::TooFarBehind,
            LinkFailure::Stuck,
        ];
        let all: Vec<LinkFailure> = connect
            .into_iter()
            .map(LinkFailure::from)
            .chain(failed.into_iter().map(LinkFailure::from))
            .chain(own)
            .collect();
        let codes: Vec<Code> = all.iter().map(LinkFailure::code).collect();
        assert_eq!(codes, LinkFailure::codes().collect::<Vec<_>>());
        for failure in all {
            let remark = failure.remark();
            assert_eq!(
                (remark.code, remark.arguments, remark.english),
                (failure.code(), failure.arguments(), failure.to_string())
            );
            let pbx::Remark { code, arguments: args, english } = failure.remark();
            let danish = admin::Remark { code, args, english }.danish().unwrap_or_else(|| panic!("{code}"));
            assert!(!danish.contains('{'), "{code} has no such argument: {danish}");
        }
    }
}
