//! One request and its answer on a connection, in HTTP/1.1 or HTTP/2.
//!
//! An HTTP/1.1 connection is driven by the task that waits for its answer: nothing is handed to another
//! task on the way. A connection that nobody uses is not looked at until its next use.

use std::future::{Future, poll_fn};
use std::io::ErrorKind;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::dial::Dialled;
use super::link::Link;

/// How long the answer may take, from sending the request to the end of the answer's head.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// So much of an answer is kept.
pub const ANSWER_KEPT_MAX: usize = 4_096;
/// So much of an answer is read and thrown away to keep the connection; with more it is closed.
pub const ANSWER_DISCARDED_MAX: usize = 65_536;
/// The head of an answer may be so long.
const ANSWER_HEAD_MAX: usize = 32_768;

/// What is waited for and taken of an answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bounds {
    /// From sending the request to the end of the answer.
    pub(crate) limit: Duration,
    /// Bytes of its body that are kept.
    pub(crate) kept: usize,
    /// Bytes of its body that are read.
    pub(crate) read: usize,
}

impl Bounds {
    /// For a receiver of events, whose status says all.
    pub(crate) fn of_a_receiver(limit: Duration) -> Self {
        Self { limit, kept: ANSWER_KEPT_MAX, read: ANSWER_DISCARDED_MAX }
    }
}

/// A whole request, cheap to take back if it was never written.
pub(crate) type Outgoing = Request<Full<Bytes>>;

type Driver = Pin<Box<http1::Connection<TokioIo<Link>, Full<Bytes>>>>;

/// An open connection.
pub(super) struct Open {
    /// Where to, as it is kept with every attempt.
    pub(super) address: Arc<str>,
    pub(super) http: Http,
}

pub(super) enum Http {
    One { sender: http1::SendRequest<Full<Bytes>>, driver: Driver, done: bool },
    Two(http2::SendRequest<Full<Bytes>>),
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    /// As much of it as was to be kept.
    pub(crate) body: Vec<u8>,
}

/// There was none.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The connection was closed before a byte of the request was written: here it is back.
    NotSent(Box<Outgoing>),
    /// The request may have reached the receiver.
    Lost(Lost),
    /// The time was up.
    TimedOut,
}

/// How a connection was lost before an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It was closed in the middle of an answer, or before one.
    Closed,
    /// It was reset.
    Reset,
    /// What came is no HTTP; in a library's words.
    Unreadable(String),
    /// Anything else, in a library's words.
    Other(String),
}

impl Lost {
    fn of(error: hyper::Error) -> Self {
        let words = in_words(&error);
        if error.is_incomplete_message() || error.is_closed() {
            return Self::Closed;
        }
        if error.is_parse() {
            return Self::Unreadable(words);
        }
        let cause =
            std::error::Error::source(&error).and_then(|cause| cause.downcast_ref::<std::io::Error>());
        match cause.map(std::io::Error::kind) {
            Some(ErrorKind::ConnectionReset | ErrorKind::BrokenPipe) => Self::Reset,
            Some(ErrorKind::UnexpectedEof) => Self::Closed,
            _ => Self::Other(words),
        }
    }
}

impl Open {
    pub(super) async fn over(dialled: Dialled) -> Result<Self, Lost> {
        let Dialled { link, address, speaks_h2 } = dialled;
        let io = TokioIo::new(link);
        let http = if speaks_h2 {
            let (sender, connection) = http2::Builder::new(TokioExecutor::new())
                .max_header_list_size(ANSWER_HEAD_MAX as u32)
                .handshake(io)
                .await
                .map_err(Lost::of)?;
            tasks::spawn(tasks::Part::OutgoingConnection, async move { drop(connection.await) });
            Http::Two(sender)
        } else {
            let (sender, connection) =
                http1::Builder::new().max_buf_size(ANSWER_HEAD_MAX).handshake(io).await.map_err(Lost::of)?;
            Http::One { sender, driver: Box::pin(connection), done: false }
        };
        Ok(Self { address: address.to_string().into(), http })
    }

    /// Another handle on the same connection, where requests share one.
    pub(super) fn share(&self) -> Option<Self> {
        match &self.http {
            Http::One { .. } => None,
            Http::Two(sender) => {
                Some(Self { address: self.address.clone(), http: Http::Two(sender.clone()) })
            }
        }
    }

    /// Whether it is still open, as far as can be seen without waiting.
    pub(super) async fn is_alive(&mut self) -> bool {
        match &mut self.http {
            Http::One { sender, driver, done } => {
                poll_fn(|cx| {
                    *done = *done || driver.as_mut().poll(cx).is_ready();
                    Poll::Ready(())
                })
                .await;
                !*done && !sender.is_closed()
            }
            Http::Two(sender) => !sender.is_closed(),
        }
    }

    /// Whether another request may be sent on it, after an answer.
    pub(super) fn is_reusable(&self) -> bool {
        match &self.http {
            Http::One { sender, done, .. } => !done && !sender.is_closed(),
            Http::Two(sender) => !sender.is_closed(),
        }
    }

    /// Sends a request and waits for its answer. The flag says whether the answer was read to its end: only
    /// then may the connection be used again.
    pub(super) async fn exchange(
        &mut self,
        request: Outgoing,
        bounds: Bounds,
    ) -> Result<(Answered, bool), NoAnswer> {
        match &mut self.http {
            Http::One { sender, driver, done } => {
                let talk = talk(sender.try_send_request(request), bounds);
                let mut talk = pin!(talk);
                poll_fn(|cx| {
                    if let Poll::Ready(end) = talk.as_mut().poll(cx) {
                        return Poll::Ready(end);
                    }
                    if !*done && driver.as_mut().poll(cx).is_ready() {
                        *done = true;
                    }
                    talk.as_mut().poll(cx)
                })
                .await
            }
            Http::Two(sender) => {
                let mut request = request;
                for_h2(&mut request);
                talk(sender.try_send_request(request), bounds).await
            }
        }
    }
}

type TrySend = hyper::client::conn::TrySendError<Outgoing>;

async fn talk(
    sending: impl Future<Output = Result<Response<Incoming>, TrySend>>,
    bounds: Bounds,
) -> Result<(Answered, bool), NoAnswer> {
    let until = tokio::time::Instant::now() + bounds.limit;
    let response = match tokio::time::timeout_at(until, sending).await {
        Ok(Ok(response)) => response,
        Ok(Err(mut error)) => {
            return Err(match error.take_message() {
                Some(request) => NoAnswer::NotSent(Box::new(request)),
                None => NoAnswer::Lost(Lost::of(error.into_error())),
            });
        }
        Err(_) => return Err(NoAnswer::TimedOut),
    };
    let (head, mut rest) = response.into_parts();
    let mut body = Vec::new();
    // The status has decided. What follows is worth keeping, but not worth waiting for beyond the limit.
    let read = tokio::time::timeout_at(until, read_some(&mut rest, &mut body, bounds)).await;
    let whole = read.unwrap_or(false);
    Ok((Answered { status: head.status.as_u16(), headers: head.headers, body }, whole))
}

/// Keeps the first bytes of an answer; whether all of it was read.
async fn read_some(rest: &mut Incoming, kept: &mut Vec<u8>, bounds: Bounds) -> bool {
    let mut seen = 0_usize;
    while let Some(frame) = rest.frame().await {
        let Ok(frame) = frame else { return false };
        if let Some(data) = frame.data_ref() {
            let room = bounds.kept.saturating_sub(kept.len()).min(data.len());
            kept.extend_from_slice(&data[..room]);
            seen = seen.saturating_add(data.len());
            if seen > bounds.read {
                return false;
            }
        }
    }
    true
}

/// HTTP/2 has the host in the URI.
fn for_h2(request: &mut Outgoing) {
    let Some(host) = request.headers_mut().remove(http::header::HOST) else { return };
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(http::uri::Scheme::HTTPS);
    parts.authority = http::uri::Authority::from_maybe_shared(Bytes::copy_from_slice(host.as_bytes())).ok();
    if let Ok(uri) = http::Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    *request.version_mut() = http::Version::HTTP_2;
}

/// What went wrong, causes included.
fn in_words(error: &hyper::Error) -> String {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}
