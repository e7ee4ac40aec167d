//! What is said to FreeSWITCH, and what its answers mean for the link.
//!
//! Password, subscription, filters; then the channels, the calls, and all about those in doubt; then live, with
//! signs of life and now and then the channels again.

use std::time::Duration;

use calls::PbxTime;

use super::asking::{Asked, Question};
use super::hooks;
use crate::esl::codec::{self, Message};
use crate::esl::event::Event;
use crate::esl::field::Field;
use crate::esl::listed;
use crate::esl::lists::Answer;
use crate::esl::translate::Translator;
use crate::esl::version;
use crate::link::pulse::{Due, Pulse};
use crate::link::{
    About, Ask, Endpoint, Failure, Health, Kind, Missing, Notice, Now, Output, Settings, Sign, Skipped, State,
};

/// How long the PBX may take to ask for the password, and to answer a command.
const ANSWER_WITHIN: Duration = Duration::from_secs(10);
/// How long the lists may take.
const LIST_WITHIN: Duration = Duration::from_secs(20);
/// How soon the channels are asked for again after a message was lost.
const RESYNC_AFTER: Duration = Duration::from_secs(5);
/// How soon they are asked for again after their list could not be used.
const LIST_AGAIN_AFTER: Duration = Duration::from_secs(30);
/// About so many channels in doubt more is asked; the others are as the list has them.
const MAX_DUMPS: usize = 500;
/// How FreeSWITCH begins.
const GREETING: &[u8] = b"Content-";

/// Where the conversation is.
#[derive(Clone, Copy, Debug)]
enum Phase {
    Offline,
    /// The password is to be asked for.
    Greeting {
        until: Duration,
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
        self.enter(Phase::Greeting { until: now.monotonic + ANSWER_WITHIN }, out);
    }

    /// Whether the PBX was followed, so that a gap begins now.
    pub(super) fn disconnected(&mut self, out: &mut impl FnMut(Output<'_>)) -> bool {
        let was_followed = self.pulse.take().is_some();
        self.asked.clear();
        self.enter(Phase::Offline, out);
        was_followed
    }

    pub(super) fn came(&mut self, now: Now) {
        if let Some(pulse) = &mut self.pulse {
            pulse.heard(now);
        }
    }

    /// Whoever listens there and is no FreeSWITCH is told by its first bytes.
    pub(super) fn check_greeting(&mut self, said: &[u8], out: &mut impl FnMut(Output<'_>)) {
        let shown = said.len().min(GREETING.len());
        if matches!(self.phase, Phase::Greeting { .. }) && said[..shown] != GREETING[..shown] {
            let said = String::from_utf8_lossy(&said[..said.len().min(200)]).trim_end().to_owned();
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
            let user = [Field::RegisteredUser, Field::Username].map(|field| event.get(field));
            let host = [Field::RegisteredHost, Field::Realm].map(|field| event.get(field));
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
            codec::Kind::Reply | codec::Kind::Answer | codec::Kind::Disconnect | codec::Kind::Other
                if matches!(self.phase, Phase::Greeting { .. }) =>
            {
                let said = "something else than the question for the password".to_owned();
                self.fail(
                    Failure::NotThisPbx { product: self.settings.product(Kind::FreeSwitch), said },
                    out,
                );
            }
            codec::Kind::AuthRequest => {
                if matches!(self.phase, Phase::Greeting { .. }) {
                    self.enter(Phase::LoggingIn { until: now.monotonic + ANSWER_WITHIN }, out);
                    let Settings { username, secret, .. } = self.settings.clone();
                    self.asked.log_in(&username, &secret, out);
                }
            }
            codec::Kind::Refused => {
                self.fail(Failure::AddressRefused { product: self.settings.product(Kind::FreeSwitch) }, out)
            }
            codec::Kind::Reply => self.replied(&String::from_utf8_lossy(message.reply), now, out),
            codec::Kind::Answer => self.answered(message.body, translator, now, out),
            codec::Kind::Plain | codec::Kind::Json | codec::Kind::Disconnect | codec::Kind::Other => {}
        }
    }

    fn replied(&mut self, said: &str, now: Now, out: &mut impl FnMut(Output<'_>)) {
        let is_success = said.starts_with("+OK");
        match self.asked.answered() {
            Some(Question::Login) if is_success => {
                self.pulse = Some(Pulse::new(self.settings.ping_every, self.settings.ping_within, now));
                self.enter(Phase::Settling { until: now.monotonic + ANSWER_WITHIN }, out);
                self.asked.ask(Question::Subscription, out);
                self.asked.filter(out);
                self.asked.ask(Question::Status, out);
                self.list(now, out);
            }
            Some(Question::Login) => {
                let username = self.settings.username.clone();
                let said = said.to_owned();
                self.fail(
                    Failure::LoginRefused {
                        product: self.settings.product(Kind::FreeSwitch),
                        username,
                        said,
                    },
                    out,
                );
            }
            Some(Question::Subscription) if !is_success => {
                out(Output::Notice(Notice::Missing(Missing::CallEvents)));
            }
            Some(Question::Filter) if !is_success => {
                out(Output::Notice(Notice::Missing(Missing::Filters)));
            }
            // A right that is missing is answered by a reply instead of an answer.
            Some(question) if !is_success => self.refused(&question, now, out),
            Some(_) | None => {}
        }
    }

    /// Asks for the channels: first which start of FreeSWITCH this is, so that a restart is told before.
    fn list(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.enter(Phase::Listing { until: now.monotonic + LIST_WITHIN }, out);
        for question in [Question::Core, Question::Channels, Question::Calls] {
            self.asked.ask(question, out);
        }
    }

    fn answered(
        &mut self,
        body: &[u8],
        translator: &mut Translator,
        now: Now,
        out: &mut impl FnMut(Output<'_>),
    ) {
        let Some(question) = self.asked.answered() else { return };
        let heard = |at, input: calls::Input<'_>| {
            out(Output::Heard { at, input: &input, because: None });
        };
        match question {
            Question::Ping => {
                let clock = std::str::from_utf8(body).ok().and_then(|text| text.trim().parse().ok());
                let clock = clock.filter(|micros: &i64| *micros > 0).map(PbxTime::from_micros);
                if let Some(pulse) = &mut self.pulse {
                    pulse.ponged(clock, now);
                }
                if let Some(at) = clock {
                    translator.handle_timeout(at, heard);
                    self.read_clock(at, now);
                }
            }
            Question::Status => self.read_status(&String::from_utf8_lossy(body), out),
            Question::Core => {
                translator.answer(body, heard);
            }
            Question::Channels | Question::Calls => {
                let unusable = translator.counts().unusable_lists;
                let answer = translator.answer(body, heard);
                match (&question, answer) {
                    (Question::Calls, Answer::Calls) => {
                        let doubtful = translator.in_doubt();
                        for id in doubtful.into_iter().filter(|id| is_plain(id)).take(MAX_DUMPS) {
                            self.asked.ask(Question::Dump(id), out);
                        }
                        self.listed(translator, now, out);
                    }
                    (Question::Channels, Answer::Channels) => {
                        if self.settings.ask == Ask::All {
                            seen_in_calls(body, out);
                            self.look_for_hooks(body, out);
                        }
                    }
                    _ if translator.counts().unusable_lists > unusable => {
                        out(Output::Notice(Notice::UnusableList));
                        self.resync(LIST_AGAIN_AFTER, now);
                    }
                    _ => self.refused(&question, now, out),
                }
            }
            Question::Dump(id) => {
                if translator.answer(body, heard) != Answer::Dump {
                    translator.no_such_channel(&id);
                }
                self.listed(translator, now, out);
            }
            Question::Registrations => {
                for row in listed::rows(body) {
                    registered(listed::text(&row, "reg_user"), listed::text(&row, "realm"), true, out);
                }
            }
            Question::Gateways => read_gateways(&String::from_utf8_lossy(body), out),
            Question::Hook(variable, id) => hooks::told(variable, &id, body, out),
            Question::Login | Question::Subscription | Question::Filter => {}
        }
    }

    /// Asks for what FreeSWITCH does by itself: with all calls, and with some that are up.
    fn look_for_hooks(&mut self, list: &[u8], out: &mut impl FnMut(Output<'_>)) {
        let rows = listed::rows(list);
        let ids =
            rows.iter().map(|row| listed::text(row, "uuid")).filter(|id| is_plain(id) && !id.is_empty());
        for id in std::iter::once("").chain(ids.take(hooks::MAX_CHANNELS)) {
            for variable in hooks::VARIABLES {
                self.asked.ask(Question::Hook(variable, id.to_owned()), out);
            }
        }
    }

    /// Both lists are there; the snapshot is told when nothing about it is in doubt any more.
    fn listed(&mut self, translator: &mut Translator, now: Now, out: &mut impl FnMut(Output<'_>)) {
        if !self.asked.has_dumps() {
            translator.snapshot(|at, input| out(Output::Heard { at, input: &input, because: None }));
            self.go_live(now, out);
        }
    }

    fn refused(&mut self, question: &Question, now: Now, out: &mut impl FnMut(Output<'_>)) {
        match question {
            Question::Channels => {}
            Question::Calls => {
                out(Output::Notice(Notice::Missing(Missing::Snapshot)));
                self.go_live(now, out);
            }
            Question::Status => out(Output::Notice(Notice::Missing(Missing::Status))),
            Question::Registrations => out(Output::Notice(Notice::Missing(Missing::Endpoints))),
            Question::Ping => {
                if let Some(pulse) = &mut self.pulse {
                    pulse.ponged(None, now);
                }
            }
            Question::Login
            | Question::Subscription
            | Question::Filter
            | Question::Core
            | Question::Dump(_)
            | Question::Gateways => {}
            Question::Hook(..) => out(Output::Notice(Notice::HooksNotTold)),
        }
    }

    fn read_status(&mut self, said: &str, out: &mut impl FnMut(Output<'_>)) {
        let Some(found) = version::in_status(said) else {
            return out(Output::Notice(Notice::Missing(Missing::Status)));
        };
        self.about.version = found.to_owned();
        self.about.started = said.lines().next().unwrap_or_default().trim().to_owned();
        if let Some(failure) = version::too_old(found) {
            self.fail(failure, out);
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
            Phase::Greeting { until } | Phase::LoggingIn { until } => Some(until),
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
            Phase::Greeting { until } if now.monotonic >= until => {
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

/// Whether an id can be written into a command: it came from outside, and FreeSWITCH's own are.
fn is_plain(id: &str) -> bool {
    id.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'))
}

fn registered(user: &str, host: &str, is_reachable: bool, out: &mut impl FnMut(Output<'_>)) {
    if !user.is_empty() && !host.is_empty() {
        let name = format!("{user}@{host}");
        out(Output::Endpoint(Endpoint { is_reachable: Some(is_reachable), ..Endpoint::named(&name) }));
    }
}

/// Whose phones the channels of a list are, and those of which nobody can tell.
fn seen_in_calls(list: &[u8], out: &mut impl FnMut(Output<'_>)) {
    for row in listed::rows(list) {
        let [presence, name] = ["presence_id", "name"].map(|column| listed::text(&row, column));
        let is_user = name.starts_with("sofia/") && name.contains('@');
        if !presence.is_empty() {
            out(Output::Endpoint(Endpoint::named(presence)));
        } else if is_user {
            out(Output::Endpoint(Endpoint::named(name)));
        }
    }
}

/// The gateways in what `sofia status` prints: `external::provider  gateway  sip:…  REGED`.
fn read_gateways(said: &str, out: &mut impl FnMut(Output<'_>)) {
    for line in said.lines() {
        let mut columns = line.split('\t').map(str::trim).filter(|column| !column.is_empty());
        let (Some(name), Some("gateway")) = (columns.next(), columns.next()) else { continue };
        let is_reachable = match columns.nth(1).unwrap_or_default() {
            state if state.starts_with("REGED") => Some(true),
            state if state.starts_with("NOREG") => None,
            _ => Some(false),
        };
        let name = ["gateway/", name.rsplit("::").next().unwrap_or(name)].concat();
        out(Output::Endpoint(Endpoint { is_reachable, sign: Some(Sign::Gateway), ..Endpoint::named(&name) }));
    }
}
