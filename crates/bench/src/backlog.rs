//! A million deliveries that wait: whether they slow the others down, and how long a start with them takes.

use std::path::Path;

use tempfile::TempDir;

use crate::fill::{Hooks, Store};
use crate::gateway::{self, Program};
use crate::receiver::Receiver;
use crate::results::{Results, Series};
use crate::{Scale, clock, delivery};

/// Deliveries that wait.
pub(crate) const PENDING: usize = 1_000_000;
/// The accounts they belong to, each with a destination of its own.
pub(crate) const DESTINATIONS: usize = 10_000;
/// Where the accounts with a backlog begin.
const FIRST: usize = 1_000_000;
/// The accounts that are called.
const HEALTHY: usize = 10;
/// Nothing listens here.
const DEAD_PORT: u16 = 9;

/// Throughput for healthy receivers.
pub(crate) async fn run(program: &Program, scale: Scale, results: &mut Results) -> anyhow::Result<()> {
    let receiver = Receiver::start()?;
    let mut rounds = Vec::new();
    let [without, with] = [0, scale.of(PENDING)].map(|pending| store(program, &receiver, pending, DEAD_PORT));
    let (without, with) = (without.await?, with.await?);
    for round in 0..scale.rounds {
        eprintln!("backlog: round {} of {}", round + 1, scale.rounds);
        let run = async |of: &TempDir| {
            let copy = copied(program, of.path())?;
            delivery::measure(program, &receiver, scale, copy.path(), true).await
        };
        let none = run(&without).await?;
        rounds.push((none.rate, run(&with).await?.rate));
    }
    results.heading(&format!("{} deliveries pending for {DESTINATIONS} dead receivers", scale.of(PENDING)));
    results.show("none pending, deliveries/s", &Series::of(&rounds, |(none, _)| *none));
    results.show("with the backlog, deliveries/s", &Series::of(&rounds, |(_, with)| *with));
    results.note(
        "backlog_throughput_ratio",
        "  with the backlog to none pending",
        &Series::of(&rounds, |(none, with)| with / none),
    );
    Ok(())
}

/// From the start of the process to the first post.
pub(crate) async fn restart(program: &Program, scale: Scale, results: &mut Results) -> anyhow::Result<()> {
    let receiver = Receiver::start()?;
    let store = store(program, &receiver, scale.of(PENDING), receiver.port).await?;
    let pbx = gateway::pbx().await?;
    let mut rounds = Vec::new();
    for round in 0..scale.rounds {
        eprintln!("restart: round {} of {}", round + 1, scale.rounds);
        let copy = copied(program, store.path())?;
        receiver.reset().await?;
        let began_us = clock::now_us();
        let gateway = program.start(copy.path(), &pbx, true)?;
        let report = receiver.wait_for(1).await?;
        let first_us = report.first_us().unwrap_or_default();
        rounds.push(first_us.saturating_sub(began_us) as f64 / 1e6);
        gateway.kill().await?;
    }
    results.heading(&format!("A start with {} deliveries pending", scale.of(PENDING)));
    results.note("restart_first_post_s", "to the first post, s", &Series::of(&rounds, |secs| *secs));
    Ok(())
}

/// A store with healthy accounts, and accounts whose deliveries wait for receivers on a port.
pub(crate) async fn store(
    program: &Program,
    receiver: &Receiver,
    pending: usize,
    port: u16,
) -> anyhow::Result<TempDir> {
    eprintln!("making a store with {pending} deliveries pending");
    let folder = program.folder()?;
    let store = Store::make(folder.path()).await?;
    store.accounts(1000, HEALTHY, |_| Hooks::all(receiver.url("/hook"), true)).await?;
    let url = |nth: usize| format!("http://127.100.{}.{}:{port}/hook", nth / 250, nth % 250 + 1);
    let accounts = store.accounts(FIRST, DESTINATIONS, |nth| Hooks::all(url(nth), true)).await?;
    store.pending(&accounts, pending).await?;
    if port == DEAD_PORT {
        let failing = accounts.iter().enumerate().map(|(nth, (_, integration))| (*integration, url(nth)));
        store.failing(failing).await?;
    }
    store.rolled_up().await?;
    Ok(folder)
}

/// A copy to run on: a run changes its store.
pub(crate) fn copied(program: &Program, of: &Path) -> anyhow::Result<TempDir> {
    let copy = program.folder()?;
    let data = copy.path().join("data");
    std::fs::create_dir(&data)?;
    for file in std::fs::read_dir(of.join("data"))? {
        let file = file?;
        std::fs::copy(file.path(), data.join(file.file_name()))?;
    }
    Ok(copy)
}
