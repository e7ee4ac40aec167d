//! What is said to Asterisk, and what its answers mean for the link.
//!
//! Greeting, login, `FullyBooted`, then the settling in: event filters, version, clock; then the channels;
//! then live, with pings and now and then the channels again.

mod answers;
mod endpoints;
mod filters;
mod hearing;
mod questions;

use std::time::Duration;

use calls::PbxTime;

use self::endpoints::Endpoints;
use self::filters::Way;
use self::hearing::{Deaf, Hearing};
use self::questions::For;
use crate::ami::age;
use crate::ami::message::Message;
use crate::link::pulse::{Due, Pulse};
use crate::link::{About, Age, Failure, Health, Kind, Missing, Notice, Now, Output, Settings, State};

/// How long the PBX may take to greet, and to answer an action.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long each round of questions before the list of channels may take; who answers none is followed all the same.
const SETTLED_WITHIN: Duration = Duration::from_secs(5);
/// How long a challenge may take to come; what knows none is logged in to without.
const CHALLENGE_WITHIN: Duration = Duration::from_secs(3);
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
        /// A challenge was asked for, so that the secret need not be shown.
        is_proving: bool,
    },
    /// Logged in; `FullyBooted` should come.
    Booting {
        until: Duration,
    },
    /// The version and the like were asked for; so many answers are missing.
    Asking {
        until: Duration,
        unanswered: usize,
    },
    /// Filters were installed; so many answers are missing.
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
    /// Whether it keeps call detail records, from which exact times are taken after a gap.
    has_cdr: bool,
    actions: u64,
    /// When the channels were asked for first on this connection, by the PBX's clock.
    listed_at: Option<PbxTime>,
    /// When the link became live.
    live_at: Option<Duration>,
    hearing: Hearing,
    endpoints: Endpoints,
    /// How events are filtered on this connection, once that was asked for.
    way: Option<Way>,
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
            has_cdr: false,
            actions: 0,
            listed_at: None,
            live_at: None,
            hearing: Hearing::default(),
            endpoints: Endpoints::default(),
            way: None,
            filters_refused: false,
            resync_within,
        }
    }

    pub(super) const fn state(&self) -> State {
        match self.phase {
            Phase::Offline | Phase::Failed => State::Offline,
            Phase::Greeting { .. } => State::Connecting,
            Phase::LoggingIn { .. } => State::LoggingIn,
            Phase::Booting { .. } | Phase::Asking { .. } | Phase::Settling { .. } | Phase::Listing { .. } => {
                State::Synchronising
            }
            Phase::Live { .. } => State::Live,
        }
    }

    pub(super) const fn about(&self) -> &About {
        &self.about
    }

    pub(super) fn health(&self) -> Health {
        let health = self.pulse.map(|pulse| pulse.health()).unwrap_or_default();
        Health { hears_calls: self.hearing.heard_any(), ..health }
    }

    pub(super) fn connected(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.listed_at = None;
        self.live_at = None;
        self.hearing = Hearing::default();
        self.endpoints = Endpoints::default();
        self.way = None;
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
            self.fail(Failure::NotThisPbx { product: self.settings.product(Kind::Asterisk), said }, out);
            return &[];
        }
        match end {
            Some(end) if line.len() >= GREETING.len() => {
                let greeting = String::from_utf8_lossy(line).into_owned();
                match age::by_greeting(&greeting) {
                    Age::TooOld(failure) => self.fail(failure, out),
                    Age::Followed | Age::Unknown => self.log_in(now, out),
                }
                &bytes[end + 1..]
            }
            None if line.len() < MAX_GREETING_BYTES => &[],
            Some(_) | None => {
                let said = String::from_utf8_lossy(line).trim_end().to_owned();
                self.fail(Failure::NotThisPbx { product: self.settings.product(Kind::Asterisk), said }, out);
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

    /// The channels are asked for soon, and once more after that.
    pub(super) fn look_again(&mut self, now: Now) {
        self.resync_within = self.resync_within.min(RESYNC_AFTER);
        if let Phase::Live { audit_at } = &mut self.phase {
            *audit_at = (*audit_at).min(now.monotonic + RESYNC_AFTER);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let pulse = self.pulse.map(|pulse| pulse.deadline());
        match self.phase {
            Phase::Offline | Phase::Failed => None,
            Phase::Greeting { until, .. } | Phase::LoggingIn { until, .. } => Some(until),
            Phase::Booting { until }
            | Phase::Asking { until, .. }
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
                    Failure::NoGreeting { kind: Kind::Asterisk, within: ANSWER_WITHIN }
                } else {
                    Failure::NotThisPbx {
                        product: self.settings.product(Kind::Asterisk),
                        said: String::from_utf8_lossy(line).trim_end().to_owned(),
                    }
                };
                return self.fail(failure, out);
            }
            Phase::LoggingIn { until, is_proving: true } if now.monotonic >= *until => {
                let said = format!("it was silent for {} s", CHALLENGE_WITHIN.as_secs());
                self.no_challenge(said, now, out);
            }
            Phase::LoggingIn { until, .. } if now.monotonic >= *until => {
                return self.fail(Failure::NoAnswer { action: "Login", within: ANSWER_WITHIN }, out);
            }
            Phase::Booting { until } if now.monotonic >= *until => {
                out(Output::Notice(Notice::Missing(Missing::SystemEvents)));
                self.ask(now, out);
            }
            Phase::Asking { until, .. } if now.monotonic >= *until => self.settle(None, now, out),
            // A link that is dead does not answer pings either; one that lives goes on with what it has.
            Phase::Settling { until, .. } if now.monotonic >= *until => self.list(None, now, out),
            Phase::Listing { until } if now.monotonic >= *until => {
                out(Output::Notice(Notice::Missing(Missing::Snapshot)));
                self.go_live(now, out);
            }
            Phase::Live { audit_at } if now.monotonic >= *audit_at => {
                self.follow(now, out);
                self.hearing.list_begins();
                self.send(For::Channels, "CoreShowChannels", &[], out);
            }
            Phase::Greeting { .. }
            | Phase::LoggingIn { .. }
            | Phase::Booting { .. }
            | Phase::Asking { .. }
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

    fn logged_in(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        if matches!(self.phase, Phase::LoggingIn { .. }) {
            self.pulse = Some(Pulse::new(self.settings.ping_every, self.settings.ping_within, now));
            self.enter(Phase::Booting { until: now.monotonic + BOOTED_WITHIN }, out);
        }
    }

    fn go_live(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.live_at = self.live_at.or(Some(now.monotonic));
        self.follow(now, out);
        self.ask_endpoints(out);
    }

    /// Live from now, until the channels are asked for again.
    fn follow(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        let audit_every = self.settings.audit_every;
        let mut pause = std::mem::replace(&mut self.resync_within, audit_every);
        if self.hearing.is_doubtful() {
            pause = pause.min(self.settings.listen_every);
        }
        self.enter(Phase::Live { audit_at: now.monotonic + pause }, out);
    }

    /// The PBX showed an age at which it cannot be followed.
    pub(super) fn too_old(&mut self, age: &Age, out: &mut impl FnMut(Output<'_>)) {
        if let (Age::TooOld(failure), false) = (age, matches!(self.phase, Phase::Failed)) {
            self.fail(failure.clone(), out);
        }
    }

    /// A list of channels is complete: does what happens there reach us?
    fn listen(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        // Two lists so far apart count; they are not answered to the moment.
        let apart = self.settings.listen_every.mul_f64(0.9);
        let deaf = self.hearing.list_ends(now.monotonic, apart);
        match deaf {
            Some(Deaf::Beginnings | Deaf::Ends) => out(Output::Notice(Notice::Missing(Missing::CallEvents))),
            Some(Deaf::Agents) => out(Output::Notice(Notice::Missing(Missing::AgentEvents))),
            None => {}
        }
        if let (Phase::Live { audit_at }, true) = (&mut self.phase, self.hearing.is_doubtful()) {
            *audit_at = (*audit_at).min(now.monotonic + self.settings.listen_every);
        }
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
}
