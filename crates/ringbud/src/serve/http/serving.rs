//! Connections and requests, within bounds: who is slow, silent or many keeps nobody else waiting for long.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::http::{StatusCode, header};
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
use tokio_rustls::TlsAcceptor;
use tower::ServiceExt as _;

use super::door::{self, Door, Seat};
use super::{Bound, forwarded};
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
/// What machines ask to see whether all is well.
const FOR_MACHINES: [&str; 3] = ["/healthz", "/readyz", "/metrics"];
/// For whom there is no place.
const NO_ROOM: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nRetry-After: 5\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
/// How often a connection of HTTP/2 is asked whether anybody is there.
const PING_EVERY: Duration = Duration::from_secs(30);

/// What clients may take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds {
    /// Connections at once; `places` says whose.
    pub(super) connections: usize,
    /// From a connection's beginning, or the answer before, until a request's head has come in whole.
    pub(super) head: Duration,
    /// From then until its answer begins: its body comes in meanwhile.
    pub(super) answer: Duration,
}

impl Bounds {
    /// The usual ones, for a process that may have so many descriptors.
    pub(super) fn usual(descriptors: u64) -> Self {
        let connections = descriptors::for_http(descriptors, MAX_CONNECTIONS);
        Self { connections, head: Duration::from_secs(30), answer: Duration::from_secs(60) }
    }
}

impl Bound {
    /// Serves until it is told to stop, and then until what was asked is answered.
    pub(in crate::serve) async fn serve(self, router: Router, stop: Stop, descriptors: u64) {
        self.serve_within(router, stop, Bounds::usual(descriptors)).await;
    }

    pub(super) async fn serve_within(self, router: Router, mut stop: Stop, bounds: Bounds) {
        let app = router.layer(from_fn(move |request, next| answer_in_time(request, next, bounds.answer)));
        door::begin();
        let door = Door::new(bounds.connections, self.trusted_proxies.clone());
        let graceful = GracefulShutdown::new();
        loop {
            let taken = tokio::select! {
                taken = self.next() => taken,
                () = stop.called() => break,
            };
            let Some((stream, peer)) = taken else { continue };
            let Some(seat) = door.come(peer) else {
                refuse(&stream, self.tls.is_some());
                continue;
            };
            let trusted = self.trusted_proxies.clone();
            let seat = Arc::new(seat);
            let client = Client { peer, trusted, app: app.clone(), bounds, seat: seat.clone() };
            let tls = self.tls.as_ref().map(|certificates| certificates.acceptor());
            let watcher = graceful.watcher();
            tasks::spawn(tasks::Part::HttpConnection, async move {
                tokio::select! {
                    biased;
                    () = seat.closed() => {}
                    () = client.serve(stream, tls, watcher) => {}
                }
            });
        }
        drop(self.listener);
        let _ = tokio::time::timeout(LAST_ANSWERS, graceful.shutdown()).await;
    }

    /// The next client.
    async fn next(&self) -> Option<(TcpStream, SocketAddr)> {
        match self.listener.accept().await {
            Ok(taken) => Some(taken),
            Err(error) => {
                tracing::warn!(%error, "an HTTP connection could not be taken");
                tokio::time::sleep(ACCEPT_AGAIN).await;
                None
            }
        }
    }
}

/// Says that there is no room, as far as it goes out at once: nobody is waited for.
fn refuse(stream: &TcpStream, is_tls: bool) {
    if !is_tls {
        let _ = stream.try_write(NO_ROOM);
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
    seat: Arc<Seat>,
}

impl Client {
    async fn serve(self, stream: TcpStream, tls: Option<TlsAcceptor>, watcher: Watcher) {
        // Only slower if it fails.
        let _ = stream.set_nodelay(true);
        let Some(tls) = tls else { return self.http1(stream, watcher).await };
        if let Ok(Ok(stream)) = tokio::time::timeout(HANDSHAKE_TIMEOUT, tls.accept(stream)).await {
            if stream.get_ref().1.alpn_protocol() == Some(b"h2") {
                self.http2(stream, watcher).await;
            } else {
                self.http1(stream, watcher).await;
            }
        }
    }

    async fn http1(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, watcher: Watcher) {
        let (head, client) = (self.bounds.head, Arc::new(self));
        let service = service_fn(move |request| answer(client.clone(), request));
        let connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(head)
            .max_buf_size(MAX_HEAD_BYTES as usize)
            .serve_connection(TokioIo::new(stream), service);
        // What a client does wrong is its own trouble.
        let _ = watcher.watch(connection).await;
    }

    async fn http2(self, stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static, watcher: Watcher) {
        let client = Arc::new(self);
        let service = service_fn(move |request| answer(client.clone(), request));
        let connection = http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .keep_alive_interval(PING_EVERY)
            .max_concurrent_streams(MAX_STREAMS)
            .max_header_list_size(MAX_HEAD_BYTES)
            .serve_connection(TokioIo::new(stream), service);
        let _ = watcher.watch(connection).await;
    }
}

async fn answer(client: Arc<Client>, mut request: Request<Incoming>) -> Result<Response, Infallible> {
    let Client { peer, trusted, app, seat, .. } = &*client;
    let until_its_end = seat.ask();
    if seat.waits() && !may_go_on(&request) {
        return Ok(no_room().map(until_its_end));
    }
    let who = forwarded::client(*peer, request.headers(), trusted);
    let known = web::Known::default();
    request.extensions_mut().insert(ConnectInfo(who));
    request.extensions_mut().insert(known.clone());
    let answer = app.clone().oneshot(request.map(Body::new)).await?;
    if known.is_known() {
        seat.is_known();
    }
    Ok(answer.map(until_its_end))
}

/// What is answered even where strangers are not: whether all is well, and those who say that they are known, of whom
/// it is found out then.
fn may_go_on(request: &Request<Incoming>) -> bool {
    FOR_MACHINES.iter().any(|path| request.uri().path().ends_with(path))
        || web::claims_to_be_known(request.headers())
}

fn no_room() -> Response {
    let headers = [(header::RETRY_AFTER, "5"), (header::CONNECTION, "close")];
    (StatusCode::SERVICE_UNAVAILABLE, headers, "there is no room for more strangers\n").into_response()
}
