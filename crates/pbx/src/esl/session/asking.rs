//! What is asked of FreeSWITCH. Answers do not name their question: they come in the order asked.

use std::collections::VecDeque;

use crate::link::{Output, Secret};

/// What is subscribed to: all that is needed, and what is worth its price. Subclasses of CUSTOM come last.
const EVENTS: &str = "CHANNEL_CREATE CHANNEL_PROGRESS CHANNEL_PROGRESS_MEDIA CHANNEL_ANSWER CHANNEL_BRIDGE \
                      CHANNEL_UNBRIDGE CHANNEL_HANGUP CHANNEL_PARK CHANNEL_DESTROY CHANNEL_UUID CHANNEL_HOLD \
                      CHANNEL_UNHOLD HEARTBEAT SHUTDOWN CUSTOM valet_parking::info conference::maintenance \
                      callcenter::info fifo::info sofia::register sofia::unregister sofia::expire";

/// Which of these events are let through. FreeSWITCH sends what matches any of its filters, so all has to be
/// named; kept away are a conference's floor and talking, a queue's agents and counts: most of what a busy
/// house says, and nothing of any call.
const FILTERS: [(&str, &[&str]); 5] = [
    (
        "Event-Name",
        &[
            "CHANNEL_CREATE",
            "CHANNEL_PROGRESS",
            "CHANNEL_PROGRESS_MEDIA",
            "CHANNEL_ANSWER",
            "CHANNEL_BRIDGE",
            "CHANNEL_UNBRIDGE",
            "CHANNEL_HANGUP",
            "CHANNEL_PARK",
            "CHANNEL_DESTROY",
            "CHANNEL_UUID",
            "CHANNEL_HOLD",
            "CHANNEL_UNHOLD",
            "HEARTBEAT",
            "SHUTDOWN",
        ],
    ),
    ("Event-Subclass", &["sofia::register", "sofia::unregister", "sofia::expire"]),
    ("Action", &["add-member", "del-member", "hold"]),
    ("CC-Action", &["member-queue-start", "member-queue-end", "agent-offering", "bridge-agent-start"]),
    ("FIFO-Action", &["push", "abort", "bridge-caller-stop", "consumer_start"]),
];

/// A question whose answer is missing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Question {
    Login,
    Subscription,
    Filter,
    Ping,
    Status,
    Core,
    Channels,
    Calls,
    Dump(String),
    Registrations,
    Gateways,
    /// A variable that is a command, of a channel, or (no id) of all.
    Hook(&'static str, String),
}

/// The questions whose answers are missing, in the order asked.
#[derive(Debug, Default)]
pub(super) struct Asked {
    waiting: VecDeque<Question>,
}

impl Asked {
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }

    /// The question that is answered now.
    pub(super) fn answered(&mut self) -> Option<Question> {
        self.waiting.pop_front()
    }

    pub(super) fn has_dumps(&self) -> bool {
        self.waiting.iter().any(|question| matches!(question, Question::Dump(_)))
    }

    pub(super) fn ask(&mut self, question: Question, out: &mut impl FnMut(Output<'_>)) {
        let command = match &question {
            // `strmicroepoch` tells FreeSWITCH's clock with the sign of life.
            Question::Ping => "api strmicroepoch".to_owned(),
            Question::Status => "api status".to_owned(),
            Question::Core => "api global_getvar core_uuid".to_owned(),
            Question::Channels => "api show channels as json".to_owned(),
            Question::Calls => "api show calls as json".to_owned(),
            Question::Dump(id) => format!("api uuid_dump {id} json"),
            Question::Registrations => "api show registrations as json".to_owned(),
            Question::Gateways => "api sofia status".to_owned(),
            Question::Hook(variable, id) if id.is_empty() => format!("api global_getvar {variable}"),
            Question::Hook(variable, id) => format!("api uuid_getvar {id} {variable}"),
            Question::Subscription => format!("event plain {EVENTS}"),
            Question::Login | Question::Filter => return,
        };
        self.waiting.push_back(question);
        out(Output::Send(format!("{command}\n\n").as_bytes()));
    }

    /// Shows the secret, as it is: FreeSWITCH knows no other way. A name logs in with `userauth`.
    pub(super) fn log_in(&mut self, username: &str, secret: &Secret, out: &mut impl FnMut(Output<'_>)) {
        // A line break would be a command of its own.
        let clean = |text: &str| text.chars().filter(|letter| !letter.is_control()).collect::<String>();
        let secret = clean(secret.expose());
        let command = match clean(username).as_str() {
            "" => format!("auth {secret}\n\n"),
            username => format!("userauth {username}:{secret}\n\n"),
        };
        self.waiting.push_back(Question::Login);
        out(Output::Send(command.as_bytes()));
    }

    /// All filters in one go, so that no event falls between the first and the last.
    pub(super) fn filter(&mut self, out: &mut impl FnMut(Output<'_>)) {
        let mut bytes = Vec::new();
        for (header, values) in FILTERS {
            for value in values {
                bytes.extend_from_slice(format!("filter {header} {value}\n\n").as_bytes());
                self.waiting.push_back(Question::Filter);
            }
        }
        out(Output::Send(&bytes));
    }
}
