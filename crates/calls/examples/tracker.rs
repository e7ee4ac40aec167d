//! What the call logic costs: AMI events a second over the recordings, bytes in and events out on one
//! core, and how the cost of an event and the memory of a leg grow with the legs that are live.
//!
//! `cargo run --release -p calls --example tracker`; the last line is JSON.

#![expect(clippy::disallowed_methods, reason = "a benchmark reads the clock")]

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use calls::{AccountId, Directory, Employee, PbxName, Phone, Tracker, TrackerLimits};
use pbx::ami::Stream;

const ROUNDS: usize = 9;

/// Calls that come and go at a time, and how many times; the sizes take turns, since machines are noisy.
const AT_A_TIME: usize = 100;
const TURNS: usize = 200;

/// Endpoints `PJSIP/1001-101`, found in a list made beforehand, as the program caches them.
struct Office {
    phones: std::collections::HashMap<String, Arc<Phone>>,
}

impl Office {
    fn new() -> Self {
        let mut phones = std::collections::HashMap::new();
        for account in ["1001", "2002"] {
            for number in 100..1_000 {
                let number: Arc<str> = number.to_string().into();
                let employee = Some(Employee { number: number.clone(), name: "".into() });
                let phone = Phone { account: AccountId::new(account), number: number.clone(), employee };
                phones.insert(format!("PJSIP/{account}-{number}"), Arc::new(phone));
            }
        }
        Self { phones }
    }
}

impl Directory for Office {
    fn phone(&self, endpoint: &str) -> Option<Arc<Phone>> {
        self.phones.get(endpoint).cloned()
    }

    fn is_feature_code(&self, _: &AccountId, dialled: &str) -> bool {
        dialled.starts_with('*')
    }
}

fn main() {
    let office = Office::new();
    let (filtered, out) = recordings(&office, ".tracker.ami");
    println!("recordings, filtered: {:.2} M AMI events/s ({out} call events a pass)", filtered / 1e6);
    let (whole, _) = recordings(&office, ".ami");
    println!("recordings, whole:    {:.2} M AMI events/s", whole / 1e6);

    let mut sizes: Vec<Live<'_>> = [100, 10_000, 100_000].map(|legs| Live::with(&office, legs)).into();
    for _ in 0..TURNS {
        sizes.iter_mut().for_each(Live::churn);
    }
    let costs: Vec<f64> = sizes.iter_mut().map(Live::nanos_per_event).collect();
    for (live, nanos) in sizes.iter().zip(&costs) {
        println!("{:>7} live legs: {nanos:.0} ns an AMI event", live.legs);
    }
    let growth = costs[2] / costs[0];
    let bytes = sizes[2].bytes_per_leg;
    println!("growth from 100 to 100,000 live legs: {growth:.2}; {bytes} bytes a live leg with its caller");
    println!(
        "{{\"tracker_ami_events_per_s\":{filtered:.0},\"tracker_ami_events_per_s_whole\":{whole:.0},\
         \"tracker_ns_per_event_100\":{:.1},\"tracker_ns_per_event_10000\":{:.1},\
         \"tracker_ns_per_event_100000\":{:.1},\"tracker_cost_growth\":{growth:.3},\
         \"tracker_bytes_per_live_leg\":{bytes}}}",
        costs[0], costs[1], costs[2],
    );
}

/// The median of several rounds over all recordings of a kind.
fn recordings(office: &Office, ending: &str) -> (f64, usize) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces");
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .expect("the recordings are in traces/")
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| {
            let name = path.to_string_lossy();
            name.ends_with(ending) && (ending == ".tracker.ami" || !name.ends_with(".tracker.ami"))
        })
        .collect();
    files.sort();
    let texts: Vec<Vec<u8>> = files.iter().map(|file| std::fs::read(file).expect("readable")).collect();
    let messages: usize =
        texts.iter().map(|text| text.windows(7).filter(|word| word == b"\nEvent:").count() + 1).sum();
    let mut told = 0;
    let mut rates: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let passes = 20;
            let began = Instant::now();
            for _ in 0..passes {
                told = pass(office, &texts);
            }
            (messages * passes) as f64 / began.elapsed().as_secs_f64()
        })
        .collect();
    rates.sort_by(f64::total_cmp);
    (rates[ROUNDS / 2], told)
}

fn pass(office: &Office, texts: &[Vec<u8>]) -> usize {
    let mut told = 0;
    for text in texts {
        let mut stream = Stream::new(None);
        let mut tracker = Tracker::new(PbxName::new("p"), TrackerLimits::default());
        let mut out = Vec::new();
        stream.feed(text, None, |at, input| tracker.handle(at, input, office, &mut out));
        told += out.len();
    }
    told
}

/// A tracker with so many legs live, while others come and go.
struct Live<'a> {
    office: &'a Office,
    call: RecordedCall,
    stream: Stream,
    tracker: Tracker,
    legs: usize,
    next: usize,
    bytes_per_leg: usize,
    nanos: Vec<f64>,
}

impl<'a> Live<'a> {
    fn with(office: &'a Office, legs: usize) -> Self {
        let tracker = Tracker::new(PbxName::new("p"), TrackerLimits::default());
        let (call, stream) = (RecordedCall::read(), Stream::new(None));
        let mut live =
            Self { office, call, stream, tracker, legs, next: legs, bytes_per_leg: 0, nanos: Vec::new() };
        let before = resident_bytes();
        for number in 0..legs {
            let words = fresh(&live.call.beginning, number);
            live.feed(&words);
        }
        live.bytes_per_leg = resident_bytes().saturating_sub(before) / legs;
        live
    }

    fn feed(&mut self, words: &str) {
        let mut out = Vec::with_capacity(8);
        let (tracker, office) = (&mut self.tracker, self.office);
        self.stream.feed(words.as_bytes(), None, |at, input| tracker.handle(at, input, office, &mut out));
    }

    /// Some calls come and as many of the oldest go. Their words are made beforehand, so that they are as
    /// warm as bytes just read from a socket.
    fn churn(&mut self) {
        let numbers = self.next..self.next + AT_A_TIME;
        let words = |number| [fresh(&self.call.beginning, number), fresh(&self.call.end, number - self.legs)];
        let words: Vec<String> = numbers.flat_map(words).collect();
        let began = Instant::now();
        words.iter().for_each(|words| self.feed(words));
        self.nanos.push(began.elapsed().as_nanos() as f64 / (AT_A_TIME * self.call.events) as f64);
        self.next += AT_A_TIME;
        assert_eq!(self.tracker.counts().1, self.legs, "as many legs are live as began and did not end");
    }

    fn nanos_per_event(&mut self) -> f64 {
        self.nanos.sort_by(f64::total_cmp);
        self.nanos[self.nanos.len() / 2]
    }
}

/// A call as it was recorded, up to the moment the two talk, and its end.
struct RecordedCall {
    beginning: String,
    end: String,
    events: usize,
}

impl RecordedCall {
    fn read() -> Self {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/inbound-answered.tracker.ami");
        let text = std::fs::read_to_string(file).expect("the recordings are in traces/");
        let text = &text[text.find("Event: Newchannel").expect("a call")..];
        let (beginning, end) = text.split_at(text.find("Event: BridgeLeave").expect("an end"));
        Self { beginning: beginning.to_owned(), end: end.to_owned(), events: text.matches("Event: ").count() }
    }
}

/// The words of a recorded call for another one.
fn fresh(words: &str, number: usize) -> String {
    let id = 1_795_343_904 + number / 50;
    words
        .replace("1795343903.0", &format!("{id}.{}", 2 * number))
        .replace("1795343903.1", &format!("{id}.{}", 2 * number + 1))
        .replace("1001-101", &format!("1001-{}", 100 + number % 900))
        .replace("trunk-00000000", &format!("trunk-{:08x}", 2 * number))
        .replace("-00000001", &format!("-{:08x}", 2 * number + 1))
        .replace("435698cd-7e1d", &format!("{:08x}-7e1d", number as u32))
}

/// What this process has in memory, as the kernel counts it; zero where it does not say.
fn resident_bytes() -> usize {
    let status = std::fs::read_to_string("/proc/self/statm").unwrap_or_default();
    status.split(' ').nth(1).and_then(|pages| pages.parse::<usize>().ok()).unwrap_or(0) * 4_096
}
