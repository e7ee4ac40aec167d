//! Cuts a stream of bytes into messages.
//!
//! Owns the bytes of the message in progress and nothing else; its memory is bounded whatever comes in.
//! What a message means is left to [`super::Translator`] and the login session.

use super::malformed::{MAX_HEADERS, MAX_LINE_BYTES, Malformed, Skip, excess};
use super::message::Message;
use crate::lines::{BLOCK, LineEnds, Places, line_feeds_at};

/// How Asterisk greets; the version follows.
const GREETING: &[u8] = b"Asterisk Call Manager";

/// So much of a message can break no bound, whatever it is: a line of its own has two bytes at least.
const UNBOUND_BYTES: usize = MAX_HEADERS;
const _: () = assert!(UNBOUND_BYTES + BLOCK <= MAX_LINE_BYTES && UNBOUND_BYTES + BLOCK <= 2 * MAX_HEADERS);

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
    /// Where the lines of the message in progress end, or of the one just given out: the line feeds, counted from its
    /// beginning.
    ends: Places,
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
                    Ok(text) => Message::new(text, self.ends.as_slice()),
                    Err(_) => {
                        self.mended.clear();
                        self.mended.push_str(&String::from_utf8_lossy(bytes));
                        find_ends(&self.mended, &mut self.ends);
                        Message::new(&self.mended, self.ends.as_slice())
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
        let Self { buffer, ends, mended, .. } = std::mem::take(self);
        *self = Self { buffer, ends, mended, ..Self::default() };
        self.buffer.clear();
        self.ends.clear();
        self.give_back_memory();
    }

    fn forget_given_out(&mut self) {
        if std::mem::take(&mut self.given_out) {
            self.ends.clear();
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
        self.scan_blocks().or_else(|| self.scan_lines())
    }

    /// Looks for the end of an ordinary message, which most are, by blocks: without a look at each line.
    #[inline]
    fn scan_blocks(&mut self) -> Option<Stop> {
        if self.skip.is_some() {
            return None;
        }
        if self.scanned == self.start {
            self.skip_blank_lines();
        }
        let bytes = &self.buffer[self.start..];
        // What may become a blank line or a greeting is not ordinary.
        if matches!(bytes.first(), None | Some(b'\r' | b'\n' | b'A')) {
            return None;
        }
        let mut at = self.scanned - self.start;
        // A blank line may end right at the beginning of a block.
        let mut nearby = 0b11;
        while at < bytes.len().min(UNBOUND_BYTES) {
            let feeds = line_feeds_at(bytes, at);
            let mut maybe_blank = feeds & (feeds << 1 | feeds << 2 | nearby);
            while maybe_blank != 0 {
                let place = maybe_blank.trailing_zeros();
                let end = at + place as usize;
                if let [.., b'\n', b'\r'] | [.., b'\n'] = bytes[..end] {
                    self.ends.add(feeds & ((1 << place) - 1), at as u32);
                    let blank = end - usize::from(bytes[end - 1] == b'\r');
                    let end = self.start + blank;
                    self.scanned = self.start + at + place as usize + 1;
                    self.line = self.scanned;
                    return Some(Stop::Message { end });
                }
                maybe_blank &= maybe_blank - 1;
            }
            self.ends.add(feeds, at as u32);
            nearby = feeds >> 62 | feeds >> 63;
            at += BLOCK;
        }
        self.scanned = self.start + at.min(bytes.len());
        self.line = self.start + self.ends.as_slice().last().map_or(0, |end| *end as usize + 1);
        None
    }

    /// Blank lines between messages mean nothing.
    #[inline]
    fn skip_blank_lines(&mut self) {
        while let Some(length) = match self.buffer[self.start..] {
            [b'\n', ..] => Some(1),
            [b'\r', b'\n', ..] => Some(2),
            _ => None,
        } {
            self.start += length;
        }
        (self.line, self.scanned) = (self.start, self.start);
    }

    /// The same for what is not ordinary, line by line.
    fn scan_lines(&mut self) -> Option<Stop> {
        let Self { buffer, ends, .. } = self;
        let (from, mut line) = (self.scanned, self.line);
        for offset in LineEnds::of(&buffer[from..]) {
            let at = from + offset;
            // Before a blank line stands the end of another one, or nothing.
            let has_return = at.checked_sub(1).is_some_and(|before| buffer[before] == b'\r');
            let end = at - usize::from(has_return);
            if end == line && ends.len() == 0 {
                line = at + 1;
                self.start = line;
                continue;
            }
            if end == line {
                (self.line, self.scanned) = (at + 1, at + 1);
                return Some(Stop::Message { end: line });
            }
            if ends.len() == 0 && buffer[line..end].starts_with(GREETING) {
                (self.line, self.scanned) = (at + 1, at + 1);
                return Some(Stop::Greeting { end });
            }
            if let Some(excess) = excess(ends.len(), self.start, line, at) {
                let bytes = (at + 1 - self.start) as u64;
                self.skip = Some(Skip { excess, bytes, line_has_bytes: false });
                ends.clear();
                (self.start, self.line, self.scanned) = (at + 1, at + 1, at + 1);
                return self.scan();
            }
            // A message is bounded far below 4 GB.
            ends.add(1, (at - self.start) as u32);
            line = at + 1;
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
            && let Some(excess) = excess(self.ends.len(), self.start, self.line, end)
        {
            self.ends.clear();
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

/// Finds where lines end again after bytes were replaced.
fn find_ends(text: &str, ends: &mut Places) {
    ends.clear();
    ends.add_all(text.as_bytes());
}
