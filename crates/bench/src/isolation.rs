//! Whether receivers that hang are felt by those that do not.

use demo::load::feed;

use crate::Scale;
use crate::fill::{Hooks, Store};
use crate::gateway::{self, Program};
use crate::latency::EVENTS_A_SECOND;
use crate::receiver::Receiver;
use crate::results::{Results, Series};

/// Each with a receiver at an address of its own.
const ACCOUNTS: usize = 100;
/// So many of them hang until the timeout.
const HANGING: usize = 10;
const CALLS: usize = 5_000;
const WARM_UP_CALLS: usize = 1_500;

struct Round {
    none: (f64, f64),
    hanging: (f64, f64),
}

pub(crate) async fn run(program: &Program, scale: Scale, results: &mut Results) -> anyhow::Result<()> {
    let receiver = Receiver::start()?;
    let mut rounds = Vec::new();
    for round in 0..scale.rounds {
        eprintln!("isolation: round {} of {}", round + 1, scale.rounds);
        let none = healthy(program, &receiver, scale, false).await?;
        let hanging = healthy(program, &receiver, scale, true).await?;
        rounds.push(Round { none, hanging });
    }
    results.heading(&format!("{HANGING} of {ACCOUNTS} receivers hang; latency of the healthy ones, ms"));
    results.show("none hangs, p50", &Series::of(&rounds, |round| round.none.0));
    results.show("none hangs, p99", &Series::of(&rounds, |round| round.none.1));
    results.show("a tenth hangs, p50", &Series::of(&rounds, |round| round.hanging.0));
    results.show("a tenth hangs, p99", &Series::of(&rounds, |round| round.hanging.1));
    results.note(
        "isolation_p99_ratio",
        "  p99, a tenth hanging to none",
        &Series::of(&rounds, |round| round.hanging.1 / round.none.1),
    );
    Ok(())
}

/// Latency of the accounts that never hang.
async fn healthy(
    program: &Program,
    receiver: &Receiver,
    scale: Scale,
    hangs: bool,
) -> anyhow::Result<(f64, f64)> {
    let folder = program.folder()?;
    let store = Store::make(folder.path()).await?;
    let hooks = |nth: usize| {
        let url = |path: &str| Some(format!("http://127.1.0.{}:{}{path}", nth + 1, receiver.port));
        let (incoming, others) = match (nth < HANGING, hangs) {
            (true, true) => ("/hang", "/hang"),
            (true, false) => ("/timed/others", "/hook"),
            (false, _) => ("/timed/healthy", "/hook"),
        };
        Hooks { incoming: url(incoming), others: url(others), signed: true }
    };
    store.accounts(1000, ACCOUNTS, hooks).await?;
    drop(store);
    let pbx = gateway::pbx().await?;
    let gateway = program.serve(folder.path(), &pbx, true).await?;
    let mut load = gateway::stamped(ACCOUNTS);
    let a_second = Some(EVENTS_A_SECOND / crate::gateway::A_CALL as f64);
    feed(&pbx, &mut load, scale.of(WARM_UP_CALLS) as u64, a_second).await;
    receiver.reset().await?;
    feed(&pbx, &mut load, scale.of(CALLS) as u64, a_second).await;
    let report = receiver.report().await?;
    gateway.kill().await?;
    report.latency_ms("healthy")
}
