//! A tracker with so many legs live, while others come and go.

use calls::{PbxName, Tracker, TrackerLimits};
use pbx::{Kind, Recording};

use crate::office::Office;
use crate::{processor_time, recorded};

/// Calls that come and go at a time.
const AT_A_TIME: usize = 100;
/// How much later each call begins than the one before.
const APART_MICROS: u64 = 20_000;

pub(crate) struct Live<'a> {
    office: &'a Office,
    call: Call,
    recording: Recording,
    tracker: Tracker,
    pub(crate) legs: usize,
    next: usize,
    /// With the caller of each, and with what the translation remembers of both.
    pub(crate) bytes_per_leg: usize,
    nanos: Vec<f64>,
}

impl<'a> Live<'a> {
    pub(crate) fn with(kind: Kind, office: &'a Office, legs: usize) -> Self {
        let tracker = Tracker::new(PbxName::new("p"), TrackerLimits::default());
        let (call, recording) = (Call::recorded(kind), Recording::new(kind));
        let mut live =
            Self { office, call, recording, tracker, legs, next: legs, bytes_per_leg: 0, nanos: Vec::new() };
        let before = resident_bytes();
        for number in 0..legs {
            let words = live.call.beginning.of(number, number);
            live.feed(&words);
        }
        live.bytes_per_leg = resident_bytes().saturating_sub(before) / legs;
        live
    }

    fn feed(&mut self, words: &[u8]) {
        let mut out = Vec::with_capacity(8);
        let (tracker, office) = (&mut self.tracker, self.office);
        self.recording.feed(words, |at, input, _| tracker.handle(at, input, office, &mut out));
    }

    /// Some calls come and as many of the oldest go. Their words are made beforehand, so that they are as
    /// warm as bytes just read from a socket.
    pub(crate) fn churn(&mut self) {
        let numbers = self.next..self.next + AT_A_TIME;
        let Call { beginning, end, .. } = &self.call;
        let words = |number| [beginning.of(number, number), end.of(number - self.legs, number)];
        let words: Vec<Vec<u8>> = numbers.flat_map(words).collect();
        let began = processor_time();
        words.iter().for_each(|words| self.feed(words));
        self.nanos.push((processor_time() - began).as_nanos() as f64 / (AT_A_TIME * self.call.events) as f64);
        self.next += AT_A_TIME;
        assert_eq!(self.tracker.counts().1, self.legs, "as many legs are live as began and did not end");
    }

    pub(crate) fn nanos_per_event(&mut self) -> f64 {
        self.nanos.sort_by(f64::total_cmp);
        self.nanos[self.nanos.len() / 2]
    }
}

/// A call as it was recorded, up to the moment the two talk, and its end.
struct Call {
    beginning: Template,
    end: Template,
    events: usize,
}

impl Call {
    fn recorded(kind: Kind) -> Self {
        let (name, begin, end) = match kind {
            Kind::Asterisk => ("inbound-answered", "Event: Newchannel", "Event: BridgeLeave"),
            Kind::FreeSwitch => ("inbound-plain-answered", "Content-Length:", "Event-Name: CHANNEL_HANGUP\n"),
        };
        let text = String::from_utf8(recorded::named(kind, name)).expect("UTF-8");
        let text = &text[text.find(begin).expect("a call")..];
        let end = text.find(end).expect("an end");
        // Messages of a FreeSWITCH begin with their length.
        let end = match kind {
            Kind::Asterisk => end,
            Kind::FreeSwitch => text[..end].rfind("Content-Length:").expect("a message"),
        };
        let (beginning, end) = text.split_at(end);
        let ids = channel_ids(kind, text);
        Self {
            beginning: Template::new(kind, beginning, &ids),
            end: Template::new(kind, end, &ids),
            events: recorded::count(kind, text.as_bytes()),
        }
    }
}

/// The ids of caller and phone, in this order.
fn channel_ids(kind: Kind, text: &str) -> [String; 2] {
    match kind {
        Kind::Asterisk => ["1795343903.0", "1795343903.1"].map(str::to_owned),
        Kind::FreeSwitch => {
            let mut ids: Vec<&str> = Vec::new();
            for id in text.lines().filter_map(|line| line.strip_prefix("Unique-ID: ")) {
                if !ids.contains(&id) {
                    ids.push(id);
                }
            }
            [ids[0].to_owned(), ids[1].to_owned()]
        }
    }
}

/// What has to be another in every call.
#[derive(Clone, Copy)]
enum Slot {
    Caller,
    Phone,
    Endpoint,
    TrunkName,
    PhoneName,
    Bridge,
    Micros(u64),
}

/// The words of a recorded call, cut where another call has others of the same length.
struct Template {
    kind: Kind,
    pieces: Vec<(String, Option<Slot>)>,
}

impl Template {
    fn new(kind: Kind, words: &str, [caller, phone]: &[String; 2]) -> Self {
        let needles: &[(&str, Slot)] = match kind {
            Kind::Asterisk => &[
                (caller, Slot::Caller),
                (phone, Slot::Phone),
                ("1001-101", Slot::Endpoint),
                ("trunk-00000000", Slot::TrunkName),
                ("-00000001", Slot::PhoneName),
                ("435698cd-7e1d", Slot::Bridge),
            ],
            Kind::FreeSwitch => {
                &[(caller, Slot::Caller), (phone, Slot::Phone), ("101%401001.lab.test", Slot::Endpoint)]
            }
        };
        let mut pieces = Vec::new();
        let mut rest = words;
        loop {
            let found = needles
                .iter()
                .filter_map(|(needle, slot)| Some((rest.find(needle)?, needle.len(), *slot)))
                .chain(time(kind, rest))
                .min_by_key(|(at, ..)| *at);
            let Some((at, length, slot)) = found else { break };
            pieces.push((rest[..at].to_owned(), Some(slot)));
            rest = &rest[at + length..];
        }
        pieces.push((rest.to_owned(), None));
        Self { kind, pieces }
    }

    /// The words of the call of this number, said when the call `at` begins.
    fn of(&self, number: usize, at: usize) -> Vec<u8> {
        let id = 1_795_343_904 + number / 50;
        let mut words = Vec::new();
        for (text, slot) in &self.pieces {
            words.extend_from_slice(text.as_bytes());
            let Some(slot) = slot else { continue };
            let fresh = match (self.kind, slot) {
                (Kind::Asterisk, Slot::Caller) => format!("{id}.{}", 2 * number),
                (Kind::Asterisk, Slot::Phone) => format!("{id}.{}", 2 * number + 1),
                (Kind::Asterisk, Slot::Endpoint) => format!("1001-{}", 100 + number % 900),
                (Kind::FreeSwitch, Slot::Caller) => uuid(2 * number),
                (Kind::FreeSwitch, Slot::Phone) => uuid(2 * number + 1),
                (Kind::FreeSwitch, Slot::Endpoint) => format!("{}%401001.lab.test", 100 + number % 900),
                (_, Slot::TrunkName) => format!("trunk-{:08x}", 2 * number),
                (_, Slot::PhoneName) => format!("-{:08x}", 2 * number + 1),
                (_, Slot::Bridge) => format!("{:08x}-7e1d", number as u32),
                (_, Slot::Micros(recorded)) => (recorded + at as u64 * APART_MICROS).to_string(),
            };
            words.extend_from_slice(fresh.as_bytes());
        }
        words
    }
}

/// The next time of a FreeSWITCH, in microseconds: what is remembered of channels goes by it.
fn time(kind: Kind, rest: &str) -> Option<(usize, usize, Slot)> {
    const BEGIN: &str = "1795";
    const DIGITS: usize = 16;
    if kind == Kind::Asterisk {
        return None;
    }
    let times = rest.match_indices(BEGIN).map(|(at, _)| at);
    times.into_iter().find_map(|at| {
        let digits = rest.get(at..at + DIGITS)?;
        let is_own = !rest[..at].ends_with(|letter: char| letter.is_ascii_alphanumeric());
        Some((at, DIGITS, Slot::Micros(digits.parse().ok().filter(|_| is_own)?)))
    })
}

fn uuid(number: usize) -> String {
    let mixed = (number as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    format!("{:08x}-{:04x}-4000-8000-{number:012x}", mixed >> 32, mixed & 0xffff)
}

/// What this process has in memory, as the kernel counts it; zero where it does not say.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4_096
}
