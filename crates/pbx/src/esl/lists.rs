//! What FreeSWITCH answers when it is asked which channels it has.
//!
//! Answers do not name their question. The two lists are told apart by their form: a row of `show calls` has a
//! `b_uuid`; of two lists without rows the first is that of channels, as they are asked for in this order. The
//! list lags behind the events by some 200 ms, both ways: whoever was heard of since is as it was heard.

use calls::{Input, Listed, ListedState, Meeting, Origin, PbxTime, Seen};
use serde_json::{Map, Value};

use super::channel::{Channel, Key, Life};
use super::json;
use super::listed::{Dump, Lists, text};
use super::meeting::name_of_bridge;
use super::translate::{Out, Translator};
use super::words;

/// Rows of a list that are read; the rest is as if it were not there, and the list is no snapshot.
pub const MAX_LISTED: usize = 100_000;

/// What an answer was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// The channels.
    Channels,
    /// The calls: with the channels before them they make a snapshot.
    Calls,
    /// All about one channel.
    Dump,
    /// Which start of FreeSWITCH this is.
    Core,
    /// Something that tells nothing of channels.
    Other,
}

impl Translator {
    /// Takes the body of an `api/response`.
    pub fn answer(&mut self, body: &[u8], mut out: impl FnMut(PbxTime, Input<'_>)) -> Answer {
        let out: Out<'_> = &mut out;
        if body.first() != Some(&b'{') {
            let is_uuid =
                body.len() == 36 && body.iter().all(|byte| byte.is_ascii_hexdigit() || *byte == b'-');
            return match std::str::from_utf8(body) {
                Ok(core) if is_uuid => {
                    self.belongs_to(core, out);
                    Answer::Core
                }
                Ok(_) | Err(_) => Answer::Other,
            };
        }
        let Some(mut object) = json::object(body) else {
            self.counts.unusable_lists += 1;
            return Answer::Other;
        };
        if text(&object, "Event-Name") == "CHANNEL_DATA" {
            let id = text(&object, "Unique-ID").to_owned();
            self.lists.dumps.insert(id, Dump::read(&object));
            return Answer::Dump;
        }
        let Some(count) = object.get("row_count").and_then(Value::as_u64) else { return Answer::Other };
        let rows = match object.remove("rows") {
            Some(Value::Array(rows)) => rows,
            Some(_) | None => Vec::new(),
        };
        if rows.len() as u64 != count || rows.len() > MAX_LISTED {
            self.counts.unusable_lists += 1;
            return Answer::Other;
        }
        let rows = rows.into_iter().filter_map(|row| match row {
            Value::Object(row) => Some(row),
            _ => None,
        });
        self.list(rows.collect())
    }

    fn list(&mut self, rows: Vec<Map<String, Value>>) -> Answer {
        let are_calls = match rows.first() {
            Some(row) => row.contains_key("b_uuid"),
            None => self.lists.rows.is_some(),
        };
        if !are_calls {
            self.lists.rows = Some(rows);
            return Answer::Channels;
        }
        if self.lists.rows.is_none() {
            return Answer::Other;
        }
        for row in &rows {
            let (one, two) = (text(row, "uuid"), text(row, "b_uuid"));
            if !one.is_empty() && !two.is_empty() {
                self.lists.bridged.insert(one.to_owned(), two.to_owned());
                self.lists.bridged.insert(two.to_owned(), one.to_owned());
            }
        }
        Answer::Calls
    }

    /// The ids of listed channels about which more has to be asked before the list can be told: those that
    /// were not known, and phones that rang when they were heard of last and talk now.
    pub fn in_doubt(&self) -> Vec<String> {
        let rows = self.lists.rows.iter().flatten();
        let doubtful = rows.filter(|row| {
            let Some(channel) = self.channels.find(text(row, "uuid")).and_then(|key| self.channels.get(key))
            else {
                return true;
            };
            !channel.sure && !channel.up && state(row) == ListedState::Up
        });
        doubtful.map(|row| text(row, "uuid").to_owned()).collect()
    }

    /// FreeSWITCH was asked about this channel and has none of this id.
    pub fn no_such_channel(&mut self, id: &str) {
        self.lists.gone.push(id.to_owned());
    }

    /// Tells the list, if both parts of one are there.
    pub fn snapshot(&mut self, mut out: impl FnMut(PbxTime, Input<'_>)) {
        let mut lists = std::mem::take(&mut self.lists);
        let Some(rows) = lists.rows.take() else { return };
        let out: Out<'_> = &mut out;
        let mut rows: Vec<_> = rows
            .iter()
            .filter(|row| {
                !text(row, "uuid").is_empty() && !lists.gone.iter().any(|id| id == text(row, "uuid"))
            })
            .collect();
        // Nothing else in a list says what time it is.
        let newest = rows.iter().filter_map(|row| since(row)).max();
        self.now = newest.map_or(self.now, |newest| newest.max(self.now));
        // Whoever is dialled comes after whoever dials.
        rows.sort_by_key(|row| text(row, "direction") != "inbound");
        let keys: Vec<Key> = rows.iter().map(|row| self.take_row(row, &lists)).collect();
        let mut listed: Vec<(Key, &Map<String, Value>, String)> = Vec::with_capacity(rows.len());
        for (key, row) in keys.into_iter().zip(rows) {
            self.take_origin(key, row, &lists);
            if self.channels.get(key).is_some_and(|channel| channel.life == Life::Up) {
                let id = text(row, "uuid");
                let pair = lists.bridged.get(id).map(|other| name_of_bridge(id, other));
                listed.push((key, row, pair.unwrap_or_default()));
            }
        }
        for (key, row, pair) in &listed {
            let other = lists.bridged.get(text(row, "uuid")).and_then(|other| self.channels.find(other));
            self.take_bridge(*key, other.filter(|_| !pair.is_empty()), state(row), &lists);
        }
        self.forget_unlisted(&listed);
        let entries: Vec<Listed<'_>> = listed
            .iter()
            .filter_map(|(key, row, pair)| {
                let channel = self.channels.get(*key).filter(|channel| channel.told)?;
                let call = text(row, "call_uuid");
                let group = if call.is_empty() { &*channel.id } else { call };
                let rings = !channel.placed && !channel.up;
                let state = match state(row) {
                    ListedState::Up if rings => ListedState::Ringing,
                    state => state,
                };
                Some(Listed {
                    who: Seen { group, ..channel.seen() },
                    origin: Some(if channel.placed { Origin::Placed } else { Origin::Called }),
                    state,
                    bridge: pair,
                    meeting: Meeting::Talk,
                    is_agent: channel.agent,
                    since: since(row),
                    answered_at: lists.dump(&channel.id).answered_at,
                })
            })
            .collect();
        out(self.now, Input::Snapshot { listed: &entries });
    }

    /// A channel of the list is known from now on.
    fn take_row(&mut self, row: &Map<String, Value>, lists: &Lists) -> Key {
        let id = text(row, "uuid");
        if let Some(key) = self.channels.find(id) {
            return key;
        }
        let placed = text(row, "direction") == "inbound";
        let name = text(row, "name");
        let dump = lists.dump(id);
        let other_half = [&*dump.other_half, text(row, "call_uuid")].into_iter().find(|id| !id.is_empty());
        let end = match name.strip_prefix("loopback/") {
            Some(_) => words::loopback(id, other_half.unwrap_or_default()),
            None => words::endpoint(text(row, "presence_id"), &dump.gateway, name),
        };
        let mut channel = Channel::new(id, end, placed, since(row).unwrap_or(self.now));
        // As with its events: who dials and has not reached for anything yet may have dialled no number.
        channel.told = !placed || state(row) != ListedState::Pending;
        channel.dialled = text(row, "dest").into();
        if placed {
            channel.dialled = words::dialled_number(text(row, "dialplan"), text(row, "dest")).into();
            channel.agent = is_waiting_consumer(row);
            channel.number = words::number(text(row, "cid_num")).into();
        } else {
            channel.rang = true;
            channel.number = words::called_number(&channel.end, text(row, "dest")).into();
        }
        // What it was through before is no news.
        channel.history = dump.history;
        self.channels.insert(channel)
    }

    /// On whose behalf a channel of the list is dialled, if that is not known yet: queues and enterprise originates
    /// say it in variables of their own, and nowhere in the list.
    fn take_origin(&mut self, key: Key, row: &Map<String, Value>, lists: &Lists) {
        let Some(channel) =
            self.channels.get(key).filter(|channel| !channel.placed && channel.origin.is_none())
        else {
            return;
        };
        let dump = lists.dump(&channel.id);
        let named = [&*dump.origin, text(row, "call_uuid")].into_iter().find(|id| !id.is_empty());
        let Some(origin) = named.and_then(|id| self.channels.find(id)).filter(|origin| *origin != key) else {
            return;
        };
        self.channels.dialled_by(key, origin);
        if let Some(origin) = self.channels.get_mut(origin) {
            origin.told = true;
        }
    }

    fn take_bridge(&mut self, key: Key, other: Option<Key>, state: ListedState, lists: &Lists) {
        let now = self.now;
        let Some(channel) = self.channels.get_mut(key) else { return };
        channel.told |= other.is_some();
        if std::mem::replace(&mut channel.sure, true) && channel.with.is_some() {
            return;
        }
        channel.with = other;
        channel.joined = other;
        if let Some(other) = other {
            channel.meet(other);
            if state == ListedState::Up {
                channel.up = true;
                channel.lifted_at = Some(lists.dump(&channel.id).answered_at.unwrap_or(now));
            }
        }
    }

    /// What was not heard of since the link came up and is not listed is gone; the call logic finds out by the
    /// same list.
    fn forget_unlisted(&mut self, listed: &[(Key, &Map<String, Value>, String)]) {
        for key in self.channels.keys() {
            let unsure = self.channels.get(key).is_some_and(|channel| !channel.sure);
            if unsure && !listed.iter().any(|(listed, _, _)| *listed == key) {
                self.channels.remove(key);
            }
        }
    }
}

/// When the channel was made.
fn since(row: &Map<String, Value>) -> Option<PbxTime> {
    text(row, "created_epoch")
        .parse()
        .ok()
        .filter(|secs| *secs > 0 && *secs < 1 << 40)
        .map(PbxTime::from_secs)
}

/// Whether the channel is a fifo's consumer who keeps the line open.
fn is_waiting_consumer(row: &Map<String, Value>) -> bool {
    let data = text(row, "application_data");
    text(row, "application") == "fifo" && data.split(' ').nth(1) == Some("out") && words::waits(data)
}

fn state(row: &Map<String, Value>) -> ListedState {
    match text(row, "callstate") {
        "ACTIVE" | "HELD" | "UNHELD" => ListedState::Up,
        "RINGING" | "EARLY" => ListedState::Ringing,
        _ => ListedState::Pending,
    }
}
