//! The channels that live on the demo FreeSWITCH, learned from what it plays; the answer to who asks for them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::acts::header;
use crate::cast;

/// The live channels.
#[derive(Debug, Default)]
pub(super) struct World {
    channels: BTreeMap<String, Channel>,
}

/// One of them.
#[derive(Debug, Default)]
struct Channel {
    direction: String,
    name: String,
    presence: String,
    number: String,
    destination: String,
    call: String,
    created_us: u64,
    answered_us: u64,
    rings: bool,
    with: String,
    /// Its variables, by name.
    variables: BTreeMap<String, String>,
}

impl World {
    /// Learns from one event. Events about channels that were never created change nothing.
    pub(super) fn hear(&mut self, event: &str) {
        let get = |name: &str| header(event, name);
        let time = |name: &str| header(event, name).parse().unwrap_or(0);
        let id = get("Unique-ID");
        let name = get("Event-Name");
        if name == "CHANNEL_CREATE" {
            let plain = |name| get(name).replace("%40", "@").replace("%2B", "+").replace("%3A", ":");
            let call = get("variable_originating_leg_uuid");
            let channel = Channel {
                direction: get("Call-Direction").to_owned(),
                name: plain("Channel-Name"),
                presence: plain("Channel-Presence-ID"),
                number: plain("Caller-Caller-ID-Number"),
                destination: plain("Caller-Destination-Number"),
                call: if call.is_empty() { id } else { call }.to_owned(),
                created_us: time("Event-Date-Timestamp"),
                ..Channel::default()
            };
            self.channels.insert(id.to_owned(), channel);
        }
        let Some(channel) = self.channels.get_mut(id) else { return };
        let variable = |line: &str| {
            let (name, value) = line.strip_prefix("variable_")?.split_once(": ")?;
            Some((name.to_owned(), value.to_owned()))
        };
        channel.variables.extend(event.lines().filter_map(variable));
        match name {
            "CHANNEL_PROGRESS" | "CHANNEL_PROGRESS_MEDIA" => channel.rings = true,
            "CHANNEL_ANSWER" => channel.answered_us = time("Event-Date-Timestamp"),
            "CHANNEL_HANGUP" | "CHANNEL_DESTROY" => drop(self.channels.remove(id)),
            "CHANNEL_BRIDGE" => self.bridge(get("Bridge-A-Unique-ID"), get("Bridge-B-Unique-ID")),
            "CHANNEL_UNBRIDGE" => channel.with.clear(),
            _ => {}
        }
    }

    fn bridge(&mut self, one: &str, two: &str) {
        for (id, other) in [(one, two), (two, one)] {
            if let Some(channel) = self.channels.get_mut(id) {
                other.clone_into(&mut channel.with);
            }
        }
    }

    pub(super) fn len(&self) -> usize {
        self.channels.len()
    }

    fn list(rows: Vec<Value>) -> String {
        if rows.is_empty() {
            return json!({ "row_count": 0 }).to_string();
        }
        json!({ "row_count": rows.len(), "rows": rows }).to_string()
    }

    /// `show channels as json`.
    pub(super) fn channels(&self) -> String {
        let rows = self.channels.iter().map(|(id, channel)| channel.row(id));
        Self::list(rows.collect())
    }

    /// `show calls as json`: a row a pair.
    pub(super) fn calls(&self) -> String {
        let pairs = self.channels.iter().filter(|(id, channel)| {
            let with = self.channels.get(&channel.with);
            with.is_some_and(|with| with.with == **id) && **id < channel.with
        });
        let rows = pairs.map(|(id, channel)| {
            let mut row = channel.row(id);
            row["b_uuid"] = channel.with.clone().into();
            row
        });
        Self::list(rows.collect())
    }

    /// `show registrations as json`: everybody of the cast, or nobody.
    pub(super) fn registrations(&self, at_home: bool) -> String {
        let accounts = cast::ACCOUNTS.iter().filter(|_| at_home);
        let rows = accounts.flat_map(|account| {
            account.employees.iter().map(|employee| {
                json!({ "reg_user": employee.number, "realm": format!("{}.lab.test", account.id) })
            })
        });
        Self::list(rows.collect())
    }

    /// `uuid_getvar ID NAME`.
    pub(super) fn variable(&self, id: &str, name: &str) -> Option<&str> {
        self.channels.get(id)?.variables.get(name).map(String::as_str)
    }

    /// `uuid_dump ID json`.
    pub(super) fn dump(&self, id: &str) -> Option<String> {
        let channel = self.channels.get(id)?;
        let dump = json!({
            "Event-Name": "CHANNEL_DATA", "Unique-ID": id,
            "Caller-Channel-Answered-Time": channel.answered_us.to_string(),
        });
        Some(dump.to_string())
    }
}

impl Channel {
    fn row(&self, id: &str) -> Value {
        let state = match (self.answered_us, self.rings) {
            (0, true) => "RINGING",
            (0, false) => "DOWN",
            _ => "ACTIVE",
        };
        json!({
            "uuid": id, "direction": self.direction, "created_epoch": (self.created_us / 1_000_000).to_string(),
            "name": self.name, "cid_num": self.number, "dest": self.destination,
            "presence_id": self.presence, "callstate": state, "call_uuid": self.call,
        })
    }
}
