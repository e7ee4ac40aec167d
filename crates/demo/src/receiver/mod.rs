//! A receiver of the web services' requests: what an integrator's own server would be.
//!
//! It owns taking and answering requests, within bounds. How one looks in the terminal is [`mod@print`]'s.

mod answers;
pub mod print;
mod received;
mod signature;

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto;
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use jiff::Timestamp;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, oneshot};
use tokio::task::{JoinHandle, JoinSet};

pub use answers::{NoScript, Script};
pub use received::Received;
pub use signature::{NoSecret, Secret, Signature};

use crate::clock;
use signature::Signed;

/// The longest body taken; a longer one is answered with 413.
pub const BODY_BYTES_MAX: usize = 256 * 1024;

/// Requests that wait to be looked at; beyond that they are answered and counted, and not kept.
pub const KEPT_MAX: usize = 65_536;

/// Connections at a time; more wait to be accepted.
const CONNECTIONS_MAX: usize = 1024;

/// How long a stop waits for the answers that are still due.
const STOP_PATIENCE: Duration = Duration::from_secs(5);

/// How the receiver behaves.
#[derive(Clone, Debug)]
pub struct ReceiverOptions {
    /// Where it listens; port 0 takes a free one.
    pub listen: SocketAddr,
    /// What it answers.
    pub script: Script,
    /// How long each answer takes.
    pub delay: Duration,
    /// The secrets that signatures are checked with; none: they are not checked.
    pub secrets: Vec<Secret>,
}

impl Default for ReceiverOptions {
    fn default() -> Self {
        let listen = SocketAddr::from(([127, 0, 0, 1], 0));
        Self { listen, script: StatusCode::OK.into(), delay: Duration::ZERO, secrets: Vec::new() }
    }
}

/// A running receiver. It stops when dropped; [`Receiver::stop`] answers first what has been asked.
#[derive(Debug)]
pub struct Receiver {
    address: SocketAddr,
    inner: Arc<Inner>,
    requests: mpsc::Receiver<Received>,
    stop: Option<oneshot::Sender<()>>,
    serving: JoinHandle<()>,
}

#[derive(Debug)]
struct Inner {
    behaviour: Mutex<(Script, Duration)>,
    secrets: Vec<Secret>,
    requests: mpsc::Sender<Received>,
    missed: AtomicU64,
}

impl Receiver {
    /// Starts listening.
    pub async fn start(options: ReceiverOptions) -> io::Result<Self> {
        let listener = TcpListener::bind(options.listen).await?;
        let address = listener.local_addr()?;
        let (tell, requests) = mpsc::channel(KEPT_MAX);
        let behaviour = Mutex::new((options.script, options.delay));
        let inner = Arc::new(Inner {
            behaviour,
            secrets: options.secrets,
            requests: tell,
            missed: AtomicU64::new(0),
        });
        let (stop, stopped) = oneshot::channel();
        let serving = tokio::spawn(serve(listener, Arc::clone(&inner), stopped));
        Ok(Self { address, inner, requests, stop: Some(stop), serving })
    }

    /// Where it listens.
    pub const fn address(&self) -> SocketAddr {
        self.address
    }

    /// `http://` and where it listens, and a path.
    pub fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// The next request; waits for it.
    pub async fn next(&mut self) -> Option<Received> {
        self.requests.recv().await
    }

    /// The next request, if one has come.
    pub fn try_next(&mut self) -> Option<Received> {
        self.requests.try_recv().ok()
    }

    /// Answers otherwise from now on.
    pub fn behave(&self, script: impl Into<Script>, delay: Duration) {
        *self.inner.behaviour.lock().unwrap_or_else(PoisonError::into_inner) = (script.into(), delay);
    }

    /// How many requests were answered and not kept, because nobody looked at them in time.
    pub fn missed(&self) -> u64 {
        self.inner.missed.load(Ordering::Relaxed)
    }

    /// Takes nothing new, answers what has been asked, and ends. What is left to be looked at is given back.
    pub async fn stop(mut self) -> Vec<Received> {
        drop(self.stop.take());
        let _ = (&mut self.serving).await;
        std::iter::from_fn(|| self.requests.try_recv().ok()).collect()
    }
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

async fn serve(listener: TcpListener, inner: Arc<Inner>, mut stopped: oneshot::Receiver<()>) {
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            _ = &mut stopped => break,
            Some(_) = connections.join_next(), if !connections.is_empty() => {}
            accepted = listener.accept(), if connections.len() < CONNECTIONS_MAX => match accepted {
                Ok((stream, _)) => {
                    connections.spawn(connection(stream, Arc::clone(&inner), graceful.watcher()));
                }
                Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
            },
        }
    }
    drop(listener);
    let _ = tokio::time::timeout(STOP_PATIENCE, graceful.shutdown()).await;
}

async fn connection(stream: TcpStream, inner: Arc<Inner>, watcher: Watcher) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| {
        let inner = Arc::clone(&inner);
        async move { Ok::<_, Infallible>(inner.take(request).await) }
    });
    let builder = auto::Builder::new(TokioExecutor::new());
    let serving = builder.serve_connection(TokioIo::new(stream), service).into_owned();
    // A peer that breaks off is no news to a receiver.
    let _ = watcher.watch(serving).await;
}

impl Inner {
    async fn take(&self, request: Request<Incoming>) -> Response<Full<Bytes>> {
        let (head, body) = request.into_parts();
        let Ok(body) = Limited::new(body, BODY_BYTES_MAX).collect().await else {
            return said(StatusCode::PAYLOAD_TOO_LARGE);
        };
        let body = body.to_bytes();
        let at = now();
        let signed = Signed { method: &head.method, target: &head.uri, headers: &head.headers, body: &body };
        let signature = signed.verify(&self.secrets, at);
        let (status, delay) = {
            let mut behaviour = self.behaviour.lock().unwrap_or_else(PoisonError::into_inner);
            (behaviour.0.next(), behaviour.1)
        };
        let parameters = received::parameters(&head.uri, &head.headers, &body);
        let (method, target, headers) = (head.method, head.uri, head.headers);
        let received = Received { at, method, target, headers, body, parameters, signature, status };
        if self.requests.try_send(received).is_err() {
            self.missed.fetch_add(1, Ordering::Relaxed);
        }
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        said(status)
    }
}

/// The status and a line that says it: an integrator's server answers something too.
fn said(status: StatusCode) -> Response<Full<Bytes>> {
    let text = status.canonical_reason().unwrap_or_default();
    let body = if status == StatusCode::NO_CONTENT { Bytes::new() } else { Bytes::from(format!("{text}\n")) };
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = status;
    response
}

fn now() -> Timestamp {
    i64::try_from(clock::now_us())
        .ok()
        .and_then(|us| Timestamp::from_microsecond(us).ok())
        .unwrap_or_default()
}
