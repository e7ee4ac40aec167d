//! Wherever in a recording the link is lost: behind any message, and within any.
//!
//! What was heard of the message in the middle of which it is lost is forgotten, so that every byte of a message is
//! like the end of the one before it. Afterwards the FreeSWITCH has nothing left, or it is as it was and goes on.

use std::collections::BTreeMap;

use calls::{Event, What};
use pbx::esl::{Decoder, Field, Item};
use serde_json::Value;

use super::wire::{list, message};
use super::{Following, Rng, links, messages, names};

/// What a FreeSWITCH lists that has no channels.
const NOTHING: &[u8] = b"Content-Type: api/response\nContent-Length: 15\n\n{\"row_count\":0}";
/// So many places within each message, besides its beginning.
const PLACES: usize = 3;
/// Of these, every byte: a call with everything that is said of one, and one of many channels.
const WHOLLY: [&str; 2] = ["inbound-answered", "attended-transfer-while-ringing"];

/// The messages of a recording's first link.
fn recorded(name: &str) -> Vec<Vec<u8>> {
    let first = links(name, false).unwrap().swap_remove(0);
    messages(&first).into_iter().map(|(_, bytes)| bytes).collect()
}

fn after(messages: &[Vec<u8>]) -> Following {
    let mut following = Following::new();
    messages.iter().for_each(|message| following.feed(message));
    following
}

/// Loses the link within this message, once at each of these bytes: every time as if nothing of it had come.
fn lose(following: &mut Following, message: &[u8], bytes: impl IntoIterator<Item = usize>) {
    let mut lost = false;
    for byte in bytes {
        let told = following.out.len();
        following.feed(&message[..byte]);
        assert_eq!(following.out.len(), told, "half a message tells nothing");
        following.link_lost();
        assert!(!lost || following.out.len() == told, "a link that is lost already");
        lost = true;
    }
}

/// Every leg that began ends, once, and tells in between what may be between.
fn check(events: &[Event]) -> Result<(), String> {
    let mut open: BTreeMap<&str, u8> = BTreeMap::new();
    for event in events {
        let sequence = open.entry(event.leg.as_str()).or_default();
        *sequence += 1;
        let begins = matches!(event.what, What::Incoming | What::Outgoing);
        if event.sequence != *sequence || begins != (*sequence == 1) {
            return Err(format!("{event:?}"));
        }
        if matches!(event.what, What::Ended(_)) {
            *sequence = 100;
        }
    }
    if open.values().all(|sequence| *sequence == 100) { Ok(()) } else { Err(format!("{open:?}")) }
}

/// Loses the link at these bytes of each message, and behind the last one.
fn nothing_is_left(name: &str, bytes: impl Fn(&[u8]) -> Vec<usize>) {
    let messages = recorded(name);
    for place in 0..=messages.len() {
        let mut following = after(&messages[..place]);
        let message = messages.get(place).map_or(&[][..], Vec::as_slice);
        lose(&mut following, message, std::iter::once(0).chain(bytes(message)));
        following.feed(NOTHING);
        following.feed(NOTHING);
        check(&following.events()).unwrap_or_else(|why| panic!("{name} lost in message {place}: {why}"));
    }
}

fn every_byte(message: &[u8]) -> Vec<usize> {
    (1..message.len()).collect()
}

#[test]
fn wherever_the_link_is_lost_every_leg_that_began_ends_once() {
    let rng = std::cell::RefCell::new(Rng(7));
    let some = |message: &[u8]| {
        let place = |_| usize::try_from(rng.borrow_mut().next()).unwrap_or(0) % message.len().max(1);
        (0..PLACES).map(place).collect()
    };
    names().iter().for_each(|name| nothing_is_left(name, some));
    WHOLLY.iter().for_each(|name| nothing_is_left(name, every_byte));
}

#[test]
#[ignore = "takes minutes: every byte of every recording"]
fn at_whichever_byte_the_link_is_lost_every_leg_that_began_ends_once() {
    names().iter().for_each(|name| nothing_is_left(name, every_byte));
}

/// The channels of a FreeSWITCH, by what it said of them, as it lists them.
#[derive(Default)]
pub(super) struct World {
    /// Their rows, by their ids.
    channels: BTreeMap<String, Value>,
    /// All about them.
    dumps: BTreeMap<String, Value>,
    /// Who is bridged with whom, both ways.
    with: BTreeMap<String, String>,
}

/// What a row has of the last event of its channel.
const COLUMNS: [(&str, Field); 6] = [
    ("direction", Field::CallDirection),
    ("name", Field::ChannelName),
    ("cid_num", Field::CallerNumber),
    ("dest", Field::Destination),
    ("dialplan", Field::Dialplan),
    ("presence_id", Field::PresenceId),
];

impl World {
    pub(super) fn hear(&mut self, message: &[u8]) {
        let mut decoder = Decoder::new();
        let mut items = decoder.feed(message);
        let Some(Item::Message(message)) = items.next_item() else { panic!("no message") };
        let event = pbx::esl::Event::read(message.body);
        let (id, name) = (event.word(Field::UniqueId), event.word(Field::EventName));
        match name {
            "CHANNEL_CREATE" => {
                let created = event.micros(Field::CreatedTime).unwrap_or_default() / 1_000_000;
                let row = serde_json::json!({
                    "uuid": id, "created_epoch": created.to_string(), "callstate": "DOWN",
                    "application": "", "application_data": "",
                });
                self.channels.insert(id.to_owned(), row);
                self.dumps.insert(id.to_owned(), serde_json::json!({ "Event-Name": "CHANNEL_DATA" }));
            }
            "CHANNEL_HANGUP" | "CHANNEL_DESTROY" => drop(self.channels.remove(id)),
            "CHANNEL_BRIDGE" => {
                let (one, two) = (event.word(Field::BridgeA), event.word(Field::BridgeB));
                self.with.insert(one.to_owned(), two.to_owned());
                self.with.insert(two.to_owned(), one.to_owned());
            }
            "CHANNEL_UNBRIDGE" => drop(self.with.remove(id)),
            _ => {}
        }
        let Some(row) = self.channels.get_mut(id) else { return };
        for (column, field) in COLUMNS {
            row[column] = event.get(field).into();
        }
        for field in Field::ALL.into_iter().filter(|field| *field != Field::EventName) {
            if !event.raw(field).is_empty() {
                self.dumps.entry(id.to_owned()).or_default()[field.name()] = event.get(field).into();
            }
        }
        let text = String::from_utf8_lossy(message.body);
        let call = text.lines().find_map(|line| line.strip_prefix("Channel-Call-UUID: "));
        row["call_uuid"] = call.unwrap_or_default().into();
        if event.word(Field::AnswerState) == "answered" {
            row["callstate"] = "ACTIVE".into();
        } else if name.contains("PROGRESS") {
            row["callstate"] = "RINGING".into();
        }
    }

    /// Both lists, and between them all about each channel.
    pub(super) fn lists(&self) -> Vec<u8> {
        let rows: Vec<Value> = self.channels.values().cloned().collect();
        let pairs = self.with.iter().filter_map(|(one, two)| {
            let mut row = self.channels.get(one).filter(|_| self.channels.contains_key(two))?.clone();
            row["b_uuid"] = two.clone().into();
            (one < two && self.with.get(two) == Some(one)).then_some(row)
        });
        let dumps = self.channels.keys().map(|id| answer(&self.dumps[id].to_string())).collect::<Vec<_>>();
        [list(&rows), dumps.concat(), list(&pairs.collect::<Vec<_>>())].concat()
    }
}

fn answer(body: &str) -> Vec<u8> {
    message("api/response", body)
}

/// What each leg told, by its name: how it began, whether it was answered, that it ended.
fn told(events: &[Event]) -> BTreeMap<String, Vec<&'static str>> {
    let mut told: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for event in events {
        told.entry(event.leg.to_string()).or_default().push(event.kind().name());
    }
    told
}

/// What is not subscribed to says nothing: the link may as well be lost before it.
fn is_subscribed_to(message: &[u8]) -> bool {
    const OTHERS: [&str; 4] =
        ["CHANNEL_OUTGOING", "CHANNEL_ORIGINATE", "CHANNEL_HANGUP_COMPLETE", "CALL_UPDATE"];
    let text = String::from_utf8_lossy(message);
    !OTHERS.iter().any(|name| text.contains(&format!("Event-Name: {name}\n")))
}

/// The recordings of one link, as far as they are subscribed to.
pub(super) fn unbroken() -> impl Iterator<Item = (String, Vec<Vec<u8>>)> {
    let names = names().into_iter().filter(|name| links(name, false).is_some_and(|links| links.len() == 1));
    names.map(|name| {
        let mut messages = recorded(&name);
        messages.retain(|message| is_subscribed_to(message));
        (name, messages)
    })
}

/// Of a recording of which these messages are not heard, and after which the channels are listed.
fn with_gap(messages: &[Vec<u8>], gap: std::ops::Range<usize>, world: &World) -> Vec<Event> {
    let mut following = after(&messages[..gap.start]);
    following.link_lost();
    following.feed(&world.lists());
    messages[gap.end..].iter().for_each(|message| following.feed(message));
    following.events()
}

/// The link is back before anything more is said: nothing is missed but what was on the way to be understood.
#[test]
fn wherever_the_link_is_lost_and_back_at_once_the_same_legs_tell_the_same_events() {
    let mut wrong = Vec::new();
    for (name, messages) in unbroken() {
        let expected = told(&after(&messages).events());
        let mut world = World::default();
        for place in 0..=messages.len() {
            let events = with_gap(&messages, place..place, &world);
            check(&events).unwrap_or_else(|why| panic!("{name} lost before message {place}: {why}"));
            let found = told(&events);
            if found != expected {
                wrong.push(format!("{name} before message {place}\n  {expected:?}\n  {found:?}"));
            }
            messages.get(place).into_iter().for_each(|message| world.hear(message));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// The link is lost before any message and back some messages later.
#[test]
fn whatever_is_said_while_the_link_is_lost_no_leg_is_made_up_and_each_ends_once() {
    let mut rng = Rng(17);
    for (name, messages) in unbroken() {
        let legs = told(&after(&messages).events());
        for place in 0..messages.len() {
            let missed = 1 + usize::try_from(rng.next()).unwrap_or(0) % (messages.len() - place).min(12);
            let mut world = World::default();
            messages[..place + missed].iter().for_each(|message| world.hear(message));
            let events = with_gap(&messages, place..place + missed, &world);
            let context =
                |why: String| -> () { panic!("{name} without {missed} from message {place}: {why}") };
            check(&events).unwrap_or_else(context);
            let made_up = events.iter().find(|event| !legs.contains_key(event.leg.as_str()));
            made_up.into_iter().for_each(|event| context(format!("no such leg: {event:?}")));
        }
    }
}
