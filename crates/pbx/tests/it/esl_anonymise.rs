//! An anonymised recording of a FreeSWITCH says the same of other people: over all recordings.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;

use pbx::esl::{Anonymiser, Decoder, Event, Field, Item, Kind, Limits, Stream};

/// So long a number is somebody's.
const LONG: usize = 7;

fn recordings() -> Vec<(String, Vec<u8>)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/freeswitch");
    let mut recordings: Vec<(String, Vec<u8>)> = std::fs::read_dir(folder)
        .expect("readable")
        .map(|entry| entry.expect("readable").path())
        .filter(|path| path.to_string_lossy().ends_with(".esl.gz"))
        .map(|path| {
            let mut bytes = Vec::new();
            flate2::read::GzDecoder::new(std::fs::File::open(&path).expect("readable"))
                .read_to_end(&mut bytes)
                .expect("readable");
            (path.file_name().expect("readable").to_string_lossy().into_owned(), bytes)
        })
        .collect();
    recordings.sort();
    assert!(recordings.len() > 80, "the recordings are missing");
    recordings
}

fn anonymised<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut anonymiser = Anonymiser::new(*b"sixteen bytes...");
    let mut out = Vec::new();
    pieces.into_iter().for_each(|piece| anonymiser.feed(piece, &mut out));
    out
}

fn inputs(bytes: &[u8]) -> Vec<String> {
    let mut stream = Stream::new(None, Limits::default());
    let mut inputs = Vec::new();
    stream.feed(bytes, |at, input| inputs.push(format!("{at:?} {input:?}")));
    stream.recording_ended(|at, input| inputs.push(format!("{at:?} {input:?}")));
    assert_eq!(stream.malformed(), 0);
    inputs
}

/// The quoted texts of a line, and the rest.
fn taken_apart(line: &str) -> (Vec<&str>, Vec<&str>) {
    let (mut quoted, mut rest) = (Vec::new(), Vec::new());
    for (number, part) in line.split('"').enumerate() {
        if number % 2 == 0 { rest.push(part) } else { quoted.push(part) }
    }
    (quoted, rest)
}

#[test]
fn every_recording_of_a_freeswitch_gives_the_same_inputs_about_other_numbers() {
    let mut renamed: BTreeMap<String, String> = BTreeMap::new();
    for (name, bytes) in recordings() {
        let (before, after) = (inputs(&bytes), inputs(&anonymised([bytes.as_slice()])));
        assert_eq!(before.len(), after.len(), "{name}");
        for (before, after) in before.iter().zip(&after) {
            let ((before_quoted, before), (after_quoted, after)) = (taken_apart(before), taken_apart(after));
            assert_eq!(before, after, "{name}");
            for (before, after) in before_quoted.into_iter().zip(after_quoted) {
                let known = renamed.entry(before.to_owned()).or_insert_with(|| after.to_owned());
                assert_eq!(known, after, "{name}: {before} is always replaced by the same");
            }
        }
    }
    let others: BTreeSet<_> = renamed.values().collect();
    assert_eq!(others.len(), renamed.len(), "different ones stay different");
    for kept in ["101", "*8", "101@1001.lab.test", "gateway/provider", ""] {
        assert_eq!(renamed.get(kept).map(String::as_str), Some(kept), "{kept}");
    }
    assert_ne!(renamed["+491701111111"], "+491701111111");
}

/// Runs of digits that are neither part of an id nor a time.
fn numbers(bytes: &[u8]) -> BTreeSet<String> {
    let text = String::from_utf8_lossy(bytes).replace("%2B", "+").replace("%20", " ").replace("%3A", ":");
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '-');
    let numbers = words.filter(|word| word.len() != 36 && word.bytes().all(|byte| byte.is_ascii_digit()));
    numbers.filter(|word| word.len() >= LONG && !word.starts_with("1795")).map(str::to_owned).collect()
}

#[test]
fn nothing_of_anybody_is_left_of_a_freeswitchs_recording() {
    let names: BTreeSet<&str> = Field::ALL.iter().map(|field| field.name()).collect();
    for (name, bytes) in recordings() {
        let after = anonymised([bytes.as_slice()]);
        let left: Vec<_> = numbers(&bytes).intersection(&numbers(&after)).cloned().collect();
        assert!(left.is_empty(), "{name}: {left:?}");
        let mut decoder = Decoder::new();
        let mut items = decoder.feed(&after);
        while let Some(item) = items.next_item() {
            let Item::Message(message) = item else { panic!("{name}: {item:?}") };
            let text = String::from_utf8_lossy(message.body);
            match message.kind {
                // Only what is looked for is kept, and none of it names a person, an address or a device.
                Kind::Plain => {
                    for line in text.lines().filter(|line| !line.is_empty()) {
                        let header = line.split(": ").next().expect("readable");
                        assert!(names.contains(header), "{name}: {line}");
                    }
                    assert!(!Event::read(message.body).word(Field::EventName).is_empty(), "{name}");
                }
                Kind::Answer => {
                    assert!(!text.contains("cid_name") && !text.contains("ip_addr"), "{name}: {text}")
                }
                other => panic!("{name}: {other:?} is kept"),
            }
            for personal in ["127.0.0.1", "sip:", "user_agent", "Anna", "password"] {
                assert!(!text.contains(personal), "{name}: {personal} in {text}");
            }
        }
    }
}

#[test]
fn pieces_do_not_matter_to_the_anonymiser_of_a_freeswitch() {
    let (_, bytes) = recordings()
        .into_iter()
        .find(|(name, _)| name.starts_with("internal-answered.tr"))
        .expect("readable");
    assert_eq!(anonymised(bytes.chunks(1)), anonymised([bytes.as_slice()]));
}
