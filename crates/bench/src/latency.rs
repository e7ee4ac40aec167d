//! How much later than a post made directly an event arrives.

use demo::load::feed;

use crate::Scale;
use crate::bare;
use crate::commit;
use crate::fill::{Hooks, Store};
use crate::gateway::A_CALL;
use crate::gateway::{self, Program};
use crate::receiver::Receiver;
use crate::results::{Results, Series};

/// Events a second, all kinds.
pub(crate) const EVENTS_A_SECOND: f64 = 500.0;
const ACCOUNTS: usize = 10;
const CALLS: usize = 3_000;
const WARM_UP_CALLS: usize = 300;

struct Round {
    direct: (f64, f64),
    commit: (f64, f64),
    ours: (f64, f64),
}

pub(crate) async fn run(program: &Program, scale: Scale, results: &mut Results) -> anyhow::Result<()> {
    let receiver = Receiver::start()?;
    let mut rounds = Vec::new();
    for round in 0..scale.rounds {
        eprintln!("latency: round {} of {}", round + 1, scale.rounds);
        let direct = bare::paced(&receiver, scale.of(CALLS), EVENTS_A_SECOND).await?;
        let direct = direct.latency_ms("direct")?;
        let folder = program.folder()?;
        let calls_a_second = EVENTS_A_SECOND / A_CALL as f64;
        let commit = commit::paced(folder.path().join("commits"), scale.of(CALLS), calls_a_second).await?;
        rounds.push(Round { direct, commit, ours: through(program, &receiver, scale).await? });
    }
    results.heading(&format!("Latency at {EVENTS_A_SECOND} events/s, PBX to receiver, ms"));
    results.show("posted directly, p50", &Series::of(&rounds, |round| round.direct.0));
    results.show("posted directly, p99", &Series::of(&rounds, |round| round.direct.1));
    results.show("a commit alone, p50", &Series::of(&rounds, |round| round.commit.0));
    results.show("a commit alone, p99", &Series::of(&rounds, |round| round.commit.1));
    results.show("through ringbud, p50", &Series::of(&rounds, |round| round.ours.0));
    results.show("through ringbud, p99", &Series::of(&rounds, |round| round.ours.1));
    let added = |at: fn(&(f64, f64)) -> f64| Series::of(&rounds, move |r| at(&r.ours) - at(&r.direct));
    results.note("added_latency_p50_ms", "  added, p50", &added(|both| both.0));
    results.note("added_latency_p99_ms", "  added, p99", &added(|both| both.1));
    let over = |at: fn(&(f64, f64)) -> f64| {
        Series::of(&rounds, move |r| at(&r.ours) - at(&r.direct) - at(&r.commit))
    };
    results.note("latency_over_commit_p50_ms", "  added over the commit alone, p50", &over(|all| all.0));
    results.note("latency_over_commit_p99_ms", "  added over the commit alone, p99", &over(|all| all.1));
    Ok(())
}

/// The beginnings of calls are timed; their other events go out beside them.
async fn through(program: &Program, receiver: &Receiver, scale: Scale) -> anyhow::Result<(f64, f64)> {
    let folder = program.folder()?;
    let store = Store::make(folder.path()).await?;
    let hooks = Hooks {
        incoming: Some(receiver.url("/timed/ours")),
        others: Some(receiver.url("/hook")),
        signed: true,
    };
    store.accounts(1000, ACCOUNTS, |_| hooks.clone()).await?;
    drop(store);
    let pbx = gateway::pbx().await?;
    let gateway = program.serve(folder.path(), &pbx, true).await?;
    let mut load = gateway::stamped(ACCOUNTS);
    for calls in [WARM_UP_CALLS, CALLS].map(|calls| scale.of(calls)) {
        receiver.reset().await?;
        feed(&pbx, &mut load, calls as u64, Some(EVENTS_A_SECOND / A_CALL as f64)).await;
        receiver.wait_for(calls as u64 * A_CALL).await?;
    }
    let report = receiver.report().await?;
    gateway.kill().await?;
    report.latency_ms("ours")
}
