//! Cuts a stream of bytes into messages.
//!
//! Owns the bytes of the message in progress and nothing else; its memory is bounded whatever comes in.
//! What a message means is left to [`super::Translator`] and the login session.

use super::message::{Line, Message};
use crate::lines::LineEnds;
use crate::link::Skipped;

/// The longest line that is read; Asterisk itself writes lines of a few hundred bytes.
pub const MAX_LINE_BYTES: usize = 64 * 1024;
/// The longest message that is read.
pub const MAX_MESSAGE_BYTES: usize = 1024 * 1024;
/// The most lines a message may have.
pub const MAX_HEADERS: usize = 16 * 1024;

/// How Asterisk greets; the version follows.
const GREETING: &[u8] = b"Asterisk Call Manager";

/// Something that came in.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Item<'a> {
    /// The line Asterisk opens a connection with.
    Greeting(&'a str),
    /// A message.
    Message(Message<'a>),
    /// Something too long to be a message; it was skipped up to the next blank line.
    Malformed(Malformed),
}

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
enum Excess {
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
    const fn over(self, skipped_bytes: u64) -> Malformed {
        match self {
            Self::Line => Malformed::LineTooLong { skipped_bytes },
            Self::Message => Malformed::MessageTooLong { skipped_bytes },
            Self::Lines => Malformed::TooManyLines { skipped_bytes },
        }
    }
}

/// A message that is being skipped.
#[derive(Clone, Copy, Debug)]
struct Skip {
    excess: Excess,
    bytes: u64,
    /// The line in progress has had bytes that are no longer in the buffer: it is not blank.
    line_has_bytes: bool,
}

/// Where the scan stopped.
enum Stop {
    Greeting { end: usize },
    Message { end: usize },
    Skipped(Malformed),
}

/// Cuts a stream of bytes into [`Item`]s. Any chunking of the same bytes gives the same items.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Where in the buffer the item in progress begins; what is before has been given out.
    start: usize,
    /// Where its last line begins.
    line: usize,
    /// Up to where the buffer has been looked at.
    scanned: usize,
    /// The headers of the message in progress, or of the one just given out.
    lines: Vec<Line>,
    given_out: bool,
    skip: Option<Skip>,
    /// A message that was not UTF-8, with what was wrong replaced.
    mended: String,
}

impl Decoder {
    /// At the beginning of a connection or recording.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more bytes. Everything they complete must be taken out with [`Self::next_item`] before more
    /// are fed, or the buffer grows.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.forget_given_out();
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.line -= self.start;
            self.scanned -= self.start;
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next item the bytes so far complete.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        self.forget_given_out();
        match self.scan()? {
            Stop::Skipped(malformed) => Some(Item::Malformed(malformed)),
            Stop::Greeting { end } => {
                self.given_out = true;
                self.mended.clear();
                self.mended.push_str(&String::from_utf8_lossy(&self.buffer[self.start..end]));
                Some(Item::Greeting(&self.mended))
            }
            Stop::Message { end } => {
                self.given_out = true;
                let bytes = &self.buffer[self.start..end];
                Some(Item::Message(match std::str::from_utf8(bytes) {
                    Ok(text) => Message::new(text, &self.lines),
                    Err(_) => {
                        self.mended.clear();
                        self.mended.push_str(&String::from_utf8_lossy(bytes));
                        find_lines(&self.mended, &mut self.lines);
                        Message::new(&self.mended, &self.lines)
                    }
                }))
            }
        }
    }

    /// What has come in of an item that is not complete.
    pub fn incomplete(&self) -> &[u8] {
        if self.given_out { &self.buffer[self.scanned..] } else { &self.buffer[self.start..] }
    }

    /// Forgets what is incomplete: the next bytes are of another connection.
    pub fn reset(&mut self) {
        let Self { buffer, lines, mended, .. } = std::mem::take(self);
        *self = Self { buffer, lines, mended, ..Self::default() };
        self.buffer.clear();
        self.lines.clear();
        self.give_back_memory();
    }

    fn forget_given_out(&mut self) {
        if std::mem::take(&mut self.given_out) {
            self.lines.clear();
            self.start = self.scanned;
            self.line = self.scanned;
        }
        if self.start == self.buffer.len() && self.start > 0 {
            self.buffer.clear();
            (self.start, self.line, self.scanned) = (0, 0, 0);
            self.give_back_memory();
        }
    }

    /// One huge message must not cost its memory for ever.
    fn give_back_memory(&mut self) {
        if self.buffer.capacity() > 2 * MAX_LINE_BYTES {
            self.buffer.shrink_to(MAX_LINE_BYTES);
        }
        if self.mended.capacity() > 2 * MAX_LINE_BYTES {
            self.mended = String::new();
        }
    }

    fn scan(&mut self) -> Option<Stop> {
        if self.skip.is_some()
            && let Some(malformed) = self.skip_lines()
        {
            return Some(Stop::Skipped(malformed));
        }
        let Self { buffer, lines, .. } = self;
        let (from, mut line) = (self.scanned, self.line);
        for offset in LineEnds::of(&buffer[from..]) {
            let at = from + offset;
            // Before a blank line stands the end of another one, or nothing.
            let has_return = at.checked_sub(1).is_some_and(|before| buffer[before] == b'\r');
            let end = at - usize::from(has_return);
            let begins = lines.is_empty();
            if !begins && end != line && excess(lines.len(), self.start, line, at).is_none() {
                lines.push(Line::new(line - self.start, end - self.start));
                line = at + 1;
                continue;
            }
            if end == line && begins {
                line = at + 1;
                self.start = line;
                continue;
            }
            (self.line, self.scanned) = (at + 1, at + 1);
            if end == line {
                return Some(Stop::Message { end: line });
            }
            if begins && buffer[line..end].starts_with(GREETING) {
                return Some(Stop::Greeting { end });
            }
            match excess(lines.len(), self.start, line, at) {
                Some(excess) => {
                    let bytes = (at + 1 - self.start) as u64;
                    self.skip = Some(Skip { excess, bytes, line_has_bytes: false });
                    lines.clear();
                    self.start = at + 1;
                    return self.scan();
                }
                None => {
                    lines.push(Line::new(line - self.start, end - self.start));
                    line = at + 1;
                }
            }
        }
        self.line = line;
        self.scanned = self.buffer.len();
        self.bound_unfinished_line();
        None
    }

    /// Skips lines up to the blank one, if that has come.
    #[cold]
    fn skip_lines(&mut self) -> Option<Malformed> {
        let skip = self.skip.as_mut()?;
        let from = self.scanned;
        for offset in LineEnds::of(&self.buffer[from..]) {
            let at = from + offset;
            let line = std::mem::replace(&mut self.line, at + 1);
            let is_blank = !skip.line_has_bytes && matches!(self.buffer[line..at], [] | [b'\r']);
            skip.bytes += (at + 1 - self.start) as u64;
            skip.line_has_bytes = false;
            self.start = at + 1;
            self.scanned = at + 1;
            if is_blank {
                let malformed = skip.excess.over(skip.bytes);
                self.skip = None;
                return Some(malformed);
            }
        }
        None
    }

    /// Begins or goes on skipping where the line in progress is part of something too long.
    fn bound_unfinished_line(&mut self) {
        let end = self.buffer.len();
        // It may become a blank line: nothing can be said yet.
        if matches!(self.buffer[self.line..], [] | [b'\r']) {
            return;
        }
        if self.skip.is_none()
            && let Some(excess) = excess(self.lines.len(), self.start, self.line, end)
        {
            self.lines.clear();
            self.skip = Some(Skip { excess, bytes: 0, line_has_bytes: true });
        }
        if let Some(skip) = &mut self.skip {
            skip.bytes += (end - self.start) as u64;
            skip.line_has_bytes = true;
            self.start = end;
            self.line = end;
        }
    }
}

/// The bound that a line at `line..end` breaks, behind so many lines of the message that begins at `start`: the first
/// one it comes to, so that it does not matter in which pieces the line comes in.
#[inline]
fn excess(lines: usize, start: usize, line: usize, end: usize) -> Option<Excess> {
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

/// Finds the lines again after bytes were replaced.
fn find_lines(text: &str, lines: &mut Vec<Line>) {
    lines.clear();
    let mut start = 0;
    for at in LineEnds::of(text.as_bytes()) {
        let end = if text[start..at].ends_with('\r') { at - 1 } else { at };
        lines.push(Line::new(start, end));
        start = at + 1;
    }
}
