//! What each event means: Asterisk's words, one after the other.
//!
//! Every function is of one message alone; what has to be remembered is [`super::Translator`]'s.

use calls::{Cause, DialOutcome, Input, Origin, Seen};

use super::channel::{self, read, seen};
use super::message::Message;

/// The events that say something: what a filter has to let through.
pub(super) const EVENTS: [&str; 24] = [
    "FullyBooted",
    "Shutdown",
    "Newchannel",
    "Newstate",
    "NewCallerid",
    "NewConnectedLine",
    "DialBegin",
    "DialState",
    "DialEnd",
    "BridgeEnter",
    "BridgeLeave",
    "LocalBridge",
    "Hold",
    "Unhold",
    "BlindTransfer",
    "AttendedTransfer",
    "Pickup",
    "ParkedCall",
    "UnParkedCall",
    "ParkedCallTimeOut",
    "QueueCallerJoin",
    "QueueCallerLeave",
    "HangupRequest",
    "Hangup",
];

/// An event nothing is known of, or that lacks what it needs.
pub(super) struct NotUnderstood;

/// An event that stands for itself; `None` for one that is known and of no interest.
pub(super) fn translate<'a>(event: &str, message: &Message<'a>) -> Result<Option<Input<'a>>, NotUnderstood> {
    let input = match event {
        "Newchannel" => seen(message, &channel::CHANNEL)
            .map(|who| channel::on_its_line(who, message.value("Context")))
            .map(|who| Input::Appeared { who, origin: origin(message) }),
        "Newstate" => match message.value("ChannelState") {
            "5" => seen(message, &channel::CHANNEL).map(|who| Input::Ringing { who }),
            "6" => seen(message, &channel::CHANNEL).map(|who| Input::Up { who }),
            _ => return Ok(None),
        },
        "NewCallerid" | "NewConnectedLine" => {
            seen(message, &channel::CHANNEL).map(|who| Input::Changed { who })
        }
        "DialBegin" => dial(message).map(|(from, to)| Input::DialBegan { from, to }),
        "DialState" => match message.value("DialStatus") {
            "RINGING" => seen(message, &channel::DEST).map(|who| Input::Ringing { who }),
            _ => return Ok(None),
        },
        "DialEnd" => dial(message).map(|(from, to)| Input::DialEnded {
            from,
            to,
            outcome: outcome(message.value("DialStatus")),
            forward: message.get("Forward").map(channel::forward).unwrap_or_default(),
        }),
        "BridgeEnter" => bridge(message).map(|(who, bridge)| Input::Joined { who, bridge }),
        "BridgeLeave" => bridge(message).map(|(who, bridge)| Input::Left { who, bridge }),
        "LocalBridge" => {
            let mut reader = message.reader();
            read(&mut reader, &channel::LOCAL_ONE)
                .zip(read(&mut reader, &channel::LOCAL_TWO))
                .map(|(one, two)| Input::Paired { one, two })
        }
        "Hold" => seen(message, &channel::CHANNEL).map(|who| Input::Held { who }),
        "Unhold" => seen(message, &channel::CHANNEL).map(|who| Input::Unheld { who }),
        "BlindTransfer" | "AttendedTransfer" if has_failed(message) => return Ok(None),
        "BlindTransfer" => seen(message, &channel::TRANSFERER).map(|by| Input::BlindTransfer {
            by,
            party: seen(message, &channel::TRANSFEREE),
            to: message.value("Extension"),
        }),
        "AttendedTransfer" => seen(message, &channel::ORIG_TRANSFERER)
            .zip(seen(message, &channel::SECOND_TRANSFERER))
            .map(|(first, second)| Input::AttendedTransfer {
                first,
                second,
                party: seen(message, &channel::TRANSFEREE),
                target: seen(message, &channel::TRANSFER_TARGET),
            }),
        "Pickup" => seen(message, &channel::CHANNEL)
            .zip(seen(message, &channel::TARGET))
            .map(|(by, from)| Input::PickedUp { by, from }),
        "ParkedCall" => seen(message, &channel::PARKEE)
            .map(|party| Input::Parked { party, space: message.value("ParkingSpace") }),
        "UnParkedCall" => seen(message, &channel::RETRIEVER)
            .zip(seen(message, &channel::PARKEE))
            .map(|(by, party)| Input::Retrieved { by, party }),
        "ParkedCallTimeOut" => seen(message, &channel::PARKEE).map(|party| Input::ParkingTimedOut { party }),
        "QueueCallerJoin" => seen(message, &channel::CHANNEL)
            .map(|who| Input::QueueEntered { who, queue: message.value("Queue") }),
        "QueueCallerLeave" => seen(message, &channel::CHANNEL).map(|who| Input::QueueLeft { who }),
        "HangupRequest" => seen(message, &channel::CHANNEL).map(|who| Input::HangingUp { who }),
        "Hangup" => seen(message, &channel::CHANNEL)
            .map(|who| Input::Gone { who, cause: cause(message.value("Cause")) }),
        other if is_of_no_interest(other) => return Ok(None),
        _ => None,
    };
    input.map(Some).ok_or(NotUnderstood)
}

/// How a channel came into being, by its first state. `Ring`: it calls us; `Down` or `Rsrvd`: we call it.
/// Channels that begin `Up`, `OffHook` or `Pre-ring` were made by their device, too.
fn origin(message: &Message<'_>) -> Origin {
    match message.value("ChannelState") {
        "2" | "4" | "6" | "8" => Origin::Placed,
        _ => Origin::Called,
    }
}

fn dial<'a>(message: &Message<'a>) -> Option<(Option<Seen<'a>>, Seen<'a>)> {
    let mut reader = message.reader();
    let from = read(&mut reader, &channel::CHANNEL);
    read(&mut reader, &channel::DEST).map(|to| (from, to))
}

fn bridge<'a>(message: &Message<'a>) -> Option<(Seen<'a>, &'a str)> {
    let mut reader = message.reader();
    let bridge = reader.next("BridgeUniqueid")?;
    read(&mut reader, &channel::CHANNEL).map(|who| (who, bridge))
}

fn has_failed(message: &Message<'_>) -> bool {
    message.get("Result").is_some_and(|result| result != "Success")
}

fn outcome(status: &str) -> DialOutcome {
    match status {
        "ANSWER" => DialOutcome::Answered,
        "NOANSWER" => DialOutcome::NoAnswer,
        "BUSY" => DialOutcome::Busy,
        // After `GOTO` and `CONTINUE` the caller goes on without whoever was reached.
        "CANCEL" | "ABORT" | "GOTO" | "CONTINUE" => DialOutcome::Cancelled,
        _ => DialOutcome::Failed,
    }
}

fn cause(code: &str) -> Cause {
    match code {
        "" | "0" | "16" | "31" | "127" => Cause::Normal,
        "17" => Cause::Busy,
        "18" | "19" => Cause::NoAnswer,
        "21" => Cause::Rejected,
        "26" => Cause::AnsweredElsewhere,
        _ => Cause::Unreachable,
    }
}

/// Events that Asterisk is known to send and that tell nothing the others do not.
fn is_of_no_interest(event: &str) -> bool {
    matches!(
        event,
        "VarSet"
            | "Newexten"
            | "NewAccountCode"
            | "Cdr"
            | "CEL"
            | "UserEvent"
            | "SuccessfulAuth"
            | "ChallengeSent"
            | "ChallengeResponseFailed"
            | "RTCPSent"
            | "RTCPReceived"
            | "TestEvent"
            | "BridgeCreate"
            | "BridgeDestroy"
            | "BridgeMerge"
            | "BridgeInfoChannel"
            | "BridgeInfoComplete"
            | "BridgeListItem"
            | "BridgeListComplete"
            | "BridgeVideoSourceUpdate"
            | "LocalOptimizationBegin"
            | "LocalOptimizationEnd"
            | "SoftHangupRequest"
            | "MusicOnHoldStart"
            | "MusicOnHoldStop"
            | "DTMFBegin"
            | "DTMFEnd"
            | "OriginateResponse"
            | "Status"
            | "StatusComplete"
            | "ChannelTalkingStart"
            | "ChannelTalkingStop"
            | "ConfbridgeStart"
            | "ConfbridgeEnd"
            | "ConfbridgeJoin"
            | "ConfbridgeLeave"
            | "ConfbridgeTalking"
            | "ConfbridgeMute"
            | "ConfbridgeUnmute"
            | "ParkedCallGiveUp"
            | "ParkedCallSwap"
            | "ParkedCallsComplete"
            | "MeetmeJoin"
            | "MeetmeLeave"
            | "MessageWaiting"
            | "Reload"
            | "Load"
            | "Unload"
            | "ExtensionStatus"
            | "PresenceStatus"
    ) || [
        "Queue",
        "Agent",
        "DeviceState",
        "Contact",
        "Aor",
        "Endpoint",
        "Auth",
        "Peer",
        "Registry",
        "Identify",
        "Transport",
        "Resource",
        "ChanSpy",
        "Fax",
        "Security",
        "InvalidPassword",
        "InvalidAccount",
        "SessionTimeout",
    ]
    .iter()
    .any(|family| event.starts_with(family))
}
