//! Connections that are kept for the next request: nothing else saves as much time.

use std::convert::Infallible;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use rustls::ClientConfig;
use tokio::time::Instant;

use super::answer::{Answered, Bounds, Lost, NoAnswer};
use super::dial::{ConnectError, Connector, ConnectorOptions};
use super::exchange::Open;
use crate::guard::Origin;
use crate::request::Wire;

/// How long a connection is kept unused, where the receiver does not ask for less.
pub const IDLE_FOR: Duration = Duration::from_secs(15);
/// Unused connections kept to one destination.
pub const IDLE_PER_DESTINATION: usize = 64;
/// Unused connections kept in all.
pub const IDLE_TOTAL: usize = 1_024;

/// What all pools share.
pub(crate) struct Pools {
    pub(crate) connector: Connector,
    response_timeout: AtomicU64,
    pub(crate) counts: Counts,
    idle: AtomicUsize,
}

/// What is counted.
pub(crate) struct Counts {
    opened: metrics::Counter,
    replaced: metrics::Counter,
}

impl Pools {
    pub(crate) fn new(connector: Connector, response_timeout: Duration) -> Self {
        let counts = Counts {
            opened: metrics::counter!("ringbud_connections_opened_total"),
            replaced: metrics::counter!("ringbud_connections_replaced_total"),
        };
        Self {
            connector,
            response_timeout: AtomicU64::new(millis(response_timeout)),
            counts,
            idle: AtomicUsize::new(0),
        }
    }

    /// From now on connections are made so, and an answer may take so long.
    pub(crate) fn change(&self, options: ConnectorOptions, response_timeout: Duration) {
        self.response_timeout.store(millis(response_timeout), Ordering::Relaxed);
        self.connector.change(options);
    }

    fn response_timeout(&self) -> Duration {
        Duration::from_millis(self.response_timeout.load(Ordering::Relaxed))
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

/// The connections to one destination.
pub(crate) struct Pool {
    shared: Arc<Pools>,
    origin: Origin,
    tls: Option<Arc<ClientConfig>>,
    idle: Mutex<Vec<Idle>>,
}

struct Idle {
    open: Open,
    until: Instant,
    /// By which of the connector's generations it was made.
    generation: u64,
}

/// How a request fared, with the address it went to, if there was a connection.
pub(crate) struct Fared {
    pub(crate) address: Option<Arc<str>>,
    pub(crate) end: Result<Answered, Failed>,
}

/// Why there is no answer.
#[derive(Debug)]
pub(crate) enum Failed {
    /// Nothing was sent.
    Connect(ConnectError),
    /// Something may have been sent.
    Answer(Lost),
    /// The time was up.
    TimedOut,
}

impl Pool {
    pub(crate) fn new(shared: Arc<Pools>, origin: Origin, tls: Option<Arc<ClientConfig>>) -> Self {
        Self { shared, origin, tls, idle: Mutex::default() }
    }

    /// Makes one request. A kept connection that turns out closed before a byte was written is replaced by
    /// a new one; apart from that nothing is ever sent a second time.
    pub(crate) async fn send(&self, request: &Wire) -> Fared {
        let Ok(fared) = self.send_unless(request, || Ok::<(), Infallible>(())).await;
        fared
    }

    /// The same, unless something is in the way when there is a connection: making one takes long, and meanwhile the process
    /// may have stood still. Then nothing was sent.
    pub(crate) async fn send_unless<E>(
        &self,
        request: &Wire,
        in_the_way: impl Fn() -> Result<(), E>,
    ) -> Result<Fared, E> {
        let bounds = Bounds::of_a_receiver(self.shared.response_timeout());
        while let Some((mut open, generation)) = self.take().await {
            in_the_way()?;
            match open.exchange(request, bounds).await {
                Ok((answered, whole)) => return Ok(self.done(open, answered, whole, generation)),
                Err(NoAnswer::NotSent) => self.shared.counts.replaced.increment(1),
                Err(error) => return Ok(failed(&open, error)),
            }
        }
        let generation = self.shared.connector.generation();
        let mut open = match self.connect(generation).await {
            Ok(open) => open,
            Err(error) => return Ok(Fared { address: None, end: Err(error) }),
        };
        in_the_way()?;
        Ok(match open.exchange(request, bounds).await {
            Ok((answered, whole)) => self.done(open, answered, whole, generation),
            Err(error) => failed(&open, error),
        })
    }

    async fn connect(&self, generation: u64) -> Result<Open, Failed> {
        let dialled =
            self.shared.connector.dial(&self.origin, self.tls.as_ref()).await.map_err(Failed::Connect)?;
        self.shared.counts.opened.increment(1);
        let open = Open::over(dialled).await.map_err(Failed::Answer)?;
        if let Some(shared) = open.share() {
            self.put(shared, IDLE_FOR, generation);
        }
        Ok(open)
    }

    /// A kept connection that seems to be open still.
    async fn take(&self) -> Option<(Open, u64)> {
        loop {
            let idle = self.pop()?;
            let mut open = idle.open;
            let is_current = idle.generation == self.shared.connector.generation();
            if is_current && idle.until > Instant::now() && open.is_alive().await {
                if let Some(shared) = open.share() {
                    self.put(shared, IDLE_FOR, idle.generation);
                }
                return Some((open, idle.generation));
            }
        }
    }

    fn pop(&self) -> Option<Idle> {
        let idle = self.lock().pop()?;
        self.shared.idle.fetch_sub(1, Ordering::Relaxed);
        Some(idle)
    }

    fn done(&self, open: Open, answered: Answered, whole: bool, generation: u64) -> Fared {
        let address = Some(open.address.clone());
        let keep = keep_for(&answered);
        if whole && open.is_reusable() && open.share().is_none() {
            self.put(open, keep, generation);
        }
        Fared { address, end: Ok(answered) }
    }

    fn put(&self, open: Open, keep: Duration, generation: u64) {
        if keep.is_zero() {
            return;
        }
        let mut idle = self.lock();
        if idle.len() >= IDLE_PER_DESTINATION
            || self.shared.idle.fetch_add(1, Ordering::Relaxed) >= IDLE_TOTAL
        {
            if idle.len() < IDLE_PER_DESTINATION {
                self.shared.idle.fetch_sub(1, Ordering::Relaxed);
            }
            return;
        }
        idle.push(Idle { open, until: Instant::now() + keep, generation });
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Closes what has been kept long enough.
    pub(crate) fn tidy(&self) {
        let now = Instant::now();
        let mut idle = self.lock();
        let before = idle.len();
        idle.retain(|one| one.until > now && one.open.is_reusable());
        self.shared.idle.fetch_sub(before - idle.len(), Ordering::Relaxed);
        if idle.is_empty() {
            idle.shrink_to_fit();
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        let kept = self.lock().len();
        self.shared.idle.fetch_sub(kept, Ordering::Relaxed);
    }
}

fn failed(open: &Open, error: NoAnswer) -> Fared {
    let end = match error {
        NoAnswer::NotSent => Failed::Answer(Lost::Closed),
        NoAnswer::Lost(lost) => Failed::Answer(lost),
        NoAnswer::TimedOut => Failed::TimedOut,
    };
    Fared { address: Some(open.address.clone()), end: Err(end) }
}

/// How long the receiver wants the connection kept: a second less than it says, so that it is not closed
/// under a request on its way.
fn keep_for(answered: &Answered) -> Duration {
    let asked = answered.kept_for.map(|asked| asked.saturating_sub(Duration::from_secs(1)));
    asked.map_or(IDLE_FOR, |asked| asked.min(IDLE_FOR))
}
