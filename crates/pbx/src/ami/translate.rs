//! Turns messages into inputs of the call logic.
//!
//! Owns Asterisk's words and what has to be remembered to understand them: its clock, its uptime, a list
//! being received. What the inputs mean is left to `calls`.

use std::time::Duration;

use calls::{Input, PbxTime};

use super::boot::Boot;
use super::channel;
use super::clock::{self, Clock};
use super::events::{NotUnderstood, translate};
use super::list::{End, List, Meetings};
use super::message::Message;
use crate::link::Counts;

/// What our own actions' ids begin with. A `Status` list is only taken for a snapshot if it is ours: one
/// asked for by hand may be of a single channel.
pub(super) const ACTION_PREFIX: &str = "ringbud-";

/// Turns the messages of one PBX into inputs, over all its links one after the other.
#[derive(Debug)]
pub struct Translator {
    clock: Clock,
    boot: Boot,
    list: List,
    meetings: Meetings,
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
            meetings: Meetings::default(),
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
        self.meetings.clear();
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
            Some("BridgeListItem") if is_ours(message) => self.meetings.add(message),
            Some("CoreShowChannelsComplete") => self.list_ended(message, &mut out),
            Some("StatusComplete") if is_ours(message) => self.list_ended(message, &mut out),
            Some(event) => {
                if event == "Newchannel" {
                    self.channel_made(message, arrival, &mut out);
                }
                let clock = &mut self.clock;
                match translate(event, message, &mut |input| out(clock.tell(stamp), input)) {
                    Ok(()) => {}
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
            End::Complete => {
                out(self.clock.tell(None), Input::Snapshot { listed: &self.list.listed(&self.meetings) })
            }
            End::Unusable => self.counts.unusable_lists += 1,
        }
        self.list.clear();
        self.meetings.clear();
    }
}

fn is_ours(message: &Message<'_>) -> bool {
    message.value("ActionID").starts_with(ACTION_PREFIX)
}
