//! What a session tells: its state, what came in, and what an operator should know. What the login lacks is
//! [`rights`], why a session ended [`failure`], what the PBX's phones are [`endpoint`].

mod endpoint;
mod failure;
mod rights;

use std::time::Duration;

use calls::{Input, PbxTime};

pub use endpoint::{Endpoint, Sign};
pub use failure::{Age, Failure};
pub use rights::{Excess, Missing};

use super::{Evidence, Product};

/// How far the link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is no connection.
    Offline,
    /// Connected; the PBX has not greeted yet.
    Connecting,
    /// Name and secret are being checked.
    LoggingIn,
    /// Logged in; filters are being installed and the channels asked for.
    Synchronising,
    /// Everything the PBX says is followed as it happens.
    Live,
}

impl State {
    /// One word for logs and pages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Offline => "offline",
            Self::Connecting => "connecting",
            Self::LoggingIn => "logging_in",
            Self::Synchronising => "synchronising",
            Self::Live => "live",
        }
    }
}

/// A word for programs: why something is as it is. Never changes once it was told.
pub type Code = &'static str;

/// What a code's sentence speaks of, by name.
pub type Argument = (&'static str, String);

/// What every sentence that sends a person to the PBX's settings speaks of.
fn where_to_look(product: Product) -> Vec<Argument> {
    vec![("kind", product.kind().name().to_owned()), ("place", product.login_place().to_owned())]
}

/// Something an operator should know, as data: whoever shows it has a sentence of its own for the code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// What.
    pub code: Code,
    /// What its sentence speaks of.
    pub arguments: Vec<Argument>,
    /// The sentence in English, with how to mend it.
    pub english: String,
}

impl Remark {
    /// Of such a PBX, which decides how to mend it.
    fn of(product: Product, code: Code, english: &str) -> Self {
        Self { code, arguments: where_to_look(product), english: english.to_owned() }
    }
}

/// What the PBX says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The version of its program.
    pub version: String,
    /// What it calls itself; empty where it has no name.
    pub system_name: String,
    /// When it was started, as it says it: date and time without zone.
    pub started: String,
}

/// Something too long, which was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a {what} of the PBX is longer than {longest} {unit}; {bytes} bytes were skipped")]
pub struct Skipped {
    /// What.
    pub what: &'static str,
    /// What it may have at most.
    pub longest: usize,
    /// Of what.
    pub unit: &'static str,
    /// How much was skipped.
    pub bytes: u64,
}

/// Something that a PBX was told to do with calls by itself. What comes of it looks like somebody's order.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Hook {
    /// What says so, in the PBX's words.
    pub variable: &'static str,
    /// The command, without what follows it.
    pub command: String,
    /// Of which channel; empty: of all.
    pub channel: String,
}

/// Something an operator should know; the session goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Something is missing.
    Missing(Missing),
    /// It is there after all.
    Mended(Missing),
    /// The login may do more than is needed.
    Excess(Excess),
    /// The PBX does something with calls by itself.
    Hook(Hook),
    /// What it does by itself may not be asked for.
    HooksNotTold,
    /// Something too long came in and was skipped. The channels are asked for again.
    Skipped(Skipped),
    /// A list of channels was too long or not complete. It is asked for again.
    UnusableList,
}

/// How the link is doing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// How old the newest event was when it was read. Only known where the PBX stamps events.
    pub lag: Option<Duration>,
    /// How far the PBX's clock is ahead of ours, in microseconds, as of the last quick ping.
    pub clock_ahead_micros: Option<i64>,
    /// How long the last ping took.
    pub ping: Option<Duration>,
    /// Whether any event of a call came on this connection.
    pub hears_calls: bool,
}

/// What came in, by what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages in all.
    pub messages: u64,
    /// Inputs they gave.
    pub inputs: u64,
    /// Events nothing is known of, or that lack what they need.
    pub not_understood: u64,
    /// Lists that were too long or not complete, and so are no snapshot.
    pub unusable_lists: u64,
}

/// What comes out of a session.
#[derive(Debug)]
pub enum Output<'a> {
    /// Bytes to send.
    Send(&'a [u8]),
    /// An input for the call logic, and the message that led to it, if it was one.
    Heard {
        /// When, by the PBX's clock.
        at: PbxTime,
        /// What.
        input: &'a Input<'a>,
        /// The message.
        because: Option<&'a dyn Evidence>,
    },
    /// The state changed.
    State(State),
    /// Something to tell an operator.
    Notice(Notice),
    /// A phone or trunk the PBX knows, or something more about one.
    Endpoint(Endpoint<'a>),
    /// The session failed: close the connection, and say [`super::Session::disconnected`].
    Failed(Failure),
}
