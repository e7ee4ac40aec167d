//! What the PBX's events and answers mean for the link.

use std::time::Duration;

use calls::PbxTime;

use super::questions::For;
use super::{Conversation, LIST_WITHIN, Phase};
use crate::ami::channel;
use crate::ami::message::Message;
use crate::link::{Endpoint, Failure, Kind, Missing, Notice, Now, Output};

/// A channel this much younger than the link must have been told by an event.
const SURELY_TOLD: Duration = Duration::from_secs(5);

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
                out(Output::Endpoint(Endpoint {
                    name: &name,
                    is_reachable: Some(is_reachable),
                    provider: "",
                }));
            }
            _ => {
                self.call_events_come =
                    self.call_events_come || message.value("Privilege").starts_with("call");
            }
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
                self.fail(Failure::LoginRefused { kind: Kind::Asterisk, username, said }, out);
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

    /// What is answered by a message without an id: during the login there is only one question at a time.
    fn only_question(&self, message: &Message<'_>) -> Option<For> {
        match self.phase {
            Phase::LoggingIn { .. } if !message.value("ActionID").is_empty() => None,
            Phase::LoggingIn { is_proving: true, .. } => Some(For::Challenge),
            Phase::LoggingIn { is_proving: false, .. } => Some(For::Login),
            Phase::Offline
            | Phase::Greeting { .. }
            | Phase::Booting { .. }
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
}
