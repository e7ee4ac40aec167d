//! What a FreeSWITCH writes: events with the headers and sticky variables its channels have, from one line each.
//!
//! `create t in +49 +4530` a caller from outside; `create a in 101@1001 *8` a phone dials; `create a out 101@1001 t`
//! a phone is rung on behalf of t, `… -` by a program; `create x out +49 a` a number outside is dialled;
//! `create l1 out loopback:l2:102 t` one half of a loopback. Then `progress`, `media`, `answer`, `hold`, `unhold`,
//! `park`, `destroy` with a channel; `bridge A B`, `unbridge A B` (A says it) and `unbridge A` without ids;
//! `hangup A CAUSE`; `set A name=value …` variables; `history A entry`; `custom SUBCLASS A Header=value …`;
//! `uuid NEW OLD`; `core UUID`. Words `name=value` behind any of them are variables set before, or with a capital
//! headers of that event (the number a channel is after stays); `~` in them is a blank. `custom SUBCLASS - …` is of no channel.

use std::collections::BTreeMap;
use std::fmt::Write;

/// Ticks of a FreeSWITCH's clock.
const TICK_US: u64 = 20_000;
/// When the play begins.
pub(super) const BEGIN_US: u64 = 1_795_000_000_000_000;

/// A FreeSWITCH, as far as it writes events.
pub(super) struct Wire {
    core: String,
    channels: BTreeMap<String, Channel>,
    sequence: usize,
}

#[derive(Clone, Default)]
struct Channel {
    name: String,
    presence: String,
    direction: &'static str,
    number: String,
    destination: String,
    state: &'static str,
    cause: String,
    created_us: u64,
    answered_us: u64,
    rang: bool,
    /// With whom it is bridged.
    with: String,
    variables: BTreeMap<String, String>,
    history: Vec<String>,
}

impl Wire {
    pub(super) fn new() -> Self {
        Self { core: "c0de0000-0000-4000-8000-000000000001".into(), channels: BTreeMap::new(), sequence: 0 }
    }

    /// What is written because of a line, said at that millisecond. `None` for a line that is none.
    pub(super) fn says(&mut self, at_ms: u64, line: &str) -> Option<Vec<u8>> {
        let at_us = (BEGIN_US + at_ms * 1_000) / TICK_US * TICK_US;
        let (words, variables): (Vec<&str>, Vec<&str>) =
            line.split_whitespace().partition(|word| !word.contains('='));
        let (verb, words) = words.split_first()?;
        if *verb == "core" {
            self.core = (*words.first()?).to_owned();
            return Some(Vec::new());
        }
        let id = match *verb {
            "custom" => *words.get(1)?,
            _ => *words.first()?,
        };
        if *verb == "create" {
            self.create(id, words.get(1..)?, at_us)?;
        }
        let mut more = String::new();
        let channel = self.channels.entry(id.to_owned()).or_default();
        for variable in variables {
            let (name, value) = variable.split_once('=')?;
            if name == "Caller-Destination-Number" {
                value.clone_into(&mut channel.destination);
            } else if name.starts_with(char::is_uppercase) {
                let _ = writeln!(more, "{name}: {}", encoded(value));
            } else {
                channel.variables.insert(name.to_owned(), value.to_owned());
            }
        }
        let name = match *verb {
            "create" => "CHANNEL_CREATE",
            "progress" | "media" => {
                channel.rang = true;
                if *verb == "media" { "CHANNEL_PROGRESS_MEDIA" } else { "CHANNEL_PROGRESS" }
            }
            "answer" => {
                (channel.answered_us, channel.state) = (at_us, "answered");
                "CHANNEL_ANSWER"
            }
            "hold" => "CHANNEL_HOLD",
            "unhold" => "CHANNEL_UNHOLD",
            "park" => "CHANNEL_PARK",
            "destroy" => "CHANNEL_DESTROY",
            "bridge" | "unbridge" => {
                channel.with.clear();
                if let Some(other) = words.get(1) {
                    let _ = write!(more, "Bridge-A-Unique-ID: {id}\nBridge-B-Unique-ID: {other}\n");
                }
                if *verb == "bridge" { "CHANNEL_BRIDGE" } else { "CHANNEL_UNBRIDGE" }
            }
            "hangup" => {
                channel.state = "hangup";
                channel.cause = (*words.get(1)?).to_owned();
                "CHANNEL_HANGUP"
            }
            "custom" => {
                let _ = writeln!(more, "Event-Subclass: {}", encoded(words.first()?));
                "CUSTOM"
            }
            "uuid" => {
                let old = *words.get(1)?;
                let _ = writeln!(more, "Old-Unique-ID: {old}");
                let channel = self.channels.get(old)?.clone();
                self.channels.insert(id.to_owned(), channel);
                "CHANNEL_UUID"
            }
            "set" => return Some(Vec::new()),
            "history" => {
                let entry = format!("{}:x:{}", at_us / 1_000_000, words.get(1)?);
                channel.history.push(entry);
                return Some(Vec::new());
            }
            _ => return None,
        };
        if let ("bridge" | "unbridge", Some(other)) = (*verb, words.get(1)) {
            for (one, other) in [(id, *other), (*other, id)] {
                let with = if *verb == "bridge" { other } else { "" };
                if let Some(channel) = self.channels.get_mut(one) {
                    with.clone_into(&mut channel.with);
                }
            }
        }
        Some(self.event(name, id, at_us, &more))
    }

    /// What it answers when it is asked for its channels and calls.
    pub(super) fn lists(&self) -> Vec<u8> {
        let live = || self.channels.iter().filter(|(_, channel)| !matches!(channel.state, "hangup" | ""));
        let row = |(id, channel): (&String, &Channel)| {
            let state = match channel.state {
                "answered" => "ACTIVE",
                _ if channel.rang => "RINGING",
                _ => "DOWN",
            };
            let call = channel.variables.get("originator").unwrap_or(id);
            serde_json::json!({
                "uuid": id, "direction": channel.direction, "name": channel.name, "call_uuid": call,
                "created_epoch": (channel.created_us / 1_000_000).to_string(), "callstate": state,
                "cid_num": channel.number, "dest": channel.destination, "presence_id": channel.presence,
            })
        };
        let bridged =
            live().filter(|(id, channel)| *id < &channel.with && self.channels[&channel.with].with == **id);
        let pairs = bridged.map(|(id, channel)| {
            let mut row = row((id, channel));
            row["b_uuid"] = channel.with.clone().into();
            row
        });
        [live().map(row).collect::<Vec<_>>(), pairs.collect()].map(|rows| list(&rows)).concat()
    }

    fn create(&mut self, id: &str, words: &[&str], at_us: u64) -> Option<()> {
        let [direction, who, other] = words else { return None };
        let mut channel = Channel { state: "ringing", created_us: at_us, ..Channel::default() };
        let phone = who.split_once('@').filter(|(number, _)| number.chars().all(|c| c.is_ascii_digit()));
        match phone {
            Some((number, account)) => {
                channel.presence = format!("{number}@{account}.lab.test");
                channel.name = format!("sofia/internal/{}", channel.presence);
                number.clone_into(&mut channel.number);
            }
            None => {
                channel.name = format!("sofia/external/{who}");
                (*who).clone_into(&mut channel.number);
            }
        }
        let loopback = who.strip_prefix("loopback:").and_then(|rest| rest.split_once(':'));
        if let Some((half, number)) = loopback {
            channel.name = format!("loopback/{number}-{direction}");
            number.clone_into(&mut channel.number);
            channel.variables.insert("other_loopback_leg_uuid".into(), half.into());
        }
        if *direction == "in" {
            (channel.direction, channel.destination) = ("inbound", (*other).to_owned());
        } else {
            channel.direction = "outbound";
            channel.destination = channel.number.clone();
            // Who is rung is shown the caller.
            channel.number = self.channels.get(*other).map_or_else(String::new, |by| by.number.clone());
            if phone.is_none() && loopback.is_none() {
                channel.variables.insert("sip_gateway_name".into(), "provider".into());
            }
            if !matches!(*other, "-" | "?") {
                channel.variables.insert("originator".into(), (*other).to_owned());
                channel.variables.insert("originating_leg_uuid".into(), (*other).to_owned());
            }
        }
        self.channels.insert(id.to_owned(), channel);
        Some(())
    }

    fn event(&mut self, name: &str, id: &str, at_us: u64, more: &str) -> Vec<u8> {
        let Self { core, channels, sequence } = self;
        *sequence += 1;
        let channel = &channels[id];
        let mut lines = format!(
            "Event-Name: {name}\nCore-UUID: {core}\nFreeSWITCH-Hostname: lab\nEvent-Date-Timestamp: {at_us}\nEvent-Sequence: {sequence}\n"
        );
        let mut header = |name: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(lines, "{name}: {}", encoded(value));
            }
        };
        header("Call-Direction", channel.direction);
        header("Channel-Presence-ID", &channel.presence);
        header("Channel-Name", &channel.name);
        header("Unique-ID", if id == "-" { "" } else { id });
        header("Answer-State", channel.state);
        header("Hangup-Cause", &channel.cause);
        header("Caller-Caller-ID-Number", &channel.number);
        header("Caller-Destination-Number", &channel.destination);
        header("Caller-Channel-Created-Time", &channel.created_us.to_string());
        header("Caller-Channel-Answered-Time", &channel.answered_us.to_string());
        for (name, value) in &channel.variables {
            header(&format!("variable_{name}"), value);
        }
        let history = match channel.history.as_slice() {
            [] => String::new(),
            [only] => only.clone(),
            several => format!("ARRAY::{}", several.join("|:")),
        };
        header("variable_transfer_history", &history);
        lines.push_str(more);
        lines.push('\n');
        message("text/event-plain", &lines)
    }
}

/// An answer that is a list; one without rows has no rows.
pub(super) fn list(rows: &[serde_json::Value]) -> Vec<u8> {
    let list = match rows {
        [] => serde_json::json!({ "row_count": 0 }),
        rows => serde_json::json!({ "row_count": rows.len(), "rows": rows }),
    };
    message("api/response", &list.to_string())
}

/// A message with its headers.
pub(super) fn message(kind: &str, body: &str) -> Vec<u8> {
    format!("Content-Length: {}\nContent-Type: {kind}\n\n{body}", body.len()).into_bytes()
}

fn encoded(value: &str) -> String {
    let value = value.replace('%', "%25").replace(':', "%3A").replace('@', "%40").replace('+', "%2B");
    value.replace('~', "%20")
}
