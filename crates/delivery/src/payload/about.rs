//! What each parameter means and looks like: the one source of the manual's table, the JSON Schema, the webhooks of the
//! API's description, and the AsyncAPI document.

use calls::EndReason;

use super::Parameter;

/// What a value looks like. All of them are texts on the wire, and empty where there is no value, but for those that
/// there always is one of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Any text.
    Text,
    /// A text that is never empty.
    Some,
    /// A moment, in the account's format and time zone.
    Moment,
    /// The same, never empty.
    SomeMoment,
    /// A whole number.
    Count,
    /// The same, never empty.
    SomeCount,
    /// `True` or `False`.
    Truth,
    /// `Incoming` or `Outgoing`.
    Direction,
    /// The kind of the event.
    Kind,
    /// Why a leg ended.
    Reason,
}

/// All reasons, as they are written.
pub(crate) const REASONS: [EndReason; 12] = [
    EndReason::HungUpByEmployee,
    EndReason::HungUpByCounterpart,
    EndReason::NoAnswer,
    EndReason::Busy,
    EndReason::Rejected,
    EndReason::AnsweredElsewhere,
    EndReason::PickedUp,
    EndReason::Cancelled,
    EndReason::Transferred,
    EndReason::PbxRestarted,
    EndReason::LinkLost,
    EndReason::Failed,
];

impl Parameter {
    /// What it means, for who receives it.
    pub const fn about(self) -> &'static str {
        match self {
            Self::AccountId => "the account",
            Self::UniqueCallId => "one phone's part in one call, the same in all its events",
            Self::LinkedUniqueCallId => {
                "`UniqueCallId` of the other end; two phones that ring for one caller share it"
            }
            Self::EmployeeLocalNumber => "the employee's local number",
            Self::Calledphone => "local number of the phone that rings",
            Self::PhoneLocalNumber => "local number of the phone that dials",
            Self::ANumber => "the calling party's number; empty when withheld",
            Self::BNumber => "the number dialled",
            Self::TimeStamp => "when it happened, by the PBX's clock, in the account's time zone",
            Self::Duration => "whole seconds of conversation; 0 if there was none",
            Self::CallDirection => "`Incoming` or `Outgoing`",
            Self::Transfer => "`True` if the call was transferred: by, to, or over this employee",
            Self::TransferedUniqueId => "`UniqueCallId` of the party that was transferred",
            Self::TransferedNumber => "that party's number",
            Self::TransferTo => "the number transferred to",
            Self::Event => "the kind of the event",
            Self::EventId => "the event's id: the same as `webhook-id`",
            Self::Sequence => "1, 2, 3 within the leg",
            Self::CallId => "shared by all legs that were known to belong together when they began",
            Self::EmployeeName => "the employee's name",
            Self::DialedNumber => "the number the outside caller called",
            Self::QueueName => "the queue the call came through",
            Self::StartTime => "when it began to ring, or was dialled",
            Self::AnswerTime => "when it was answered",
            Self::EndTime => "when it ended",
            Self::RingDuration => "whole seconds from the beginning to the answer, or to the end",
            Self::EndReason => "why it ended",
            Self::Assumed => "`True` if anything had to be assumed because the link to the PBX was down",
        }
    }

    /// What its value looks like.
    pub const fn form(self) -> Form {
        match self {
            Self::AccountId | Self::UniqueCallId | Self::EventId | Self::CallId => Form::Some,
            Self::LinkedUniqueCallId
            | Self::EmployeeLocalNumber
            | Self::Calledphone
            | Self::PhoneLocalNumber
            | Self::ANumber
            | Self::BNumber
            | Self::TransferedUniqueId
            | Self::TransferedNumber
            | Self::TransferTo
            | Self::EmployeeName
            | Self::DialedNumber
            | Self::QueueName => Form::Text,
            Self::TimeStamp | Self::StartTime => Form::SomeMoment,
            Self::AnswerTime | Self::EndTime => Form::Moment,
            Self::Duration | Self::Sequence => Form::SomeCount,
            Self::RingDuration => Form::Count,
            Self::Transfer | Self::Assumed => Form::Truth,
            Self::CallDirection => Form::Direction,
            Self::Event => Form::Kind,
            Self::EndReason => Form::Reason,
        }
    }
}
