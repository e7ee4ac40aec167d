//! HTTP/1.1 as a webhook needs it: one request out of one buffer, one answer into another, both kept with the
//! connection.
//!
//! A library that can everything costs more than the socket does (docs/performance.md has the figures). What it
//! understands of an answer is what hyper understands: the same bytes are fed to both by a test. HTTP/2 and
//! everything that is no delivery stays with hyper.

mod answer;
mod body;
mod head;

use std::future::{Future as _, poll_fn};
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead as _, AsyncWrite as _, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::answer::{Answered, Bounds, Lost, NoAnswer};
use super::link::Link;
use answer::{Reading, Stand};

/// Room for what comes at once. Nearly every answer is shorter.
const READ_AT_ONCE: usize = 2_048;
/// A buffer that grew beyond this for one answer is not kept.
const BUFFER_KEPT: usize = 4 * READ_AT_ONCE;

/// An open connection.
pub(super) struct Connection {
    link: Link,
    /// What came and was not taken yet.
    came: Vec<u8>,
    /// One timer for all requests: it is only ever put off.
    timer: Pin<Box<Sleep>>,
    reusable: bool,
}

/// A request that is out.
struct Exchange<'a> {
    request: &'a [u8],
    written: usize,
    flushed: bool,
    /// The connection takes no more; an answer may be there all the same.
    deaf: Option<io::ErrorKind>,
    reading: Reading,
}

impl Connection {
    pub(super) fn over(link: Link) -> Self {
        let timer = Box::pin(sleep_until(Instant::now()));
        Self { link, came: Vec::new(), timer, reusable: true }
    }

    /// Whether it is still open, as far as can be seen without waiting. What comes unasked is no answer.
    pub(super) async fn is_alive(&mut self) -> bool {
        let mut byte = [0; 1];
        let link = &mut self.link;
        let quiet = poll_fn(|cx| {
            let mut unasked = ReadBuf::new(&mut byte);
            Poll::Ready(Pin::new(&mut *link).poll_read(cx, &mut unasked).is_pending())
        });
        self.reusable &= quiet.await;
        self.reusable
    }

    /// Whether another request may be sent on it.
    pub(super) fn is_reusable(&self) -> bool {
        self.reusable
    }

    /// Sends a request and waits for its answer. The flag says whether the answer was read to its end.
    pub(super) async fn exchange(
        &mut self,
        request: &[u8],
        bounds: Bounds,
    ) -> Result<(Answered, bool), NoAnswer> {
        // Until it is known to be so: whoever gives up in the middle leaves a connection nobody can use.
        self.reusable = false;
        self.timer.as_mut().reset(Instant::now() + bounds.limit);
        let mut exchange =
            Exchange { request, written: 0, flushed: false, deaf: None, reading: Reading::new(bounds) };
        let whole = poll_fn(|cx| self.poll(&mut exchange, cx)).await?;
        if self.came.capacity() > BUFFER_KEPT {
            self.came = Vec::new();
        }
        match exchange.reading.answered() {
            Some(answered) => Ok((answered, whole)),
            None => Err(NoAnswer::Lost(Lost::Closed)),
        }
    }

    /// Writes and reads at once: some answer before they have heard all.
    fn poll(&mut self, exchange: &mut Exchange<'_>, cx: &mut Context<'_>) -> Poll<Result<bool, NoAnswer>> {
        match exchange.poll_write(&mut self.link, cx) {
            Poll::Ready(Err(not_sent)) => return Poll::Ready(Err(not_sent)),
            Poll::Ready(Ok(())) | Poll::Pending => {}
        }
        if let Poll::Ready(end) = self.poll_read(exchange, cx) {
            return Poll::Ready(end);
        }
        ready!(self.timer.as_mut().poll(cx));
        // The status has decided. What follows is worth keeping, but not worth waiting for beyond the limit.
        Poll::Ready(if exchange.reading.has_head() { Ok(false) } else { Err(NoAnswer::TimedOut) })
    }

    fn poll_read(
        &mut self,
        exchange: &mut Exchange<'_>,
        cx: &mut Context<'_>,
    ) -> Poll<Result<bool, NoAnswer>> {
        loop {
            match ready!(self.poll_more(cx)) {
                Ok(0) => return Poll::Ready(exchange.closed(&Lost::Closed)),
                Ok(_) => {}
                Err(error) => return Poll::Ready(exchange.closed(&Lost::by(&error))),
            }
            match exchange.reading.take(&mut self.came) {
                Ok(Stand::More) => {}
                Ok(Stand::Enough) => return Poll::Ready(Ok(false)),
                Ok(Stand::Whole { reusable }) => {
                    // One who answers before the end of the request does not hear the next one as a request.
                    self.reusable = reusable && exchange.flushed;
                    return Poll::Ready(Ok(true));
                }
                Err(lost) => return Poll::Ready(Err(NoAnswer::Lost(lost))),
            }
        }
    }

    /// Reads what is there; how much that was.
    fn poll_more(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        // Not cleared for what comes, and the little that comes is copied.
        let mut room = [const { MaybeUninit::uninit() }; READ_AT_ONCE];
        let mut room = ReadBuf::uninit(&mut room);
        let polled = Pin::new(&mut self.link).poll_read(cx, &mut room);
        let many = room.filled().len();
        self.came.extend_from_slice(room.filled());
        polled.map_ok(|()| many)
    }
}

impl Exchange<'_> {
    fn poll_write(&mut self, link: &mut Link, cx: &mut Context<'_>) -> Poll<Result<(), NoAnswer>> {
        let mut link = Pin::new(link);
        while self.deaf.is_none() && self.written < self.request.len() {
            match ready!(link.as_mut().poll_write(cx, &self.request[self.written..])) {
                Ok(many) if many > 0 => self.written += many,
                end => {
                    if self.written == 0 {
                        return Poll::Ready(Err(NoAnswer::NotSent));
                    }
                    self.deaf = Some(end.err().map_or(io::ErrorKind::WriteZero, |error| error.kind()));
                }
            }
        }
        if self.deaf.is_none() && !self.flushed {
            match ready!(link.as_mut().poll_flush(cx)) {
                Ok(()) => self.flushed = true,
                Err(error) => self.deaf = Some(error.kind()),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Nothing more comes.
    fn closed(&self, lost: &Lost) -> Result<bool, NoAnswer> {
        let whole = self.reading.closed().map_err(|_| match self.deaf {
            Some(io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => NoAnswer::Lost(Lost::Reset),
            _ => NoAnswer::Lost(lost.clone()),
        })?;
        // What ends with the connection ends with its orderly end only.
        Ok(whole && *lost == Lost::Closed)
    }
}
