//! What the PBX's events and answers mean for the link.

use calls::{Device, PbxTime};

use super::filters::{self, Way};
use super::questions::For;
use super::{Conversation, LIST_WITHIN, Phase};
use crate::ami::events::EVENTS;
use crate::ami::message::Message;
use crate::ami::{channel, list};
use crate::link::{Excess, Failure, Kind, Missing, Notice, Now, Output};

/// Actions that Ringbud never does, and that tell of rights too wide.
const EXCESS: [(&str, Excess); 3] =
    [("Originate", Excess::Calls), ("Command", Excess::Commands), ("UpdateConfig", Excess::Settings)];

impl Conversation {
    pub(super) fn event(
        &mut self,
        event: &str,
        message: &Message<'_>,
        heard: Option<PbxTime>,
        now: Now,
        out: &mut impl FnMut(Output<'_>),
    ) {
        match event {
            "FullyBooted" => match self.phase {
                Phase::Booting { .. } => self.ask(now, out),
                // The login came before the boot was done, and what was listed then is not all.
                Phase::Live { .. } => self.list(heard, now, out),
                Phase::Offline
                | Phase::Greeting { .. }
                | Phase::LoggingIn { .. }
                | Phase::Asking { .. }
                | Phase::Settling { .. }
                | Phase::Listing { .. }
                | Phase::Failed => {}
            },
            "CoreShowChannel" | "Status" => {
                if let Phase::Listing { until } = &mut self.phase {
                    *until = now.monotonic + LIST_WITHIN;
                }
                self.channel_listed(message, now);
            }
            "CoreShowChannelsComplete" | "StatusComplete"
                if matches!(For::of(message.value("ActionID")), Some(For::Status | For::Channels)) =>
            {
                if matches!(self.phase, Phase::Listing { .. }) {
                    self.go_live(now, out);
                }
                self.listen(now, out);
            }
            _ if self.endpoint_event(event, message, out) => {}
            _ => self.call_event(event, message, out),
        }
    }

    /// Any other event: one that was asked for, or one that the filters should have kept away.
    fn call_event(&mut self, event: &str, message: &Message<'_>, out: &mut impl FnMut(Output<'_>)) {
        if message.value("Privilege").starts_with("call")
            && self.hearing.heard(event, message.value("Uniqueid"))
        {
            out(Output::Notice(Notice::Mended(Missing::CallEvents)));
        }
        if message.value("Privilege").starts_with("agent") && self.hearing.heard_agent() {
            out(Output::Notice(Notice::Mended(Missing::AgentEvents)));
        }
        let is_filtered =
            matches!(self.phase, Phase::Listing { .. } | Phase::Live { .. }) && !self.filters_refused;
        if !is_filtered || !filters::should_be_away(event, message, &EVENTS) {
            return;
        }
        match self.way {
            // It said that it would, and does not.
            Some(Way::Named) => {
                self.filter(Way::Pattern, out);
            }
            Some(Way::Pattern) => {
                self.filters_refused = true;
                out(Output::Notice(Notice::Missing(Missing::Filters)));
            }
            None => {}
        }
    }

    pub(super) fn answer(
        &mut self,
        is_success: bool,
        message: &Message<'_>,
        heard: Option<PbxTime>,
        now: Now,
        out: &mut impl FnMut(Output<'_>),
    ) {
        let what = For::of(message.value("ActionID")).or_else(|| self.only_question(message));
        match (what, is_success) {
            (Some(For::Challenge), true) if message.value("Challenge").is_empty() => {
                self.no_challenge("it sent an empty one".to_owned(), now, out);
            }
            (Some(For::Challenge), true) => self.answer_challenge(message.value("Challenge"), now, out),
            (Some(For::Challenge), false)
                if matches!(self.phase, Phase::LoggingIn { is_proving: true, .. }) =>
            {
                self.no_challenge(format!("it said {:?}", message.value("Message")), now, out);
            }
            (Some(For::Login), true) => self.logged_in(now, out),
            (Some(For::Challenge | For::Login), false) => {
                let username = self.settings.username.clone();
                let said = message.value("Message").to_owned();
                self.fail(
                    Failure::LoginRefused { product: self.settings.product(Kind::Asterisk), username, said },
                    out,
                );
            }
            (Some(For::Ping), true) => {
                if let Some(pulse) = &mut self.pulse {
                    pulse.ponged(message.get("Timestamp").and(heard), now);
                }
            }
            (Some(For::Settings | For::Start), is_success) => {
                self.settled_one(what, is_success, message, out);
                if let Phase::Asking { unanswered, .. } = &mut self.phase {
                    *unanswered = unanswered.saturating_sub(1);
                    if *unanswered == 0 {
                        self.settle(heard, now, out);
                    }
                }
            }
            (Some(For::Filter), is_success) => {
                self.settled_one(what, is_success, message, out);
                if let Phase::Settling { unanswered, .. } = &mut self.phase {
                    *unanswered = unanswered.saturating_sub(1);
                    if *unanswered == 0 {
                        self.list(heard, now, out);
                    }
                }
            }
            (Some(For::Endpoint), is_success) => self.endpoint_answered(is_success, message, out),
            (Some(For::Commands), true) => {
                for (name, what) in EXCESS {
                    if message.get(name).is_some() {
                        out(Output::Notice(Notice::Excess(what)));
                    }
                }
            }
            (Some(For::Status), false) => self.send(For::Channels, "CoreShowChannels", &[], out),
            (Some(For::Channels), false) if matches!(self.phase, Phase::Listing { .. }) => {
                out(Output::Notice(Notice::Missing(Missing::Snapshot)));
                self.go_live(now, out);
            }
            // Without a module there is no such action, and without endpoints no list.
            (Some(For::Endpoints), false) if message.value("Message").starts_with("Permission") => {
                out(Output::Notice(Notice::Missing(Missing::Endpoints)));
            }
            (
                Some(
                    For::Ping
                    | For::Channels
                    | For::Endpoints
                    | For::Registrations
                    | For::Commands
                    | For::Bridges,
                ),
                false,
            )
            | (
                Some(For::Bridges | For::Status | For::Channels | For::Endpoints | For::Registrations),
                true,
            )
            | (None, _) => {}
        }
    }

    /// What is answered by a message without an id: during the login there is only one question at a time.
    fn only_question(&self, message: &Message<'_>) -> Option<For> {
        match self.phase {
            Phase::LoggingIn { .. } if !message.value("ActionID").is_empty() => None,
            Phase::LoggingIn { is_proving: true, .. } => Some(For::Challenge),
            Phase::LoggingIn { is_proving: false, .. } => Some(For::Login),
            Phase::Offline
            | Phase::Greeting { .. }
            | Phase::Booting { .. }
            | Phase::Asking { .. }
            | Phase::Settling { .. }
            | Phase::Listing { .. }
            | Phase::Live { .. }
            | Phase::Failed => None,
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
                self.has_cdr = message.value("CoreCDRenabled") == "Yes";
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

    /// A channel of a list.
    fn channel_listed(&mut self, listed: &Message<'_>, now: Now) {
        // The PBX's own helpers come and go without events.
        if matches!(channel::device(listed.value("Channel")), Device::Machine) {
            return;
        }
        let (Some(age), Some(live_at)) = (list::age(listed), self.live_at) else { return };
        let link_age = now.monotonic.saturating_sub(live_at);
        self.hearing.listed(listed.value("Uniqueid"), age, link_age);
        // In a bridge, it has been told of what they did to get there.
        let is_served =
            matches!(listed.value("Application"), "Queue" | "AgentLogin") && list::is_bridged(listed);
        if is_served && age < link_age {
            self.hearing.sees_agent();
        }
    }
}
