//! The channels that live on the demo PBX, learned from what it plays; the answer to who asks for them.

use std::collections::BTreeMap;

use super::message::{Answer, Headers};
use crate::part::write_time;

/// What every message says of a channel, in AMI's order.
const SNAPSHOT: [&str; 14] = [
    "Channel",
    "ChannelState",
    "ChannelStateDesc",
    "CallerIDNum",
    "CallerIDName",
    "ConnectedLineNum",
    "ConnectedLineName",
    "Language",
    "AccountCode",
    "Context",
    "Exten",
    "Priority",
    "Uniqueid",
    "Linkedid",
];

/// The live channels.
#[derive(Clone, Debug, Default)]
pub(super) struct World {
    channels: BTreeMap<String, Channel>,
    bridges: BTreeMap<String, Bridge>,
    calls: u64,
}

/// A bridge, and what it is for.
#[derive(Clone, Debug, Default)]
struct Bridge {
    technology: String,
    creator: String,
}

/// One of them.
#[derive(Clone, Debug, Default)]
struct Channel {
    snapshot: [String; SNAPSHOT.len()],
    /// The number it called, wherever the dialplan went since.
    dialled: String,
    application: String,
    data: String,
    bridge: String,
    since_us: u64,
    answered_us: Option<u64>,
}

impl World {
    /// Learns from one event. Events about channels that never appeared (a test may say anything) change
    /// nothing.
    pub(super) fn hear(&mut self, event: &str, now_us: u64) {
        let headers = Headers(event);
        let name = headers.get("Event");
        if name == "Newchannel" {
            self.calls += u64::from(headers.get("Uniqueid") == headers.get("Linkedid"));
            let channel = Channel { since_us: now_us, ..Channel::default() };
            self.channels.insert(headers.get("Uniqueid").to_owned(), channel);
        }
        for prefix in ["", "Dest"] {
            self.refresh(headers, prefix, now_us);
        }
        if name.starts_with("Bridge") && !headers.get("BridgeTechnology").is_empty() {
            let [technology, creator] =
                ["BridgeTechnology", "BridgeCreator"].map(|name| headers.get(name).to_owned());
            self.bridges.insert(headers.get("BridgeUniqueid").to_owned(), Bridge { technology, creator });
        }
        let id = headers.get("Uniqueid");
        match name {
            "BridgeDestroy" => drop(self.bridges.remove(headers.get("BridgeUniqueid"))),
            "Hangup" => drop(self.channels.remove(id)),
            "BridgeEnter" => {
                self.with(headers.get("SwapUniqueid"), |swapped| swapped.bridge.clear());
                self.with(id, |channel| headers.get("BridgeUniqueid").clone_into(&mut channel.bridge));
            }
            "BridgeLeave" => self.with(id, |channel| channel.bridge.clear()),
            "AgentLogin" => self.with(id, |channel| channel.runs("AgentLogin", headers.get("Agent"))),
            "QueueCallerJoin" => self.with(id, |channel| channel.runs("Queue", headers.get("Queue"))),
            "DialBegin" => {
                self.with(headers.get("DestUniqueid"), |channel| channel.runs("AppDial", "(Outgoing Line)"));
                self.with(id, |channel| channel.dials(headers.get("DialString")));
            }
            _ => {}
        }
    }

    fn with(&mut self, id: &str, change: impl FnOnce(&mut Channel)) {
        if let Some(channel) = self.channels.get_mut(id) {
            change(channel);
        }
    }

    fn refresh(&mut self, headers: Headers<'_>, prefix: &str, now_us: u64) {
        self.with(headers.part(prefix, "Uniqueid"), |channel| {
            for (kept, name) in channel.snapshot.iter_mut().zip(SNAPSHOT) {
                let value = headers.part(prefix, name);
                if !value.is_empty() || name == "Exten" || name == "AccountCode" {
                    value.clone_into(kept);
                }
            }
            channel.is_after_a_number();
            if channel.is_up() && channel.answered_us.is_none() {
                channel.answered_us = Some(now_us);
            }
        });
    }

    /// How many channels there are now, and how many calls there have been.
    pub(super) fn counts(&self) -> (usize, u64) {
        (self.channels.len(), self.calls)
    }

    /// How many channels an endpoint has.
    pub(super) fn active(&self, endpoint: &str) -> usize {
        self.channels.values().filter(|channel| channel.endpoint() == endpoint).count()
    }

    /// The list of `BridgeList`; how many there are.
    pub(super) fn bridges(&self, action: Headers<'_>, answer: &mut Answer) -> usize {
        for (id, bridge) in &self.bridges {
            let members = self.channels.values().filter(|channel| channel.bridge == *id).count();
            answer.header("Event", "BridgeListItem").action_id(action).header("BridgeUniqueid", id);
            answer.header("BridgeType", "basic").header("BridgeTechnology", &bridge.technology);
            answer.header("BridgeCreator", &bridge.creator).header("BridgeName", "<unknown>");
            answer.header("BridgeNumChannels", members).header("BridgeVideoSourceMode", "none").end();
        }
        self.bridges.len()
    }

    /// The list of `CoreShowChannels`.
    pub(super) fn show(&self, action: Headers<'_>, now_us: u64, answer: &mut Answer) {
        for channel in self.channels.values() {
            answer.header("Event", "CoreShowChannel").action_id(action);
            channel.write_snapshot(answer);
            let seconds = now_us.saturating_sub(channel.since_us) / 1_000_000;
            let duration = format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60);
            answer.header("Application", &channel.application).header("ApplicationData", &channel.data);
            answer.header("Duration", duration).header("BridgeId", &channel.bridge).end();
        }
    }

    /// The list of `Status`, with the variables asked for.
    pub(super) fn status(&self, action: Headers<'_>, now_us: u64, answer: &mut Answer) {
        let variables = split_variables(action.get("Variables"));
        for channel in self.channels.values() {
            answer.header("Event", "Status").header("Privilege", "Call");
            channel.write_snapshot(answer);
            answer.header("Type", channel.name().split('/').next().unwrap_or_default());
            answer.header("DNID", &channel.dialled).header("BridgeID", &channel.bridge);
            answer.header("Application", &channel.application).header("Data", &channel.data);
            answer.header("Seconds", now_us.saturating_sub(channel.since_us) / 1_000_000);
            for variable in &variables {
                answer.header("Variable", format_args!("{variable}={}", channel.variable(variable)));
            }
            answer.action_id(action).end();
        }
    }
}

impl Channel {
    fn name(&self) -> &str {
        &self.snapshot[0]
    }

    /// `PJSIP/1001-101-0000001a` without the last dash and what follows.
    fn endpoint(&self) -> &str {
        self.name().rsplit_once('-').map_or("", |(endpoint, _)| endpoint)
    }

    fn is_up(&self) -> bool {
        self.snapshot[1] == "6"
    }

    /// Whoever calls executes the dialplan, from the number on that was dialled.
    fn is_after_a_number(&mut self) {
        let (state, number) = (self.snapshot[1].as_str(), self.snapshot[10].as_str());
        if state != "0" && !matches!(number, "" | "s") && self.application.is_empty() {
            self.dialled = self.snapshot[10].clone();
            self.runs("NoOp", "");
        }
    }

    fn runs(&mut self, application: &str, data: &str) {
        application.clone_into(&mut self.application);
        data.clone_into(&mut self.data);
    }

    /// A queue stays a queue while it dials its members, and an agent one that is logged in.
    fn dials(&mut self, data: &str) {
        if self.application != "Queue" && self.application != "AgentLogin" {
            self.runs("Dial", data);
        }
    }

    fn write_snapshot(&self, answer: &mut Answer) {
        for (value, name) in self.snapshot.iter().zip(SNAPSHOT) {
            answer.header(name, value);
        }
    }

    fn variable(&self, name: &str) -> String {
        let time = |us: u64| {
            let mut text = String::new();
            write_time(us, &mut text);
            text
        };
        match name {
            "CDR(start,u)" => time(self.since_us),
            "CDR(answer,u)" => self.answered_us.map(time).unwrap_or_default(),
            "CHANNEL(endpoint)" => self.endpoint().split_once('/').map_or("", |(_, name)| name).to_owned(),
            _ => String::new(),
        }
    }
}

/// Splits at commas that are in no brackets.
fn split_variables(list: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    list.split(|c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .map(str::trim)
    .filter(|name| !name.is_empty())
    .collect()
}
