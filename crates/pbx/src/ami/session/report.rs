//! What a session tells: its state, what is missing, why it ended.

use std::fmt;
use std::time::Duration;

use calls::{Input, PbxTime};

use crate::ami::{Malformed, Message};

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

/// Something the AMI user may not do, and Ringbud does without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Missing {
    /// `FullyBooted` did not come.
    #[error(
        "the AMI user does not receive system events, so a restart of the PBX may not be noticed: give it read = system,call,agent in manager.conf"
    )]
    SystemEvents,
    /// Channels came and went without an event.
    #[error(
        "the AMI user does not receive call events, so no call can be seen: give it read = system,call,agent in manager.conf"
    )]
    CallEvents,
    /// The action `Filter` was refused.
    #[error(
        "the AMI user may not install event filters, so the PBX sends more than is needed: give it write = system,reporting, or write eventfilter lines for it in manager.conf"
    )]
    Filters,
    /// Neither `Status` nor `CoreShowChannels` was allowed.
    #[error(
        "the AMI user may not list channels, so calls that run when Ringbud connects are only seen late, and calls that end while the link is down do not end: give it write = system,reporting in manager.conf"
    )]
    Snapshot,
    /// `CoreStatus` or `CoreSettings` was refused.
    #[error(
        "the AMI user may not ask for the PBX's version and start: give it write = system,reporting in manager.conf"
    )]
    Status,
    /// `PJSIPShowEndpoints` was refused.
    #[error("the AMI user may not list the PBX's phones: give it write = system,reporting in manager.conf")]
    Endpoints,
}

/// Why a session ended before its connection did. The connection has to be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Whatever listens there is no Asterisk manager.
    #[error(
        "what answers there is no Asterisk manager interface (it said {said:?}): check the address; the port of AMI is 5038 unless manager.conf says otherwise"
    )]
    NotAmi {
        /// The beginning of what it said.
        said: String,
    },
    /// It accepted the connection and said nothing.
    #[error("connected, but nothing was said within {}: check that the address is the one of the manager interface, and whether it wants TLS", Seconds(*.within))]
    NoGreeting {
        /// How long was waited.
        within: Duration,
    },
    /// Name or secret are wrong, or the address may not log in.
    #[error(
        "the PBX refused the login of {username:?} with the words {said:?}: check username and secret here, and the user's secret, permit and deny lines in manager.conf"
    )]
    LoginRefused {
        /// The name.
        username: String,
        /// The PBX's words.
        said: String,
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
}

impl Failure {
    /// Whether trying again soon may help. A wrong secret does not mend itself, and trying it again and again
    /// gets addresses banned.
    pub const fn is_transient(&self) -> bool {
        match self {
            Self::NotAmi { .. } | Self::LoginRefused { .. } => false,
            Self::NoGreeting { .. } | Self::NoAnswer { .. } | Self::Frozen { .. } => true,
        }
    }
}

struct Seconds(Duration);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.0} s", self.0.as_secs_f64())
    }
}

/// What the PBX says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct About {
    /// The version of Asterisk.
    pub version: String,
    /// `systemname` of asterisk.conf; empty where there is none.
    pub system_name: String,
    /// Whether it keeps call detail records, from which exact times are taken after a gap.
    pub has_cdr: bool,
    /// When it was started, as it says it: date and time without zone.
    pub started: String,
}

/// Something an operator should know; the session goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// A right is missing.
    Missing(Missing),
    /// Something too long came in and was skipped. The channels are asked for again.
    Skipped(Malformed),
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
        because: Option<&'a Message<'a>>,
    },
    /// The state changed.
    State(State),
    /// Something to tell an operator.
    Notice(Notice),
    /// A phone or trunk the PBX knows (`PJSIP/1001-101`), and whether it can be reached now.
    Endpoint {
        /// Its name, as inputs give it.
        name: &'a str,
        /// Whether it is registered.
        is_reachable: bool,
    },
    /// The session failed: close the connection, and say [`super::Session::disconnected`].
    Failed(Failure),
}
