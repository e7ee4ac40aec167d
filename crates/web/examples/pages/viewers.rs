//! The live board before two hundred viewers, over real connections; they are a process of their own, so that
//! what the server uses can be told from what they use.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use admin::LiveLeg;
use calls::PbxTime;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::process::Command;

use crate::Result;
use crate::fill::{self, ACCOUNTS, employees};
use crate::gateway::Busy;

const VIEWERS: usize = 200;
/// Viewers that open a board and never read it.
const STUCK: usize = 5;
/// A browser has as many boards open at once; with one more the oldest gives way.
const OF_A_BROWSER: usize = 8;
/// So many browsers, each somebody's own, for all of them.
pub(crate) const BROWSERS: usize = (VIEWERS + STUCK).div_ceil(OF_A_BROWSER);
/// Changes a second over all accounts, as of a carrier: a hundred calls a second, three events each.
const CHANGES: u32 = 300;
const SECONDS: u32 = 20;
/// Legs up at a time in each account.
const UP: usize = 30;

fn micros() -> i64 {
    jiff::Timestamp::now().as_microsecond()
}

fn change(gateway: &Busy, number: i64) {
    let account = number % ACCOUNTS;
    let employee = 100 + number / ACCOUNTS % employees(account);
    let at = micros();
    // The id says when the change was made.
    let event = fill::begin(format!("seen-{at}"), account, employee, PbxTime::from_micros(at), number);
    let leg = LiveLeg { begun: Arc::new(event), answered_at: None, held_since: None };
    gateway.begin(usize::try_from(account).unwrap_or(0), leg, UP);
}

/// Processor time of this process in milliseconds, and its memory in KiB.
fn used() -> Option<(u64, u64)> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = stat.rsplit_once(')')?.1.split_whitespace().skip(11);
    let ticks = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let resident = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    Some((ticks * 10, resident.trim().trim_end_matches("kB").trim().parse().ok()?))
}

pub(crate) async fn measure(app: axum::Router, cookies: &[String], gateway: &Arc<Busy>) -> Result<Value> {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    for number in 0..ACCOUNTS * 30 {
        change(gateway, number);
    }
    let (idle_ms, idle_kib) = changing(gateway).await;
    let mut watchers = Command::new(std::env::current_exe()?)
        .args(["watch", &address, &cookies.join(" ")])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .spawn()?;
    let mut told = BufReader::new(watchers.stdout.take().ok_or("no output")?).lines();
    let ready = told.next_line().await?;
    let (busy_ms, busy_kib) = changing(gateway).await;
    drop(watchers.stdin.take());
    let last = told.next_line().await?.unwrap_or_default();
    server.abort();
    if ready.as_deref() != Some("ready") {
        return Err(format!("the viewers did not come: {ready:?}").into());
    }
    let mut seen: Value = serde_json::from_str(&last)?;
    let cpu = (busy_ms.saturating_sub(idle_ms)) as f64 / f64::from(SECONDS) / VIEWERS as f64;
    let memory = busy_kib.saturating_sub(idle_kib) as f64 / (VIEWERS + STUCK) as f64;
    seen["viewers"] = VIEWERS.into();
    seen["changes_a_second"] = CHANGES.into();
    seen["cpu_ms_a_second_and_viewer"] = json!(cpu);
    seen["memory_kib_a_viewer"] = json!(memory);
    println!(
        "{VIEWERS} viewers at {CHANGES} changes a second: {} saw the last, {} boards each; a change shows after \
         {} ms (median), {} ms (worst); {cpu:.2} ms of processor a second and {memory:.0} KiB a viewer; {STUCK} more \
         that never read",
        seen["saw_the_last"], seen["boards_each"], seen["median_ms"], seen["worst_ms"]
    );
    Ok(seen)
}

/// Changes for a while; what it took.
async fn changing(gateway: &Arc<Busy>) -> (u64, u64) {
    let (before, _) = used().unwrap_or_default();
    let mut beat = tokio::time::interval(Duration::from_secs(1) / CHANGES);
    for number in 0..i64::from(CHANGES * SECONDS) {
        beat.tick().await;
        change(gateway, number);
    }
    let (after, kib) = used().unwrap_or_default();
    (after - before, kib)
}

/// What the viewers saw.
#[derive(Default)]
struct Seen {
    boards: AtomicU64,
    bytes: AtomicU64,
    newest: Vec<AtomicI64>,
    /// How long changes took to show, in steps of 10 ms.
    delays: Vec<AtomicU64>,
}

/// The process of the viewers: `watch ADDRESS COOKIES`, until its input ends.
pub(crate) async fn watch(address: &str, cookies: &str) -> Result<()> {
    let seen = Arc::new(Seen {
        newest: (0..VIEWERS).map(|_| AtomicI64::new(0)).collect(),
        delays: (0..200).map(|_| AtomicU64::new(0)).collect(),
        ..Seen::default()
    });
    let mut stuck = Vec::new();
    let cookies: Vec<&str> = cookies.split(' ').collect();
    for number in 0..VIEWERS + STUCK {
        let mut stream = TcpStream::connect(address).await?;
        let account = i64::try_from(number)? % ACCOUNTS;
        let cookie = cookies[number / OF_A_BROWSER];
        let request =
            format!("GET /a/{account}/now/stream HTTP/1.1\r\nhost: bench\r\ncookie: {cookie}\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        if number < VIEWERS {
            tokio::spawn(view(stream, number, seen.clone()));
        } else {
            stuck.push(stream);
        }
    }
    while seen.newest.iter().any(|newest| newest.load(Relaxed) == 0) {
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    for delay in &seen.delays {
        delay.store(0, Relaxed);
    }
    seen.boards.store(0, Relaxed);
    seen.bytes.store(0, Relaxed);
    println!("ready");
    let mut nothing = Vec::new();
    tokio::io::stdin().read_to_end(&mut nothing).await?;
    // The last change of each account is the newest that any viewer of it can have seen.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let newest: Vec<i64> = seen.newest.iter().map(|newest| newest.load(Relaxed)).collect();
    let accounts = usize::try_from(ACCOUNTS)?;
    let last = |account: usize| newest.iter().skip(account).step_by(accounts).max().copied();
    let saw = newest.iter().enumerate().filter(|(at, one)| last(at % accounts) == Some(**one)).count();
    let delays: Vec<u64> = seen.delays.iter().map(|delay| delay.load(Relaxed)).collect();
    let all: u64 = delays.iter().sum();
    let mut below = 0;
    let median = delays.iter().position(|count| {
        below += count;
        below * 2 >= all
    });
    let worst = delays.iter().rposition(|count| *count > 0);
    println!(
        "{}",
        json!({
            "saw_the_last": saw,
            "boards_each": seen.boards.load(Relaxed) / VIEWERS as u64,
            "bytes_a_second_and_viewer": seen.bytes.load(Relaxed) / u64::from(SECONDS) / VIEWERS as u64,
            "median_ms": median.unwrap_or(0) * 10 + 10,
            "worst_ms": worst.unwrap_or(0) * 10 + 10,
        })
    );
    Ok(())
}

async fn view(stream: TcpStream, number: usize, seen: Arc<Seen>) {
    let mut lines = BufReader::with_capacity(64 * 1024, stream).lines();
    let mut newest = 0;
    while let Ok(Some(line)) = lines.next_line().await {
        seen.bytes.fetch_add(line.len() as u64 + 1, Relaxed);
        if line.starts_with("event: board") {
            seen.boards.fetch_add(1, Relaxed);
        }
        let marks = line.match_indices("seen-").filter_map(|(at, mark)| {
            line[at + mark.len()..].split(|c: char| !c.is_ascii_digit()).next()?.parse::<i64>().ok()
        });
        let latest = marks.max().unwrap_or(0);
        if latest > newest {
            newest = latest;
            let late = usize::try_from((micros() - latest) / 10_000).unwrap_or(0);
            seen.delays[late.min(seen.delays.len() - 1)].fetch_add(1, Relaxed);
            seen.newest[number].store(newest, Relaxed);
        }
    }
}
