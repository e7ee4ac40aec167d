//! Asterisk's words for things, one value at a time.

use calls::{Cause, DialOutcome, Meeting, Origin};

/// How a channel came into being, by its first state. `Ring`: it calls us; `Down` or `Rsrvd`: we call it.
/// Channels that begin `Up`, `OffHook` or `Pre-ring` were made by their device, too.
#[inline]
pub(super) fn origin(state: &str) -> Origin {
    match state {
        "2" | "4" | "6" | "8" => Origin::Placed,
        _ => Origin::Called,
    }
}

/// Agents and parked channels wait in holding bridges; `ConfBridge` and `Page` make rooms.
#[inline]
pub(super) fn meeting(technology: &str, creator: &str) -> Meeting {
    match (technology, creator) {
        ("holding_bridge", _) => Meeting::Waiting,
        (_, "ConfBridge") => Meeting::Room,
        _ => Meeting::Talk,
    }
}

/// What became of a call that was placed to somebody.
#[inline]
pub(super) fn outcome(status: &str) -> DialOutcome {
    match status {
        "ANSWER" => DialOutcome::Answered,
        "NOANSWER" => DialOutcome::NoAnswer,
        "BUSY" => DialOutcome::Busy,
        // After `GOTO` and `CONTINUE` the caller goes on without whoever was reached.
        "CANCEL" | "ABORT" | "GOTO" | "CONTINUE" => DialOutcome::Cancelled,
        _ => DialOutcome::Failed,
    }
}

/// Why a channel is gone, by the number of a cause of ISDN.
#[inline]
pub(super) fn cause(code: &str) -> Cause {
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
pub(super) fn is_of_no_interest(event: &str) -> bool {
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
