//! How many deliveries a second, and what one costs.

use crate::gateway::{self, A_CALL, Calls, Program, Run};
use crate::results::{Results, Series};
use crate::{Scale, bare, fill, freeswitch, panoramisk, receiver};
use fill::{Hooks, Store};
use receiver::Receiver;

/// Accounts that are called, all with the same receiver.
const ACCOUNTS: usize = 10;
/// Of the bare client.
const BARE_REQUESTS: usize = 320_000;
/// Three deliveries each.
const CALLS: usize = 60_000;
/// Before the clock runs: phones are seen for the first time, connections opened.
const WARM_UP_CALLS: usize = 2_000;

struct Round {
    bare: f64,
    full: Run,
    plain: Run,
    script: Option<f64>,
    freeswitch: freeswitch::SwitchRun,
    /// Bytes of the store for a leg, signed and with every attempt kept.
    kept: f64,
}

pub(crate) async fn run(program: &Program, scale: Scale, results: &mut Results) -> anyhow::Result<()> {
    let receiver = Receiver::start()?;
    let script = panoramisk::Script::prepare(program).await?;
    let mut rounds = Vec::new();
    for round in 0..scale.rounds {
        eprintln!("delivery: round {} of {}", round + 1, scale.rounds);
        let bare = bare::flat_out(&receiver, scale.of(BARE_REQUESTS)).await?;
        let (full, kept) = flat_out(program, &receiver, scale, true).await?;
        let (plain, _) = flat_out(program, &receiver, scale, false).await?;
        let script = match &script {
            Some(script) => Some(script.flat_out(&receiver, scale).await?),
            None => None,
        };
        let freeswitch = freeswitch::flat_out(program, &receiver, scale).await?;
        rounds.push(Round { bare, full, plain, script, freeswitch, kept });
    }
    results.heading("Deliveries a second, bytes of the PBX in, requests received out");
    results.show("bare hyper client, requests/s", &Series::of(&rounds, |round| round.bare));
    results.note(
        "deliveries_per_s",
        "ringbud, signed, every attempt kept, /s",
        &Series::of(&rounds, |round| round.full.rate),
    );
    results.note(
        "deliveries_per_s_plain",
        "ringbud, neither signed nor attempts kept, /s",
        &Series::of(&rounds, |round| round.plain.rate),
    );
    results.note(
        "ratio_to_bare_hyper",
        "  signed, attempts kept, to bare hyper",
        &Series::of(&rounds, |round| round.full.rate / round.bare),
    );
    results.note(
        "ratio_to_bare_hyper_plain",
        "  plain, to bare hyper",
        &Series::of(&rounds, |round| round.plain.rate / round.bare),
    );
    results.note(
        "cpu_us_per_delivery",
        "CPU per delivery till all is folded, µs",
        &Series::of(&rounds, |round| round.full.whole_cpu_us),
    );
    results.note(
        "cpu_us_per_delivery_in_the_flood",
        "  of that until all is delivered",
        &Series::of(&rounds, |round| round.full.cpu_us),
    );
    results.note(
        "cpu_us_per_delivery_plain",
        "  till all is folded, plain, µs",
        &Series::of(&rounds, |round| round.plain.whole_cpu_us),
    );
    results.note(
        "disk_written_per_delivery",
        "bytes written per delivery",
        &Series::of(&rounds, |round| round.full.written),
    );
    results.note("disk_kept_per_leg", "bytes kept per leg", &Series::of(&rounds, |round| round.kept));
    let scripts: Vec<(f64, f64)> =
        rounds.iter().filter_map(|round| Some((round.full.rate, round.script?))).collect();
    if scripts.is_empty() {
        println!("panoramisk + aiohttp: LEFT OUT, see above");
    } else {
        results.show("panoramisk + aiohttp, /s", &Series::of(&scripts, |(_, script)| *script));
        results.note(
            "ratio_to_panoramisk",
            "  ringbud (signed, attempts kept) to it",
            &Series::of(&scripts, |(full, script)| full / script),
        );
    }
    note_freeswitch(&rounds, results);
    Ok(())
}

fn note_freeswitch(rounds: &[Round], results: &mut Results) {
    let of =
        |figure: fn(&freeswitch::SwitchRun) -> f64| Series::of(rounds, |round| figure(&round.freeswitch));
    results.heading("The same with a FreeSWITCH's bytes, signed, every attempt kept");
    results.show("events a call", &of(|switch| switch.events_a_call));
    results.show("bytes a call", &of(|switch| switch.bytes_a_call));
    results.note("freeswitch_deliveries_per_s", "deliveries/s", &of(|switch| switch.run.rate));
    results.note(
        "freeswitch_events_per_s",
        "events of the PBX/s",
        &of(|switch| switch.run.rate / A_CALL as f64 * switch.events_a_call),
    );
    results.note(
        "freeswitch_ratio_to_asterisk",
        "  deliveries/s, to those of the Asterisk",
        &Series::of(rounds, |round| round.freeswitch.run.rate / round.full.rate),
    );
    results.note("freeswitch_cpu_us_per_delivery", "CPU per delivery, µs", &of(|switch| switch.run.cpu_us));
}

/// One run on a fresh store, and the bytes it keeps for a leg then: `full` is signed and keeps every attempt.
async fn flat_out(
    program: &Program,
    receiver: &Receiver,
    scale: Scale,
    full: bool,
) -> anyhow::Result<(Run, f64)> {
    let folder = program.folder()?;
    let store = Store::make(folder.path()).await?;
    store.accounts(1000, ACCOUNTS, |_| Hooks::all(receiver.url("/hook"), full)).await?;
    let empty = store.used_bytes().await?;
    drop(store);
    let run = measure(program, receiver, scale, folder.path(), full).await?;
    let used = Store::make(folder.path()).await?.used_bytes().await?;
    let legs = scale.of(WARM_UP_CALLS) + scale.of(CALLS);
    Ok((run, (used - empty) / legs as f64))
}

/// Runs the program on a store whose accounts from 1000 on are healthy, and calls them flat out.
pub(crate) async fn measure(
    program: &Program,
    receiver: &Receiver,
    scale: Scale,
    folder: &std::path::Path,
    keeps_attempts: bool,
) -> anyhow::Result<Run> {
    let pbx = gateway::pbx().await?;
    let gateway = program.serve(folder, &pbx, keeps_attempts).await?;
    let (warm_up, calls) = (scale.of(WARM_UP_CALLS), scale.of(CALLS));
    let mut supply = Calls::new(ACCOUNTS);
    receiver.reset().await?;
    gateway::say(&pbx, supply.next(warm_up)).await;
    receiver.wait_for(warm_up as u64 * A_CALL).await?;
    let bytes = supply.next(calls);
    receiver.reset().await?;
    let began = gateway.begins()?;
    gateway::say(&pbx, bytes).await;
    let report = receiver.wait_for(calls as u64 * A_CALL).await?;
    gateway.ran(began, &report).await
}
