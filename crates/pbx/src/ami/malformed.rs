//! What is too long to be a message, and how it is skipped.

use crate::link::Skipped;

/// The longest line that is read; Asterisk itself writes lines of a few hundred bytes.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// The longest message that is read.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// The most lines a message may have.
pub const MAX_HEADERS: usize = 16 * 1024;

/// What was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A line longer than [`MAX_LINE_BYTES`].
    #[error(
        "a line of the PBX is longer than {MAX_LINE_BYTES} bytes; its message of {skipped_bytes} bytes was skipped"
    )]
    LineTooLong {
        /// The length of the whole message.
        skipped_bytes: u64,
    },
    /// A message longer than [`MAX_MESSAGE_BYTES`].
    #[error(
        "a message of the PBX is longer than {MAX_MESSAGE_BYTES} bytes; {skipped_bytes} bytes were skipped"
    )]
    MessageTooLong {
        /// Its length.
        skipped_bytes: u64,
    },
    /// A message of more lines than [`MAX_HEADERS`].
    #[error("a message of the PBX has more than {MAX_HEADERS} lines; {skipped_bytes} bytes were skipped")]
    TooManyLines {
        /// Its length.
        skipped_bytes: u64,
    },
}

/// Which bound a message has broken.
#[derive(Clone, Copy, Debug)]
pub(super) enum Excess {
    Line,
    Message,
    Lines,
}

impl From<Malformed> for Skipped {
    fn from(what: Malformed) -> Self {
        let (what, longest, unit, bytes) = match what {
            Malformed::LineTooLong { skipped_bytes } => ("line", MAX_LINE_BYTES, "bytes", skipped_bytes),
            Malformed::MessageTooLong { skipped_bytes } => {
                ("message", MAX_MESSAGE_BYTES, "bytes", skipped_bytes)
            }
            Malformed::TooManyLines { skipped_bytes } => ("message", MAX_HEADERS, "lines", skipped_bytes),
        };
        Self { what, longest, unit, bytes }
    }
}

impl Excess {
    pub(super) const fn over(self, skipped_bytes: u64) -> Malformed {
        match self {
            Self::Line => Malformed::LineTooLong { skipped_bytes },
            Self::Message => Malformed::MessageTooLong { skipped_bytes },
            Self::Lines => Malformed::TooManyLines { skipped_bytes },
        }
    }
}

/// A message that is being skipped.
#[derive(Clone, Copy, Debug)]
pub(super) struct Skip {
    pub(super) excess: Excess,
    pub(super) bytes: u64,
    /// The line in progress has had bytes that are no longer in the buffer: it is not blank.
    pub(super) line_has_bytes: bool,
}

/// The bound that a line at `line..end` breaks, behind so many lines of the message that begins at `start`: the first
/// one it comes to, so that it does not matter in which pieces the line comes in.
#[inline]
pub(super) fn excess(lines: usize, start: usize, line: usize, end: usize) -> Option<Excess> {
    let line_bound = line + MAX_LINE_BYTES;
    let message_bound = start + MAX_MESSAGE_BYTES;
    if lines >= MAX_HEADERS {
        Some(Excess::Lines)
    } else if end <= line_bound.min(message_bound) {
        None
    } else if line_bound <= message_bound {
        Some(Excess::Line)
    } else {
        Some(Excess::Message)
    }
}
