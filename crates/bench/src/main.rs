//! `bench`: what the whole program costs, measured from outside: bytes of a PBX in, requests received out.
//!
//! Each measurement runs the real `ringbud serve` as a process of its own, with a PBX and a receiver beside
//! it, and in the same run, in turns, whatever it is compared to. Machines differ and are shared: only what
//! was measured in one run is compared, by medians over the rounds, with their ranges.

#![allow(clippy::disallowed_methods, reason = "it measures from outside, with tasks of its own")]

mod backlog;
mod bare;
mod clock;
mod commit;
mod delivery;
mod fill;
mod fleet;
mod freeswitch;
mod gateway;
mod isolation;
mod latency;
mod memory;
mod panoramisk;
mod receiver;
mod results;
mod sustained;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};

use crate::gateway::Program;
use crate::results::Results;
use crate::sustained::Pace;

/// Measures the whole program on this machine.
#[derive(Parser)]
struct Cli {
    /// The program; by default the one beside this one.
    #[arg(long, global = true)]
    ringbud: Option<PathBuf>,
    /// Where journals are kept meanwhile; what is measured depends on the disk.
    #[arg(long, global = true, default_value = "target/bench")]
    folder: PathBuf,
    /// How often each is measured.
    #[arg(long, global = true, default_value_t = 5)]
    rounds: usize,
    /// For trying the benchmark itself: a tenth of everything. The figures mean little.
    #[arg(long, global = true)]
    quick: bool,
    /// How long `sustained` runs.
    #[arg(long, global = true, default_value_t = 60.0)]
    minutes: f64,
    /// At what part of the peak.
    #[arg(long, global = true, default_value_t = 0.8)]
    of_peak: f64,
    /// Or so many deliveries a second, whatever the peak is: for two programs in turns.
    #[arg(long, global = true)]
    a_second: Option<f64>,
    /// Deliveries that come at once before that: whether it catches up.
    #[arg(long, global = true, default_value_t = 0)]
    behind: u64,
    #[command(subcommand)]
    what: What,
}

#[derive(Clone, Copy, Subcommand)]
enum What {
    /// Deliveries a second, to a bare HTTP client and to a script of panoramisk and aiohttp.
    Delivery,
    /// From a PBX's message to the receiver, to a post made directly.
    Latency,
    /// Healthy receivers while a tenth of the receivers hang.
    Isolation,
    /// Throughput with a million deliveries pending for dead receivers.
    Backlog,
    /// From the start with a million pending deliveries to the first post.
    Restart,
    /// Memory for each pending delivery and for each idle account.
    Memory,
    /// Four fifths of the peak (`--of-peak`) for an hour (`--minutes`): growth, and the last tenth beside the first.
    Sustained,
    /// Several gateways on one PostgreSQL, beside one with a store of its own; and the model of more of them.
    Fleet,
    /// All of them but `sustained` and `fleet`.
    All,
    /// The receiver, as a process of its own.
    #[command(hide = true)]
    Receive,
}

/// How much is measured.
#[derive(Clone, Copy)]
struct Scale {
    rounds: usize,
    divisor: usize,
}

impl Scale {
    /// So many; a tenth of it if it has to be quick.
    fn of(self, many: usize) -> usize {
        many / self.divisor
    }
}

fn main() -> ExitCode {
    match run() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run() -> anyhow::Result<()> {
    let cli = Cli::parse();
    if matches!(cli.what, What::Receive) {
        return runtime(1)?.block_on(receiver::serve());
    }
    std::fs::create_dir_all(&cli.folder)?;
    let folder = cli.folder.canonicalize()?;
    let program = Program::find(cli.ringbud, &folder)?;
    let mut results = Results::open(&folder)?;
    let scale = Scale { rounds: cli.rounds.max(1), divisor: if cli.quick { 10 } else { 1 } };
    let whats = match cli.what {
        What::All => {
            vec![What::Delivery, What::Latency, What::Isolation, What::Backlog, What::Restart, What::Memory]
        }
        what => vec![what],
    };
    let runtime = runtime(2)?;
    for what in whats {
        runtime.block_on(async {
            match what {
                What::Delivery => delivery::run(&program, scale, &mut results).await,
                What::Latency => latency::run(&program, scale, &mut results).await,
                What::Isolation => isolation::run(&program, scale, &mut results).await,
                What::Backlog => backlog::run(&program, scale, &mut results).await,
                What::Restart => backlog::restart(&program, scale, &mut results).await,
                What::Sustained => {
                    let pace = cli.a_second.map_or(Pace::OfPeak(cli.of_peak), Pace::ASecond);
                    let run = sustained::Paced { pace, behind: cli.behind, minutes: cli.minutes };
                    sustained::run(&program, scale, run, &mut results).await
                }
                What::Fleet => fleet::run(&program, scale, &mut results).await,
                What::Memory => memory::run(&program, scale, &mut results).await,
                What::All | What::Receive => Ok(()),
            }
        })?;
        results.write()?;
    }
    println!("\nwritten to {}", results.path().display());
    Ok(())
}

fn runtime(threads: usize) -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build()
}
