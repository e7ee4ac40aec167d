//! What a session tells: its state, what is missing, why it ended.

use std::fmt;
use std::time::Duration;

use calls::{Input, PbxTime};

use super::{Evidence, Kind};

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

/// Something the login may not do or get, and Ringbud does without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Missing {
    /// The PBX does not say when it starts.
    SystemEvents,
    /// Channels come and go without an event.
    CallEvents,
    /// Events that are not needed cannot be kept away.
    Filters,
    /// Channels cannot be listed.
    Snapshot,
    /// The PBX's version and start cannot be asked for.
    Status,
    /// The endpoints cannot be listed.
    Endpoints,
}

impl Missing {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::SystemEvents, Self::CallEvents, Self::Filters, Self::Snapshot, Self::Status, Self::Endpoints];

    /// Its code: the same in the API, the window and the operator's notices.
    pub const fn code(self) -> Code {
        match self {
            Self::SystemEvents => "missing_system_events",
            Self::CallEvents => "missing_call_events",
            Self::Filters => "missing_filters",
            Self::Snapshot => "missing_snapshot",
            Self::Status => "missing_status",
            Self::Endpoints => "missing_endpoints",
        }
    }

    /// In English, with how to mend it on such a PBX.
    pub const fn sentence(self, kind: Kind) -> &'static str {
        match (kind, self) {
            (Kind::Asterisk, Self::SystemEvents) => {
                "the AMI user does not receive system events, so a restart of the PBX may not be noticed: give it read = system,call,agent in manager.conf"
            }
            (Kind::Asterisk, Self::CallEvents) => {
                "the AMI user does not receive call events, so calls are not seen: give it read = system,call,agent in manager.conf, and look for eventfilter lines of it there"
            }
            (Kind::FreeSwitch, Self::SystemEvents) => "the event socket does not say when FreeSWITCH starts",
            (Kind::FreeSwitch, Self::CallEvents) => {
                "the event socket refused the subscription to call events, so calls are not seen: give the user of userauth the events CHANNEL_CREATE to CHANNEL_UUID, HEARTBEAT and CUSTOM (esl-allowed-events), or log in with the password of event_socket.conf.xml"
            }
            (Kind::FreeSwitch, Self::Filters) => {
                "the event socket does not heed filters, so FreeSWITCH sends more than is needed"
            }
            (Kind::FreeSwitch, Self::Snapshot) => {
                "the login may not list channels and calls, so calls that run when Ringbud connects are only seen late, and calls that end while the link is down do not end: give the user of userauth the commands show, uuid_dump and global_getvar (esl-allowed-api)"
            }
            (Kind::FreeSwitch, Self::Status) => {
                "the login may not ask for FreeSWITCH's version: give the user of userauth the command status (esl-allowed-api)"
            }
            (Kind::FreeSwitch, Self::Endpoints) => {
                "the login may not list who is registered: give the user of userauth the command show (esl-allowed-api)"
            }
            (Kind::Asterisk, Self::Filters) => {
                "the AMI user may not install event filters, or the PBX does not heed them, so it sends more than is needed: give the user write = system,reporting, or write eventfilter lines for it in manager.conf"
            }
            (Kind::Asterisk, Self::Snapshot) => {
                "the AMI user may not list channels, so calls that run when Ringbud connects are only seen late, and calls that end while the link is down do not end: give it write = system,reporting in manager.conf"
            }
            (Kind::Asterisk, Self::Status) => {
                "the AMI user may not ask for the PBX's version and start: give it write = system,reporting in manager.conf"
            }
            (Kind::Asterisk, Self::Endpoints) => {
                "the AMI user may not list the PBX's phones: give it write = system,reporting in manager.conf"
            }
        }
    }
}

/// A word for programs: why something is as it is. Never changes once it was told.
pub type Code = &'static str;

/// What a code's sentence speaks of, by name.
pub type Argument = (&'static str, String);

/// Why a session ended before its connection did. The connection has to be closed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// Whatever listens there is no such PBX.
    #[error(
        "what answers there is not {} of {} (it said {said:?}): check the address; the usual port is {} unless {} says otherwise",
        .kind.protocol(), .kind.name(), .kind.usual_ports().0, .kind.settings_file()
    )]
    NotThisPbx {
        /// What was expected.
        kind: Kind,
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
        "the PBX refused the login of {username:?} with the words {said:?}: check username and secret here, and the user's secret, permit and deny lines in {}", .kind.settings_file()
    )]
    LoginRefused {
        /// What refused.
        kind: Kind,
        /// The name.
        username: String,
        /// The PBX's words.
        said: String,
    },
    /// The PBX closes connections from our address before anybody can log in.
    #[error(
        "{} at that address lets nobody log in from here: add the address of this host to the list that apply-inbound-acl names in {}, or to listen-ip if it listens on 127.0.0.1 only", .kind.name(), .kind.settings_file()
    )]
    AddressRefused {
        /// What refused.
        kind: Kind,
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
            Self::NoGreeting { .. } | Self::NoAnswer { .. } | Self::Frozen { .. } => true,
        }
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
        }
    }

    /// What the sentence of the code speaks of.
    pub fn arguments(&self) -> Vec<Argument> {
        match self {
            Self::NotThisPbx { kind, said } => vec![("kind", kind.name().to_owned()), ("said", said.clone())],
            Self::NoGreeting { kind, within } => {
                vec![("kind", kind.name().to_owned()), ("seconds", seconds(*within))]
            }
            Self::LoginRefused { kind, username, said } => {
                vec![("kind", kind.name().to_owned()), ("username", username.clone()), ("said", said.clone())]
            }
            Self::AddressRefused { kind } => vec![("kind", kind.name().to_owned())],
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
        }
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

/// Something the login may do and Ringbud never does: whoever learns the secret may do it, too.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Excess {
    /// Place calls.
    Calls,
    /// Run commands of the PBX, and so of its machine.
    Commands,
    /// Change its configuration.
    Settings,
}

impl Excess {
    /// In English, with how to mend it on such a PBX.
    pub const fn sentence(self, kind: Kind) -> &'static str {
        match (kind, self) {
            // Whoever may log in to an event socket may do everything.
            (Kind::FreeSwitch, Self::Calls | Self::Commands | Self::Settings) => {
                "whoever has the secret of the event socket may do everything there: let no other host reach it"
            }
            (Kind::Asterisk, Self::Calls) => {
                "the AMI user may place calls (Originate), which Ringbud never does: write = system,reporting is enough"
            }
            (Kind::Asterisk, Self::Commands) => {
                "the AMI user may run commands (Command), which Ringbud never does: write = system,reporting is enough"
            }
            (Kind::Asterisk, Self::Settings) => {
                "the AMI user may change the PBX's configuration (UpdateConfig), which Ringbud never does: write = system,reporting is enough"
            }
        }
    }
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

/// Something an operator should know; the session goes on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// Something is missing.
    Missing(Missing),
    /// It is there after all.
    Mended(Missing),
    /// The login may do more than is needed.
    Excess(Excess),
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

/// What shows that an endpoint is a provider's line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sign {
    /// Its calls come in where calls from outside do.
    Context,
    /// The PBX registers itself with it.
    Registration,
    /// The PBX logs in to it when it calls.
    Login,
    /// It is known by its address and proves nothing.
    Address,
    /// It is a port to the exchange.
    Port,
    /// The PBX calls it a gateway.
    Gateway,
}

impl Sign {
    /// In English, of the endpoint.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Context => "its context takes calls from outside",
            Self::Registration => "the PBX registers itself with it",
            Self::Login => "the PBX logs in to it (outbound_auth)",
            Self::Address => "it is known by its address (identify)",
            Self::Port => "it is a port to the exchange",
            Self::Gateway => "it is a gateway",
        }
    }
}

/// A phone or trunk the PBX knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Endpoint<'a> {
    /// Its name, as inputs give it (`PJSIP/1001-101`).
    pub name: &'a str,
    /// Whether it is registered or answers, as of now; `None` where this does not say.
    pub is_reachable: Option<bool>,
    /// What shows that it is a provider's line, if this does.
    pub sign: Option<Sign>,
    /// Where its calls come in, in the PBX's words; empty where this does not say.
    pub context: &'a str,
    /// The number the PBX gives the endpoint itself, whatever its name; empty where this does not say.
    pub number: &'a str,
}

impl<'a> Endpoint<'a> {
    /// One of which nothing is known but its name.
    pub const fn named(name: &'a str) -> Self {
        Self { name, is_reachable: None, sign: None, context: "", number: "" }
    }
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
