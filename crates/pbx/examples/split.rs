//! Prints how many AMI messages a second are split, and split and translated, on one core: the recordings
//! under `traces/`, again and again.
//!
//! `cargo run --release -p pbx --example split [FOLDER]`

use std::fs;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use pbx::ami::{Decoder, Stream};

/// As much as a socket gives at a time.
const CHUNK_BYTES: usize = 64 * 1024;
const MEASURED: Duration = Duration::from_secs(2);

fn main() -> std::io::Result<()> {
    let folder = std::env::args()
        .nth(1)
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../traces")), PathBuf::from);
    for (what, suffix) in [("filtered", ".tracker.ami"), ("everything", ".ami")] {
        let bytes = recordings(&folder, suffix)?;
        println!("{what}: {} MB of {}", bytes.len() / 1_000_000, folder.display());
        measure("codec", &bytes, |bytes| {
            let mut decoder = Decoder::new();
            let mut messages = 0;
            for chunk in bytes.chunks(CHUNK_BYTES) {
                decoder.feed(chunk);
                while let Some(item) = decoder.next_item() {
                    black_box(item);
                    messages += 1;
                }
            }
            messages
        });
        measure("codec and translation", &bytes, |bytes| {
            let mut stream = Stream::new(None);
            for chunk in bytes.chunks(CHUNK_BYTES) {
                stream.feed(chunk, None, |at, input| {
                    black_box((at, input));
                });
            }
            stream.counts().messages
        });
    }
    Ok(())
}

fn recordings(folder: &Path, suffix: &str) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if name.ends_with(suffix) && (suffix == ".tracker.ami" || !name.ends_with(".tracker.ami")) {
            bytes.extend(fs::read(&path)?);
        }
    }
    if bytes.is_empty() {
        println!("no recordings {suffix} in {}", folder.display());
    }
    Ok(bytes)
}

#[expect(clippy::disallowed_methods, reason = "a benchmark is a shell and owns a clock")]
fn measure(what: &str, bytes: &[u8], mut round: impl FnMut(&[u8]) -> u64) {
    let begun = Instant::now();
    let (mut messages, mut rounds) = (0, 0_u64);
    while begun.elapsed() < MEASURED && !bytes.is_empty() {
        messages += round(bytes);
        rounds += 1;
    }
    let seconds = begun.elapsed().as_secs_f64();
    let (messages, megabytes) = (messages as f64, (rounds * bytes.len() as u64) as f64 / 1e6);
    println!(
        "  {what:22} {:.2} M messages/s  {:.0} MB/s  {:.0} ns a message",
        messages / seconds / 1e6,
        megabytes / seconds,
        seconds * 1e9 / messages
    );
}
