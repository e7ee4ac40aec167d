//! One request and its answer on a connection, in HTTP/1.1 or HTTP/2.
//!
//! An HTTP/1.1 connection is driven by the task that waits for its answer: nothing is handed to another
//! task on the way. A connection that nobody uses is not looked at until its next use.

use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::time::Duration;

use http::HeaderMap;
use http::header::RETRY_AFTER;

use super::by_hyper::{self, Shared};
use super::dial::Dialled;
use super::http1::Connection;
use crate::request::Wire;

/// How long the answer may take, from sending the request to the end of the answer's head.
pub const RESPONSE_TIMEOUT: Duration = Duration::from_secs(10);
/// So much of an answer is kept.
pub const ANSWER_KEPT_MAX: usize = 4_096;
/// So much of an answer is read and thrown away to keep the connection; with more it is closed.
pub const ANSWER_DISCARDED_MAX: usize = 65_536;
/// The head of an answer may be so long.
pub(super) const ANSWER_HEAD_MAX: usize = 32_768;

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

/// An open connection.
pub(super) struct Open {
    /// Where to, as it is kept with every attempt.
    pub(super) address: Arc<str>,
    http: Http,
}

enum Http {
    One(Box<Connection>),
    Two(Shared),
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Answered {
    pub(crate) status: u16,
    /// `Retry-After`, as it stands there.
    pub(crate) retry_after: Option<Box<str>>,
    /// How long the receiver keeps the connection, if it says so.
    pub(crate) kept_for: Option<Duration>,
    /// As much of it as was to be kept.
    pub(crate) body: Vec<u8>,
}

/// There was none.
#[derive(Debug)]
pub(crate) enum NoAnswer {
    /// The connection was closed before a byte of the request was written.
    NotSent,
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
    /// What came is no HTTP; what is wrong with it.
    Unreadable(String),
    /// Anything else, in a library's words.
    Other(String),
}

impl Lost {
    pub(super) fn of(error: &hyper::Error) -> Self {
        if error.is_incomplete_message() || error.is_closed() {
            return Self::Closed;
        }
        if error.is_parse() {
            return Self::Unreadable(in_words(error));
        }
        let cause = std::error::Error::source(error).and_then(|cause| cause.downcast_ref::<io::Error>());
        match cause.map(Self::by) {
            Some(known @ (Self::Closed | Self::Reset)) => known,
            _ => Self::Other(in_words(error)),
        }
    }

    pub(super) fn by(error: &io::Error) -> Self {
        match error.kind() {
            ErrorKind::ConnectionReset | ErrorKind::BrokenPipe => Self::Reset,
            ErrorKind::UnexpectedEof => Self::Closed,
            _ => Self::Other(error.to_string()),
        }
    }
}

impl Open {
    pub(super) async fn over(dialled: Dialled) -> Result<Self, Lost> {
        let Dialled { link, address, speaks_h2 } = dialled;
        let http = match speaks_h2 {
            true => Http::Two(by_hyper::over_h2(link).await?),
            false => Http::One(Box::new(Connection::over(link))),
        };
        Ok(Self { address: address.to_string().into(), http })
    }

    /// Another handle on the same connection, where requests share one.
    pub(super) fn share(&self) -> Option<Self> {
        match &self.http {
            Http::One(_) => None,
            Http::Two(sender) => {
                Some(Self { address: self.address.clone(), http: Http::Two(sender.clone()) })
            }
        }
    }

    /// Whether it is still open, as far as can be seen without waiting.
    pub(super) async fn is_alive(&mut self) -> bool {
        match &mut self.http {
            Http::One(connection) => connection.is_alive().await,
            Http::Two(sender) => !sender.is_closed(),
        }
    }

    /// Whether another request may be sent on it, after an answer.
    pub(super) fn is_reusable(&self) -> bool {
        match &self.http {
            Http::One(connection) => connection.is_reusable(),
            Http::Two(sender) => !sender.is_closed(),
        }
    }

    /// Sends a request and waits for its answer. The flag says whether the answer was read to its end: only
    /// then may the connection be used again.
    pub(super) async fn exchange(
        &mut self,
        request: &Wire,
        bounds: Bounds,
    ) -> Result<(Answered, bool), NoAnswer> {
        match &mut self.http {
            Http::One(connection) => connection.exchange(request.as_bytes(), bounds).await,
            Http::Two(sender) => {
                let unusable = |why: String| NoAnswer::Lost(Lost::Other(why));
                let request = request.to_request().map_err(unusable)?;
                let (head, body, whole) = by_hyper::ask_h2(sender, request, bounds).await?;
                let retry_after = text(&head.headers, RETRY_AFTER.as_str()).map(Into::into);
                let status = head.status.as_u16();
                Ok((Answered { status, retry_after, kept_for: None, body }, whole))
            }
        }
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
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
