//! Every parameter by its name, and where its value is found in an event.

use std::borrow::Cow;

use calls::{Direction, Ended, Event, EventKind, Transfer, What};

use super::Clockface;

macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// A parameter of the contract, or an extra.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Parameter { $($(#[$doc])* $name,)* }

        impl Parameter {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name,)*];

            /// The name in product terms.
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }
        }
    };
}

parameters! {
    /// The account's id.
    AccountId,
    /// The id of this employee's leg.
    UniqueCallId,
    /// The id of the counterpart's leg or channel.
    LinkedUniqueCallId,
    /// The employee's local number.
    EmployeeLocalNumber,
    /// The local number of the phone that rings.
    Calledphone,
    /// The local number of the phone.
    PhoneLocalNumber,
    /// The calling party's number.
    ANumber,
    /// The number dialled.
    BNumber,
    /// When it happened, by the PBX's clock.
    TimeStamp,
    /// Whole seconds of conversation.
    Duration,
    /// How the leg began.
    CallDirection,
    /// Whether the call of the leg was transferred.
    Transfer,
    /// The leg of the party that was transferred.
    TransferedUniqueId,
    /// That party's number.
    TransferedNumber,
    /// The number transferred to.
    TransferTo,
    /// The kind of the event.
    Event,
    /// The id of the event; also the `webhook-id`.
    EventId,
    /// 1, 2, 3 within the leg.
    Sequence,
    /// Shared by all legs of a call.
    CallId,
    /// The employee's name.
    EmployeeName,
    /// The number the outside caller called.
    DialedNumber,
    /// The queue the call came through.
    QueueName,
    /// When the leg began.
    StartTime,
    /// When it was answered.
    AnswerTime,
    /// When it ended.
    EndTime,
    /// Whole seconds from the beginning to the answer, or to the end if there was none.
    RingDuration,
    /// Why it ended.
    EndReason,
    /// Whether anything had to be assumed.
    Assumed,
}

impl Parameter {
    /// What is always sent for a kind, in the source text's order.
    pub const fn always(kind: EventKind) -> &'static [Self] {
        match kind {
            EventKind::Answered => &[
                Self::AccountId,
                Self::UniqueCallId,
                Self::EmployeeLocalNumber,
                Self::ANumber,
                Self::TimeStamp,
                Self::LinkedUniqueCallId,
            ],
            EventKind::Ended => &[
                Self::AccountId,
                Self::UniqueCallId,
                Self::Duration,
                Self::Transfer,
                Self::CallDirection,
                Self::TransferedUniqueId,
                Self::TransferedNumber,
                Self::TransferTo,
            ],
            EventKind::Outgoing => &[
                Self::AccountId,
                Self::UniqueCallId,
                Self::EmployeeLocalNumber,
                Self::ANumber,
                Self::TimeStamp,
                Self::PhoneLocalNumber,
                Self::BNumber,
            ],
            EventKind::Incoming => &[
                Self::AccountId,
                Self::UniqueCallId,
                Self::Calledphone,
                Self::ANumber,
                Self::TimeStamp,
                Self::EmployeeLocalNumber,
                Self::LinkedUniqueCallId,
            ],
        }
    }

    /// What an integration may ask for besides, in the order it is sent.
    pub const fn extras(kind: EventKind) -> &'static [Self] {
        match kind {
            EventKind::Incoming | EventKind::Answered | EventKind::Outgoing => &[
                Self::Event,
                Self::EventId,
                Self::Sequence,
                Self::CallId,
                Self::EmployeeName,
                Self::DialedNumber,
                Self::QueueName,
                Self::StartTime,
                Self::AnswerTime,
                Self::EndTime,
                Self::RingDuration,
                Self::EndReason,
                Self::Assumed,
            ],
            EventKind::Ended => &[
                Self::Event,
                Self::EventId,
                Self::Sequence,
                Self::CallId,
                Self::EmployeeName,
                Self::EmployeeLocalNumber,
                Self::PhoneLocalNumber,
                Self::ANumber,
                Self::BNumber,
                Self::DialedNumber,
                Self::QueueName,
                Self::StartTime,
                Self::AnswerTime,
                Self::EndTime,
                Self::RingDuration,
                Self::EndReason,
                Self::Assumed,
            ],
        }
    }

    /// Whether an integration may ask for a parameter of this name as an extra.
    pub fn is_extra(name: &str) -> bool {
        Self::extras(EventKind::Ended).iter().any(|parameter| parameter.name() == name)
    }

    /// Whether its value is a number that may be one of the public network.
    pub const fn is_outside_number(self) -> bool {
        matches!(
            self,
            Self::ANumber | Self::BNumber | Self::TransferedNumber | Self::TransferTo | Self::DialedNumber
        )
    }

    /// The parameter of a name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|parameter| parameter.name() == name)
    }

    /// The name as the source text prints it, which is by kind: only the table of ended calls has blanks.
    pub const fn printed_name(self, kind: EventKind) -> &'static str {
        match (kind, self) {
            (EventKind::Ended, Self::UniqueCallId) => "Unique CallId",
            (_, Self::TransferedUniqueId) => "Transfered Unique ID",
            (_, Self::TransferedNumber) => "Transfered number",
            (_, Self::TransferTo) => "Transfer to",
            (_, other) => other.name(),
        }
    }

    /// The value in an event; empty where there is none.
    pub fn value<'a>(self, event: &'a Event, clockface: &Clockface) -> Cow<'a, str> {
        match self {
            Self::AccountId => event.account().as_str().into(),
            Self::UniqueCallId => event.leg.as_str().into(),
            Self::LinkedUniqueCallId => event.counterpart.as_ref().map_or("", |leg| leg.as_str()).into(),
            Self::EmployeeLocalNumber => event.phone.employee_number().into(),
            Self::Calledphone | Self::PhoneLocalNumber => (&*event.phone.number).into(),
            Self::ANumber => (&*event.a_number).into(),
            Self::BNumber => (&*event.b_number).into(),
            Self::TimeStamp => clockface.write(event.at).into(),
            Self::Duration => event.duration().as_secs().to_string().into(),
            Self::CallDirection => match event.direction {
                Direction::Incoming => "Incoming".into(),
                Direction::Outgoing => "Outgoing".into(),
            },
            Self::Transfer => truth(transfer(event).is_some()),
            Self::TransferedUniqueId => transfer(event).map_or("", |transfer| transfer.party.as_str()).into(),
            Self::TransferedNumber => transfer(event).map_or("", |transfer| &*transfer.party_number).into(),
            Self::TransferTo => transfer(event).map_or("", |transfer| &*transfer.to).into(),
            Self::Event => event.kind().name().into(),
            Self::EventId => event.id().as_str().to_owned().into(),
            Self::Sequence => event.sequence.to_string().into(),
            Self::CallId => event.call.as_str().into(),
            Self::EmployeeName => event.phone.employee.as_ref().map_or("", |employee| &*employee.name).into(),
            Self::DialedNumber => (&*event.dialed_number).into(),
            Self::QueueName => (&*event.queue).into(),
            Self::StartTime => clockface.write(event.begun_at).into(),
            Self::AnswerTime => answered_at(event).map_or_else(String::new, |at| clockface.write(at)).into(),
            Self::EndTime => match event.what {
                What::Ended(_) => clockface.write(event.at).into(),
                What::Incoming | What::Answered | What::Outgoing => "".into(),
            },
            Self::RingDuration => match event.what {
                What::Answered | What::Ended(_) => {
                    let rang_until = answered_at(event).unwrap_or(event.at);
                    rang_until.since(event.begun_at).as_secs().to_string().into()
                }
                What::Incoming | What::Outgoing => "".into(),
            },
            Self::EndReason => ended(event).map_or("", |ended| ended.reason.name()).into(),
            Self::Assumed => truth(event.assumed),
        }
    }
}

fn truth(yes: bool) -> Cow<'static, str> {
    if yes { "True".into() } else { "False".into() }
}

fn ended(event: &Event) -> Option<&Ended> {
    match &event.what {
        What::Ended(ended) => Some(ended),
        What::Incoming | What::Answered | What::Outgoing => None,
    }
}

fn transfer(event: &Event) -> Option<&Transfer> {
    ended(event)?.transfer.as_ref()
}

fn answered_at(event: &Event) -> Option<calls::PbxTime> {
    match &event.what {
        What::Answered => Some(event.at),
        What::Ended(ended) => ended.answered_at,
        What::Incoming | What::Outgoing => None,
    }
}
