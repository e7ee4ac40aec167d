//! What is waited for of an answer, what it is, and how there can be none.

use std::io::{self, ErrorKind};
use std::time::Duration;

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
