//! How fast the journal takes events and settles their deliveries on this machine, beside what SQLite alone
//! can do, and how long a page of a list takes after it; with so many legs there before: `cargo run --release -p journal --example throughput [SECONDS [TASKS BATCH [LEGS]]]`.

#![allow(clippy::disallowed_methods, reason = "an example's tasks and clocks are its own")]

use std::error::Error;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use calls::{AccountId, EventKind, PbxTime};
use journal::conformance::sample::{Leg, delivery};
use journal::seal::Sealer;
use journal::verbs::*;
use journal::{
    Access, Append, Appended, Attempt, Cursor, Filter, Journal, LegOutcome, Logging, Options, Outcome,
    RollingUp, Settle, Sqlite,
};

const ACCOUNTS: u32 = 500;
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

/// Microseconds of processor time this process has used, where the system says (Linux, 100 ticks a second).
fn cpu_micros() -> Option<u64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(ticks * 10_000)
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

/// Legs come in threes of events: the beginnings of this round, the answers and ends of the two before.
async fn round(journal: &dyn Journal, first: u32, batch: u32, history: bool) -> u64 {
    let kinds = [EventKind::Incoming, EventKind::Answered, EventKind::Ended];
    let mut kept = 0;
    for kind in kinds {
        let mut number = first;
        let moments: Vec<_> = (first..first + batch).map(|number| one(number, kind)).collect();
        let answers = journal.append(&moments).await.expect("events are kept");
        let mut rows = Vec::with_capacity(answers.len());
        for answer in answers.into_iter().flatten() {
            let Appended::Stored(seq, _) = answer else { panic!("not new: {answer:?}") };
            let attempt = history.then(|| tried(number, kind).into());
            number += 1;
            rows.push(Settle { id: delivery(seq, 1), attempt, outcome: Outcome::Delivered });
        }
        kept += rows.len() as u64;
        journal.settle(&rows).await.expect("deliveries are settled");
    }
    kept
}

/// An attempt as the sender makes them: a form and a signature that is no other's.
fn tried(number: u32, kind: EventKind) -> Attempt {
    let leg = Leg::incoming(number);
    let (event, account) = (leg.event(kind), number % ACCOUNTS);
    let mut state =
        u64::from(number).wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ u64::from(event.sequence) << 60 | 1;
    let signature: String = (0..43)
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            char::from(
                b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"[(state % 64) as usize],
            )
        })
        .collect();
    let headers = [
        ("host", "127.0.0.1:18080".to_owned()),
        ("user-agent", "Ringbud/0.1.0".to_owned()),
        ("content-type", "application/x-www-form-urlencoded".to_owned()),
        ("webhook-id", event.id().as_str().to_owned()),
        ("webhook-timestamp", (event.at.as_micros() / 1_000_000).to_string()),
        ("webhook-signature", format!("v1,{signature}=")),
    ];
    let body = match kind {
        EventKind::Incoming | EventKind::Answered => format!(
            "AccountId={account}&UniqueCallId={}&Calledphone={}&ANumber=%2B{}&TimeStamp=2026-11-22T11%3A38%3A23%2B01%3A00&EmployeeLocalNumber={}&LinkedUniqueCallId={}",
            event.leg.as_str(),
            event.phone.number,
            &event.a_number[1..],
            event.phone.employee_number(),
            event.call.as_str(),
        ),
        EventKind::Outgoing | EventKind::Ended => format!(
            "AccountId={account}&UniqueCallId={}&Duration={}&Transfer=False&CallDirection=Incoming&TransferedUniqueId=&TransferedNumber=&TransferTo=",
            event.leg.as_str(),
            number % 900,
        ),
    };
    Attempt {
        number: 1,
        at: journal::WallTime(event.at.as_micros() + 1_400),
        took_micros: 400 + u64::from(number % 800),
        address: "127.0.0.1:18080".to_owned(),
        request_line: format!("POST /hook/{account} HTTP/1.1"),
        request_headers: headers.iter().map(|(name, value)| (*name, value.as_str())).collect(),
        request_body: body.into_bytes().into(),
        status: Some(204),
        reason: None,
        response_body: Vec::new(),
    }
}

fn one(number: u32, kind: EventKind) -> Append {
    Leg::incoming(number).of(&(number % ACCOUNTS).to_string()).append(&[kind], &[1])
}

/// On the disk one is on, not in a folder that may be memory.
fn place() -> &'static Path {
    Path::new(".")
}
