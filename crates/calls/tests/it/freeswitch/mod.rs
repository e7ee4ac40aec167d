//! Recordings of a real FreeSWITCH give the events of their shape, in every order in which its channels may
//! speak: `tests/freeswitch.txt` has them, one block a recording. `UPDATE_SCENARIOS=1` rewrites the file, to be
//! read against `freeswitch-shapes` and the table of shapes in `docs/events.md`.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use calls::{
    AccountId, Directory, Employee, Event, Output, PbxName, PbxTime, Phone, Tracker, TrackerLimits, What,
};
use pbx::esl::{Decoder, Field, Item, Kind, Limits, Stream};

use crate::recordings::shown;

mod as_seen;
mod lost;
mod model;
mod random;
mod scenarios;
mod second_reader;
mod wire;

/// Presence ids `101@1001.lab.test` are phone 101 of account 1001.
struct Lab;

impl Directory for Lab {
    fn phone(&self, endpoint: &str) -> Option<Arc<Phone>> {
        let (number, account) = endpoint.strip_suffix(".lab.test")?.split_once('@')?;
        let employee = Some(Employee { number: number.into(), name: "".into() });
        Some(Arc::new(Phone { account: AccountId::new(account), number: number.into(), employee }))
    }

    fn is_feature_code(&self, _: &AccountId, dialled: &str) -> bool {
        dialled.starts_with('*')
    }
}

/// A gateway in small: bytes in, events out.
struct Following {
    stream: Stream,
    tracker: Tracker,
    out: Vec<Output>,
    last: PbxTime,
}

impl Following {
    fn new() -> Self {
        Self {
            stream: Stream::new(None, Limits::default()),
            tracker: Tracker::new(PbxName::new("p"), TrackerLimits::default()),
            out: Vec::new(),
            last: PbxTime::default(),
        }
    }

    fn feed(&mut self, bytes: &[u8]) {
        let Self { stream, tracker, out, last } = self;
        stream.feed(bytes, |at, input| {
            *last = (*last).max(at);
            tracker.handle(at, input, &Lab, out);
        });
    }

    fn link_lost(&mut self) {
        let Self { stream, tracker, out, .. } = self;
        stream.link_lost(|at, input| tracker.handle(at, input, &Lab, out));
    }

    fn events(mut self) -> Vec<Event> {
        let Self { stream, tracker, out, .. } = &mut self;
        stream.recording_ended(|at, input| tracker.handle(at, input, &Lab, out));
        self.tracker.handle_timeout(self.last + Duration::from_secs(5), &Lab, &mut self.out);
        assert_eq!(self.stream.malformed(), 0);
        let events = self.out.into_iter().filter_map(|output| match output {
            Output::Event(event) => Some(*event),
            Output::Note(_) => None,
            Output::Anomaly(anomaly) => panic!("{anomaly:?}"),
        });
        events.collect()
    }
}

fn events<'a>(links: impl IntoIterator<Item = &'a Vec<u8>>) -> Vec<Event> {
    let mut following = Following::new();
    for (number, bytes) in links.into_iter().enumerate() {
        if number > 0 {
            following.link_lost();
        }
        following.feed(bytes);
    }
    following.events()
}

fn traces() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/freeswitch")
}

fn names() -> Vec<String> {
    let names = std::fs::read_dir(traces()).unwrap().filter_map(|entry| {
        let name = entry.unwrap().file_name().into_string().unwrap();
        name.strip_suffix(".meta.json").map(str::to_owned)
    });
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert!(names.len() >= 72, "the recordings are missing");
    names
}

fn read(file: &str) -> Option<Vec<u8>> {
    let path = traces().join(file);
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path).ok()?;
    flate2::read::GzDecoder::new(file).read_to_end(&mut bytes).unwrap();
    Some(bytes)
}

/// The bytes of each link of a recording: as the gateway asks for them, and all there are.
fn links(name: &str, whole: bool) -> Option<Vec<Vec<u8>>> {
    let endings: &[&str] = if whole { &[".esl.gz", ".json.esl.gz"] } else { &[".tracker.esl.gz"] };
    let first = endings.iter().find_map(|ending| read(&format!("{name}{ending}")))?;
    // After the crash only the connection that sees everything asked.
    let second = if whole || name.contains("killed") { ".2.esl.gz" } else { ".2.tracker.esl.gz" };
    let first = std::iter::once(first);
    Some(first.chain(read(&format!("{name}{second}"))).collect())
}

/// Every leg as a line with the PBX's own ids: what must not depend on the order of different channels.
fn legs(events: &[Event]) -> Vec<String> {
    let mut legs: BTreeMap<String, String> = BTreeMap::new();
    for event in events {
        let leg = legs.entry(event.leg.to_string()).or_default();
        let _ = match &event.what {
            What::Incoming | What::Answered => {
                let linked = event.counterpart.as_ref().map_or("?", |linked| linked.as_str());
                write!(leg, "{}({linked}, {}) ", event.kind().name(), event.a_number)
            }
            What::Outgoing => write!(leg, "Outgoing({}, {}) ", event.b_number, event.a_number),
            What::Ended(ended) => {
                let transfer = ended.transfer.as_ref();
                let transfer = transfer.map(|t| format!("{} {} {}", t.party, t.party_number, t.to));
                write!(leg, "Ended({:?}, {transfer:?}) ", event.duration().as_secs())
            }
        };
    }
    legs.into_iter().map(|(leg, what)| format!("{leg} {what}")).collect()
}

/// The messages of a recording, each with the id of the channel it is of.
fn messages(bytes: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut decoder = Decoder::new();
    let mut items = decoder.feed(bytes);
    let mut messages = Vec::new();
    let mut room = pbx::esl::Room::default();
    while let Some(item) = items.next_item() {
        let Item::Message(message) = item else { panic!("{item:?}") };
        let event = pbx::esl::Event::of(&message, &mut room);
        let channel = event.map(|event| event.word(Field::UniqueId).to_owned()).unwrap_or_default();
        let kind = match message.kind {
            Kind::Plain => "text/event-plain",
            Kind::Json => "text/event-json",
            Kind::Answer => "api/response",
            _ => "log/data",
        };
        let mut bytes =
            format!("Content-Length: {}\nContent-Type: {kind}\n\n", message.body.len()).into_bytes();
        bytes.extend_from_slice(message.body);
        messages.push((channel, bytes));
    }
    messages
}

/// A small generator of chance (SplitMix64): the same seed, the same order.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// The same recording with neighbouring events of different channels exchanged, each with a chance of one half.
fn exchanged(messages: &[(String, Vec<u8>)], seed: u64) -> Vec<u8> {
    let mut messages: Vec<&(String, Vec<u8>)> = messages.iter().collect();
    let mut rng = Rng(seed);
    let mut at = 1;
    while at < messages.len() {
        let (one, two) = (&messages[at - 1].0, &messages[at].0);
        if !one.is_empty() && !two.is_empty() && one != two && rng.next().is_multiple_of(2) {
            messages.swap(at - 1, at);
            at += 1;
        }
        at += 1;
    }
    messages.into_iter().flat_map(|(_, bytes)| bytes).copied().collect()
}

#[test]
fn every_recording_of_a_freeswitch_gives_the_events_of_its_shape_filtered_or_whole() {
    let mut all = String::new();
    let mut wrong = String::new();
    for name in names() {
        let filtered = events(&links(&name, false).unwrap());
        if let Some(whole) = links(&name, true) {
            let whole = legs(&events(&whole));
            if whole != legs(&filtered) {
                let _ = writeln!(wrong, "{name}\n{:#?}\n{whole:#?}", legs(&filtered));
            }
        }
        let _ = writeln!(all, "{name}\n{}", shown(&filtered));
    }
    assert_eq!(wrong, "", "filtered and whole differ");
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/freeswitch.txt");
    if std::env::var_os("UPDATE_SCENARIOS").is_some() {
        std::fs::write(&golden, &all).unwrap();
    }
    assert_eq!(std::fs::read_to_string(&golden).unwrap_or_default(), all);
}

/// Whether who is told first decides, and both are right: in a conference of three whether the phone that leaves
/// has transferred the caller.
fn may_be_either(name: &str) -> bool {
    name == "three-way-by-feature-code"
}

#[test]
fn it_does_not_matter_in_which_pieces_the_bytes_of_a_freeswitch_come() {
    for name in names() {
        let links = links(&name, false).unwrap();
        let expected = legs(&events(&links));
        for size in [1, 977] {
            let mut following = Following::new();
            for (number, bytes) in links.iter().enumerate() {
                if number > 0 {
                    following.link_lost();
                }
                bytes.chunks(size).for_each(|piece| following.feed(piece));
            }
            assert_eq!(legs(&following.events()), expected, "{name} in pieces of {size}");
        }
    }
}

#[test]
fn neighbouring_events_of_different_channels_may_come_either_way_round() {
    let (mut right, mut total) = (0, 0);
    let mut wrong = String::new();
    for name in names() {
        for whole in [false, true] {
            let Some(links) = links(&name, whole) else { continue };
            let expected = legs(&events(&links));
            let messages: Vec<_> = links.iter().map(|bytes| messages(bytes)).collect();
            for seed in 0..20 {
                let links: Vec<_> = messages.iter().map(|messages| exchanged(messages, seed)).collect();
                let got = legs(&events(&links));
                total += 1;
                if got == expected || may_be_either(&name) {
                    right += 1;
                } else {
                    let _ = writeln!(wrong, "{name} whole {whole} seed {seed}\n{expected:#?}\n{got:#?}");
                }
            }
        }
    }
    println!("{right} of {total} orders right");
    assert!(wrong.is_empty(), "{right} of {total} orders right\n{wrong}");
}
