//! The neutral link: what every PBX's protocol gives and takes, so that nothing outside this crate knows
//! which one is spoken.
//!
//! A [`Session`] is one of the protocols: bytes in, bytes and [`calls::Input`]s out, health, what is missing,
//! which endpoints there are, the version. A [`Recording`] is the same for bytes that were kept. A PBX more is
//! a module of this crate, a value of [`Kind`], and an arm in the two.

mod evidence;
mod product;
pub(crate) mod pulse;
mod recording;
mod report;
mod session;

use std::fmt;
use std::time::Duration;

pub use evidence::Evidence;
pub use product::Product;
pub use recording::{Anonymiser, Recording};
pub use report::{
    About, Age, Argument, Code, Counts, Endpoint, Excess, Failure, Health, Hook, Missing, Notice, Output,
    Remark, Sign, Skipped, State,
};
pub use session::Session;

/// Which PBX, and so which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// Asterisk, by its manager interface (AMI).
    Asterisk,
    /// FreeSWITCH, by its event socket.
    FreeSwitch,
}

impl Kind {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Asterisk, Self::FreeSwitch];

    /// The value of `kind` in a configuration.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Asterisk => "asterisk",
            Self::FreeSwitch => "freeswitch",
        }
    }

    /// Its maker's name for it.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Asterisk => "Asterisk",
            Self::FreeSwitch => "FreeSWITCH",
        }
    }

    /// What is spoken with it.
    pub const fn protocol(self) -> &'static str {
        match self {
            Self::Asterisk => "the manager interface",
            Self::FreeSwitch => "the event socket",
        }
    }

    /// The port it is spoken on unless the PBX was told otherwise: in clear, and over TLS where there is such.
    pub const fn usual_ports(self) -> (u16, Option<u16>) {
        match self {
            Self::Asterisk => (5038, Some(5039)),
            Self::FreeSwitch => (8021, None),
        }
    }

    /// Whether one logs in with a name of one's own.
    pub const fn needs_username(self) -> bool {
        match self {
            Self::Asterisk => true,
            // Only where there are users for it: `userauth`.
            Self::FreeSwitch => false,
        }
    }

    /// Whether the secret is sent as it is wherever the link is not encrypted, because the PBX knows no other
    /// way.
    pub const fn always_shows_secret(self) -> bool {
        match self {
            Self::Asterisk => false,
            Self::FreeSwitch => true,
        }
    }

    /// Whether bytes that were kept are of such a PBX: how every one of its messages begins.
    pub fn of_bytes(bytes: &[u8]) -> Option<Self> {
        let begins = |words: &[&[u8]]| words.iter().any(|word| bytes.starts_with(word));
        if begins(&[b"Content-Length:", b"Content-Type:", b"Reply-Text:"]) {
            Some(Self::FreeSwitch)
        } else if begins(&[b"Asterisk Call Manager", b"Event:", b"Response:"]) {
            Some(Self::Asterisk)
        } else {
            None
        }
    }

    /// Whether the PBX suffers when nobody reads what it says, so that a link has to be closed instead.
    pub const fn suffers_slow_readers(self) -> bool {
        match self {
            Self::Asterisk => false,
            Self::FreeSwitch => true,
        }
    }
}

/// The secret of a login; never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// What a session has to know.
#[derive(Clone, Debug)]
pub struct Settings {
    /// What it is sold or installed as, where that is known: where people have to look is by it.
    pub product: Option<Product>,
    /// Whom to log in as; empty where a PBX knows no names.
    pub username: String,
    /// The secret.
    pub secret: Secret,
    /// Whether the secret may be sent as it is where nothing better is to be had: the link is encrypted, or the
    /// operator said so. Else a PBX that asks for that is refused.
    pub plain_login: bool,
    /// How often the PBX is asked for a sign of life.
    pub ping_every: Duration,
    /// How long it may take to give one.
    pub ping_within: Duration,
    /// How often its channels are compared with what is known, even if nothing seems to be missing.
    pub audit_every: Duration,
    /// The same as long as it is not certain that events of calls come at all.
    pub listen_every: Duration,
    /// What is asked besides what the calls need.
    pub ask: Ask,
}

/// What is asked besides what the calls need.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Ask {
    /// Only about endpoints that may be a provider's line by their name.
    #[default]
    Doubtful,
    /// About every endpoint, and what the login may do.
    All,
}

impl Settings {
    /// What it is as far as is known, of this kind.
    pub(crate) fn product(&self, kind: Kind) -> Product {
        self.product.unwrap_or(Product::of_kind(kind))
    }

    /// With the usual times, and the secret never shown.
    pub fn new(username: impl Into<String>, secret: Secret) -> Self {
        Self {
            product: None,
            username: username.into(),
            secret,
            plain_login: false,
            ping_every: Duration::from_secs(5),
            ping_within: Duration::from_secs(10),
            audit_every: Duration::from_secs(180),
            listen_every: Duration::from_secs(60),
            ask: Ask::default(),
        }
    }
}

/// Now, by both our clocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Since any fixed moment; for deadlines.
    pub monotonic: Duration,
    /// Microseconds since the epoch; for the age of what the PBX says.
    pub wall_micros: i64,
}
