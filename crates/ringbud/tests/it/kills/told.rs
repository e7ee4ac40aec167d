//! What the receiver was asked: the other witness. A server that answers at once, slowly, wrongly, half or
//! not at all, and writes everything down.

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

use super::rng::Rng;

/// Nothing is refused more often than this: else its pauses grow beyond the end of the test.
const REFUSALS: usize = 3;

/// How the receiver behaves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Manner {
    Prompt,
    Slow,
    Failing,
}

impl Manner {
    pub(super) fn any(rng: &mut Rng) -> Self {
        [Self::Prompt, Self::Slow, Self::Failing][usize::try_from(rng.below(3)).unwrap()]
    }

    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Prompt => "prompt",
            Self::Slow => "slow",
            Self::Failing => "failing",
        }
    }

    fn deed(self, rng: &mut Rng) -> Deed {
        match self {
            Self::Prompt => Deed::Take(Duration::ZERO),
            Self::Slow => Deed::Take(Duration::from_millis(5 + rng.below(60))),
            Self::Failing => match rng.below(10) {
                0..=1 => Deed::Say("500 Internal Server Error"),
                2 => Deed::Say("429 Too Many Requests"),
                3 => Deed::Cut(""),
                4 => Deed::Cut("HTTP/1.1 200 OK\r\ncontent-le"),
                _ => Deed::Take(Duration::from_millis(rng.below(20))),
            },
        }
    }
}

/// What becomes of one request.
enum Deed {
    /// A 2xx, after a while.
    Take(Duration),
    /// Another status.
    Say(&'static str),
    /// These bytes, and the connection is closed.
    Cut(&'static str),
}

/// One request.
#[derive(Clone, Debug)]
pub(super) struct Request {
    /// `webhook-id`.
    pub(super) id: String,
    /// The request line.
    pub(super) line: String,
    pub(super) body: String,
    /// The life of the gateway it came from.
    pub(super) life: u32,
    pub(super) arrived_us: i64,
    /// Its place among all arrivals and answers.
    pub(super) arrived: usize,
    /// The place at which a 2xx was about to be answered.
    pub(super) taken: Option<usize>,
}

#[derive(Default)]
struct Log {
    requests: Vec<Request>,
    happened: usize,
    taken: BTreeMap<String, usize>,
    asked: BTreeMap<String, usize>,
    refused: usize,
    cut: usize,
}

/// What happened, in numbers.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counts {
    pub(super) requests: usize,
    pub(super) taken: usize,
    pub(super) refused: usize,
    pub(super) cut: usize,
}

struct Shared {
    log: Mutex<Log>,
    manner: Mutex<(Manner, Rng)>,
    life: AtomicU32,
    open: AtomicUsize,
    accepted: watch::Sender<Option<SocketAddr>>,
}

/// The witness.
pub(super) struct Told {
    shared: Arc<Shared>,
    address: SocketAddr,
    serving: JoinHandle<()>,
}

impl Drop for Told {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Told {
    pub(super) async fn start(seed: u64) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            log: Mutex::default(),
            manner: Mutex::new((Manner::Prompt, Rng::new(!seed))),
            life: AtomicU32::new(1),
            open: AtomicUsize::new(0),
            accepted: watch::Sender::new(None),
        });
        let serving = tokio::spawn(serve(listener, shared.clone()));
        Self { shared, address, serving }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(super) fn behave(&self, manner: Manner) {
        self.shared.manner.lock().unwrap().0 = manner;
    }

    /// The gateway is dead. Waits until everything it asked was looked at; what comes from now on is from
    /// the next one.
    pub(super) async fn life_is_over(&self) {
        let mut accepted = self.shared.accepted.subscribe();
        // Connections are accepted in the order they were made: behind this one there are no dead ones.
        let last = TcpStream::connect(self.address).await.unwrap();
        let own = last.local_addr().unwrap();
        accepted.wait_for(|peer| *peer == Some(own)).await.unwrap();
        drop(last);
        while self.shared.open.load(Ordering::SeqCst) > 0 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        self.shared.life.fetch_add(1, Ordering::SeqCst);
    }

    /// One of several gateways is dead, and what it asked was looked at: what comes from now on may be a repeat.
    pub(super) fn one_is_dead(&self) {
        self.shared.life.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn has_taken(&self, id: &str) -> bool {
        self.shared.log().taken.contains_key(id)
    }

    /// The legs that were told to have begun, as event ids have them.
    pub(super) fn begun(&self) -> BTreeSet<String> {
        let log = self.shared.log();
        let begins = log.taken.keys().filter_map(|id| {
            id.strip_suffix("-incoming").or_else(|| id.strip_suffix("-outgoing")).map(str::to_owned)
        });
        begins.collect()
    }

    pub(super) fn requests(&self) -> Vec<Request> {
        self.shared.log().requests.clone()
    }

    /// The longest time in which nothing was asked, from a moment on.
    pub(super) fn longest_pause(&self, since_us: i64) -> Duration {
        let log = self.shared.log();
        let mut at: Vec<i64> =
            log.requests.iter().map(|request| request.arrived_us).filter(|at| *at >= since_us).collect();
        at.extend([since_us, journal::clock::system()().0]);
        at.sort_unstable();
        let longest = at.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap_or(0);
        Duration::from_micros(longest.unsigned_abs())
    }

    pub(super) fn counts(&self) -> Counts {
        let log = self.shared.log();
        let taken = log.requests.iter().filter(|request| request.taken.is_some()).count();
        Counts { requests: log.requests.len(), taken, refused: log.refused, cut: log.cut }
    }
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        let (stream, peer) = listener.accept().await.unwrap();
        shared.open.fetch_add(1, Ordering::SeqCst);
        shared.accepted.send_replace(Some(peer));
        let shared = shared.clone();
        tokio::spawn(async move {
            answer(stream, &shared).await;
            shared.open.fetch_sub(1, Ordering::SeqCst);
        });
    }
}

async fn answer(mut stream: TcpStream, shared: &Shared) {
    let mut unread = Vec::new();
    while let Some((head, body)) = read(&mut stream, &mut unread).await {
        let (at, times) = shared.arrived(&head, body);
        let deed = {
            let mut manner = shared.manner.lock().unwrap();
            let (manner, rng) = &mut *manner;
            if times > REFUSALS { Manner::Prompt.deed(rng) } else { manner.deed(rng) }
        };
        let said = match deed {
            Deed::Take(after) => {
                if !after.is_zero() {
                    tokio::time::sleep(after).await;
                }
                shared.takes(at);
                stream.write_all(b"HTTP/1.1 204 No Content\r\n\r\n").await
            }
            Deed::Say(status) => {
                shared.log().refused += 1;
                let answer = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(answer.as_bytes()).await
            }
            Deed::Cut(after) => {
                shared.log().cut += 1;
                let _ = stream.write_all(after.as_bytes()).await;
                return;
            }
        };
        if said.is_err() {
            return;
        }
    }
}

/// A whole request, head and body; none where the peer is gone.
async fn read(stream: &mut TcpStream, unread: &mut Vec<u8>) -> Option<(String, String)> {
    loop {
        if let Some(end) = unread.windows(4).position(|four| four == b"\r\n\r\n") {
            let head = String::from_utf8(unread[..end].to_vec()).unwrap();
            let length: usize = header(&head, "content-length").parse().unwrap_or(0);
            if unread.len() >= end + 4 + length {
                let body = unread[end + 4..end + 4 + length].to_vec();
                unread.drain(..end + 4 + length);
                return Some((head, String::from_utf8(body).unwrap()));
            }
        }
        if stream.read_buf(unread).await.ok()? == 0 {
            return None;
        }
    }
}

fn header<'a>(head: &'a str, name: &str) -> &'a str {
    let lines = head.lines().filter_map(|line| line.split_once(": "));
    lines.filter(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| value).next().unwrap_or_default()
}

impl Shared {
    fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap()
    }

    /// The place of a request in the log, and how often it has been asked.
    fn arrived(&self, head: &str, body: String) -> (usize, usize) {
        let mut log = self.log();
        log.happened += 1;
        let request = Request {
            id: header(head, "webhook-id").to_owned(),
            line: head.lines().next().unwrap_or_default().to_owned(),
            body,
            life: self.life.load(Ordering::SeqCst),
            arrived_us: journal::clock::system()().0,
            arrived: log.happened,
            taken: None,
        };
        let times = log.asked.entry(request.id.clone()).or_default();
        *times += 1;
        let times = *times;
        log.requests.push(request);
        (log.requests.len() - 1, times)
    }

    fn takes(&self, at: usize) {
        let mut log = self.log();
        log.happened += 1;
        let (place, id) = (log.happened, log.requests[at].id.clone());
        log.requests[at].taken = Some(place);
        log.taken.entry(id).or_insert(place);
    }
}
