//! What is said to Asterisk, and what its answers mean for the link.
//!
//! Greeting, login, `FullyBooted`, then the settling in: event filters, version, clock; then the channels;
//! then live, with pings and now and then the channels again.

use std::time::Duration;

use calls::PbxTime;
use md5::{Digest, Md5};

use super::pulse::{Due, Pulse};
use super::{About, Failure, Health, Missing, Notice, Now, Output, Proof, Settings, State};
use crate::ami::channel;
use crate::ami::encode::Action;
use crate::ami::message::Message;
use crate::ami::translate::{ACTION_PREFIX, EVENTS};

/// How long the PBX may take to greet, and to answer an action.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long `FullyBooted` is waited for after the login; a user without system events never gets it.
const BOOTED_WITHIN: Duration = Duration::from_secs(3);
/// How long a list may pause.
const LIST_WITHIN: Duration = Duration::from_secs(20);
/// How soon the channels are asked for again after a message was lost.
const RESYNC_AFTER: Duration = Duration::from_secs(5);
/// How soon they are asked for again after their list could not be used.
const LIST_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// How Asterisk greets.
const GREETING: &[u8] = b"Asterisk Call Manager";
/// How much of a greeting is read.
const MAX_GREETING_BYTES: usize = 256;
/// A channel this much younger than the link must have been told by an event.
const SURELY_TOLD: Duration = Duration::from_secs(5);

/// What an action is for; written into its id, so that answers need no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum For {
    Challenge,
    Login,
    Filter,
    Settings,
    Start,
    Ping,
    Status,
    Channels,
    Endpoints,
}

impl For {
    const ALL: [(Self, &'static str); 9] = [
        (Self::Challenge, "challenge"),
        (Self::Login, "login"),
        (Self::Filter, "filter"),
        (Self::Settings, "settings"),
        (Self::Start, "start"),
        (Self::Ping, "ping"),
        (Self::Status, "status"),
        (Self::Channels, "channels"),
        (Self::Endpoints, "endpoints"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(what, _)| *what == self).map_or("", |(_, word)| word)
    }

    fn of(id: &str) -> Option<Self> {
        let (_, word) = id.strip_prefix(ACTION_PREFIX)?.split_once('-')?;
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(what, _)| *what)
    }
}

/// Where the conversation is.
#[derive(Debug)]
enum Phase {
    Offline,
    /// Nothing but the greeting may come.
    Greeting {
        until: Duration,
        line: Vec<u8>,
    },
    LoggingIn {
        until: Duration,
    },
    /// Logged in; `FullyBooted` should come.
    Booting {
        until: Duration,
    },
    /// So many answers are missing.
    Settling {
        until: Duration,
        unanswered: usize,
    },
    /// The channels were asked for.
    Listing {
        until: Duration,
    },
    Live {
        audit_at: Duration,
    },
    /// Nothing counts any more until the connection is closed.
    Failed,
}

/// The conversation with one PBX.
#[derive(Debug)]
pub(super) struct Conversation {
    settings: Settings,
    phase: Phase,
    told: State,
    pulse: Option<Pulse>,
    about: About,
    actions: u64,
    /// When the channels were asked for first on this connection, by the PBX's clock.
    listed_at: Option<PbxTime>,
    call_events_come: bool,
    endpoints_asked: bool,
    filters_refused: bool,
    /// How soon after the link is live the channels are asked for again.
    resync_within: Duration,
}

impl Conversation {
    pub(super) fn new(settings: Settings) -> Self {
        let resync_within = settings.audit_every;
        Self {
            settings,
            phase: Phase::Offline,
            told: State::Offline,
            pulse: None,
            about: About::default(),
            actions: 0,
            listed_at: None,
            call_events_come: false,
            endpoints_asked: false,
            filters_refused: false,
            resync_within,
        }
    }

    pub(super) const fn state(&self) -> State {
        match self.phase {
            Phase::Offline | Phase::Failed => State::Offline,
            Phase::Greeting { .. } => State::Connecting,
            Phase::LoggingIn { .. } => State::LoggingIn,
            Phase::Booting { .. } | Phase::Settling { .. } | Phase::Listing { .. } => State::Synchronising,
            Phase::Live { .. } => State::Live,
        }
    }

    pub(super) const fn about(&self) -> &About {
        &self.about
    }

    pub(super) fn health(&self) -> Health {
        self.pulse.map(|pulse| pulse.health()).unwrap_or_default()
    }

    pub(super) fn connected(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.listed_at = None;
        self.call_events_come = false;
        self.endpoints_asked = false;
        self.filters_refused = false;
        self.enter(Phase::Greeting { until: now.monotonic + ANSWER_WITHIN, line: Vec::new() }, out);
    }

    /// Whether the PBX was followed, so that a gap begins now.
    pub(super) fn disconnected(&mut self, out: &mut impl FnMut(Output<'_>)) -> bool {
        let was_followed = self.pulse.take().is_some();
        self.enter(Phase::Offline, out);
        was_followed
    }

    /// Bytes came in. Reads the greeting; gives back what comes after it.
    pub(super) fn came<'a>(
        &mut self,
        bytes: &'a [u8],
        now: Now,
        out: &mut impl FnMut(Output<'_>),
    ) -> &'a [u8] {
        if let Some(pulse) = &mut self.pulse {
            pulse.heard(now);
        }
        let Phase::Greeting { line, .. } = &mut self.phase else {
            return if matches!(self.phase, Phase::Failed | Phase::Offline) { &[] } else { bytes };
        };
        let end = memchr::memchr(b'\n', bytes);
        let room = MAX_GREETING_BYTES - line.len();
        line.extend(bytes.iter().take(end.unwrap_or(bytes.len()).min(room)));
        if !GREETING.starts_with(&line[..line.len().min(GREETING.len())]) {
            let said = String::from_utf8_lossy(line).trim_end().to_owned();
            self.fail(Failure::NotAmi { said }, out);
            return &[];
        }
        match end {
            Some(end) if line.len() >= GREETING.len() => {
                self.log_in(now, out);
                &bytes[end + 1..]
            }
            None if line.len() < MAX_GREETING_BYTES => &[],
            Some(_) | None => {
                let said = String::from_utf8_lossy(line).trim_end().to_owned();
                self.fail(Failure::NotAmi { said }, out);
                &[]
            }
        }
    }

    /// A message, after it has been translated.
    pub(super) fn message(
        &mut self,
        message: &Message<'_>,
        heard: Option<PbxTime>,
        now: Now,
        out: &mut impl FnMut(Output<'_>),
    ) {
        match message.event() {
            Some(event) => self.event(event, message, heard, now, out),
            None => {
                if let Some(response) = message.response() {
                    self.answer(response == "Success", message, heard, now, out);
                }
            }
        }
    }

    /// The newest event that was read happened then.
    pub(super) fn read(&mut self, newest: PbxTime, now: Now) {
        if let Some(pulse) = &mut self.pulse {
            pulse.read(newest, now);
        }
    }

    /// Something that came in could not be used: the channels are asked for again soon.
    pub(super) fn lost(&mut self, what: Notice, now: Now, out: &mut impl FnMut(Output<'_>)) {
        let pause = if what == Notice::UnusableList { LIST_AGAIN_AFTER } else { RESYNC_AFTER };
        if let Phase::Live { audit_at } = &mut self.phase {
            *audit_at = (*audit_at).min(now.monotonic + pause);
        } else {
            self.resync_within = self.resync_within.min(pause);
        }
        out(Output::Notice(what));
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let pulse = self.pulse.map(|pulse| pulse.deadline());
        match self.phase {
            Phase::Offline | Phase::Failed => None,
            Phase::Greeting { until, .. } | Phase::LoggingIn { until } => Some(until),
            Phase::Booting { until }
            | Phase::Settling { until, .. }
            | Phase::Listing { until }
            | Phase::Live { audit_at: until } => Some(pulse.map_or(until, |pulse| pulse.min(until))),
        }
    }

    pub(super) fn timed_out(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        match &self.phase {
            Phase::Offline | Phase::Failed => return,
            Phase::Greeting { until, line } if now.monotonic >= *until => {
                let failure = if line.is_empty() {
                    Failure::NoGreeting { within: ANSWER_WITHIN }
                } else {
                    Failure::NotAmi { said: String::from_utf8_lossy(line).trim_end().to_owned() }
                };
                return self.fail(failure, out);
            }
            Phase::LoggingIn { until } if now.monotonic >= *until => {
                return self.fail(Failure::NoAnswer { action: "Login", within: ANSWER_WITHIN }, out);
            }
            Phase::Booting { until } if now.monotonic >= *until => {
                out(Output::Notice(Notice::Missing(Missing::SystemEvents)));
                self.settle(now, out);
            }
            Phase::Settling { until, .. } if now.monotonic >= *until => {
                return self.fail(Failure::NoAnswer { action: "Filter", within: ANSWER_WITHIN }, out);
            }
            Phase::Listing { until } if now.monotonic >= *until => {
                return self.fail(Failure::NoAnswer { action: "CoreShowChannels", within: LIST_WITHIN }, out);
            }
            Phase::Live { audit_at } if now.monotonic >= *audit_at => {
                self.follow(now, out);
                self.send(For::Channels, "CoreShowChannels", &[], out);
            }
            Phase::Greeting { .. }
            | Phase::LoggingIn { .. }
            | Phase::Booting { .. }
            | Phase::Settling { .. }
            | Phase::Listing { .. }
            | Phase::Live { .. } => {}
        }
        match self.pulse.and_then(|pulse| pulse.due(now)) {
            Some(Due::Ping) => self.ping(now, out),
            Some(Due::Dead(silent)) => self.fail(Failure::Frozen { silent }, out),
            None => {}
        }
    }

    fn event(
        &mut self,
        event: &str,
        message: &Message<'_>,
        heard: Option<PbxTime>,
        now: Now,
        out: &mut impl FnMut(Output<'_>),
    ) {
        match event {
            "FullyBooted" => match self.phase {
                Phase::Booting { .. } => self.settle(now, out),
                // The login came before the boot was done, and what was listed then is not all.
                Phase::Live { .. } => self.list(heard, now, out),
                Phase::Offline
                | Phase::Greeting { .. }
                | Phase::LoggingIn { .. }
                | Phase::Settling { .. }
                | Phase::Listing { .. }
                | Phase::Failed => {}
            },
            "CoreShowChannel" | "Status" => {
                if let Phase::Listing { until } = &mut self.phase {
                    *until = now.monotonic + LIST_WITHIN;
                }
                self.check_call_events(message, out);
            }
            "CoreShowChannelsComplete" | "StatusComplete"
                if matches!(self.phase, Phase::Listing { .. })
                    && matches!(For::of(message.value("ActionID")), Some(For::Status | For::Channels)) =>
            {
                self.go_live(now, out);
            }
            "EndpointList" if For::of(message.value("ActionID")) == Some(For::Endpoints) => {
                let name = format!("PJSIP/{}", message.value("ObjectName"));
                let is_reachable =
                    !matches!(message.value("DeviceState"), "Unavailable" | "Invalid" | "Unknown");
                out(Output::Endpoint { name: &name, is_reachable });
            }
            _ => {
                self.call_events_come =
                    self.call_events_come || message.value("Privilege").starts_with("call");
            }
        }
    }

    fn answer(
        &mut self,
        is_success: bool,
        message: &Message<'_>,
        heard: Option<PbxTime>,
        now: Now,
        out: &mut impl FnMut(Output<'_>),
    ) {
        let what = For::of(message.value("ActionID"));
        match (what, is_success) {
            (Some(For::Challenge), true) => self.answer_challenge(message.value("Challenge"), out),
            (Some(For::Login), true) => self.logged_in(now, out),
            (Some(For::Challenge | For::Login), false) => {
                let username = self.settings.username.clone();
                let said = message.value("Message").to_owned();
                self.fail(Failure::LoginRefused { username, said }, out);
            }
            (Some(For::Ping), true) => {
                if let Some(pulse) = &mut self.pulse {
                    pulse.ponged(message.get("Timestamp").and(heard), now);
                }
            }
            (Some(For::Filter | For::Settings | For::Start), is_success) => {
                self.settled_one(what, is_success, message, out);
                if let Phase::Settling { unanswered, .. } = &mut self.phase {
                    *unanswered = unanswered.saturating_sub(1);
                    if *unanswered == 0 {
                        self.list(heard, now, out);
                    }
                }
            }
            (Some(For::Status), false) => self.send(For::Channels, "CoreShowChannels", &[], out),
            (Some(For::Channels), false) if matches!(self.phase, Phase::Listing { .. }) => {
                out(Output::Notice(Notice::Missing(Missing::Snapshot)));
                self.go_live(now, out);
            }
            // Without chan_pjsip there is no such action, and without endpoints no list.
            (Some(For::Endpoints), false) if message.value("Message").starts_with("Permission") => {
                out(Output::Notice(Notice::Missing(Missing::Endpoints)));
            }
            (Some(For::Ping | For::Channels | For::Endpoints), false)
            | (Some(For::Status | For::Channels | For::Endpoints), true)
            | (None, _) => {}
        }
    }

    /// An answer to one of the questions after the login.
    fn settled_one(
        &mut self,
        what: Option<For>,
        is_success: bool,
        message: &Message<'_>,
        out: &mut impl FnMut(Output<'_>),
    ) {
        match (what, is_success) {
            (Some(For::Settings), true) => {
                message.value("AsteriskVersion").clone_into(&mut self.about.version);
                message.value("SystemName").clone_into(&mut self.about.system_name);
                self.about.has_cdr = message.value("CoreCDRenabled") == "Yes";
            }
            (Some(For::Start), true) => {
                self.about.started =
                    format!("{} {}", message.value("CoreStartupDate"), message.value("CoreStartupTime"));
            }
            (Some(For::Start), false) => out(Output::Notice(Notice::Missing(Missing::Status))),
            // All are refused or none.
            (Some(For::Filter), false) if !std::mem::replace(&mut self.filters_refused, true) => {
                out(Output::Notice(Notice::Missing(Missing::Filters)));
            }
            _ => {}
        }
    }

    fn log_in(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.enter(Phase::LoggingIn { until: now.monotonic + ANSWER_WITHIN }, out);
        match self.settings.proof {
            Proof::Challenge => self.send(For::Challenge, "Challenge", &[("AuthType", "MD5")], out),
            Proof::Plain => {
                let Settings { username, secret, .. } = self.settings.clone();
                self.send(For::Login, "Login", &[("Username", &username), ("Secret", &secret.0)], out);
            }
        }
    }

    fn answer_challenge(&mut self, challenge: &str, out: &mut impl FnMut(Output<'_>)) {
        if !matches!(self.phase, Phase::LoggingIn { .. }) {
            return;
        }
        let Settings { username, secret, .. } = self.settings.clone();
        let digest = Md5::new().chain_update(challenge).chain_update(&secret.0).finalize();
        let key = format!("{digest:x}");
        self.send(For::Login, "Login", &[("AuthType", "MD5"), ("Username", &username), ("Key", &key)], out);
    }

    fn logged_in(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        if matches!(self.phase, Phase::LoggingIn { .. }) {
            self.pulse = Some(Pulse::new(self.settings.ping_every, self.settings.ping_within, now));
            self.enter(Phase::Booting { until: now.monotonic + BOOTED_WITHIN }, out);
        }
    }

    /// Asks everything that has to be known before the channels are asked for, in one go: the first filter
    /// keeps all other events away until its fellows are there.
    fn settle(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.ping(now, out);
        let mut bytes = Vec::new();
        bytes.extend(self.action(For::Settings, "CoreSettings").encode());
        bytes.extend(self.action(For::Start, "CoreStatus").encode());
        for event in EVENTS {
            let criteria = format!("name({event})");
            let filter = self.action(For::Filter, "Filter").with("Operation", "Add");
            bytes.extend(filter.with("MatchCriteria", &criteria).encode());
        }
        let unanswered = EVENTS.len() + 2;
        self.enter(Phase::Settling { until: now.monotonic + ANSWER_WITHIN, unanswered }, out);
        out(Output::Send(&bytes));
    }

    /// Asks for the channels; with exact times where the PBX keeps them.
    fn list(&mut self, heard: Option<PbxTime>, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.listed_at = self.listed_at.or(heard);
        self.enter(Phase::Listing { until: now.monotonic + LIST_WITHIN }, out);
        if self.about.has_cdr {
            let variables = [("Variables", "CDR(start,u),CDR(answer,u)")];
            self.send(For::Status, "Status", &variables, out);
        } else {
            self.send(For::Channels, "CoreShowChannels", &[], out);
        }
    }

    fn go_live(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.follow(now, out);
        if !std::mem::replace(&mut self.endpoints_asked, true) {
            self.send(For::Endpoints, "PJSIPShowEndpoints", &[], out);
        }
    }

    /// Live from now, until the channels are asked for again.
    fn follow(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        let audit_every = self.settings.audit_every;
        let pause = std::mem::replace(&mut self.resync_within, audit_every);
        self.enter(Phase::Live { audit_at: now.monotonic + pause }, out);
    }

    /// A channel that is younger than the link, and no event of a call has ever come.
    fn check_call_events(&mut self, listed: &Message<'_>, out: &mut impl FnMut(Output<'_>)) {
        let made_at = channel::unique_id_parts(listed.value("Uniqueid"));
        if let (false, Some(since), Some((second, _))) = (self.call_events_come, self.listed_at, made_at)
            && PbxTime::from_secs(second) > since + SURELY_TOLD
        {
            self.call_events_come = true;
            out(Output::Notice(Notice::Missing(Missing::CallEvents)));
        }
    }

    fn ping(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        if let Some(pulse) = &mut self.pulse {
            pulse.pinged(now);
        }
        self.send(For::Ping, "Ping", &[], out);
    }

    fn fail(&mut self, failure: Failure, out: &mut impl FnMut(Output<'_>)) {
        self.enter(Phase::Failed, out);
        out(Output::Failed(failure));
    }

    fn enter(&mut self, phase: Phase, out: &mut impl FnMut(Output<'_>)) {
        self.phase = phase;
        let state = self.state();
        if std::mem::replace(&mut self.told, state) != state {
            out(Output::State(state));
        }
    }

    fn action(&mut self, what: For, name: &str) -> Action {
        self.actions += 1;
        Action::new(name, &format!("{ACTION_PREFIX}{}-{}", self.actions, what.word()))
    }

    fn send(&mut self, what: For, name: &str, headers: &[(&str, &str)], out: &mut impl FnMut(Output<'_>)) {
        let action = self.action(what, name);
        let action = headers.iter().fold(action, |action, (name, value)| action.with(name, value));
        out(Output::Send(&action.encode()));
    }
}
