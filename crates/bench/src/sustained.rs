//! A part of the peak for an hour: whether log, memory and lag grow, and whether the end is as the beginning.

use std::path::Path;
use std::time::Duration;

use demo::load::feed;

use crate::fill::{Hooks, Store};
use crate::gateway::{self, A_CALL, Gateway, Program};
use crate::receiver::{Receiver, Report};
use crate::results::{Results, Series};
use crate::{Scale, delivery};

const ACCOUNTS: usize = 10;
/// The run is told in so many parts; the first begins after one of the same length that is not told.
const PARTS: u32 = 10;

/// How fast calls come.
#[derive(Clone, Copy)]
pub(crate) enum Pace {
    /// A part of what a flood is worked off with.
    OfPeak(f64),
    /// Deliveries a second.
    ASecond(f64),
}

/// What is run.
pub(crate) struct Paced {
    pub(crate) pace: Pace,
    /// Deliveries that come at once before it.
    pub(crate) behind: u64,
    pub(crate) minutes: f64,
}

/// How it stood at the end of a part.
struct Stood {
    rate: f64,
    p50_ms: f64,
    p99_ms: f64,
    /// What the PBX caused and no receiver has.
    lag: f64,
    resident: f64,
    log: f64,
    /// Bytes of the file for each leg that was kept.
    kept_a_leg: f64,
    /// Millions of legs that were kept by then.
    legs: f64,
    /// What a delivery of the part took of the gateway's processor time, microseconds.
    cpu_us: f64,
}

/// What was counted until a part began.
struct Before {
    received: u64,
    cpu_us: f64,
}

pub(crate) async fn run(
    program: &Program,
    scale: Scale,
    Paced { pace, behind, minutes }: Paced,
    results: &mut Results,
) -> anyhow::Result<()> {
    let receiver = Receiver::start()?;
    let (a_second, words) = match pace {
        Pace::OfPeak(part) => {
            let peak = peak(program, &receiver, scale, ["before", "before it"], results).await?;
            (peak * part, format!("{part} of the peak"))
        }
        Pace::ASecond(many) => (many, format!("{many} deliveries/s")),
    };
    let calls_a_second = a_second / A_CALL as f64;
    let part = Duration::from_secs_f64(minutes * 60.0 / f64::from(PARTS + 1));
    eprintln!("{a_second:.0}/s for {minutes} minutes");
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
    receiver.reset().await?;
    let calls = (calls_a_second * part.as_secs_f64()).max(1.0);
    println!(
        "  part      /s   p50 ms   p99 ms      lag  MiB resident  MiB of log  bytes a leg  million legs  us a delivery"
    );
    feed(&pbx, &mut load, behind / A_CALL, None).await;
    let (mut stood, mut before) = (Vec::new(), Before { received: 0, cpu_us: gateway.cpu_us()? });
    for at in 0..=PARTS {
        feed(&pbx, &mut load, calls as u64, Some(calls_a_second)).await;
        let report = receiver.turn().await?;
        let now = look(&gateway, folder.path(), &report, &mut before, load.calls(), part)?;
        println!(
            "  {at:>4} {:>7.0} {:>8.2} {:>8.2} {:>8.0} {:>13.1} {:>11.1} {:>12.0} {:>13.1} {:>14.1}",
            now.rate,
            now.p50_ms,
            now.p99_ms,
            now.lag,
            now.resident,
            now.log,
            now.kept_a_leg,
            now.legs,
            now.cpu_us
        );
        stood.push(now);
    }
    gateway.kill().await?;
    tell(&stood[1..], &words, minutes, results);
    if matches!(pace, Pace::OfPeak(_)) {
        peak(program, &receiver, scale, ["after", "behind it"], results).await?;
    }
    Ok(())
}

/// Deliveries a second in a flood, on this machine and now: the median of some.
async fn peak(
    program: &Program,
    receiver: &Receiver,
    scale: Scale,
    [key, words]: [&str; 2],
    results: &mut Results,
) -> anyhow::Result<f64> {
    eprintln!("sustained: the peak {words}");
    let mut floods = Vec::new();
    for _ in 0..scale.rounds {
        let folder = program.folder()?;
        let store = Store::make(folder.path()).await?;
        store.accounts(1000, ACCOUNTS, |_| Hooks::all(receiver.url("/hook"), true)).await?;
        drop(store);
        floods.push(delivery::measure(program, receiver, scale, folder.path(), true).await?.rate);
    }
    let rates = Series::of(&floods, |rate| *rate);
    results.note(&format!("sustained_peak_{key}"), &format!("the peak {words}, deliveries/s"), &rates);
    Ok(rates.median())
}

fn look(
    gateway: &Gateway,
    folder: &Path,
    report: &Report,
    before: &mut Before,
    calls: u64,
    part: Duration,
) -> anyhow::Result<Stood> {
    const MIB: f64 = 1_048_576.0;
    let bytes =
        |name: &str| std::fs::metadata(folder.join("data").join(name)).map_or(0, |file| file.len()) as f64;
    // None that is timed came where all were too late to be sent.
    let (p50_ms, p99_ms) = report.latency_ms("ours").unwrap_or((f64::NAN, f64::NAN));
    let now = Before { received: report.received(), cpu_us: gateway.cpu_us()? };
    let received = (now.received - before.received) as f64;
    let cpu_us = (now.cpu_us - before.cpu_us) / received;
    *before = now;
    Ok(Stood {
        rate: received / part.as_secs_f64(),
        p50_ms,
        p99_ms,
        lag: (calls * A_CALL) as f64 - report.received() as f64,
        resident: gateway.resident_bytes()? / MIB,
        log: bytes("journal.sqlite-wal") / MIB,
        kept_a_leg: bytes("journal.sqlite") / calls as f64,
        legs: calls as f64 / 1e6,
        cpu_us,
    })
}

fn tell(stood: &[Stood], pace: &str, minutes: f64, results: &mut Results) {
    let (Some(first), Some(last)) = (stood.first(), stood.last()) else { return };
    results.heading(&format!("{pace} for {minutes} minutes: first and last tenth"));
    let mut pair = |key: &str, words: &str, of: fn(&Stood) -> f64| {
        results.note(
            &format!("sustained_first_{key}"),
            &format!("{words}, first"),
            &Series::of(&[first], |stood| of(stood)),
        );
        results.note(&format!("sustained_last_{key}"), "  last", &Series::of(&[last], |stood| of(stood)));
    };
    pair("per_s", "deliveries/s", |stood| stood.rate);
    pair("p50_ms", "from the PBX to the receiver, p50, ms", |stood| stood.p50_ms);
    pair("p99_ms", "p99, ms", |stood| stood.p99_ms);
    pair("lag", "not received yet", |stood| stood.lag);
    pair("resident_mib", "resident, MiB", |stood| stood.resident);
    pair("log_mib", "SQLite's log, MiB", |stood| stood.log);
    pair("kept_a_leg", "bytes of the file a leg", |stood| stood.kept_a_leg);
    pair("million_legs", "million legs kept", |stood| stood.legs);
    pair("cpu_us", "processor time a delivery, us", |stood| stood.cpu_us);
}
