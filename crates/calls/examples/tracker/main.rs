//! What the call logic costs: events a second over the recordings of both kinds of PBX, bytes in and events
//! out on one core, and how the cost of an event and the memory of a leg grow with the legs that are live.
//!
//! `cargo run --release -p calls --example tracker`; the last line is JSON.

mod live;
mod office;
mod recorded;

use std::hint::black_box;
use std::time::Duration;

use calls::{PbxName, Tracker, TrackerLimits};
use pbx::{Kind, Recording};

use live::Live;
use office::Office;
use recorded::Recorded;

const ROUNDS: usize = 9;
/// As much as a socket gives at a time.
const CHUNK_BYTES: usize = 64 * 1024;
/// Measured at a time: much more than a tick of the clock, and less than a neighbour's turn.
const BYTES_A_ROUND: usize = 100_000_000;
/// How often calls come and go; the sizes take turns, since machines are noisy.
const TURNS: usize = 200;

fn main() {
    let office = Office::new();
    let kinds = Kind::ALL.map(|kind| of_kind(kind, &office));
    println!("{{{}}}", kinds.join(","));
}

/// What one kind of PBX costs, for people and as the inside of a JSON object.
fn of_kind(kind: Kind, office: &Office) -> String {
    let name = match kind {
        Kind::Asterisk => "ami",
        Kind::FreeSwitch => "esl",
    };
    let mut json = Vec::new();
    for (words, suffix, filtered) in [("filtered", "", true), ("whole", "_whole", false)] {
        let recorded = Recorded::all(kind, filtered);
        let Rates { followed, raw, told } = recordings(office, &recorded);
        println!(
            "{}, recordings, {words} ({} bytes a message): {:.3} M messages/s, {told} call events a pass; only looked through for ends of lines: {:.3} M",
            kind.name(),
            recorded.bytes() / recorded.messages,
            followed / 1e6,
            raw / 1e6,
        );
        json.push(format!("\"tracker_{name}_events_per_s{suffix}\":{followed:.0}"));
        json.push(format!("\"raw_{name}_events_per_s{suffix}\":{raw:.0}"));
    }
    let mut sizes = [100, 10_000, 100_000].map(|legs| Live::with(kind, office, legs));
    for _ in 0..TURNS {
        sizes.iter_mut().for_each(Live::churn);
    }
    let costs = sizes.each_mut().map(Live::nanos_per_event);
    for (live, nanos) in sizes.iter().zip(&costs) {
        println!("{:>7} live legs: {nanos:.0} ns an event", live.legs);
        json.push(format!("\"tracker_{name}_ns_per_event_{}\":{nanos:.1}", live.legs));
    }
    let growth = costs[2] / costs[0];
    let bytes = sizes[2].bytes_per_leg;
    println!("growth from 100 to 100,000 live legs: {growth:.2}; {bytes} bytes a live leg with its caller");
    json.push(format!("\"tracker_{name}_cost_growth\":{growth:.3}"));
    json.push(format!("\"tracker_{name}_bytes_per_live_leg\":{bytes}"));
    json.join(",")
}

/// Messages a second, and how much comes out of a pass over all recordings.
struct Rates {
    followed: f64,
    /// The same bytes, looked through for ends of lines and nothing else.
    raw: f64,
    told: usize,
}

/// The medians of several rounds over all recordings of a kind; what is compared takes turns.
fn recordings(office: &Office, recorded: &Recorded) -> Rates {
    let passes = BYTES_A_ROUND.div_ceil(recorded.bytes());
    let mut told = 0;
    let (mut followed, mut raw) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        followed.push(rate(recorded, passes, || told = pass(office, recorded)));
        raw.push(rate(recorded, passes, || {
            let lines = |text: &Vec<u8>| memchr::memchr_iter(b'\n', text).count();
            black_box(recorded.texts.iter().map(lines).sum::<usize>());
        }));
    }
    let median = |mut rates: Vec<f64>| {
        rates.sort_by(f64::total_cmp);
        rates[ROUNDS / 2]
    };
    Rates { followed: median(followed), raw: median(raw), told }
}

fn rate(recorded: &Recorded, passes: usize, mut pass: impl FnMut()) -> f64 {
    let began = processor_time();
    (0..passes).for_each(|_| pass());
    (recorded.messages * passes) as f64 / (processor_time() - began).as_secs_f64()
}

/// How long this thread has had a processor: on a machine shared with others, what it costs is that.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}

fn pass(office: &Office, recorded: &Recorded) -> usize {
    let mut told = 0;
    for text in &recorded.texts {
        let mut recording = Recording::new(recorded.kind);
        let mut tracker = Tracker::new(PbxName::new("p"), TrackerLimits::default());
        let mut out = Vec::new();
        for chunk in text.chunks(CHUNK_BYTES) {
            recording.feed(chunk, |at, input, _| tracker.handle(at, input, office, &mut out));
        }
        told += out.len();
    }
    told
}
