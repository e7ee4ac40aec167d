//! Collects the channels of a list (`CoreShowChannels`, `Status`) until it is complete.
//!
//! The only place where text of messages is copied, because a list comes in many messages.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use calls::{Listed, ListedState, Meeting, Origin, PbxTime, Presentation, Seen};

use super::channel;
use super::clock;
use super::message::Message;
use super::numbers::{dialled, number_of};
use super::presentation::presentation;
use super::words::meeting;

/// The most channels a list may have; a longer one is no snapshot.
pub const MAX_LISTED: usize = 256 * 1024;
/// The most text of a list that is kept.
pub const MAX_LISTED_BYTES: usize = 64 * 1024 * 1024;

/// The list being received.
#[derive(Debug, Default)]
pub(super) struct List {
    action: String,
    text: String,
    entries: Vec<Entry>,
    overflowed: bool,
}

/// One channel; texts lie in the list's.
#[derive(Debug)]
struct Entry {
    channel: Range<usize>,
    number: Range<usize>,
    connected: Range<usize>,
    extension: Range<usize>,
    presentation: Presentation,
    id: Range<usize>,
    group: Range<usize>,
    bridge: Range<usize>,
    is_agent: bool,
    origin: Option<Origin>,
    state: ListedState,
    since: Option<PbxTime>,
    answered_at: Option<PbxTime>,
}

/// How a list ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// All channels are there.
    Complete,
    /// Too long, or not as many came as the PBX said: it must not be taken for a snapshot.
    Unusable,
}

/// The bridges that are no conversations, as the PBX listed them before its channels.
#[derive(Debug, Default)]
pub(super) struct Meetings(BTreeMap<Box<str>, Meeting>);

impl Meetings {
    /// A bridge of a list.
    pub(super) fn add(&mut self, message: &Message<'_>) {
        let meeting = meeting(message.value("BridgeTechnology"), message.value("BridgeCreator"));
        if meeting != Meeting::Talk && self.0.len() < MAX_LISTED {
            self.0.insert(message.value("BridgeUniqueid").into(), meeting);
        }
    }

    fn of(&self, bridge: &str) -> Meeting {
        self.0.get(bridge).copied().unwrap_or(Meeting::Talk)
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

impl List {
    /// The PBX announced a list.
    pub(super) fn begin(&mut self, action: &str) {
        *self = Self { action: action.to_owned(), ..Self::default() };
    }

    /// One channel of a list. Says what the PBX's clock showed at least.
    pub(super) fn add(&mut self, message: &Message<'_>) -> Option<PbxTime> {
        let action = message.value("ActionID");
        if self.action != action {
            self.begin(action);
        }
        let channel = message.value("Channel");
        let id = message.value("Uniqueid");
        if self.entries.len() >= MAX_LISTED || self.text.len() >= MAX_LISTED_BYTES {
            self.overflowed = true;
        }
        if self.overflowed || channel.is_empty() || id.is_empty() {
            return None;
        }
        let state = match message.value("ChannelState") {
            "6" => ListedState::Up,
            "5" => ListedState::Ringing,
            _ => ListedState::Pending,
        };
        let made_at = channel::unique_id_parts(id).map(|(second, _)| PbxTime::from_secs(second));
        let variable = |name| {
            message.all("Variable").find_map(|line| {
                let value = line.strip_prefix(name)?.strip_prefix('=')?;
                clock::timestamp(value).filter(|&time| time > PbxTime::from_micros(0))
            })
        };
        let entry = Entry {
            origin: match (message.value("Application"), state) {
                ("AppDial" | "AppDial2" | "AppQueue", _) | ("", ListedState::Ringing) => Some(Origin::Called),
                ("", ListedState::Pending | ListedState::Up) => None,
                // Whoever executes the dialplan called in, or was rung by order and dials now.
                _ => Some(Origin::Placed),
            },
            state,
            since: variable("CDR(start,u)").or(made_at),
            answered_at: variable("CDR(answer,u)").filter(|_| state == ListedState::Up),
            channel: self.keep(channel),
            number: self.keep(message.value("CallerIDNum")),
            connected: self.keep(message.value("ConnectedLineNum")),
            // What was dialled stays in `DNID` wherever the dialplan went since.
            extension: self.keep(match dialled(message.value("DNID")) {
                "" => message.value("Exten"),
                number => number,
            }),
            presentation: presentation(message, "").0,
            id: self.keep(id),
            group: self.keep(message.value("Linkedid")),
            bridge: self.keep(bridge(message)),
            is_agent: message.value("Application") == "AgentLogin",
        };
        self.entries.push(entry);
        let age = age(message);
        Some(made_at? + age?)
    }

    /// The PBX said that the list is complete.
    pub(super) fn end(&self, message: &Message<'_>) -> End {
        let announced = message.get("ListItems").and_then(|items| items.parse().ok());
        let is_this_one = self.action == message.value("ActionID");
        let received = if is_this_one { self.entries.len() } else { 0 };
        if self.overflowed || announced.is_some_and(|announced: usize| announced != received) {
            End::Unusable
        } else {
            End::Complete
        }
    }

    /// The channels, to be borrowed by a snapshot.
    pub(super) fn listed(&self, meetings: &Meetings) -> Vec<Listed<'_>> {
        let listed = |entry: &Entry| {
            let bridge = &self.text[entry.bridge.clone()];
            let who = Seen {
                id: &self.text[entry.id.clone()],
                device: channel::device(&self.text[entry.channel.clone()]),
                number: number_of(&self.text[entry.number.clone()]),
                dialled: dialled(&self.text[entry.extension.clone()]),
                group: &self.text[entry.group.clone()],
                connected: number_of(&self.text[entry.connected.clone()]),
                presentation: entry.presentation,
                is_chosen: channel::unique_id_parts(&self.text[entry.id.clone()]).is_none(),
            };
            let Entry { is_agent, origin, state, since, answered_at, .. } = *entry;
            Listed { who, origin, state, bridge, meeting: meetings.of(bridge), is_agent, since, answered_at }
        };
        self.entries.iter().map(listed).collect()
    }

    /// Gives the memory of a long list back.
    pub(super) fn clear(&mut self) {
        *self = Self::default();
    }

    fn keep(&mut self, text: &str) -> Range<usize> {
        let start = self.text.len();
        self.text.push_str(text);
        start..self.text.len()
    }
}

/// The bridge a channel of a list is in; empty for none.
fn bridge<'a>(listed: &Message<'a>) -> &'a str {
    listed.get("BridgeId").or(listed.get("BridgeID")).unwrap_or_default()
}

/// Whether a channel of a list is in a bridge.
pub(super) fn is_bridged(listed: &Message<'_>) -> bool {
    !bridge(listed).is_empty()
}

/// How old a channel of a list is.
pub(super) fn age(listed: &Message<'_>) -> Option<Duration> {
    listed.get("Duration").and_then(hours_minutes_seconds).or_else(|| {
        let seconds = listed.get("Seconds")?.parse().ok().filter(|&seconds: &u64| seconds < 1 << 32)?;
        Some(Duration::from_secs(seconds))
    })
}

/// `00:01:30`.
fn hours_minutes_seconds(text: &str) -> Option<Duration> {
    let mut parts = text.splitn(3, ':').map(|part| part.parse::<u32>().ok());
    let (hours, minutes, seconds) = (parts.next()??, parts.next()??, parts.next()??);
    Some(Duration::from_secs(u64::from(hours) * 3600 + u64::from(minutes) * 60 + u64::from(seconds)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_from_hours_minutes_and_seconds() {
        assert_eq!(hours_minutes_seconds("00:01:30"), Some(Duration::from_secs(90)));
        assert_eq!(hours_minutes_seconds("123:00:00"), Some(Duration::from_secs(442_800)));
        assert_eq!(hours_minutes_seconds("90"), None);
    }
}
