//! What others have of calls at a moment: a journal of what was told, a PBX of its channels.

use std::collections::BTreeMap;

use calls::{Event, EventKind, Note, OpenLeg, Output, Restored, What};

/// What a journal would have kept of these outputs: the events, each once, one beginning and nothing after an end, the
/// notes, and what a new start is given.
#[derive(Default)]
pub(crate) struct Kept {
    pub(crate) events: Vec<Event>,
    notes: BTreeMap<String, Note>,
}

impl Kept {
    pub(crate) fn keep(&mut self, outputs: Vec<Output>) {
        for output in outputs {
            match output {
                Output::Event(event) => {
                    let of_leg = |kept: &&Event| kept.leg == event.leg;
                    let told: Vec<EventKind> = self.events.iter().filter(of_leg).map(Event::kind).collect();
                    let is_beginning = matches!(event.kind(), EventKind::Incoming | EventKind::Outgoing);
                    let is_told = told.contains(&event.kind()) || (is_beginning && !told.is_empty());
                    let is_over = told.contains(&EventKind::Ended);
                    let never_rang =
                        event.kind() == EventKind::Answered && told.contains(&EventKind::Outgoing);
                    if !is_told && !is_over && !never_rang {
                        self.events.push(*event);
                    }
                }
                Output::Note(note) => drop(self.notes.insert(note.channel.to_string(), note)),
                Output::Anomaly(_) => {}
            }
        }
    }

    pub(crate) fn restored(&self) -> Restored {
        let ended = |leg: &calls::LegId| {
            self.events.iter().any(|event| event.leg == *leg && event.kind() == EventKind::Ended)
        };
        let begun = self.events.iter().filter(|event| event.sequence == 1 && !ended(&event.leg));
        let legs = begun.map(|begun| {
            let of_leg = self.events.iter().filter(|event| event.leg == begun.leg);
            let last = of_leg.max_by_key(|event| event.sequence).unwrap();
            OpenLeg {
                leg: last.leg.clone(),
                call: last.call.clone(),
                sequence: last.sequence,
                phone: last.phone.clone(),
                direction: last.direction,
                begun_at: last.begun_at,
                waiting_since: last.waiting_since,
                answered_at: matches!(last.what, What::Answered).then_some(last.at),
                counterpart: last.counterpart.clone(),
                a_number: last.a_number.clone(),
                b_number: last.b_number.clone(),
                dialed_number: last.dialed_number.clone(),
                queue: last.queue.clone(),
            }
        });
        let notes = self.notes.values().filter(|note| note.kept.is_some()).cloned().collect();
        Restored { legs: legs.collect(), notes, last_heard: self.events.last().map(|event| event.at) }
    }
}

/// The channels that are there at a moment, as a PBX would list them.
pub(crate) fn list_at(says: &[(u64, String)], moment: u64) -> String {
    let mut there: BTreeMap<&str, (&str, &str, &str)> = BTreeMap::new();
    let (mut groups, mut halves): (BTreeMap<&str, &str>, BTreeMap<&str, &str>) = Default::default();
    let (mut numbers, mut dialled): (BTreeMap<&str, &str>, BTreeMap<&str, &str>) = Default::default();
    for (_, line) in says.iter().filter(|(at, _)| *at < moment) {
        let words: Vec<&str> = line.split(' ').collect();
        match words.as_slice() {
            [who, "is", "now", number] | [who, "places", _, "as", number] => {
                numbers.insert(who, number);
            }
            _ => {}
        }
        if let [who, "places", number, ..] | [who, "is", "calling", number] = words.as_slice() {
            dialled.insert(who, number);
        }
        match words.as_slice() {
            [who, "is", "called"] | [who, "is", "called", "in", _] => {
                there.insert(who, ("called", "pending", "-"));
            }
            [who, "places", ..] | [who, "is", "calling", _] => {
                there.insert(who, ("placed", "pending", "-"));
                halves.extend(who.strip_suffix(";2").map(|pair| (pair, *who)));
            }
            [who, "rings"] => drop(there.get_mut(who).map(|entry| entry.1 = "ringing")),
            [who, "up"] => drop(there.get_mut(who).map(|entry| entry.1 = "up")),
            [who, "joins", bridge] => drop(there.get_mut(who).map(|entry| entry.2 = bridge)),
            [who, "leaves", _] => drop(there.get_mut(who).map(|entry| entry.2 = "-")),
            [who, "gone", ..] => drop(there.remove(who)),
            [from, "dials", to, ..] if *from != "nobody" => {
                let group = groups.get(from).copied().unwrap_or(from);
                groups.insert(to.to_owned(), group);
                if let Some(other) = to.strip_suffix(";1").and_then(|pair| halves.get(pair)) {
                    groups.insert(other, group);
                }
            }
            _ => {}
        }
    }
    let entries = there.iter().map(|(who, (origin, state, bridge))| {
        let group = groups.get(who).copied().unwrap_or(who);
        let said =
            |of: &BTreeMap<&str, &str>| of.get(who).map_or("-".to_owned(), |number| (*number).to_owned());
        let (number, dialled) = (said(&numbers), said(&dialled));
        format!("{who} {origin} {state} {bridge} {number} {dialled} {group}").replace(';', ",")
    });
    format!("list {}", entries.collect::<Vec<_>>().join("; "))
}
