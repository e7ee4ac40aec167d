//! The same work every time: so many legs of three events in groups, each delivered with its attempt, and all of it
//! folded. Tells the processor time of an event with so many legs there before, which are kept first. For whoever
//! counts instructions: `valgrind --tool=callgrind target/release/examples/counted [LEGS [GROUP [BEFORE]]]`.

#![allow(clippy::disallowed_methods, reason = "an example's tasks and clocks are its own")]

mod load;

use std::error::Error;
use std::path::Path;

use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Access, Options, RollingUp, Sqlite};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// The legs that are counted begin with this number.
const COUNTED: u32 = 1_000_000_000;
/// The legs that are there before are kept in larger groups.
const GROUP_BEFORE: u32 = 1_000;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<u32> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let argument = |at: usize, otherwise| arguments.get(at).copied().unwrap_or(otherwise);
    let (legs, group, before) = (argument(0, 15_000), argument(1, 150), argument(2, 0));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let folder = tempfile::tempdir_in(Path::new("."))?;
        // Nothing that depends on time.
        let options = Options { rolling_up: RollingUp::never(), ..Options::default() };
        let journal = Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([0; 32]), options)?;
        for first in (0..before).step_by(GROUP_BEFORE as usize) {
            load::round(&journal, first, GROUP_BEFORE, true).await;
        }
        journal.newest_event_at().await?;
        let used = load::cpu_micros();
        for first in (0..legs).step_by(group as usize) {
            load::round(&journal, COUNTED + first, group, true).await;
        }
        // What is in the log still.
        journal.newest_event_at().await?;
        let micros = load::cpu_micros().zip(used).map(|(after, before)| after - before);
        let size = journal.size().await?;
        println!(
            "{legs} legs with {before} there before: {:.2} µs of processor an event, making it counted; {} bytes kept a leg",
            micros.map_or(f64::NAN, |micros| micros as f64 / f64::from(legs * 3)),
            size.used * 3 / size.events.max(1)
        );
        Ok(())
    })
}
