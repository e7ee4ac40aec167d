//! What each event means: Asterisk's words, one after the other.
//!
//! Every function is of one message alone; what has to be remembered is [`super::Translator`]'s.

use calls::{Device, Input, Meeting, Seen};

use super::channel::{self, read, seen, whole};
use super::message::Message;
use super::numbers::{dialled, forward, number_on_a_line};
use super::presentation::says_presentation;
use super::words::{cause, is_of_no_interest, meeting, origin, outcome};

/// The events that say something: what a filter has to let through.
pub(super) const EVENTS: [&str; 34] = [
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
    // Whether a phone can be reached.
    "PeerStatus",
    // Only an Asterisk before 12 sends these; they show its age.
    "Dial",
    "Bridge",
    "Link",
    "Unlink",
];

/// An event nothing is known of, or that lacks what it needs.
pub(super) struct NotUnderstood;

/// Gives out what an event that stands for itself says; nothing for one that is known and of no interest. An input
/// is large, so it is handed on from where it is made.
pub(super) fn translate(
    event: &str,
    message: &Message<'_>,
    out: &mut dyn FnMut(Input<'_>),
) -> Result<(), NotUnderstood> {
    match event {
        "Newchannel" => {
            let state = message.value("ChannelState");
            let who = whole(&mut message.reader(), &channel::CHANNEL, says_presentation(message))
                .ok_or(NotUnderstood)?;
            let who = channel::on_its_line(who, message.written_last("Context"));
            let dialled = if state == "2" { "" } else { who.dialled };
            out(Input::Appeared { who: Seen { dialled, ..who }, origin: origin(state) });
        }
        "Newstate" => match message.value("ChannelState") {
            // Most technologies make a channel that calls `Down` like one that is called.
            "4" | "8" => out(Input::Placing { who: told(message)? }),
            // The receiver is lifted: nothing is dialled yet, whatever the extension says (the phone's own).
            "2" => out(Input::Placing { who: Seen { dialled: "", ..told(message)? } }),
            "5" => out(Input::Ringing { who: told(message)? }),
            "6" => out(Input::Up { who: told(message)? }),
            _ => {}
        },
        "NewCallerid" | "NewConnectedLine" => {
            // The one says it nearly always.
            let says = event == "NewCallerid" || says_presentation(message);
            let who = whole(&mut message.reader(), &channel::CHANNEL, says);
            out(Input::Changed { who: who.ok_or(NotUnderstood)? });
        }
        // Without an id the order was refused.
        "OriginateResponse" => {
            if let Some(who) = seen(message, &channel::CHANNEL) {
                out(Input::Ordered { who, dialled: dialled(message.value("Exten")) });
            }
        }
        "AgentLogin" => out(Input::Agent { who: told(message)?, is_on: true }),
        "AgentLogoff" => {
            if let Some(who) = seen(message, &channel::CHANNEL) {
                out(Input::Agent { who, is_on: false });
            }
        }
        // Its rooms have no bridges; their numbers are no bridge's id.
        "MeetmeJoin" => {
            let (who, bridge) = room(message).ok_or(NotUnderstood)?;
            out(Input::Joined { who, bridge, meeting: Meeting::Room, in_place_of: "" });
        }
        "MeetmeLeave" => {
            let (who, bridge) = room(message).ok_or(NotUnderstood)?;
            out(Input::Left { who, bridge });
        }
        "DialBegin" => {
            let (mut reader, says) = (message.reader(), says_presentation(message));
            let from = whole(&mut reader, &channel::CHANNEL, says);
            let mut to = whole(&mut reader, &channel::DEST, says).ok_or(NotUnderstood)?;
            // An application's channels have no extension: what it dialled on a line stands here alone.
            if to.dialled.is_empty() && !matches!(to.device, Device::Helper(_)) {
                to.dialled = number_on_a_line(message.written_last("DialString"));
            }
            out(Input::DialBegan { from, to });
        }
        "DialState" if message.written_last("DialStatus") == "RINGING" => {
            out(Input::Ringing { who: seen(message, &channel::DEST).ok_or(NotUnderstood)? });
        }
        "DialState" => {}
        "DialEnd" => {
            let mut reader = message.reader();
            let from = read(&mut reader, &channel::CHANNEL);
            let to = read(&mut reader, &channel::DEST).ok_or(NotUnderstood)?;
            let outcome = outcome(message.written_last("DialStatus"));
            // It stands beside the status.
            let forward = message.among_last(4, "Forward").map(forward).unwrap_or_default();
            out(Input::DialEnded { from, to, outcome, forward });
        }
        "BridgeEnter" => {
            let (who, bridge, meeting) = entered(message).ok_or(NotUnderstood)?;
            // Written last, and only where there is one.
            let in_place_of = message.last("SwapUniqueid");
            out(Input::Joined { who, bridge, meeting, in_place_of });
        }
        "BridgeLeave" => {
            let (who, bridge) = bridge(message).ok_or(NotUnderstood)?;
            out(Input::Left { who, bridge });
        }
        "LocalBridge" => {
            let mut reader = message.reader();
            let one = read(&mut reader, &channel::LOCAL_ONE).ok_or(NotUnderstood)?;
            let two = read(&mut reader, &channel::LOCAL_TWO).ok_or(NotUnderstood)?;
            out(Input::Paired { one, two });
        }
        "Hold" => out(Input::Held { who: told(message)? }),
        "Unhold" => out(Input::Unheld { who: told(message)? }),
        "BlindTransfer" | "AttendedTransfer" if has_failed(message) => {}
        // The three talk with each other now; who brought them together stays.
        "AttendedTransfer" if message.value("DestType") == "Threeway" => {}
        "BlindTransfer" => {
            let by = seen(message, &channel::TRANSFERER).ok_or(NotUnderstood)?;
            let party = seen(message, &channel::TRANSFEREE);
            out(Input::BlindTransfer { by, party, to: message.value("Extension") });
        }
        "AttendedTransfer" => {
            let first = seen(message, &channel::ORIG_TRANSFERER).ok_or(NotUnderstood)?;
            let second = seen(message, &channel::SECOND_TRANSFERER).ok_or(NotUnderstood)?;
            let party = seen(message, &channel::TRANSFEREE);
            let target = seen(message, &channel::TRANSFER_TARGET);
            let (party, target) = (party.as_ref(), target.as_ref());
            out(Input::AttendedTransfer { first: &first, second: &second, party, target });
        }
        "Pickup" => {
            let from = seen(message, &channel::TARGET).ok_or(NotUnderstood)?;
            out(Input::PickedUp { by: told(message)?, from });
        }
        "ParkedCall" => {
            let party = seen(message, &channel::PARKEE).ok_or(NotUnderstood)?;
            out(Input::Parked { party, space: message.value("ParkingSpace") });
        }
        "UnParkedCall" => {
            let by = seen(message, &channel::RETRIEVER).ok_or(NotUnderstood)?;
            out(Input::Retrieved { by, party: seen(message, &channel::PARKEE).ok_or(NotUnderstood)? });
        }
        "ParkedCallTimeOut" => {
            out(Input::ParkingTimedOut { party: seen(message, &channel::PARKEE).ok_or(NotUnderstood)? });
        }
        "QueueCallerJoin" => {
            out(Input::QueueEntered { who: told(message)?, queue: message.value("Queue") });
        }
        "QueueCallerLeave" => out(Input::QueueLeft { who: told(message)? }),
        "HangupRequest" => out(Input::HangingUp { who: told(message)? }),
        "Hangup" => out(Input::Gone { who: told(message)?, cause: cause(message.written_last("Cause")) }),
        "Dial" | "Bridge" | "Link" | "Unlink" => {}
        other if is_of_no_interest(other) => {}
        _ => return Err(NotUnderstood),
    }
    Ok(())
}

/// The channel an event is about.
fn told<'a>(message: &Message<'a>) -> Result<Seen<'a>, NotUnderstood> {
    seen(message, &channel::CHANNEL).ok_or(NotUnderstood)
}

fn bridge<'a>(message: &Message<'a>) -> Option<(Seen<'a>, &'a str)> {
    let mut reader = message.reader();
    let bridge = reader.next("BridgeUniqueid")?;
    read(&mut reader, &channel::CHANNEL).map(|who| (who, bridge))
}

fn room<'a>(message: &Message<'a>) -> Option<(Seen<'a>, &'a str)> {
    Some((seen(message, &channel::CHANNEL)?, message.get("Meetme").filter(|room| !room.is_empty())?))
}

fn entered<'a>(message: &Message<'a>) -> Option<(Seen<'a>, &'a str, Meeting)> {
    let mut reader = message.reader();
    let bridge = reader.next("BridgeUniqueid")?;
    let technology = reader.skip_to(1, "BridgeTechnology").unwrap_or_default();
    let meeting = meeting(technology, reader.skip_to(0, "BridgeCreator").unwrap_or_default());
    read(&mut reader, &channel::CHANNEL).map(|who| (who, bridge, meeting))
}

fn has_failed(message: &Message<'_>) -> bool {
    message.get("Result").is_some_and(|result| result != "Success")
}
