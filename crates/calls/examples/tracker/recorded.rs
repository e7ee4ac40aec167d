//! The recordings of both kinds of PBX, as bytes.

use std::io::Read;
use std::path::{Path, PathBuf};

use pbx::Kind;
use pbx::esl::{Decoder, Event, Field, Item};

/// What the gateway does not subscribe to, of what the recordings of a FreeSWITCH have.
const KEPT_AWAY: [&str; 8] = [
    "CALL_UPDATE",
    "CHANNEL_OUTGOING",
    "CHANNEL_ORIGINATE",
    "CHANNEL_HANGUP_COMPLETE",
    "CHANNEL_UNPARK",
    "CHANNEL_STATE",
    "CHANNEL_CALLSTATE",
    "STARTUP",
];

/// Recordings that were made in one way.
pub(crate) struct Recorded {
    pub(crate) kind: Kind,
    /// One a link.
    pub(crate) texts: Vec<Vec<u8>>,
    /// Messages in all of them.
    pub(crate) messages: usize,
}

impl Recorded {
    /// As the gateway asks for them, or everything a PBX says.
    pub(crate) fn all(kind: Kind, filtered: bool) -> Self {
        let ending = ending(kind, filtered);
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder(kind))
            .expect("the recordings are in traces/")
            .filter_map(|entry| entry.ok().map(|entry| entry.path()))
            .filter(|path| {
                let name = path.to_string_lossy();
                name.ends_with(ending) && (filtered || !name.ends_with(self::ending(kind, true)))
            })
            .collect();
        files.sort();
        let texts: Vec<Vec<u8>> = files.iter().map(|file| read(kind, file, filtered)).collect();
        let messages = texts.iter().map(|text| count(kind, text)).sum();
        Self { kind, texts, messages }
    }

    pub(crate) fn bytes(&self) -> usize {
        self.texts.iter().map(Vec::len).sum()
    }
}

/// A recording as the gateway asks for it.
pub(crate) fn named(kind: Kind, name: &str) -> Vec<u8> {
    read(kind, &folder(kind).join([name, ending(kind, true)].concat()), true)
}

/// How many messages there are.
pub(crate) fn count(kind: Kind, text: &[u8]) -> usize {
    match kind {
        Kind::Asterisk => memchr::memmem::find_iter(text, b"\nEvent:").count() + 1,
        Kind::FreeSwitch => memchr::memmem::find_iter(text, b"Content-Length:").count(),
    }
}

fn folder(kind: Kind) -> PathBuf {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces");
    match kind {
        Kind::Asterisk => traces,
        Kind::FreeSwitch => traces.join("freeswitch"),
    }
}

const fn ending(kind: Kind, filtered: bool) -> &'static str {
    match (kind, filtered) {
        (Kind::Asterisk, true) => ".tracker.ami",
        (Kind::Asterisk, false) => ".ami",
        (Kind::FreeSwitch, true) => ".tracker.esl.gz",
        (Kind::FreeSwitch, false) => ".esl.gz",
    }
}

fn read(kind: Kind, file: &Path, filtered: bool) -> Vec<u8> {
    let bytes = std::fs::read(file).expect("readable");
    match kind {
        Kind::Asterisk => bytes,
        Kind::FreeSwitch => {
            let mut text = Vec::new();
            flate2::read::GzDecoder::new(&*bytes).read_to_end(&mut text).expect("compressed");
            if filtered { as_asked_for(&text) } else { text }
        }
    }
}

/// The events of a FreeSWITCH that the gateway subscribes to.
fn as_asked_for(text: &[u8]) -> Vec<u8> {
    let mut decoder = Decoder::new();
    let mut items = decoder.feed(text);
    let mut kept = Vec::with_capacity(text.len());
    while let Some(item) = items.next_item() {
        let Item::Message(message) = item else { continue };
        let event = Event::read(message.body);
        let name = event.word(Field::EventName);
        if name.is_empty() || KEPT_AWAY.contains(&name) {
            continue;
        }
        let head = format!("Content-Length: {}\nContent-Type: text/event-plain\n\n", message.body.len());
        kept.extend_from_slice(head.as_bytes());
        kept.extend_from_slice(message.body);
    }
    kept
}
