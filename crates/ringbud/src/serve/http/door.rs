//! Carries out what `places` says: who comes gets a place or none, who has to go is closed, and it is counted.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::body::{Body, Bytes, HttpBody};
use hyper::body::{Frame, SizeHint};
use ipnet::IpNet;
use tokio::sync::Notify;
use tokio::time::Instant;

use super::places::{Closed, Id, Peer, Places, Who, Why};

/// A flood is told in the log so often.
const TELL_EVERY: Duration = Duration::from_secs(60);

/// All who are in.
pub(super) struct Door {
    inner: Mutex<Inner>,
    trusted: Arc<[IpNet]>,
}

struct Inner {
    places: Places,
    /// How each is told to go.
    closers: HashMap<Id, Arc<Notify>>,
    told: Option<Instant>,
    /// How many went, or were refused, since it was told.
    untold: usize,
}

/// The place of one connection; free again when it is dropped.
pub(super) struct Seat {
    door: Arc<Door>,
    id: Id,
    closed: Arc<Notify>,
}

/// A request that is not answered to the end.
struct Asked(Arc<Seat>);

impl Door {
    pub(super) fn new(places: usize, trusted: Arc<[IpNet]>) -> Arc<Self> {
        let inner = Inner { places: Places::new(places), closers: HashMap::new(), told: None, untold: 0 };
        Arc::new(Self { inner: Mutex::new(inner), trusted })
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for one who comes, or none.
    pub(super) fn come(self: &Arc<Self>, from: SocketAddr) -> Option<Seat> {
        let (peer, now) = (Peer::of(from.ip()), Instant::now());
        let who = if self.trusts(from.ip()) { Who::Proxy(peer) } else { Who::Peer(peer) };
        let mut inner = self.lock();
        let coming = inner.places.come(who, now);
        if coming.was_full {
            metrics::counter!("ringbud_http_full_total").increment(1);
        }
        inner.close(&coming.closed, now);
        let seat = coming.id.map(|id| {
            let closed = Arc::new(Notify::new());
            inner.closers.insert(id, closed.clone());
            Seat { door: self.clone(), id, closed }
        });
        if seat.is_none() {
            metrics::counter!("ringbud_http_refused_total").increment(1);
            inner.tell(peer, now);
        }
        inner.gauge();
        seat
    }

    fn trusts(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.trusted.iter().any(|network| network.contains(&address))
    }
}

impl Inner {
    fn close(&mut self, those: &[Closed], now: Instant) {
        for Closed { id, peer, why } in those {
            if let Some(closer) = self.closers.remove(id) {
                closer.notify_one();
            }
            metrics::counter!("ringbud_http_closed_total", "why" => why.name()).increment(1);
            self.tell(*peer, now);
        }
    }

    fn tell(&mut self, peer: Peer, now: Instant) {
        self.untold += 1;
        if self.told.is_some_and(|told| now.saturating_duration_since(told) < TELL_EVERY) {
            return;
        }
        let (connections, (strangers, known)) = (self.untold, self.places.counts());
        tracing::warn!(
            %peer,
            connections,
            strangers,
            known,
            "HTTP connections are closed to make room: one peer has too many of them, or all places are taken"
        );
        (self.told, self.untold) = (Some(now), 0);
    }

    fn gauge(&self) {
        let (strangers, known) = self.places.counts();
        for (who, count) in [("strangers", strangers), ("known", known)] {
            let count = u32::try_from(count).map_or(f64::INFINITY, f64::from);
            metrics::gauge!("ringbud_http_connections", "who" => who).set(count);
        }
    }
}

impl Seat {
    /// Comes back when the place is wanted for another.
    pub(super) async fn closed(&self) {
        self.closed.notified().await;
    }

    /// Whether only those who are known, and health checks, go on from here.
    pub(super) fn waits(&self) -> bool {
        self.door.lock().places.waits(self.id)
    }

    /// A request of somebody known came over it.
    pub(super) fn is_known(&self) {
        let (mut inner, now) = (self.door.lock(), Instant::now());
        let closed = inner.places.is_known(self.id, now);
        inner.close(&closed, now);
        inner.gauge();
    }

    /// The head of a request is there: from now on it is busy, until the answer that is made of this has ended.
    pub(super) fn ask(self: &Arc<Self>) -> impl FnOnce(Body) -> Body + Send + use<> {
        self.door.lock().places.ask(self.id, Instant::now());
        let asked = Asked(self.clone());
        move |answer| Body::new(Answer { answer, asked: Some(asked) })
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut inner = self.door.lock();
        inner.places.gone(self.id);
        inner.closers.remove(&self.id);
        inner.gauge();
    }
}

impl Drop for Asked {
    fn drop(&mut self) {
        self.0.door.lock().places.answered(self.0.id, Instant::now());
    }
}

/// An answer, and when it has ended.
struct Answer {
    answer: Body,
    asked: Option<Asked>,
}

impl HttpBody for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let frame = ready!(Pin::new(&mut self.answer).poll_frame(context));
        if frame.is_none() {
            self.asked = None;
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.answer.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.answer.size_hint()
    }
}

/// Puts up what only moves in bad times.
pub(super) fn begin() {
    metrics::counter!("ringbud_http_refused_total").increment(0);
    for why in Why::ALL {
        metrics::counter!("ringbud_http_closed_total", "why" => why.name()).increment(0);
    }
}
