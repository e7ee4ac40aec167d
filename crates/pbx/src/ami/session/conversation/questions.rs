//! What is asked of the PBX.

use calls::PbxTime;
use md5::{Digest, Md5};

use super::filters::Way;
use super::{ANSWER_WITHIN, CHALLENGE_WITHIN, Conversation, LIST_WITHIN, Phase, SETTLED_WITHIN};
use crate::ami::encode::Action;
use crate::ami::events::EVENTS;
use crate::ami::translate::ACTION_PREFIX;
use crate::link::{Failure, Now, Output, Settings};

/// What an action is for; written into its id, so that answers need no table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum For {
    Challenge,
    Login,
    Filter,
    Settings,
    Start,
    Ping,
    Status,
    Channels,
    Endpoints,
    Endpoint,
    Registrations,
    Commands,
    Bridges,
}

impl For {
    const ALL: [(Self, &'static str); 13] = [
        (Self::Challenge, "challenge"),
        (Self::Login, "login"),
        (Self::Filter, "filter"),
        (Self::Settings, "settings"),
        (Self::Start, "start"),
        (Self::Ping, "ping"),
        (Self::Status, "status"),
        (Self::Channels, "channels"),
        (Self::Endpoints, "endpoints"),
        (Self::Endpoint, "endpoint"),
        (Self::Registrations, "registrations"),
        (Self::Commands, "commands"),
        (Self::Bridges, "bridges"),
    ];

    fn word(self) -> &'static str {
        Self::ALL.iter().find(|(what, _)| *what == self).map_or("", |(_, word)| word)
    }

    pub(super) fn of(id: &str) -> Option<Self> {
        let (_, word) = id.strip_prefix(ACTION_PREFIX)?.split_once('-')?;
        Self::ALL.iter().find(|(_, known)| *known == word).map(|(what, _)| *what)
    }
}

impl Conversation {
    pub(super) fn log_in(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        let until = now.monotonic + CHALLENGE_WITHIN;
        self.enter(Phase::LoggingIn { until, is_proving: true }, out);
        self.send(For::Challenge, "Challenge", &[("AuthType", "MD5")], out);
    }

    /// What speaks AMI and knows no challenges: proxies, stand-ins for a PBX, and whoever would like to have the
    /// secret. Only where the operator allowed it is it shown.
    pub(super) fn no_challenge(&mut self, said: String, now: Now, out: &mut impl FnMut(Output<'_>)) {
        if !matches!(self.phase, Phase::LoggingIn { is_proving: true, .. }) {
            return;
        }
        if self.settings.plain_login {
            self.log_in_plainly(now, out);
        } else {
            self.fail(Failure::SecretNotShown { said }, out);
        }
    }

    fn log_in_plainly(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.enter(Phase::LoggingIn { until: now.monotonic + ANSWER_WITHIN, is_proving: false }, out);
        let Settings { username, secret, .. } = self.settings.clone();
        self.send(For::Login, "Login", &[("Username", &username), ("Secret", secret.expose())], out);
    }

    pub(super) fn answer_challenge(&mut self, challenge: &str, now: Now, out: &mut impl FnMut(Output<'_>)) {
        if !matches!(self.phase, Phase::LoggingIn { is_proving: true, .. }) {
            return;
        }
        self.enter(Phase::LoggingIn { until: now.monotonic + ANSWER_WITHIN, is_proving: false }, out);
        let Settings { username, secret, .. } = self.settings.clone();
        let digest = Md5::new().chain_update(challenge).chain_update(secret.expose()).finalize();
        let key = format!("{digest:x}");
        self.send(For::Login, "Login", &[("AuthType", "MD5"), ("Username", &username), ("Key", &key)], out);
    }

    /// Asks what the rest depends on: the version decides how filters are worded.
    pub(super) fn ask(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.ping(now, out);
        let mut bytes = Vec::new();
        bytes.extend(self.action(For::Settings, "CoreSettings").encode());
        bytes.extend(self.action(For::Start, "CoreStatus").encode());
        self.enter(Phase::Asking { until: now.monotonic + SETTLED_WITHIN, unanswered: 2 }, out);
        out(Output::Send(&bytes));
    }

    /// Keeps away what says nothing, in one go: the first filter keeps all other events away until its fellows are
    /// there.
    pub(super) fn settle(&mut self, heard: Option<PbxTime>, now: Now, out: &mut impl FnMut(Output<'_>)) {
        let unanswered = self.filter(Way::of(&self.about.version), out);
        if unanswered == 0 {
            return self.list(heard, now, out);
        }
        self.enter(Phase::Settling { until: now.monotonic + SETTLED_WITHIN, unanswered }, out);
    }

    /// Asks for filters worded so. How many answers will come.
    pub(super) fn filter(&mut self, way: Way, out: &mut impl FnMut(Output<'_>)) -> usize {
        self.way = Some(way);
        let mut bytes = Vec::new();
        let headers = way.headers(&EVENTS);
        for (header, value) in &headers {
            let filter = self.action(For::Filter, "Filter").with("Operation", "Add");
            bytes.extend(filter.with(header, value).encode());
        }
        out(Output::Send(&bytes));
        headers.len()
    }

    /// Asks for the channels; with exact times where the PBX keeps them.
    pub(super) fn list(&mut self, heard: Option<PbxTime>, now: Now, out: &mut impl FnMut(Output<'_>)) {
        self.listed_at = self.listed_at.or(heard);
        self.enter(Phase::Listing { until: now.monotonic + LIST_WITHIN }, out);
        self.hearing.list_begins();
        // A list of channels does not tell whether those in a bridge talk or wait.
        self.send(For::Bridges, "BridgeList", &[], out);
        if self.has_cdr {
            let variables = [("Variables", "CDR(start,u),CDR(answer,u)")];
            self.send(For::Status, "Status", &variables, out);
        } else {
            self.send(For::Channels, "CoreShowChannels", &[], out);
        }
    }

    pub(super) fn ping(&mut self, now: Now, out: &mut impl FnMut(Output<'_>)) {
        if let Some(pulse) = &mut self.pulse {
            pulse.pinged(now);
        }
        self.send(For::Ping, "Ping", &[], out);
    }

    pub(super) fn action(&mut self, what: For, name: &str) -> Action {
        self.actions += 1;
        Action::new(name, &format!("{ACTION_PREFIX}{}-{}", self.actions, what.word()))
    }

    pub(super) fn send(
        &mut self,
        what: For,
        name: &str,
        headers: &[(&str, &str)],
        out: &mut impl FnMut(Output<'_>),
    ) {
        let action = self.action(what, name);
        let action = headers.iter().fold(action, |action, (name, value)| action.with(name, value));
        out(Output::Send(&action.encode()));
    }
}
