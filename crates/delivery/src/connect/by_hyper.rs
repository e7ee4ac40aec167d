//! What is left to hyper: HTTP/2, and questions that are no deliveries.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::Poll;

use bytes::Bytes;
use http::response::Parts;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};

use super::answer::{ANSWER_HEAD_MAX, Bounds, Lost, NoAnswer};
use super::dial::Dialled;
use super::link::Link;

/// A whole request.
pub(super) type Whole = Request<Full<Bytes>>;

/// Where HTTP/2 requests are sent.
pub(super) type Shared = http2::SendRequest<Full<Bytes>>;

/// An answer: its head, what was kept of its body, and whether it was read to its end.
pub(super) type Answer = (Parts, Vec<u8>, bool);

pub(super) async fn over_h2(link: Link) -> Result<Shared, Lost> {
    let (sender, connection) = http2::Builder::new(TokioExecutor::new())
        .max_header_list_size(ANSWER_HEAD_MAX as u32)
        .handshake(TokioIo::new(link))
        .await
        .map_err(|error| Lost::of(&error))?;
    tasks::spawn(tasks::Part::OutgoingConnection, async move { drop(connection.await) });
    Ok(sender)
}

/// Sends a request over HTTP/2 and waits for its answer.
pub(super) async fn ask_h2(sender: &mut Shared, request: Whole, bounds: Bounds) -> Result<Answer, NoAnswer> {
    let mut request = request;
    for_h2(&mut request);
    talk(sender.try_send_request(request), bounds).await
}

/// One request on a connection of its own, by whichever version it speaks.
pub(super) async fn ask_once(dialled: Dialled, request: Whole, bounds: Bounds) -> Result<Answer, NoAnswer> {
    let Dialled { link, speaks_h2, .. } = dialled;
    if speaks_h2 {
        let mut sender = over_h2(link).await.map_err(NoAnswer::Lost)?;
        return ask_h2(&mut sender, request, bounds).await;
    }
    let handshake = http1::Builder::new().max_buf_size(ANSWER_HEAD_MAX).handshake(TokioIo::new(link));
    let (mut sender, connection) =
        handshake.await.map_err(|error: hyper::Error| NoAnswer::Lost(Lost::of(&error)))?;
    let mut driver: Pin<Box<_>> = Box::pin(connection);
    let mut done = false;
    let mut talk = pin!(talk(sender.try_send_request(request), bounds));
    poll_fn(|cx| {
        if let Poll::Ready(end) = talk.as_mut().poll(cx) {
            return Poll::Ready(end);
        }
        if !done && driver.as_mut().poll(cx).is_ready() {
            done = true;
        }
        talk.as_mut().poll(cx)
    })
    .await
}

pub(super) async fn talk(
    sending: impl Future<Output = Result<Response<Incoming>, TrySendError<Whole>>>,
    bounds: Bounds,
) -> Result<Answer, NoAnswer> {
    let until = tokio::time::Instant::now() + bounds.limit;
    let response = match tokio::time::timeout_at(until, sending).await {
        Ok(Ok(response)) => response,
        Ok(Err(mut error)) => {
            return Err(match error.take_message() {
                Some(_) => NoAnswer::NotSent,
                None => NoAnswer::Lost(Lost::of(&error.into_error())),
            });
        }
        Err(_) => return Err(NoAnswer::TimedOut),
    };
    let (head, mut rest) = response.into_parts();
    let mut body = Vec::new();
    // The status has decided. What follows is worth keeping, but not worth waiting for beyond the limit.
    let read = tokio::time::timeout_at(until, read_some(&mut rest, &mut body, bounds)).await;
    Ok((head, body, read.unwrap_or(false)))
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
fn for_h2(request: &mut Whole) {
    let Some(host) = request.headers_mut().remove(http::header::HOST) else { return };
    let mut parts = std::mem::take(request.uri_mut()).into_parts();
    parts.scheme = Some(http::uri::Scheme::HTTPS);
    parts.authority = http::uri::Authority::from_maybe_shared(Bytes::copy_from_slice(host.as_bytes())).ok();
    if let Ok(uri) = http::Uri::from_parts(parts) {
        *request.uri_mut() = uri;
    }
    *request.version_mut() = http::Version::HTTP_2;
}
