//! A flood: legs of three events are kept several times as fast as they are delivered, oldest first, each with its attempt,
//! and all of it is folded. Tells the processor time of an event, what was written and what is kept:
//! `target/release/examples/flood [LEGS [GROUP [TIMES [MIB]]]]`, with so many MiB of the log at hand.

#![allow(clippy::disallowed_methods, reason = "an example's tasks and clocks are its own")]

mod load;

use std::collections::VecDeque;
use std::error::Error;
use std::path::Path;

use calls::EventKind;
use journal::conformance::sample::{START_SECS, delivery};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Access, Appended, DeliveryId, Grant, Logging, Options, Outcome, RollingUp, Settle, Sqlite};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// What waits, in the order it was kept.
type Waiting = VecDeque<(u32, EventKind, DeliveryId)>;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<u32> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let argument = |at: usize, otherwise| arguments.get(at).copied().unwrap_or(otherwise);
    let (legs, group, times) = (argument(0, 60_000), argument(1, 300), argument(2, 4));
    let mut logging = Logging::default();
    if let Some(mib) = arguments.get(3) {
        logging.bytes = usize::try_from(*mib)? << 20;
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let folder = tempfile::tempdir_in(Path::new("."))?;
        // Nothing that depends on time.
        let options = Options { rolling_up: RollingUp::never(), logging, ..Options::default() };
        let journal = Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([0; 32]), options)?;
        let (used, written) = (load::cpu_micros(), written());
        let mut waiting = Waiting::new();
        for first in (0..legs).step_by(group as usize) {
            for kind in [EventKind::Incoming, EventKind::Answered, EventKind::Ended] {
                keep(&journal, first..first + group, kind, &mut waiting).await?;
                deliver(&journal, &mut waiting, group / times).await?;
            }
        }
        while !waiting.is_empty() {
            deliver(&journal, &mut waiting, group).await?;
        }
        // What is in the log still.
        journal.newest_event_at().await?;
        let events = f64::from(legs * 3);
        let micros = load::cpu_micros().zip(used).map_or(f64::NAN, |(after, before)| (after - before) as f64);
        let bytes = self::written().zip(written).map_or(f64::NAN, |(after, before)| (after - before) as f64);
        let used = journal.size().await?.used;
        println!(
            "{legs} legs kept {times} times as fast as delivered, {} MiB at hand: {:.2} µs of processor an event, making it counted; {:.0} bytes written an event; {} bytes kept a leg",
            logging.bytes >> 20,
            micros / events,
            bytes / events,
            used / u64::from(legs),
        );
        Ok(())
    })
}

async fn keep(
    journal: &Sqlite,
    numbers: std::ops::Range<u32>,
    kind: EventKind,
    waiting: &mut Waiting,
) -> Result<(), Box<dyn Error>> {
    let mut moments: Vec<_> = numbers.clone().map(|number| load::one(number, kind)).collect();
    // As they come: the sample's legs are a second apart.
    moments.iter_mut().for_each(|moment| moment.received_at = journal::WallTime(START_SECS * 1_000_000));
    let answers = journal.append(&moments).await?;
    for (number, answer) in numbers.zip(answers.into_iter().flatten()) {
        let Appended::Stored(seq, _) = answer else { panic!("not new: {answer:?}") };
        waiting.push_back((number, kind, delivery(seq, 1)));
    }
    Ok(())
}

/// The oldest came through.
async fn deliver(journal: &Sqlite, waiting: &mut Waiting, many: u32) -> Result<(), Box<dyn Error>> {
    let oldest = waiting.drain(..waiting.len().min(many as usize));
    let through = |(number, kind, id)| Settle {
        grant: Grant::ALONE,
        id,
        attempt: Some(load::tried(number, kind).into()),
        outcome: Outcome::Delivered,
    };
    let rows: Vec<_> = oldest.map(through).collect();
    journal.settle(&rows).await?;
    Ok(())
}

/// Bytes this process has given to the disk, where the system says.
fn written() -> Option<u64> {
    let io = std::fs::read_to_string("/proc/self/io").ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes: "))?.parse().ok()
}
