//! Fuzzes codecs, translation and session with the stable toolchain: takes messages of the corpus and the recordings,
//! cuts, joins and spoils them, and checks what must hold for any bytes.
//!
//! `cargo run --release -p pbx --example fuzz -- [SECONDS] [SEED]`. A failure prints the seed of the round; give
//! it as `SEED` with 0 seconds to see it again.

use std::io::Read as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};
use std::{fs, io, process};

#[path = "../fuzz/properties.rs"]
mod properties;

/// The longest input that is made: a few events of a FreeSWITCH.
const MAX_BYTES: usize = 32 * 1024;

#[expect(clippy::disallowed_methods, reason = "a fuzzer is a shell and owns a clock")]
fn main() -> io::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let seconds = arguments.next().and_then(|text| text.parse().ok()).unwrap_or(10);
    let seed = arguments.next().and_then(|text| text.parse().ok()).unwrap_or_else(|| {
        SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_nanos() as u64)
    });
    let messages = corpus()?;
    let esl_messages = esl_corpus()?;
    println!(
        "fuzzing for {seconds} s with {} messages of AMI and {} of the event socket, first seed {seed}",
        messages.len(),
        esl_messages.len()
    );
    let begun = Instant::now();
    let mut rounds = 0;
    loop {
        let seed = seed.wrapping_add(rounds);
        check(seed, &Rng(splitmix::Rng::new(seed)).spoil(&messages), |bytes| {
            properties::codec(bytes);
            properties::stream(bytes);
        });
        check(seed, &Rng(splitmix::Rng::new(seed)).spoil(&esl_messages), |bytes| {
            properties::esl_codec(bytes);
            properties::esl_stream(bytes);
            properties::esl_session(bytes);
        });
        rounds += 1;
        if begun.elapsed() >= Duration::from_secs(seconds) {
            println!("{rounds} rounds, nothing broken");
            return Ok(());
        }
    }
}

fn check(seed: u64, bytes: &[u8], property: impl Fn(&[u8])) {
    if catch_unwind(AssertUnwindSafe(|| property(bytes))).is_err() {
        eprintln!("broken by seed {seed}: {}", bytes.escape_ascii());
        process::exit(1);
    }
}

/// The messages of all recordings of a FreeSWITCH, each with its headers.
fn esl_corpus() -> io::Result<Vec<Vec<u8>>> {
    let mut messages = Vec::new();
    for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../../traces/freeswitch"))? {
        let path = entry?.path();
        if !path.to_string_lossy().ends_with(".tracker.esl.gz") {
            continue;
        }
        let mut bytes = Vec::new();
        flate2::read::GzDecoder::new(fs::File::open(path)?).read_to_end(&mut bytes)?;
        let begins = memchr::memmem::find_iter(&bytes, b"Content-Length: ").collect::<Vec<_>>();
        messages.extend(begins.windows(2).map(|ends| bytes[ends[0]..ends[1]].to_vec()));
    }
    messages.sort();
    messages.dedup();
    Ok(messages)
}

/// The messages of all recordings, each once, and the files of the corpus whole.
fn corpus() -> io::Result<Vec<Vec<u8>>> {
    let room = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut messages = Vec::new();
    for entry in fs::read_dir(room.join("fuzz/corpus"))? {
        messages.push(fs::read(entry?.path())?);
    }
    for entry in fs::read_dir(room.join("../../traces"))? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "ami") {
            let bytes = fs::read(path)?;
            let mut start = 0;
            for end in memchr::memmem::find_iter(&bytes, b"\r\n\r\n") {
                messages.push(bytes[start..end + 4].to_vec());
                start = end + 4;
            }
        }
    }
    messages.sort();
    messages.dedup();
    Ok(messages)
}

/// Chance with a seed: the same seed, the same bytes.
struct Rng(splitmix::Rng);

impl Rng {
    fn roll(&mut self, sides: usize) -> usize {
        self.0.below(sides)
    }

    /// A few messages, with a few things done to them.
    fn spoil(&mut self, messages: &[Vec<u8>]) -> Vec<u8> {
        const WORDS: [&[u8]; 16] = [
            b"\r\n",
            b"\n",
            b"\r",
            b": ",
            b":",
            b"\r\n\r\n",
            b"\xff",
            b"\0",
            b"Content-Length: ",
            b"Content-Type: text/event-plain\n",
            b"\n\n",
            b"%2",
            b"Uniqueid: ",
            b"Event: ",
            b";1",
            b"-",
        ];
        let mut bytes = Vec::new();
        for _ in 0..=self.roll(6) {
            bytes.extend_from_slice(&messages[self.roll(messages.len())]);
        }
        bytes.truncate(MAX_BYTES);
        for _ in 0..self.roll(8) {
            let (at, to) = (self.roll(bytes.len() + 1), self.roll(bytes.len() + 1));
            let (start, end) = (at.min(to), at.max(to));
            match self.roll(6) {
                0 => drop(bytes.drain(start..end.min(start + 200))),
                1 => {
                    let copy = bytes[start..end.min(start + 500)].to_vec();
                    bytes.splice(to..to, copy);
                }
                2 if at < bytes.len() => bytes[at] = self.roll(256) as u8,
                3 => drop(bytes.splice(at..at, self.roll(1 << 40).to_string().into_bytes())),
                _ => drop(bytes.splice(at..at, WORDS[self.roll(WORDS.len())].iter().copied())),
            }
        }
        bytes
    }
}
