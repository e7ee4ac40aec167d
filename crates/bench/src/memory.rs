//! What waits and what idles, in memory.

use std::time::Duration;

use crate::fill::{Hooks, Store};
use crate::gateway::{self, Program};
use crate::receiver::Receiver;
use crate::results::{Results, Series};
use crate::{Scale, backlog};

/// Accounts that do nothing, each with an integration.
const IDLE: usize = 100_000;
/// Until what a start leaves behind is given back, and connections to dead receivers are tried.
const SETTLE: Duration = Duration::from_secs(10);

struct Round {
    base: f64,
    idle: f64,
    none: f64,
    pending: f64,
    connected: f64,
    open_files: f64,
}

pub(crate) async fn run(program: &Program, scale: Scale, results: &mut Results) -> anyhow::Result<()> {
    let receiver = Receiver::start()?;
    let dead = 9;
    let many = scale.of(backlog::PENDING);
    let empty = program.folder()?;
    drop(Store::make(empty.path()).await?);
    let idle = idle(program, &receiver, scale.of(IDLE)).await?;
    let none = backlog::store(program, &receiver, 0, dead).await?;
    let pending = backlog::store(program, &receiver, many, dead).await?;
    let reached = backlog::store(program, &receiver, backlog::DESTINATIONS, receiver.port).await?;
    let mut rounds = Vec::new();
    for round in 0..scale.rounds.min(3) {
        eprintln!("memory: round {} of {}", round + 1, scale.rounds.min(3));
        let bytes = async |of: &tempfile::TempDir| resident(program, of).await;
        let (connected, open_files) = bytes(&reached).await?;
        rounds.push(Round {
            base: bytes(&empty).await?.0,
            idle: bytes(&idle).await?.0,
            none: bytes(&none).await?.0,
            pending: bytes(&pending).await?.0,
            connected,
            open_files,
        });
    }
    results.heading("Memory (resident)");
    let mib = |of: fn(&Round) -> f64| Series::of(&rounds, move |round| of(round) / 1_048_576.0);
    results.show("an empty store, MiB", &mib(|round| round.base));
    results.show(&format!("{} idle accounts, MiB", scale.of(IDLE)), &mib(|round| round.idle));
    results.show(&format!("{} accounts, MiB", backlog::DESTINATIONS), &mib(|round| round.none));
    results.show(&format!("  and {many} deliveries pending, MiB"), &mib(|round| round.pending));
    results.show(
        &format!("  or {} destinations just reached, MiB", backlog::DESTINATIONS),
        &mib(|round| round.connected),
    );
    results.show("    open files then", &Series::of(&rounds, |round| round.open_files));
    let idle_count = scale.of(IDLE) as f64;
    results.note(
        "bytes_per_idle_account",
        "bytes for each idle account",
        &Series::of(&rounds, |round| (round.idle - round.base) / idle_count),
    );
    results.note(
        "bytes_per_pending",
        "bytes for each pending delivery",
        &Series::of(&rounds, |round| (round.pending - round.none) / many as f64),
    );
    Ok(())
}

async fn idle(program: &Program, receiver: &Receiver, many: usize) -> anyhow::Result<tempfile::TempDir> {
    eprintln!("making a store with {many} accounts");
    let folder = program.folder()?;
    let store = Store::make(folder.path()).await?;
    let url = |nth: usize| format!("https://crm{nth}.example.com:{}/ringbud/hook", receiver.port);
    store.accounts(1_000_000, many, |nth| Hooks::all(url(nth), true)).await?;
    Ok(folder)
}

/// Resident bytes and open files of the program on a copy of a store, some time after its start.
async fn resident(program: &Program, of: &tempfile::TempDir) -> anyhow::Result<(f64, f64)> {
    let copy = backlog::copied(program, of.path())?;
    let pbx = gateway::pbx().await?;
    let gateway = program.serve(copy.path(), &pbx, true).await?;
    tokio::time::sleep(SETTLE).await;
    let figures = (gateway.resident_bytes()?, gateway.open_files()? as f64);
    gateway.kill().await?;
    Ok(figures)
}
