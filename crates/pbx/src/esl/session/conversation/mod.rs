//! What is said to FreeSWITCH, and what its answers mean for the link.
//!
//! Password, subscription, filters; then the channels, the calls, and all about those in doubt; then live, with
//! signs of life and now and then the channels again.

mod answers;
mod endpoints;

use std::time::Duration;

use calls::PbxTime;

use self::endpoints::registered;
use super::asking::{Asked, Question};
use crate::esl::event::Event;
use crate::esl::field::Field;
use crate::esl::message::{self, Message};
use crate::esl::translate::Translator;
use crate::link::pulse::{Due, Pulse};
use crate::link::{About, Failure, Health, Kind, Missing, Notice, Now, Output, Settings, Skipped, State};

/// How long the PBX may take to ask for the password, and to answer a command.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How soon the channels are asked for again after a message was lost.
const RESYNC_AFTER: Duration = Duration::from_secs(5);
/// How FreeSWITCH begins.
const GREETING: &[u8] = b"Content-";
/// So much is shown of what somebody else begins with.
const MAX_SHOWN_BYTES: usize = 200;

/// Where the conversation is.
#[derive(Debug)]
enum Phase {
    Offline,
    /// The password is to be asked for.
    Greeting {
        until: Duration,
        /// How it began to speak.
        said: Vec<u8>,
    },
    LoggingIn {
        until: Duration,
    },
    /// Logged in; what is subscribed to is being said.
    Settling {
        until: Duration,
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

/// The conversation with one FreeSWITCH.
#[derive(Debug)]
pub(super) struct Conversation {
    settings: Settings,
    phase: Phase,
    told: State,
    asked: Asked,
    pulse: Option<Pulse>,
    about: About,
    /// What the PBX's clock said when ours, monotonic one said what.
    anchor: Option<(PbxTime, Duration)>,
    endpoints_asked: bool,
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
            asked: Asked::default(),
            pulse: None,
            about: About::default(),
            anchor: None,
            endpoints_asked: false,
            resync_within,
        }
    }

    pub(super) const fn state(&self) -> State {
        match self.phase {
            Phase::Offline | Phase::Failed => State::Offline,
            Phase::Greeting { .. } => State::Connecting,
            Phase::LoggingIn { .. } => State::LoggingIn,
            Phase::Settling { .. } | Phase::Listing { .. } => State::Synchronising,
            Phase::Live { .. } => State::Live,
        }
    }

    pub(super) const fn about(&self) -> &About {
        &self.about
    }

    pub(super) fn health(&self) -> Health {
        self.pulse.map(|pulse| pulse.health()).unwrap_or_default()
    }

    /// Nothing that comes counts any more.
    pub(super) const fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Offline | Phase::Failed)
    }

    /// The login was accepted: what is said is a FreeSWITCH's.
    pub(super) const fn is_let_in(&self) -> bool {
        matches!(self.phase, Phase::Settling { .. } | Phase::Listing { .. } | Phase::Live { .. })
    }

    /// An event came before anybody had shown a password. A FreeSWITCH does not do that, and whoever does may say
    /// of calls whatever it likes.
    pub(super) fn spoke_unasked(&mut self, out: &mut impl FnMut(Output<'_>)) {
        let said = "an event before the login".to_owned();
        self.fail(Failure::NotThisPbx { product: self.settings.product(Kind::FreeSwitch), said }, out);
    }

    // The PBX's clock

    /// What the PBX's clock says when ours says this.
    pub(super) fn time_of(&self, monotonic: Duration) -> Option<PbxTime> {
        self.anchor.map(|(time, then)| time + monotonic.saturating_sub(then))
    }

    /// What our clock says when the PBX's says this.
    pub(super) fn moment_of(&self, at: PbxTime) -> Option<Duration> {
        self.anchor.map(|(time, then)| then + at.since(time))
    }

    fn read_clock(&mut self, time: PbxTime, now: Now) {
        if self.time_of(now.monotonic).is_none_or(|known| known < time || known.since(time) > ANSWER_WITHIN) {
            self.anchor = Some((time, now.monotonic));
        }
    }

    // What happens

    pub(super) fn connected(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.endpoints_asked = false;
        self.asked.clear();
        self.anchor = None;
        self.enter(Phase::Greeting { until: now.monotonic + ANSWER_WITHIN, said: Vec::new() }, out);
    }

    /// Whether the PBX was followed, so that a gap begins now.
    pub(super) fn disconnected(&mut self, out: &mut impl FnMut(Output<'_>)) -> bool {
        let was_followed = self.pulse.take().is_some();
        self.asked.clear();
        self.enter(Phase::Offline, out);
        was_followed
    }

    /// Bytes came in. Whoever listens there and is no FreeSWITCH is told by its first ones.
    pub(super) fn came(&mut self, bytes: &[u8], now: Now, out: &mut impl FnMut(Output<'_>)) {
        if let Some(pulse) = &mut self.pulse {
            pulse.heard(now);
        }
        let Phase::Greeting { said, .. } = &mut self.phase else { return };
        said.extend(bytes.iter().take(MAX_SHOWN_BYTES - said.len()));
        let shown = said.len().min(GREETING.len());
        if said[..shown] != GREETING[..shown] {
            let said = String::from_utf8_lossy(said).trim_end().to_owned();
            self.fail(Failure::NotThisPbx { product: self.settings.product(Kind::FreeSwitch), said }, out);
        }
    }

    /// An event, after it has been translated.
    pub(super) fn event(
        &mut self,
        event: &Event<'_>,
        translator: &Translator,
        now: Now,
        out: &mut impl FnMut(Output<'_>),
    ) {
        if let Some(at) = translator.last_heard() {
            self.read_clock(at, now);
            if let Some(pulse) = &mut self.pulse {
                pulse.read(event.micros(Field::Timestamp).map_or(at, PbxTime::from_micros), now);
            }
        }
        if event.word(Field::EventName) == "CUSTOM" {
            let is_reachable = match event.word(Field::Subclass) {
                "sofia%3A%3Aregister" | "sofia::register" => true,
                "sofia%3A%3Aunregister" | "sofia::unregister" | "sofia%3A%3Aexpire" | "sofia::expire" => {
                    false
                }
                _ => return,
            };
            // One that expired is named in words of its own.
            let user = [Field::RegisteredUser, Field::ExpiredUser].map(|field| event.get(field));
            let host = [Field::RegisteredHost, Field::ExpiredHost].map(|field| event.get(field));
            let first = |of: &[std::borrow::Cow<'_, str>; 2]| {
                of.iter().find(|text| !text.is_empty()).map(ToString::to_string).unwrap_or_default()
            };
            registered(&first(&user), &first(&host), is_reachable, out);
        }
    }

    /// Anything but an event.
    pub(super) fn message(
        &mut self,
        message: &Message<'_>,
        translator: &mut Translator,
        now: Now,
        out: &mut impl FnMut(Output<'_>),
    ) {
        match message.kind {
            message::Kind::Reply
            | message::Kind::Answer
            | message::Kind::Disconnect
            | message::Kind::Other
                if matches!(self.phase, Phase::Greeting { .. }) =>
            {
                let said = "something else than the question for the password".to_owned();
                self.fail(
                    Failure::NotThisPbx { product: self.settings.product(Kind::FreeSwitch), said },
                    out,
                );
            }
            message::Kind::AuthRequest => {
                if matches!(self.phase, Phase::Greeting { .. }) {
                    self.enter(Phase::LoggingIn { until: now.monotonic + ANSWER_WITHIN }, out);
                    let Settings { username, secret, .. } = self.settings.clone();
                    self.asked.log_in(&username, &secret, out);
                }
            }
            message::Kind::Refused => {
                self.fail(Failure::AddressRefused { product: self.settings.product(Kind::FreeSwitch) }, out)
            }
            message::Kind::Reply => self.replied(&String::from_utf8_lossy(message.reply), now, out),
            message::Kind::Answer => self.answered(message.body, translator, now, out),
            // It may keep the connection open after that (`Content-Disposition: linger`), and say nothing more or
            // not everything. What is missed until the next login is found there, so that is not waited for.
            message::Kind::Disconnect => self.fail(Failure::Dismissed, out),
            message::Kind::Plain | message::Kind::Json | message::Kind::Other => {}
        }
    }

    /// Something that came in could not be used: the channels are asked for again soon.
    pub(super) fn lost(&mut self, what: Skipped, now: Now, out: &mut impl FnMut(Output<'_>)) {
        if let Phase::Greeting { .. } | Phase::LoggingIn { .. } = self.phase {
            let said = what.to_string();
            return self
                .fail(Failure::NotThisPbx { product: self.settings.product(Kind::FreeSwitch), said }, out);
        }
        self.resync(RESYNC_AFTER, now);
        out(Output::Notice(Notice::Skipped(what)));
    }

    /// The channels are asked for soon, and once more after that.
    pub(super) fn look_again(&mut self, now: Now) {
        self.resync_within = self.resync_within.min(RESYNC_AFTER);
        self.resync(RESYNC_AFTER, now);
    }

    fn resync(&mut self, pause: Duration, now: Now) {
        if let Phase::Live { audit_at } = &mut self.phase {
            *audit_at = (*audit_at).min(now.monotonic + pause);
        } else {
            self.resync_within = self.resync_within.min(pause);
        }
    }

    // Deadlines

    pub(super) fn next_deadline(&self) -> Option<Duration> {
        let pulse = self.pulse.map(|pulse| pulse.deadline());
        match self.phase {
            Phase::Offline | Phase::Failed => None,
            Phase::Greeting { until, .. } | Phase::LoggingIn { until } => Some(until),
            Phase::Settling { until } | Phase::Listing { until } | Phase::Live { audit_at: until } => {
                Some(pulse.map_or(until, |pulse| pulse.min(until)))
            }
        }
    }

    pub(super) fn timed_out(
        &mut self,
        translator: &mut Translator,
        now: Now,
        out: &mut impl FnMut(Output<'_>),
    ) {
        match self.phase {
            Phase::Offline | Phase::Failed => return,
            Phase::Greeting { until, .. } if now.monotonic >= until => {
                let failure = Failure::NoGreeting { kind: Kind::FreeSwitch, within: ANSWER_WITHIN };
                return self.fail(failure, out);
            }
            Phase::LoggingIn { until } if now.monotonic >= until => {
                return self.fail(Failure::NoAnswer { action: "auth", within: ANSWER_WITHIN }, out);
            }
            // A link that is dead does not answer signs of life either; one that lives goes on with what it has.
            Phase::Settling { until } | Phase::Listing { until } if now.monotonic >= until => {
                translator.snapshot(|at, input| out(Output::Heard { at, input: &input, because: None }));
                out(Output::Notice(Notice::Missing(Missing::Snapshot)));
                self.go_live(now, out);
            }
            Phase::Live { audit_at } if now.monotonic >= audit_at => {
                self.follow(now, out);
                for question in [Question::Core, Question::Channels, Question::Calls] {
                    self.asked.ask(question, out);
                }
            }
            Phase::Greeting { .. }
            | Phase::LoggingIn { .. }
            | Phase::Settling { .. }
            | Phase::Listing { .. }
            | Phase::Live { .. } => {}
        }
        match self.pulse.and_then(|pulse| pulse.due(now)) {
            Some(Due::Ping) => {
                if let Some(pulse) = &mut self.pulse {
                    pulse.pinged(now);
                }
                self.asked.ask(Question::Ping, out);
            }
            Some(Due::Dead(silent)) => self.fail(Failure::Frozen { silent }, out),
            None => {}
        }
    }

    fn go_live(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        if matches!(self.phase, Phase::Listing { .. } | Phase::Settling { .. }) {
            self.follow(now, out);
        }
        if !std::mem::replace(&mut self.endpoints_asked, true) {
            self.asked.ask(Question::Registrations, out);
            self.asked.ask(Question::Gateways, out);
        }
    }

    /// Live from now, until the channels are asked for again.
    fn follow(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        let audit_every = self.settings.audit_every;
        let pause = std::mem::replace(&mut self.resync_within, audit_every);
        self.enter(Phase::Live { audit_at: now.monotonic + pause }, out);
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
