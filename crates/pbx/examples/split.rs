//! Prints how many messages a second are split, and split and translated, on one core: the recordings of both
//! kinds of PBX under `traces/`, again and again, beside what the memory alone would allow.
//!
//! `cargo run --release -p pbx --example split [asterisk|freeswitch]`

use std::fs;
use std::hint::black_box;
use std::io::Read as _;
use std::path::Path;
use std::time::Duration;

use pbx::{Kind, ami, esl};

/// As much as a socket gives at a time.
const CHUNK_BYTES: usize = 64 * 1024;
const MEASURED: Duration = Duration::from_secs(2);

fn main() -> std::io::Result<()> {
    let only = std::env::args().nth(1);
    for kind in Kind::ALL.into_iter().filter(|kind| only.as_ref().is_none_or(|only| only == kind.word())) {
        for (what, filtered) in [("filtered", true), ("everything", false)] {
            let bytes = recordings(kind, filtered)?;
            println!("{}, {what}: {} MB", kind.name(), bytes.len() / 1_000_000);
            let messages = match kind {
                Kind::Asterisk => ami_messages(&bytes),
                Kind::FreeSwitch => esl_messages(&bytes),
            };
            measure("looked through for lines", &bytes, |bytes| {
                black_box(memchr::memchr_iter(b'\n', bytes).count());
                messages
            });
            match kind {
                Kind::Asterisk => asterisk(&bytes),
                Kind::FreeSwitch => freeswitch(&bytes),
            }
        }
    }
    Ok(())
}

fn asterisk(bytes: &[u8]) {
    measure("codec", bytes, ami_messages);
    measure("codec and translation", bytes, |bytes| {
        let mut stream = ami::Stream::new(None);
        for chunk in bytes.chunks(CHUNK_BYTES) {
            stream.feed(chunk, None, |at, input| {
                black_box((at, input));
            });
        }
        stream.counts().messages
    });
}

fn ami_messages(bytes: &[u8]) -> u64 {
    let mut decoder = ami::Decoder::new();
    let mut messages = 0;
    for chunk in bytes.chunks(CHUNK_BYTES) {
        decoder.feed(chunk);
        while let Some(item) = decoder.next_item() {
            black_box(item);
            messages += 1;
        }
    }
    messages
}

fn freeswitch(bytes: &[u8]) {
    measure("codec", bytes, esl_messages);
    measure("codec and headers", bytes, |bytes| {
        esl_items(bytes, |item| {
            if let esl::Item::Message(message) = item {
                black_box(esl::Event::read(message.body));
            }
        })
    });
    measure("codec and translation", bytes, |bytes| {
        let mut stream = esl::Stream::new(None, esl::Limits::default());
        for chunk in bytes.chunks(CHUNK_BYTES) {
            stream.feed(chunk, |at, input| {
                black_box((at, input));
            });
        }
        stream.counts().messages
    });
}

fn esl_messages(bytes: &[u8]) -> u64 {
    esl_items(bytes, |item| {
        black_box(item);
    })
}

fn esl_items(bytes: &[u8], mut take: impl FnMut(esl::Item<'_>)) -> u64 {
    let mut decoder = esl::Decoder::new();
    let mut messages = 0;
    for chunk in bytes.chunks(CHUNK_BYTES) {
        let mut items = decoder.feed(chunk);
        while let Some(item) = items.next_item() {
            take(item);
            messages += 1;
        }
    }
    messages
}

/// All recordings of one kind, one after the other.
fn recordings(kind: Kind, filtered: bool) -> std::io::Result<Vec<u8>> {
    let traces = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces");
    let (folder, suffix, filtered_suffix) = match kind {
        Kind::Asterisk => (traces, ".ami", ".tracker.ami"),
        Kind::FreeSwitch => (traces.join("freeswitch"), ".esl.gz", ".tracker.esl.gz"),
    };
    let mut bytes = Vec::new();
    for entry in fs::read_dir(&folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !name.ends_with(suffix) || name.ends_with(filtered_suffix) != filtered {
            continue;
        }
        match kind {
            Kind::Asterisk => bytes.extend(fs::read(&path)?),
            Kind::FreeSwitch => {
                flate2::read::GzDecoder::new(fs::File::open(&path)?).read_to_end(&mut bytes)?;
            }
        }
    }
    if bytes.is_empty() {
        println!("no recordings {suffix} in {}", folder.display());
    }
    Ok(bytes)
}

fn measure(what: &str, bytes: &[u8], mut round: impl FnMut(&[u8]) -> u64) {
    let begun = processor_time();
    let (mut messages, mut rounds) = (0, 0_u64);
    while processor_time() - begun < MEASURED && !bytes.is_empty() {
        messages += round(bytes);
        rounds += 1;
    }
    let seconds = (processor_time() - begun).as_secs_f64();
    let (messages, megabytes) = (messages as f64, (rounds * bytes.len() as u64) as f64 / 1e6);
    println!(
        "  {what:24} {:.3} M messages/s  {:.0} MB/s  {:.0} ns a message",
        messages / seconds / 1e6,
        megabytes / seconds,
        seconds * 1e9 / messages
    );
}

/// How long this thread has had a processor: on a machine shared with others, what it costs is that.
fn processor_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ThreadCPUTime);
    Duration::try_from(time).unwrap_or_default()
}
