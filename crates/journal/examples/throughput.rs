//! How fast the journal takes events and settles their deliveries on this machine, beside what SQLite alone
//! can do, and how long a page of a list takes after it; with so many legs there before: `cargo run --release -p journal --example throughput [SECONDS [TASKS BATCH [LEGS]]]`.

#![allow(clippy::disallowed_methods, reason = "an example's tasks and clocks are its own")]

mod load;

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use calls::{AccountId, EventKind, PbxTime};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{Access, Cursor, Filter, Journal, LegOutcome, Logging, Options, RollingUp, Sqlite};

use load::{cpu_micros, one, round, tried};

/// As the program has it.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// So many wait until more have gathered.
const LEFT_TO_ROLL_UP: u64 = 4_608;
/// What the rollup has put off is waited for so long.
const ROLLED_UP_WITHIN: Duration = Duration::from_secs(300);

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<u32> = std::env::args().skip(1).map(|text| text.parse()).collect::<Result<_, _>>()?;
    let length = Duration::from_secs(arguments.first().copied().unwrap_or(5).into());
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    for batch in [100, 1_000] {
        let rate = raw(length, batch)?;
        println!("SQLite alone, rows of 400 B put in and deleted, {batch} a commit: {rate:.0}/s");
    }
    println!("making the events and their attempts takes {:.1} µs each", making());
    let before = arguments.get(3).copied().unwrap_or(0);
    let shapes = match arguments[..] {
        [_, tasks, batch, ..] => vec![(tasks, batch)],
        _ => vec![(64, 1), (4, 64), (2, 512)],
    };
    for (tasks, batch) in shapes {
        for history in [false, true] {
            let with = if history { "with" } else { "without" };
            // What lists and reports are found by, and the same without it.
            let rate =
                runtime.block_on(whole(length, before, (tasks, batch), history, Options::default()))?;
            let never = RollingUp::never();
            let bare = Options { rolling_up: never, logging: Logging::never(), ..Options::default() };
            let bare = runtime.block_on(whole(length, 0, (tasks, batch), history, bare))?;
            let part = rate / bare;
            println!(
                "events kept and delivered {with} attempts, {tasks} tasks of {batch}: {rate:.0}/s, not rolled up \
                 {bare:.0}/s ({part:.2})"
            );
        }
    }
    Ok(())
}

/// Bytes this process has had written to disk, where the system says.
fn written() -> Option<u64> {
    let io = std::fs::read_to_string("/proc/self/io").ok()?;
    io.lines().find_map(|line| line.strip_prefix("write_bytes: ")?.parse().ok())
}

#[expect(clippy::disallowed_methods, reason = "it measures time")]
fn now() -> Instant {
    Instant::now()
}

/// What the events of this very program cost, which is in every figure.
fn making() -> f64 {
    let (start, count) = (now(), 50_000);
    for number in 0..count {
        let moment = one(number, EventKind::Ended);
        std::hint::black_box((moment, tried(number, EventKind::Ended)));
    }
    start.elapsed().as_secs_f64() * 1e6 / f64::from(count)
}

/// The limit: what the file system and SQLite take with one connection and nothing around it.
fn raw(length: Duration, batch: u32) -> Result<f64, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(place())?;
    let conn = rusqlite::Connection::open(folder.path().join("raw"))?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.execute_batch("CREATE TABLE rows (id INTEGER PRIMARY KEY, body BLOB)")?;
    let body = vec![7_u8; 400];
    let (start, mut count) = (now(), 0_u32);
    while start.elapsed() < length {
        conn.execute_batch("BEGIN")?;
        for id in count..count + batch {
            conn.prepare_cached("INSERT INTO rows VALUES (?1, ?2)")?.execute((id, &body))?;
        }
        for id in count.saturating_sub(batch)..count {
            conn.prepare_cached("DELETE FROM rows WHERE id = ?1")?.execute([id])?;
        }
        conn.execute_batch("COMMIT")?;
        count += batch;
    }
    Ok(f64::from(count) / start.elapsed().as_secs_f64())
}

/// Microseconds until a page of each list is there, the median of some.
async fn asking(journal: &dyn Journal) -> Result<String, Box<dyn Error>> {
    let account = |filter: Filter| Filter { account: Some(AccountId::new("8")), limit: 50, ..filter };
    let older = Some((journal.size().await?.events / 3).to_string().parse::<Cursor>()?);
    let questions = [
        ("newest", account(Filter::default())),
        ("older", account(Filter { before: older, ..Filter::default() })),
        ("missed", account(Filter { outcome: Some(LegOutcome::Missed), ..Filter::default() })),
        ("no such number", account(Filter { number: Some("9999".to_owned()), ..Filter::default() })),
        ("an employee's", account(Filter { employee: Some("508".to_owned()), ..Filter::default() })),
        ("of all", Filter { limit: 50, before: older, ..Filter::default() }),
    ];
    let mut told = String::new();
    for (name, filter) in questions {
        let mut took = [[0; 31]; 3];
        for at in 0..took[0].len() {
            let start = now();
            journal.legs(filter.clone()).await?;
            took[0][at] = start.elapsed().as_micros();
            journal.events(filter.clone()).await?;
            took[1][at] = start.elapsed().as_micros() - took[0][at];
            journal.deliveries(filter.clone()).await?;
            took[2][at] = start.elapsed().as_micros() - took[1][at] - took[0][at];
        }
        took.iter_mut().for_each(|took| took.sort_unstable());
        let [legs, events, deliveries] = took.map(|took| took[took.len() / 2]);
        told += &format!("{name} {legs}/{events}/{deliveries}, ");
    }
    let account = AccountId::new("8");
    let start = now();
    journal.kept_within(account.clone(), u64::MAX).await?;
    told += &format!("weighed {}, ", start.elapsed().as_micros());
    let start = now();
    journal.sums(account, PbxTime::from_secs(0)..PbxTime::from_secs(4_000_000_000)).await?;
    told += &format!("sums {}", start.elapsed().as_micros());
    Ok(told)
}

/// Tasks that each keep a batch, then settle its deliveries, again and again.
async fn whole(
    length: Duration,
    before: u32,
    (tasks, batch): (u32, u32),
    history: bool,
    options: Options,
) -> Result<f64, Box<dyn Error>> {
    let folder = tempfile::tempdir_in(place())?;
    let counted = options.rolling_up.at < i64::MAX;
    let journal = Arc::new(Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([0; 32]), options)?);
    for first in (0..before).step_by(500) {
        round(journal.as_ref(), 1_000_000_000 + first, 500, history).await;
    }
    settled_down(&journal, counted).await?;
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let (start, cpu_before, written_before) = (now(), cpu_micros(), written());
    let workers: Vec<_> = (0..tasks)
        .map(|task| {
            let (journal, stop, done) = (journal.clone(), stop.clone(), done.clone());
            tokio::spawn(async move {
                let mut number = task * 10_000_000;
                while !stop.load(Ordering::Relaxed) {
                    let kept = round(journal.as_ref(), number, batch, history).await;
                    number += batch;
                    done.fetch_add(kept, Ordering::Relaxed);
                }
            })
        })
        .collect();
    tokio::time::sleep(length).await;
    stop.store(true, Ordering::Relaxed);
    for worker in workers {
        worker.await?;
    }
    let took = start.elapsed().as_secs_f64();
    let events = done.load(Ordering::Relaxed) as f64;
    // What was put off in the flood is counted with it.
    let rolled_up_by = start.elapsed() + ROLLED_UP_WITHIN;
    while counted && journal.size().await?.not_rolled_up >= LEFT_TO_ROLL_UP && start.elapsed() < rolled_up_by
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // And what is in the log still.
    journal.newest_event_at().await?;
    let cpu = cpu_micros().zip(cpu_before).map(|(after, before)| (after - before) as f64 / events);
    let size = journal.size().await?;
    assert_eq!(size.pending, 0, "everything was settled");
    let wrote = written().zip(written_before).map_or(0, |(after, before)| after - before) as f64 / events;
    let kept = size.used * 3 / size.events.max(1);
    let commits = journal.commits();
    let (jobs, micros) = (commits.jobs / commits.done.max(1), commits.micros / commits.done.max(1));
    let rate = events / took;
    println!("    {jobs} jobs and {micros} µs a commit");
    if counted {
        println!("    µs a question: {}", asking(journal.as_ref()).await?);
    }
    println!(
        "    {:.1} µs of processor and {wrote:.0} bytes written an event, {kept} bytes kept a leg of three ({} legs)",
        cpu.unwrap_or(f64::NAN),
        size.events / 3
    );
    Ok(rate)
}

/// Until what was put off is done.
async fn settled_down(journal: &Sqlite, counted: bool) -> Result<(), Box<dyn Error>> {
    let start = now();
    while counted
        && journal.size().await?.not_rolled_up >= LEFT_TO_ROLL_UP
        && start.elapsed() < ROLLED_UP_WITHIN
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    Ok(())
}

/// On the disk one is on, not in a folder that may be memory.
fn place() -> &'static Path {
    Path::new(".")
}
