//! Load for benchmarks: one recorded call without end, in the bytes that a client gets which asks for what Ringbud
//! asks for.
//!
//! Ids, moments, phones and accounts are written over in place: each has as many letters as the recorded one. Each
//! call causes an `Incoming`, an `Answered` and an `Ended`, and so many ring and talk at a time as with
//! [`crate::load`].

use std::collections::VecDeque;
use std::io::Read as _;

use flate2::read::GzDecoder;

use super::acts::header;
use super::recording::FRESH;

const RECORDED: &[u8] = include_bytes!("../../../../traces/freeswitch/inbound-answered.tracker.esl.gz");

/// What Ringbud asks for, of what was recorded.
const ASKED_FOR: [&str; 9] = [
    "CHANNEL_CREATE",
    "CHANNEL_PROGRESS",
    "CHANNEL_PROGRESS_MEDIA",
    "CHANNEL_ANSWER",
    "CHANNEL_BRIDGE",
    "CHANNEL_UNBRIDGE",
    "CHANNEL_HANGUP",
    "CHANNEL_DESTROY",
    "CHANNEL_PARK",
];

/// So many calls ring at a time, and as many talk.
const SPREAD: usize = 100;

/// An endless supply of calls.
#[derive(Debug)]
pub struct SwitchLoad {
    accounts: u64,
    employees: u64,
    /// Until it rings, until it talks, to the end.
    phases: [Phase; 3],
    calls: u64,
    ringing: VecDeque<u64>,
    talking: VecDeque<u64>,
}

/// A part of the call.
#[derive(Debug, Default)]
struct Phase {
    bytes: Vec<u8>,
    messages: usize,
    /// What has to be fresh, and where.
    places: Vec<(usize, Fresh)>,
}

#[derive(Clone, Copy, Debug)]
enum Fresh {
    /// A channel's id, by its place among them.
    Id(usize),
    /// A moment, so many microseconds after the first of its phase.
    Moment(u64),
    Account,
    Phone,
}

impl SwitchLoad {
    /// For accounts `1000`, `1001`, … with employees `100`, `101`, … each, on a FreeSWITCH of this `Core-UUID`.
    pub fn new(accounts: usize, employees: usize, core: &str) -> Self {
        Self {
            accounts: accounts as u64,
            employees: employees as u64,
            phases: phases(core),
            calls: 0,
            ringing: VecDeque::new(),
            talking: VecDeque::new(),
        }
    }

    /// Events of a call.
    pub fn messages_per_call(&self) -> usize {
        self.phases.iter().map(|phase| phase.messages).sum()
    }

    /// Their bytes.
    pub fn bytes_per_call(&self) -> usize {
        self.phases.iter().map(|phase| phase.bytes.len()).sum()
    }

    /// Begins a call, and lets an earlier one be answered and one end, once there are enough of them.
    pub fn call(&mut self, now_us: u64, out: &mut Vec<u8>) {
        self.write(0, self.calls, now_us, out);
        self.ringing.push_back(self.calls);
        self.calls += 1;
        if self.ringing.len() > SPREAD {
            self.answer(now_us, out);
        }
        if self.talking.len() > SPREAD {
            self.hang_up(now_us, out);
        }
    }

    /// Answers and ends what is left.
    pub fn finish(&mut self, now_us: u64, out: &mut Vec<u8>) {
        while !self.ringing.is_empty() {
            self.answer(now_us, out);
        }
        while !self.talking.is_empty() {
            self.hang_up(now_us, out);
        }
    }

    fn answer(&mut self, now_us: u64, out: &mut Vec<u8>) {
        let Some(call) = self.ringing.pop_front() else { return };
        self.write(1, call, now_us, out);
        self.talking.push_back(call);
    }

    fn hang_up(&mut self, now_us: u64, out: &mut Vec<u8>) {
        if let Some(call) = self.talking.pop_front() {
            self.write(2, call, now_us, out);
        }
    }

    fn write(&self, phase: usize, call: u64, now_us: u64, out: &mut Vec<u8>) {
        let Phase { bytes, places, .. } = &self.phases[phase];
        let start = out.len();
        out.extend_from_slice(bytes);
        let out = &mut out[start..];
        let account = (1_000 + call % self.accounts).to_string();
        let phone = (100 + call / self.accounts % self.employees).to_string();
        for (at, fresh) in places {
            let text = match fresh {
                Fresh::Id(number) => format!("{number:08x}-0000-4000-8000-{call:012x}"),
                Fresh::Moment(after_us) => (now_us + after_us).to_string(),
                Fresh::Account => account.clone(),
                Fresh::Phone => phone.clone(),
            };
            if let Some(place) = out.get_mut(*at..*at + text.len()) {
                place.copy_from_slice(text.as_bytes());
            }
        }
    }
}

fn phases(core: &str) -> [Phase; 3] {
    let mut recorded = Vec::new();
    // What is built in is whole.
    let _ = GzDecoder::new(RECORDED).read_to_end(&mut recorded);
    let text = String::from_utf8_lossy(&recorded);
    let mut phases: [Phase; 3] = Default::default();
    let mut ids: Vec<String> = Vec::new();
    let (mut phase, mut began_us, mut is_bridged) = (0, None, false);
    for lines in text.split("Content-Type: text/event-plain\n\n").skip(1) {
        let lines = lines.split("\n\n").next().unwrap_or_default();
        let name = header(lines, "Event-Name");
        if !ASKED_FOR.contains(&name) {
            continue;
        }
        let next = match name {
            "CHANNEL_ANSWER" if phase == 0 => 1,
            // A loser of the group hangs up before the two talk.
            "CHANNEL_HANGUP" if is_bridged => 2,
            _ => phase,
        };
        is_bridged |= name == "CHANNEL_BRIDGE";
        if next != phase {
            (phase, began_us) = (next, None);
        }
        let at_us = header(lines, "Event-Date-Timestamp").parse().unwrap_or_default();
        phases[phase].add(lines, core, *began_us.get_or_insert(at_us), &mut ids);
    }
    phases
}

impl Phase {
    /// An event, said so that the next call's can be written over it.
    fn add(&mut self, lines: &str, core: &str, began_us: u64, ids: &mut Vec<String>) {
        let mut body = String::with_capacity(lines.len() + 2);
        for line in lines.lines() {
            if line.starts_with("Core-UUID:") {
                body.push_str("Core-UUID: ");
                body.push_str(core);
            } else {
                body.push_str(line);
            }
            body.push('\n');
        }
        body.push('\n');
        let head = format!("Content-Length: {}\nContent-Type: text/event-plain\n\n", body.len());
        let start = self.bytes.len() + head.len();
        for found in FRESH.iter().flat_map(|fresh| fresh.captures_iter(&body)) {
            let (whole, at) = (&found[0], found.get(0).map_or(0, |whole| whole.start()));
            let place = if found.name("id").is_some() && whole != core {
                let known = ids.iter().position(|id| id == whole);
                let number = known.unwrap_or_else(|| {
                    ids.push(whole.to_owned());
                    ids.len() - 1
                });
                Some((at, Fresh::Id(number)))
            } else if found.name("time").is_some() {
                let after_us = whole.parse::<u64>().unwrap_or_default().saturating_sub(began_us);
                Some((at, Fresh::Moment(after_us)))
            } else if found.name("domain").is_some() {
                whole.find("1001").map(|inside| (at + inside, Fresh::Account))
            } else {
                found.name("phone").map(|phone| (phone.start(), Fresh::Phone))
            };
            self.places.extend(place.map(|(at, fresh)| (start + at, fresh)));
        }
        self.bytes.extend_from_slice(head.as_bytes());
        self.bytes.extend_from_slice(body.as_bytes());
        self.messages += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CORE: &str = "c0de0000-0000-4000-8000-000000000001";

    #[test]
    fn a_call_of_the_load_is_a_dozen_whole_messages_of_its_own_ids_and_people() {
        let mut load = SwitchLoad::new(2, 3, CORE);
        let mut out = Vec::new();
        for _ in 0..3 {
            load.call(1_800_000_000_000_000, &mut out);
        }
        load.finish(1_800_000_000_000_000, &mut out);
        assert_eq!(out.len(), 3 * load.bytes_per_call());
        let text = String::from_utf8(out).unwrap();
        let mut rest = text.as_str();
        let mut messages = 0;
        while let Some((head, body)) = rest.split_once("\n\n") {
            let length: usize = head.lines().next().unwrap()["Content-Length: ".len()..].parse().unwrap();
            assert!(body[..length].ends_with("\n\n"), "{head}");
            assert_eq!(header(&body[..length], "Core-UUID"), CORE);
            (rest, messages) = (&body[length..], messages + 1);
        }
        assert_eq!((rest, messages), ("", 3 * load.messages_per_call()));
        assert!(load.messages_per_call() >= 12);
        for presence in ["100%401000.lab.test", "100%401001.lab.test", "101%401000.lab.test"] {
            assert!(text.contains(&format!("Channel-Presence-ID: {presence}")), "{presence}");
        }
        assert!(!text.contains("Event-Date-Timestamp: 1795"), "a moment that was recorded");
    }
}
