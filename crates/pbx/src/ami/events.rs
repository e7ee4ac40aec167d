//! What each event means: Asterisk's words, one after the other.
//!
//! Every function is of one message alone; what has to be remembered is [`super::Translator`]'s.

use calls::{Cause, DialOutcome, Input, Meeting, Origin, Seen};

use super::channel::{self, fill, read, seen, whole};
use super::message::Message;
use super::numbers::{dialled, forward};

/// The events that say something: what a filter has to let through.
pub(super) const EVENTS: [&str; 33] = [
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
    "OriginateResponse",
    "AgentLogin",
    "AgentLogoff",
    "MeetmeJoin",
    "MeetmeLeave",
    "HangupRequest",
    "Hangup",
    // Only an Asterisk before 12 sends these; they show its age.
    "Dial",
    "Bridge",
    "Link",
    "Unlink",
];

/// An event nothing is known of, or that lacks what it needs.
pub(super) struct NotUnderstood;

/// An event that stands for itself; `None` for one that is known and of no interest.
pub(super) fn translate<'a>(event: &str, message: &Message<'a>) -> Result<Option<Input<'a>>, NotUnderstood> {
    let input = match event {
        "Newchannel" => {
            let state = message.value("ChannelState");
            let dialled = |who: Seen<'a>| if state == "2" { "" } else { who.dialled };
            whole(message, &channel::CHANNEL)
                .map(|who| channel::on_its_line(who, message.value("Context")))
                .map(|who| Input::Appeared {
                    who: Seen { dialled: dialled(who), ..who },
                    origin: origin(state),
                })
        }
        "Newstate" => match message.value("ChannelState") {
            // Most technologies make a channel that calls `Down` like one that is called.
            "4" | "8" => seen(message, &channel::CHANNEL).map(|who| Input::Placing { who }),
            // The receiver is lifted: nothing is dialled yet, whatever the extension says (the phone's own).
            "2" => seen(message, &channel::CHANNEL)
                .map(|who| Input::Placing { who: Seen { dialled: "", ..who } }),
            "5" => seen(message, &channel::CHANNEL).map(|who| Input::Ringing { who }),
            "6" => seen(message, &channel::CHANNEL).map(|who| Input::Up { who }),
            _ => return Ok(None),
        },
        "NewCallerid" | "NewConnectedLine" => {
            whole(message, &channel::CHANNEL).map(|who| Input::Changed { who })
        }
        // Without an id the order was refused.
        "OriginateResponse" => match seen(message, &channel::CHANNEL) {
            Some(who) => Some(Input::Ordered { who, dialled: dialled(message.value("Exten")) }),
            None => return Ok(None),
        },
        "AgentLogin" => seen(message, &channel::CHANNEL).map(|who| Input::Agent { who, is_on: true }),
        "AgentLogoff" => match seen(message, &channel::CHANNEL) {
            Some(who) => Some(Input::Agent { who, is_on: false }),
            None => return Ok(None),
        },
        // Its rooms have no bridges; their numbers are no bridge's id.
        "MeetmeJoin" => room(message).map(|(who, bridge)| Input::Joined {
            who,
            bridge,
            meeting: Meeting::Room,
            in_place_of: "",
        }),
        "MeetmeLeave" => room(message).map(|(who, bridge)| Input::Left { who, bridge }),
        "DialBegin" => dial(message).map(|(from, to)| Input::DialBegan {
            from: from.map(|from| fill(message, &channel::CHANNEL, from)),
            to: fill(message, &channel::DEST, to),
        }),
        "DialState" => match message.value("DialStatus") {
            "RINGING" => seen(message, &channel::DEST).map(|who| Input::Ringing { who }),
            _ => return Ok(None),
        },
        "DialEnd" => dial(message).map(|(from, to)| Input::DialEnded {
            from,
            to,
            outcome: outcome(message.value("DialStatus")),
            forward: message.get("Forward").map(forward).unwrap_or_default(),
        }),
        "BridgeEnter" => entered(message).map(|(who, bridge, meeting)| Input::Joined {
            who,
            bridge,
            meeting,
            // Written last, and only where there is one.
            in_place_of: message.last("SwapUniqueid"),
        }),
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
        "Dial" | "Bridge" | "Link" | "Unlink" => return Ok(None),
        other if is_of_no_interest(other) => return Ok(None),
        _ => None,
    };
    input.map(Some).ok_or(NotUnderstood)
}

/// How a channel came into being, by its first state. `Ring`: it calls us; `Down` or `Rsrvd`: we call it.
/// Channels that begin `Up`, `OffHook` or `Pre-ring` were made by their device, too.
fn origin(state: &str) -> Origin {
    match state {
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

fn room<'a>(message: &Message<'a>) -> Option<(Seen<'a>, &'a str)> {
    Some((seen(message, &channel::CHANNEL)?, message.get("Meetme").filter(|room| !room.is_empty())?))
}

/// Agents and parked channels wait in holding bridges; `ConfBridge` and `Page` make rooms.
fn entered<'a>(message: &Message<'a>) -> Option<(Seen<'a>, &'a str, Meeting)> {
    let mut reader = message.reader();
    let bridge = reader.next("BridgeUniqueid")?;
    let technology = reader.skip_to(1, "BridgeTechnology").unwrap_or_default();
    let meeting = match (technology, reader.skip_to(0, "BridgeCreator").unwrap_or_default()) {
        ("holding_bridge", _) => Meeting::Waiting,
        (_, "ConfBridge") => Meeting::Room,
        _ => Meeting::Talk,
    };
    read(&mut reader, &channel::CHANNEL).map(|who| (who, bridge, meeting))
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
        "" | "0" => Cause::Unsaid,
        "16" | "31" | "127" => Cause::Normal,
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
            | "MessageWaiting"
            | "Reload"
            | "Load"
            | "Rename"
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
