//! Makes a recording fit to be sent to strangers, as [`crate::ami::Anonymiser`] does.
//!
//! Of an event only the headers stay that mean something; ids, times, states and names of queues stay as they
//! are, longer numbers are replaced. Answers lose everything but the lists of channels and calls.

use serde_json::{Map, Value};

use super::codec::Decoder;
use super::event::{Event, Room};
use super::field::Field;
use super::message::{Item, Kind, Message};
use super::{json, value, words};
use crate::ami::Disguise;

/// What a row of a list keeps.
const KEPT_COLUMNS: [&str; 7] =
    ["uuid", "b_uuid", "call_uuid", "direction", "callstate", "created_epoch", "presence_id"];
/// What of it has a number of somebody in it.
const NUMBER_COLUMNS: [&str; 2] = ["cid_num", "dest"];

/// Rewrites the bytes of one or several recordings that belong together.
pub struct Anonymiser {
    disguise: Disguise,
    decoder: Decoder,
    room: Room,
}

impl Anonymiser {
    /// Same key, same replacements.
    pub fn new(key: [u8; 16]) -> Self {
        Self { disguise: Disguise::new(key), decoder: Decoder::new(), room: Room::default() }
    }

    /// Takes bytes in any pieces; whole messages come out.
    pub fn feed(&mut self, bytes: &[u8], out: &mut Vec<u8>) {
        let mut items = self.decoder.feed(bytes);
        while let Some(item) = items.next_item() {
            let Item::Message(message) = item else { continue };
            let (kind, body) = match message.kind {
                Kind::Plain | Kind::Json => match Event::of(&message, &mut self.room) {
                    Some(event) => ("text/event-plain", event_without_names(self.disguise, &event)),
                    None => continue,
                },
                Kind::Answer => ("api/response", answer_without_names(self.disguise, &message)),
                Kind::AuthRequest | Kind::Refused | Kind::Reply | Kind::Disconnect | Kind::Other => continue,
            };
            out.extend_from_slice(
                format!("Content-Length: {}\nContent-Type: {kind}\n\n", body.len()).as_bytes(),
            );
            out.extend_from_slice(&body);
        }
    }
}

fn event_without_names(disguise: Disguise, event: &Event<'_>) -> Vec<u8> {
    let mut body = Vec::new();
    for field in Field::ALL {
        if event.raw(field).is_empty() {
            continue;
        }
        let text = event.get(field);
        let text = match field {
            Field::CallerNumber | Field::Destination | Field::OtherDestination | Field::RedirectedTo => {
                number(disguise, &text)
            }
            // What a dialplan runs may be anything; of a fifo whether its consumer waits is needed.
            Field::ApplicationData if words::waits(&text) => "wait".to_owned(),
            Field::ApplicationData => "nowait".to_owned(),
            Field::ChannelName => without_numbers(disguise, &without_hosts(&text)),
            Field::TransferHistory => history_without_names(disguise, &text),
            Field::PresenceId | Field::TransferDestination | Field::RegisteredUser | Field::ExpiredUser => {
                without_numbers(disguise, &text)
            }
            _ => text.into_owned(),
        };
        body.extend_from_slice(field.name().as_bytes());
        body.extend_from_slice(b": ");
        value::encode(&text, &mut body);
        body.push(b'\n');
    }
    body.push(b'\n');
    body
}

/// What is no list of channels or calls says nothing that is needed, or which start of FreeSWITCH this is.
fn answer_without_names(disguise: Disguise, message: &Message<'_>) -> Vec<u8> {
    if message.body.len() == 36 {
        return message.body.to_vec();
    }
    let Some(object) = json::object(message.body) else { return b"-".to_vec() };
    let Some(Value::Array(rows)) = object.get("rows") else {
        return match object.get("row_count") {
            Some(count) => format!("{{\"row_count\":{count}}}").into_bytes(),
            None => b"-".to_vec(),
        };
    };
    let rows: Vec<Value> =
        rows.iter().filter_map(|row| row_without_names(disguise, row.as_object()?)).collect();
    let list = serde_json::json!({ "row_count": rows.len(), "rows": rows });
    list.to_string().into_bytes()
}

fn row_without_names(disguise: Disguise, row: &Map<String, Value>) -> Option<Value> {
    row.get("uuid")?;
    let kept = row.iter().filter_map(|(name, value)| {
        let text = value.as_str()?;
        let text = match name.as_str() {
            "name" => without_numbers(disguise, &without_hosts(text)),
            name if NUMBER_COLUMNS.contains(&name) => number(disguise, text),
            "presence_id" => without_numbers(disguise, text),
            name if KEPT_COLUMNS.contains(&name) => text.to_owned(),
            _ => return None,
        };
        Some((name.clone(), Value::String(text)))
    });
    Some(Value::Object(kept.collect()))
}

fn number(disguise: Disguise, text: &str) -> String {
    if text.contains('/') {
        return without_numbers(disguise, text);
    }
    let mut out = Vec::new();
    disguise.number(text.as_bytes(), &mut out);
    String::from_utf8_lossy(&out).into_owned()
}

/// Each entry begins with the second in which it was made, which is nobody's number.
fn history_without_names(disguise: Disguise, text: &str) -> String {
    let (list, entries) = match text.strip_prefix("ARRAY::") {
        Some(entries) => ("ARRAY::", entries),
        None => ("", text),
    };
    let entries = entries.split("|:").map(|entry| match entry.split_once(':') {
        Some((time, rest)) => [time, ":", &without_numbers(disguise, &without_hosts(rest))].concat(),
        None => without_numbers(disguise, entry),
    });
    [list, &entries.collect::<Vec<_>>().join("|:")].concat()
}

/// Where a phone or line is on the network says where somebody is: `sofia/internal/101@192.0.2.7:5060`.
fn without_hosts(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('@') {
        out.push_str(before);
        out.push_str("@host");
        let is_of_host = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '.' | '-' | '_');
        rest = after.trim_start_matches(is_of_host);
    }
    out.push_str(rest);
    out
}

/// Long runs of digits are numbers, but those of an id are not.
fn without_numbers(disguise: Disguise, text: &str) -> String {
    const ID_LETTERS: usize = 36;
    let mut out = Vec::new();
    let is_of_id = |letter: char| letter.is_ascii_hexdigit() || letter == '-';
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|letter| !is_of_id(letter)).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        if word.len() == ID_LETTERS {
            out.extend_from_slice(word.as_bytes());
        } else {
            disguise.text(word.as_bytes(), &mut out);
        }
        let other = after.find(is_of_id).unwrap_or(after.len());
        out.extend_from_slice(&after.as_bytes()[..other]);
        rest = &after[other..];
    }
    String::from_utf8_lossy(&out).into_owned()
}
