//! What the login may not do and needs, and what it may do and does not need.

use super::{Code, Remark};
use crate::link::{Kind, Product};

/// Something the login may not do or get, and Ringbud does without.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Missing {
    /// The PBX does not say when it starts.
    SystemEvents,
    /// Channels come and go without an event.
    CallEvents,
    /// What queues do and when agents log in is not told.
    AgentEvents,
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
    pub const ALL: [Self; 7] = [
        Self::SystemEvents,
        Self::CallEvents,
        Self::AgentEvents,
        Self::Filters,
        Self::Snapshot,
        Self::Status,
        Self::Endpoints,
    ];

    /// Its code: the same in the API, the window and the operator's notices.
    pub const fn code(self) -> Code {
        match self {
            Self::SystemEvents => "missing_system_events",
            Self::CallEvents => "missing_call_events",
            Self::AgentEvents => "missing_agent_events",
            Self::Filters => "missing_filters",
            Self::Snapshot => "missing_snapshot",
            Self::Status => "missing_status",
            Self::Endpoints => "missing_endpoints",
        }
    }

    /// In English, with how to mend it on such a PBX.
    pub fn sentence(self, product: Product) -> String {
        let place = product.login_place();
        let (lacks, give) = match product.kind() {
            Kind::Asterisk => self.of_a_manager_user(),
            Kind::FreeSwitch => self.of_an_event_socket(),
        };
        if give.is_empty() { lacks.to_owned() } else { format!("{lacks}: {}", give.replace("{}", place)) }
    }

    /// What an AMI user lacks and what that means, and what to give it where.
    const fn of_a_manager_user(self) -> (&'static str, &'static str) {
        match self {
            Self::SystemEvents => (
                "the AMI user does not receive system events, so a restart of the PBX may not be noticed",
                "give it read = system,call,agent in {}",
            ),
            Self::CallEvents => (
                "the AMI user does not receive call events, so calls are not seen",
                "give it read = system,call,agent in {}, and look for eventfilter lines of it there",
            ),
            Self::AgentEvents => (
                "the AMI user does not receive agent events, so the queue a call came through (QueueName) is not told, nor the calls of agents who keep their line open",
                "give it read = system,call,agent in {}",
            ),
            Self::Filters => (
                "the AMI user may not install event filters, or the PBX does not heed them, so it sends more than is needed",
                "give the user write = system,reporting, or write eventfilter lines for it, in {}",
            ),
            Self::Snapshot => (
                "the AMI user may not list channels, so calls that run when Ringbud connects are only seen late, and calls that end while the link is down do not end",
                "give it write = system,reporting in {}",
            ),
            Self::Status => (
                "the AMI user may not ask for the PBX's version and start",
                "give it write = system,reporting in {}",
            ),
            Self::Endpoints => {
                ("the AMI user may not list the PBX's phones", "give it write = system,reporting in {}")
            }
        }
    }

    /// The same of the login of an event socket.
    const fn of_an_event_socket(self) -> (&'static str, &'static str) {
        match self {
            Self::SystemEvents => ("the event socket does not say when FreeSWITCH starts", ""),
            Self::CallEvents => (
                "the event socket refused the subscription to call events, so calls are not seen",
                "give the user of userauth the events CHANNEL_CREATE to CHANNEL_UUID, HEARTBEAT and CUSTOM (esl-allowed-events), or log in with the password of {}",
            ),
            Self::AgentEvents => ("the event socket does not say what queues do", ""),
            Self::Filters => {
                ("the event socket does not heed filters, so FreeSWITCH sends more than is needed", "")
            }
            Self::Snapshot => (
                "the login may not list channels and calls, so calls that run when Ringbud connects are only seen late, and calls that end while the link is down do not end",
                "give the user of userauth the commands show, uuid_dump and global_getvar (esl-allowed-api)",
            ),
            Self::Status => (
                "the login may not ask for FreeSWITCH's version",
                "give the user of userauth the command status (esl-allowed-api)",
            ),
            Self::Endpoints => (
                "the login may not list who is registered",
                "give the user of userauth the command show (esl-allowed-api)",
            ),
        }
    }

    /// The same as data.
    pub fn remark(self, product: Product) -> Remark {
        Remark::of(product, self.code(), &self.sentence(product))
    }
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
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Calls, Self::Commands, Self::Settings];

    /// Its code.
    pub const fn code(self) -> Code {
        match self {
            Self::Calls => "may_place_calls",
            Self::Commands => "may_run_commands",
            Self::Settings => "may_change_settings",
        }
    }

    /// As data.
    pub fn remark(self, product: Product) -> Remark {
        Remark::of(product, self.code(), self.sentence(product))
    }

    /// In English, with how to mend it on such a PBX.
    pub const fn sentence(self, product: Product) -> &'static str {
        match (product.kind(), self) {
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
