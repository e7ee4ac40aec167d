//! Why a session ended before its connection did.

use std::fmt;
use std::time::Duration;

use super::{Argument, Code, Remark, where_to_look};
use crate::link::{Kind, Product};

/// Why a session ended before its connection did. The connection has to be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Whatever listens there is no such PBX.
    #[error(
        "what answers there is not {} of {} (it said {said:?}): check the address; the usual port is {} unless {} says otherwise",
        .product.kind().protocol(), .product.name(), .product.usual_port(), .product.login_place()
    )]
    NotThisPbx {
        /// What was expected.
        product: Product,
        /// The beginning of what it said.
        said: String,
    },
    /// It accepted the connection and said nothing.
    #[error(
        "connected, but nothing was said within {}: check that the address is the one of {} of {}, and whether it wants TLS ({})",
        Seconds(*.within), .kind.protocol(), .kind.name(), ports(*.kind)
    )]
    NoGreeting {
        /// What was expected.
        kind: Kind,
        /// How long was waited.
        within: Duration,
    },
    /// Name or secret are wrong, or the address may not log in.
    #[error(
        "the PBX refused the login{} with the words {said:?}: check {}", of(.username), login(*.product)
    )]
    LoginRefused {
        /// What refused.
        product: Product,
        /// The name.
        username: String,
        /// The PBX's words.
        said: String,
    },
    /// The PBX closes connections from our address before anybody can log in.
    #[error(
        "{} at that address lets nobody log in from here: add the address of this host to the list that apply-inbound-acl names in {}, or to listen-ip if it listens on 127.0.0.1 only", .product.name(), .product.login_place()
    )]
    AddressRefused {
        /// What refused.
        product: Product,
    },
    /// The other end wants the secret as it is, and nobody allowed that.
    #[error(
        "what answers there knows no challenge ({said}), so it wants the secret in clear, which whoever listens would learn; it was not sent. If that is really your PBX, or a proxy before it, use tls = true, or write plain_login = true in its [[pbx]]"
    )]
    SecretNotShown {
        /// What it said instead, or how long it said nothing.
        said: String,
    },
    /// A version that tells calls in another way.
    #[error(
        "{} {version} is too old: Ringbud follows {} {needed} and later, which tell calls with other events; nothing is told of this PBX until it is upgraded", .kind.name(), .kind.name()
    )]
    TooOld {
        /// What it is.
        kind: Kind,
        /// Its version, or how it showed its age.
        version: String,
        /// The oldest that can be followed.
        needed: &'static str,
    },
    /// An action was not answered.
    #[error("the PBX did not answer {action} within {}", Seconds(*.within))]
    NoAnswer {
        /// The action.
        action: &'static str,
        /// How long was waited.
        within: Duration,
    },
    /// The link is open and nothing comes any more.
    #[error("the PBX has been silent for {} although it was asked for a sign of life: the host is frozen, or the way to it is cut", Seconds(*.silent))]
    Frozen {
        /// For how long nothing came.
        silent: Duration,
    },
    /// It said that it ends the link. Whether it then does is not waited for.
    #[error("the PBX said that it closes the link")]
    Dismissed,
}

impl Failure {
    /// Whether trying again soon may help. A wrong secret does not mend itself, and trying it again and again
    /// gets addresses banned.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::NotThisPbx { .. }
            | Self::LoginRefused { .. }
            | Self::AddressRefused { .. }
            | Self::SecretNotShown { .. }
            | Self::TooOld { .. } => false,
            Self::NoGreeting { .. } | Self::NoAnswer { .. } | Self::Frozen { .. } | Self::Dismissed => true,
        }
    }

    /// All codes.
    pub const CODES: [Code; 9] = [
        "not_this_pbx",
        "no_greeting",
        "login_refused",
        "address_refused",
        "secret_not_shown",
        "too_old",
        "no_answer",
        "frozen",
        "dismissed",
    ];

    /// As data.
    pub fn remark(&self) -> Remark {
        Remark { code: self.code(), arguments: self.arguments(), english: self.to_string() }
    }

    /// Its code: the same in the API, the window and the operator's notices.
    pub const fn code(&self) -> Code {
        match self {
            Self::NotThisPbx { .. } => "not_this_pbx",
            Self::NoGreeting { .. } => "no_greeting",
            Self::LoginRefused { .. } => "login_refused",
            Self::AddressRefused { .. } => "address_refused",
            Self::SecretNotShown { .. } => "secret_not_shown",
            Self::TooOld { .. } => "too_old",
            Self::NoAnswer { .. } => "no_answer",
            Self::Frozen { .. } => "frozen",
            Self::Dismissed => "dismissed",
        }
    }

    /// What the sentence of the code speaks of.
    pub fn arguments(&self) -> Vec<Argument> {
        match self {
            Self::NotThisPbx { product, said } => {
                [where_to_look(*product), vec![("said", said.clone())]].concat()
            }
            Self::NoGreeting { kind, within } => {
                vec![("kind", kind.name().to_owned()), ("seconds", seconds(*within))]
            }
            Self::LoginRefused { product, username, said } => {
                let said = vec![("username", username.clone()), ("said", said.clone())];
                [where_to_look(*product), said].concat()
            }
            Self::AddressRefused { product } => where_to_look(*product),
            Self::SecretNotShown { said } => vec![("said", said.clone())],
            Self::TooOld { kind, version, needed } => vec![
                ("kind", kind.name().to_owned()),
                ("version", version.clone()),
                ("needed", (*needed).to_owned()),
            ],
            Self::NoAnswer { action, within } => {
                vec![("action", (*action).to_owned()), ("seconds", seconds(*within))]
            }
            Self::Frozen { silent } => vec![("seconds", seconds(*silent))],
            Self::Dismissed => Vec::new(),
        }
    }
}

/// Whose login; nothing where there are no names.
fn of(username: &str) -> String {
    if username.is_empty() { String::new() } else { format!(" of {username:?}") }
}

/// What to check of a login.
fn login(product: Product) -> String {
    let place = product.login_place();
    match product.kind() {
        Kind::Asterisk => {
            format!("username and secret here, and the user's secret, permit and deny in {place}")
        }
        Kind::FreeSwitch => format!("the secret here, and the password in {place}"),
    }
}

fn ports(kind: Kind) -> String {
    match kind.usual_ports() {
        (plain, Some(tls)) => format!("the usual port is {plain}, and {tls} with tls = true"),
        (plain, None) => format!("it has none; the usual port is {plain}"),
    }
}

fn seconds(span: Duration) -> String {
    format!("{:.0}", span.as_secs_f64())
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} s", seconds(self.0))
    }
}

/// Whether a PBX is one that can be followed, as far as it shows.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Age {
    /// Nothing showed it yet.
    #[default]
    Unknown,
    /// It can.
    Followed,
    /// It is too old; [`Failure::TooOld`] says so.
    TooOld(Failure),
}
