//! Turns messages into inputs of the call logic.
//!
//! Owns Asterisk's words and what has to be remembered to understand them: its clock, its uptime, a list
//! being received. What the inputs mean is left to `calls`.

use std::time::Duration;

use calls::{Cause, DialOutcome, Input, Origin, PbxTime};

use super::boot::Boot;
use super::channel::{self, read, seen};
use super::clock::{self, Clock};
use super::list::{End, List};
use super::message::Message;

/// What our own actions' ids begin with. A `Status` list is only taken for a snapshot if it is ours: one
/// asked for by hand may be of a single channel.
pub(super) const ACTION_PREFIX: &str = "ringbud-";

/// The events that say something: what a filter has to let through.
pub(super) const EVENTS: [&str; 22] = [
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

/// What came in, by what became of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages in all.
    pub messages: u64,
    /// Inputs they gave.
    pub inputs: u64,
    /// Events nothing is known of, or that lack what they need.
    pub not_understood: u64,
    /// Lists that were too long or not complete, and so are no snapshot.
    pub unusable_lists: u64,
}

/// Turns the messages of one PBX into inputs, over all its links one after the other.
#[derive(Debug)]
pub struct Translator {
    clock: Clock,
    boot: Boot,
    list: List,
    counts: Counts,
    /// The newest time an event bore, until it is taken.
    stamp: Option<PbxTime>,
}

impl Translator {
    /// For a PBX that was heard last at that moment (of an earlier run), if ever.
    pub fn new(last_heard: Option<PbxTime>) -> Self {
        Self {
            clock: Clock::starting_at(last_heard),
            boot: Boot::starting_at(last_heard),
            list: List::default(),
            counts: Counts::default(),
            stamp: None,
        }
    }

    /// What came in so far.
    pub const fn counts(&self) -> Counts {
        self.counts
    }

    /// The last moment the PBX is known to have been heard, by its clock.
    pub const fn last_heard(&self) -> Option<PbxTime> {
        self.clock.heard()
    }

    /// The link is gone.
    pub fn link_lost(&mut self, mut out: impl FnMut(PbxTime, Input<'_>)) {
        self.list.clear();
        self.clock.link_lost();
        self.boot.link_lost(self.clock.heard());
        out(self.clock.tell(None), Input::LinkLost);
    }

    /// Takes a message. `arrival` is when it came in, by a monotonic clock of ours; a recording has none.
    pub fn translate(
        &mut self,
        message: &Message<'_>,
        arrival: Option<Duration>,
        mut out: impl FnMut(PbxTime, Input<'_>),
    ) {
        self.counts.messages += 1;
        let mut inputs = 0;
        let mut out = |at, input: Input<'_>| {
            inputs += 1;
            out(at, input);
        };
        let stamp = message.get("Timestamp").and_then(clock::timestamp);
        self.read_clock(stamp, arrival, &mut out);
        match message.event() {
            None => self.response(message, &mut out),
            Some("FullyBooted") => {
                let uptime = message.get("Uptime").and_then(|uptime| uptime.parse().ok());
                let uptime = uptime.filter(|&secs: &u64| secs < 1 << 32).map(Duration::from_secs);
                if self.boot.booted(uptime, self.clock.heard()) {
                    out(self.clock.tell(None), Input::Restarted);
                }
            }
            Some("Shutdown") => self.boot.shutting_down(),
            Some("CoreShowChannel") => self.listed(message),
            Some("Status") if is_ours(message) => self.listed(message),
            Some("CoreShowChannelsComplete") => self.list_ended(message, &mut out),
            Some("StatusComplete") if is_ours(message) => self.list_ended(message, &mut out),
            Some(event) => {
                if event == "Newchannel" {
                    self.channel_made(message, arrival, &mut out);
                }
                match translate(event, message) {
                    Ok(Some(input)) => out(self.clock.tell(stamp), input),
                    Ok(None) => {}
                    Err(NotUnderstood) => self.counts.not_understood += 1,
                }
            }
        }
        self.counts.inputs += inputs;
    }

    /// The newest time an event bore since this was asked last.
    pub(super) const fn take_stamp(&mut self) -> Option<PbxTime> {
        self.stamp.take()
    }

    fn read_clock(
        &mut self,
        stamp: Option<PbxTime>,
        arrival: Option<Duration>,
        out: &mut impl FnMut(PbxTime, Input<'_>),
    ) {
        match stamp {
            None => self.clock.arrived(arrival),
            Some(time) => {
                let before = self.clock.heard();
                self.clock.said(time, arrival);
                self.stamp = Some(time);
                if self.boot.clock_read(time, arrival.is_some()) {
                    out(self.clock.tell(before), Input::Restarted);
                }
            }
        }
    }

    /// A new channel's id tells the time where nothing else does, and whether the PBX counts from one again.
    fn channel_made(
        &mut self,
        message: &Message<'_>,
        arrival: Option<Duration>,
        out: &mut impl FnMut(PbxTime, Input<'_>),
    ) {
        let Some((second, counter)) = channel::unique_id_parts(message.value("Uniqueid")) else {
            return;
        };
        let before = self.clock.heard();
        let made_at = PbxTime::from_secs(second);
        self.clock.not_before(made_at);
        let proved_by_clock = self.boot.clock_read(made_at, arrival.is_some());
        if self.boot.new_channel(counter) || proved_by_clock {
            out(self.clock.tell(before), Input::Restarted);
        }
    }

    fn response(&mut self, message: &Message<'_>, out: &mut impl FnMut(PbxTime, Input<'_>)) {
        if let (Some(date), Some(time)) = (message.get("CoreStartupDate"), message.get("CoreStartupTime")) {
            if self.boot.started(date, time) {
                out(self.clock.tell(None), Input::Restarted);
            }
        } else if message.value("EventList") == "start" {
            self.list.begin(message.value("ActionID"));
        }
    }

    fn listed(&mut self, message: &Message<'_>) {
        if let Some(time) = self.list.add(message) {
            self.clock.not_before(time);
        }
    }

    fn list_ended(&mut self, message: &Message<'_>, out: &mut impl FnMut(PbxTime, Input<'_>)) {
        match self.list.end(message) {
            End::Complete => out(self.clock.tell(None), Input::Snapshot { listed: &self.list.listed() }),
            End::Unusable => self.counts.unusable_lists += 1,
        }
        self.list.clear();
    }
}

fn is_ours(message: &Message<'_>) -> bool {
    message.value("ActionID").starts_with(ACTION_PREFIX)
}

/// An event nothing is known of, or that lacks what it needs.
struct NotUnderstood;

/// An event that stands for itself; `None` for one that is known and of no interest.
fn translate<'a>(event: &str, message: &Message<'a>) -> Result<Option<Input<'a>>, NotUnderstood> {
    let input = match event {
        "Newchannel" => {
            seen(message, &channel::CHANNEL).map(|who| Input::Appeared { who, origin: origin(message) })
        }
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

fn dial<'a>(message: &Message<'a>) -> Option<(Option<calls::Seen<'a>>, calls::Seen<'a>)> {
    let mut reader = message.reader();
    let from = read(&mut reader, &channel::CHANNEL);
    read(&mut reader, &channel::DEST).map(|to| (from, to))
}

fn bridge<'a>(message: &Message<'a>) -> Option<(calls::Seen<'a>, &'a str)> {
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
            | "Hold"
            | "Unhold"
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
