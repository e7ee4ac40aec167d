//! Cuts a stream of bytes into messages.
//!
//! A message of the event socket is a block of headers, a blank line and, where a header `Content-Length`
//! says so, a body of that many bytes: the body is never looked through to find its end. Owns the bytes of
//! the message in progress and nothing else; its memory is bounded whatever comes in. What a body says is
//! left to [`super::Event`].

use memchr::{memchr, memchr_iter};

/// The longest block of headers that is read; FreeSWITCH writes two or three lines.
pub const MAX_HEADER_BYTES: usize = 16 * 1024;
/// The longest event that is read. A call's are 3 to 15 KB.
pub const MAX_EVENT_BYTES: usize = 1024 * 1024;
/// The longest answer that is read: a list of 16,000 channels, `uuid_dump` of one.
pub const MAX_ANSWER_BYTES: usize = 8 * 1024 * 1024;

/// What a message is, by its `Content-Type`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// FreeSWITCH asks for the password: the first thing it says.
    AuthRequest,
    /// It closes the connection without asking for the password: the address is on no list of
    /// `apply-inbound-acl`.
    Refused,
    /// The answer to a command; it is in the header `Reply-Text`.
    Reply,
    /// The answer to an `api` command; it is the body.
    Answer,
    /// An event as lines of names and values.
    Plain,
    /// An event as JSON.
    Json,
    /// FreeSWITCH is about to close the connection.
    Disconnect,
    /// Something else: a line of its log, an event as XML.
    Other,
}

impl Kind {
    fn of(content_type: &[u8]) -> Self {
        match content_type {
            b"auth/request" => Self::AuthRequest,
            b"text/rude-rejection" => Self::Refused,
            b"command/reply" => Self::Reply,
            b"api/response" => Self::Answer,
            b"text/event-plain" => Self::Plain,
            b"text/event-json" => Self::Json,
            b"text/disconnect-notice" => Self::Disconnect,
            _ => Self::Other,
        }
    }

    const fn max_body_bytes(self) -> usize {
        match self {
            Self::Answer => MAX_ANSWER_BYTES,
            _ => MAX_EVENT_BYTES,
        }
    }
}

/// A message.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Message<'a> {
    /// What it is.
    pub kind: Kind,
    /// The header `Reply-Text`; empty where there is none.
    pub reply: &'a [u8],
    /// What follows the headers.
    pub body: &'a [u8],
}

impl std::fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { kind, reply, body } = self;
        write!(f, "{kind:?} {:?} {:?}", String::from_utf8_lossy(reply), String::from_utf8_lossy(body))
    }
}

/// Something that came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A message.
    Message(Message<'a>),
    /// Something that is none; it was skipped.
    Malformed(Malformed),
}

/// What was skipped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Malformed {
    /// A block of headers longer than [`MAX_HEADER_BYTES`].
    #[error("a block of headers of the PBX is longer than {MAX_HEADER_BYTES} bytes; it was skipped")]
    HeadersTooLong,
    /// A block of headers that does not say what it is.
    #[error("a block of headers of the PBX has no Content-Type; it was skipped")]
    NoType,
    /// A `Content-Length` that is no number: where the message ends is not known.
    #[error("a Content-Length of the PBX is no number; what follows was skipped up to the next message")]
    BadLength,
    /// A body longer than what is read of its kind.
    #[error("a message of the PBX has a body of {bytes} bytes, more than is read; it was skipped")]
    BodyTooLong {
        /// Its length.
        bytes: u64,
    },
}

/// What the headers of the message in progress say.
#[derive(Clone, Copy, Debug)]
struct Head {
    kind: Kind,
    /// Where in the buffer `Reply-Text` is.
    reply: (usize, usize),
    /// Where its body begins.
    body: usize,
    /// How long that is.
    length: usize,
}

/// Cuts a stream of bytes into [`Item`]s. Any chunking of the same bytes gives the same items.
#[derive(Debug, Default)]
pub struct Decoder {
    buffer: Vec<u8>,
    /// Where in the buffer the message in progress begins; what is before has been given out.
    start: usize,
    /// Up to where the buffer has been looked at for the end of the headers: a line begins here.
    scanned: usize,
    /// Up to where that line has no end.
    searched: usize,
    head: Option<Head>,
    /// So many bytes of a body that is too long are still to come.
    skip_bytes: u64,
    /// A block of headers that is too long is being skipped up to the next blank line.
    skip_block: bool,
}

impl Decoder {
    /// At the beginning of a connection or recording.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes more bytes. Everything they complete must be taken out with [`Self::next_item`] before more
    /// are fed, or the buffer grows.
    pub fn feed(&mut self, bytes: &[u8]) {
        let skipped = usize::try_from(self.skip_bytes).unwrap_or(usize::MAX).min(bytes.len());
        self.skip_bytes -= skipped as u64;
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.scanned -= self.start;
            self.searched = self.searched.saturating_sub(self.start);
            if let Some(head) = &mut self.head {
                head.body -= self.start;
                head.reply = (head.reply.0 - self.start, head.reply.1 - self.start);
            }
            self.start = 0;
            self.give_back_memory();
        }
        self.buffer.extend_from_slice(&bytes[skipped..]);
    }

    /// The next item the bytes so far complete.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        let head = match self.head {
            Some(head) => head,
            None => match self.read_head()? {
                Ok(head) => head,
                Err(malformed) => return Some(Item::Malformed(malformed)),
            },
        };
        let end = head.body + head.length;
        if self.buffer.len() < end {
            self.head = Some(head);
            return None;
        }
        self.head = None;
        (self.start, self.scanned) = (end, end);
        Some(Item::Message(Message {
            kind: head.kind,
            reply: &self.buffer[head.reply.0..head.reply.1],
            body: &self.buffer[head.body..end],
        }))
    }

    /// What has come in of an item that is not complete.
    pub fn incomplete(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    /// Forgets what is incomplete: the next bytes are of another connection.
    pub fn reset(&mut self) {
        let mut buffer = std::mem::take(&mut self.buffer);
        buffer.clear();
        *self = Self { buffer, ..Self::default() };
        self.give_back_memory();
    }

    /// One huge message must not cost its memory for ever.
    fn give_back_memory(&mut self) {
        if self.buffer.capacity() > 2 * MAX_EVENT_BYTES && self.buffer.len() < MAX_EVENT_BYTES / 2 {
            self.buffer.shrink_to(MAX_EVENT_BYTES / 2);
        }
    }

    /// Reads headers up to the blank line that ends them.
    fn read_head(&mut self) -> Option<Result<Head, Malformed>> {
        loop {
            let from = self.scanned;
            let unseen = from.max(self.searched);
            let Some(offset) = memchr(b'\n', &self.buffer[unseen..]) else {
                self.searched = self.buffer.len();
                return self.bound_unfinished_head();
            };
            let end = unseen + offset;
            self.scanned = end + 1;
            let is_blank = matches!(self.buffer[from..end], [] | [b'\r']);
            if self.skip_block {
                self.start = self.scanned;
                self.skip_block = !is_blank;
            } else if is_blank && from == self.start {
                // Blank lines between messages mean nothing.
                self.start = self.scanned;
            } else if self.scanned - self.start > MAX_HEADER_BYTES {
                return Some(Err(self.headers_too_long(is_blank)));
            } else if is_blank {
                return Some(self.understand(from));
            }
        }
    }

    fn bound_unfinished_head(&mut self) -> Option<Result<Head, Malformed>> {
        let long = self.buffer.len() - self.start > MAX_HEADER_BYTES;
        if self.skip_block && long {
            // The line in progress is not blank: one byte of it stays to show that.
            self.buffer.truncate(self.start + 2);
            self.searched = self.buffer.len();
            return None;
        }
        (long && !self.skip_block).then(|| Err(self.headers_too_long(false)))
    }

    fn headers_too_long(&mut self, is_over: bool) -> Malformed {
        self.start = self.scanned;
        self.skip_block = !is_over;
        Malformed::HeadersTooLong
    }

    /// What the headers say that begin with the message and end at `end`.
    fn understand(&mut self, end: usize) -> Result<Head, Malformed> {
        let (mut kind, mut reply, mut length) = (None, (self.scanned, self.scanned), Some(0));
        let mut at = self.start;
        for newline in memchr_iter(b'\n', &self.buffer[self.start..end]) {
            let line_end = self.start + newline;
            let line = trim_return(&self.buffer[at..line_end]);
            if let Some(value) = value_of(line, b"Content-Length:") {
                length = std::str::from_utf8(value).ok().and_then(|value| value.parse::<u64>().ok());
            } else if let Some(value) = value_of(line, b"Content-Type:") {
                kind = Some(Kind::of(value));
            } else if let Some(value) = value_of(line, b"Reply-Text:") {
                let value_end = at + line.len();
                reply = (value_end - value.len(), value_end);
            }
            at = line_end + 1;
        }
        self.start = self.scanned;
        let kind = kind.ok_or(Malformed::NoType)?;
        let bytes = length.ok_or(Malformed::BadLength)?;
        match usize::try_from(bytes) {
            Ok(length) if length <= kind.max_body_bytes() => {
                // `start` stays at the body, so that what is given out is forgotten soon; the reply is before it.
                self.start = reply.0;
                Ok(Head { kind, reply, body: self.scanned, length })
            }
            Ok(_) | Err(_) => {
                self.skip(bytes);
                Err(Malformed::BodyTooLong { bytes })
            }
        }
    }

    fn skip(&mut self, bytes: u64) {
        let here = (self.buffer.len() - self.start) as u64;
        let skipped = here.min(bytes);
        self.start += usize::try_from(skipped).unwrap_or(usize::MAX);
        self.scanned = self.start;
        self.skip_bytes = bytes - skipped;
    }
}

fn trim_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The value, if the line is this header.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(name).map(<[u8]>::trim_ascii)
}
