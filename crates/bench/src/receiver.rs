//! The receiver: a web server in a process of its own, so that its processor time is nobody else's.
//!
//! What is posted to `/hook` is counted; to `/timed/LANE` the time since the moment the caller's number
//! stands for is noted as well; `/hang` never answers. `/-/reset`, `/-/turn` and `/-/report` are for the driver.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io::{BufRead as _, BufReader};
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Context as _;
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::clock;

/// How long is waited without anything new before a measurement has failed.
const PATIENCE: Duration = Duration::from_secs(60);

#[derive(Default)]
struct Seen {
    received: u64,
    first_us: Option<u64>,
    last_us: u64,
    lanes: BTreeMap<String, Vec<u32>>,
}

impl Seen {
    fn count(&mut self) {
        self.received += 1;
        self.last_us = clock::now_us();
        self.first_us.get_or_insert(self.last_us);
    }

    fn report(&mut self) -> Value {
        let lanes: BTreeMap<&str, Value> = self
            .lanes
            .iter_mut()
            .map(|(name, micros)| {
                micros.sort_unstable();
                let at = |percent: usize| micros[(micros.len() - 1) * percent / 100];
                (&**name, json!({ "count": micros.len(), "p50_us": at(50), "p99_us": at(99) }))
            })
            .collect();
        json!({
            "received": self.received,
            "first_us": self.first_us,
            "last_us": self.last_us,
            "lanes": lanes,
        })
    }
}

/// Serves for ever. The port is the first line of the output.
pub(crate) async fn serve() -> anyhow::Result<()> {
    let listener = TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).await?;
    println!("{}", listener.local_addr()?.port());
    let seen: Arc<Mutex<Seen>> = Arc::default();
    loop {
        let (stream, _) = listener.accept().await?;
        let _ = stream.set_nodelay(true);
        let seen = seen.clone();
        tokio::spawn(async move {
            let service = service_fn(|request| answer(seen.clone(), request));
            let http = hyper::server::conn::http1::Builder::new();
            let _ = http.serve_connection(TokioIo::new(stream), service).await;
        });
    }
}

async fn answer(
    seen: Arc<Mutex<Seen>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let lock = || seen.lock().unwrap_or_else(PoisonError::into_inner);
    let (head, body) = request.into_parts();
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let mut response = Response::new(Full::default());
    match head.uri.path() {
        "/hook" => lock().count(),
        "/hang" => std::future::pending().await,
        "/-/reset" => *lock() = Seen::default(),
        // What was timed counts anew from here; what was received does not.
        "/-/turn" => {
            let mut seen = lock();
            *response.body_mut() = Full::new(seen.report().to_string().into());
            seen.lanes.clear();
        }
        "/-/report" => *response.body_mut() = Full::new(lock().report().to_string().into()),
        path => match (path.strip_prefix("/timed/"), stamp(&body)) {
            (Some(lane), Some(stamp)) => {
                let took = u32::try_from(clock::now_us().saturating_sub(stamp)).unwrap_or(u32::MAX);
                let mut seen = lock();
                seen.count();
                match seen.lanes.get_mut(lane) {
                    Some(lane) => lane.push(took),
                    None => drop(seen.lanes.insert(lane.to_owned(), vec![took])),
                }
            }
            _ => *response.status_mut() = StatusCode::BAD_REQUEST,
        },
    }
    if response.status() == StatusCode::OK && !head.uri.path().starts_with("/-/") {
        *response.status_mut() = StatusCode::NO_CONTENT;
    }
    Ok(response)
}

/// The microsecond in the caller's number.
fn stamp(body: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(body).ok()?;
    let after = &text[text.find("ANumber=")? + "ANumber=".len()..];
    after.split('&').next()?.parse().ok()
}

/// The driver's end of it.
pub(crate) struct Receiver {
    child: Child,
    pub(crate) port: u16,
}

/// What it has received since the last reset.
pub(crate) struct Report(Value);

impl Report {
    pub(crate) fn received(&self) -> u64 {
        self.0["received"].as_u64().unwrap_or(0)
    }

    pub(crate) fn first_us(&self) -> Option<u64> {
        self.0["first_us"].as_u64()
    }

    /// Requests a second since `began_us`, to the last one.
    pub(crate) fn rate_since(&self, began_us: u64) -> f64 {
        let last_us = self.0["last_us"].as_u64().unwrap_or(0);
        self.received() as f64 * 1e6 / last_us.saturating_sub(began_us).max(1) as f64
    }

    /// Median and 99th percentile of a lane, in milliseconds.
    pub(crate) fn latency_ms(&self, lane: &str) -> anyhow::Result<(f64, f64)> {
        let lane = &self.0["lanes"][lane];
        let ms = |name: &str| lane[name].as_f64().map(|us| us / 1e3).context("nothing came on this lane");
        Ok((ms("p50_us")?, ms("p99_us")?))
    }
}

impl Receiver {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut child =
            Command::new(std::env::current_exe()?).arg("receive").stdout(Stdio::piped()).spawn()?;
        let mut line = String::new();
        BufReader::new(child.stdout.take().context("the receiver's output")?).read_line(&mut line)?;
        Ok(Self { child, port: line.trim().parse()? })
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// Processor time so far, in microseconds.
    pub(crate) fn cpu_us(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).unwrap_or_default();
        let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
        fields.filter_map(|ticks| ticks.parse::<f64>().ok()).sum::<f64>() * 1e4
    }

    pub(crate) async fn reset(&self) -> anyhow::Result<()> {
        self.ask("/-/reset").await.map(drop)
    }

    pub(crate) async fn report(&self) -> anyhow::Result<Report> {
        Ok(Report(serde_json::from_str(&self.ask("/-/report").await?)?))
    }

    /// The report, after which what is timed counts anew.
    pub(crate) async fn turn(&self) -> anyhow::Result<Report> {
        Ok(Report(serde_json::from_str(&self.ask("/-/turn").await?)?))
    }

    /// Waits until so many have come.
    pub(crate) async fn wait_for(&self, many: u64) -> anyhow::Result<Report> {
        let (mut before, mut since) = (0, clock::instant());
        loop {
            let report = self.report().await?;
            if report.received() >= many {
                return Ok(report);
            }
            if report.received() > before {
                (before, since) = (report.received(), clock::instant());
            }
            anyhow::ensure!(since.elapsed() < PATIENCE, "only {before} of {many} requests came");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    async fn ask(&self, path: &str) -> anyhow::Result<String> {
        let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).await?;
        let request = format!("GET {path} HTTP/1.1\r\nHost: receiver\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).await?;
        let (_, body) = answer.split_once("\r\n\r\n").context("the receiver's answer")?;
        Ok(body.to_owned())
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
