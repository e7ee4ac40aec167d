//! Connections and requests, within bounds: who is slow, silent or many keeps nobody else waiting for long.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use hyper::body::Incoming;
use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::graceful::{GracefulShutdown, Watcher};
use ipnet::IpNet;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::Bound;
use super::forwarded::client;
use crate::descriptors;
use crate::stop::Stop;

/// How long a stop waits for requests that are being answered.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// How long a client may take to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// The pause after the system could not hand out a connection (too many open files).
const ACCEPT_AGAIN: Duration = Duration::from_millis(200);
/// Connections at once, if there are descriptors for so many.
const MAX_CONNECTIONS: usize = 1_024;
/// Requests at once on one connection of HTTP/2.
const MAX_STREAMS: u32 = 100;
/// Bytes of a request's head.
const MAX_HEAD_BYTES: u32 = 64 * 1_024;
/// How often a connection of HTTP/2 is asked whether anybody is there.
const PING_EVERY: Duration = Duration::from_secs(30);

/// What clients may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Connections at once. Who comes then waits until one is closed.
    pub(super) connections: usize,
    /// From a connection's beginning, or the answer before, until a request's head has come in whole.
    pub(super) head: Duration,
    /// From then until its answer begins: its body comes in meanwhile.
    pub(super) answer: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        let connections = descriptors::for_http(descriptors::raise(), MAX_CONNECTIONS);
        Self { connections, head: Duration::from_secs(30), answer: Duration::from_secs(60) }
    }
}

impl Bound {
    /// Serves until it is told to stop, and then until what was asked is answered.
    pub(in crate::serve) async fn serve(self, router: Router, stop: Stop) {
        self.serve_within(router, stop, Bounds::default()).await;
    }

    pub(super) async fn serve_within(self, router: Router, mut stop: Stop, bounds: Bounds) {
        let app = router.layer(from_fn(move |request, next| answer_in_time(request, next, bounds.answer)));
        let room = Arc::new(Semaphore::new(bounds.connections));
        let graceful = GracefulShutdown::new();
        loop {
            let taken = tokio::select! {
                taken = self.next(&room) => taken,
                () = stop.called() => break,
            };
            let Some((stream, peer, permit)) = taken else { continue };
            let trusted = self.trusted_proxies.clone();
            let client = Client { peer, trusted, app: app.clone(), bounds, watcher: graceful.watcher() };
            let tls = self.tls.clone();
            tasks::spawn(tasks::Part::HttpConnection, async move {
                client.serve(stream, tls).await;
                drop(permit);
            });
        }
        drop(self.listener);
        let _ = tokio::time::timeout(LAST_ANSWERS, graceful.shutdown()).await;
    }

    /// The next client, once there is room for it.
    async fn next(&self, room: &Arc<Semaphore>) -> Option<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        if room.available_permits() == 0 {
            metrics::counter!("ringbud_http_full_total").increment(1);
            tracing::warn!("as many HTTP connections as may be: the next waits until one is closed");
        }
        let permit = room.clone().acquire_owned().await.ok()?;
        match self.listener.accept().await {
            Ok((stream, peer)) => Some((stream, peer, permit)),
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection could not be taken");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                None
            }
        }
    }
}

async fn answer_in_time(request: Request, next: Next, within: Duration) -> Response {
    match tokio::time::timeout(within, next.run(request)).await {
        Ok(answer) => answer,
        Err(_) => {
            (StatusCode::REQUEST_TIMEOUT, "the request did not come in whole in time\n").into_response()
        }
    }
}

/// One connection.
struct Client {
    peer: SocketAddr,
    trusted: Arc<[IpNet]>,
    app: Router,
    bounds: Bounds,
    watcher: Watcher,
}

impl Client {
    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>) {
        // Only slower if it fails.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else { return self.http1(stream).await };
        if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                self.http2(stream).await;
            } else {
                self.http1(stream).await;
            }
        }
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { peer, trusted, app, bounds, watcher } = self;
        let service = service_fn(move |request| answer(app.clone(), request, peer, trusted.clone()));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(bounds.head)
            .max_buf_size(MAX_HEAD_BYTES as usize)
            .serve_connection(TokioIo::new(stream), service);
        // What a client does wrong is its own trouble.
        let _ = watcher.watch(connection).await;
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static) {
        let Self { peer, trusted, app, watcher, .. } = self;
        let service = service_fn(move |request| answer(app.clone(), request, peer, trusted.clone()));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let _ = watcher.watch(connection).await;
    }
}

async fn answer(
    app: Router,
    mut request: Request<Incoming>,
    peer: SocketAddr,
    trusted: Arc<[IpNet]>,
) -> Result<Response, Infallible> {
    let client = client(peer, request.headers(), &trusted);
    request.extensions_mut().insert(ConnectInfo(client));
    app.oneshot(request.map(Body::new)).await
}
