//! Cuts a stream of bytes into messages.
//!
//! A message of the event socket is a block of headers, a blank line and, where a header `Content-Length`
//! says so, a body of that many bytes: the body is never looked through to find its end. Owns the bytes of
//! an item in progress and nothing else; its memory is bounded whatever comes in. What a body says is
//! left to [`super::Event`].

use memchr::{memchr, memchr_iter};

use super::message::{Item, Kind, MAX_EVENT_BYTES, MAX_HEADER_BYTES, Malformed, Message};

/// What the headers of a message say, and where in its bytes what is.
#[derive(Clone, Copy, Debug)]
struct Head {
    kind: Kind,
    /// Where `Reply-Text` is.
    reply: (usize, usize),
    /// Where its body begins.
    body: usize,
    /// Where that ends.
    end: usize,
}

/// How far the item in progress was read: nothing is looked at twice.
#[derive(Debug, Default)]
struct Read {
    /// Up to where the headers are whole lines.
    lines: usize,
    /// Up to where the line behind them has no end.
    searched: usize,
    head: Option<Head>,
}

/// What some bytes begin with.
enum Step {
    /// An item of which more has to come: so many bytes in all, once that is known.
    Incomplete(Option<usize>),
    /// So many bytes that mean nothing.
    Nothing(usize),
    /// A message.
    Message(Head),
    /// So many bytes that are none.
    Malformed(Malformed, usize),
}

/// Cuts a stream of bytes into [`Item`]s. Any chunking of the same bytes gives the same items.
///
/// What comes in whole is given out where it lies: only of an item whose rest is still to come is a copy kept.
#[derive(Debug, Default)]
pub struct Decoder {
    /// What has come in of an item that is not complete; or the item that was given out last.
    kept: Vec<u8>,
    /// It was given out.
    given_out: bool,
    read: Read,
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

    /// Takes more bytes. All items they complete are to be taken out; those that are not are lost.
    pub fn feed<'a>(&'a mut self, bytes: &'a [u8]) -> Items<'a> {
        self.forget_given_out();
        Items { decoder: self, bytes }
    }

    /// What has come in of an item that is not complete.
    pub fn incomplete(&self) -> &[u8] {
        if self.given_out { &[] } else { &self.kept }
    }

    /// Forgets what is incomplete: the next bytes are of another connection.
    pub fn reset(&mut self) {
        let kept = std::mem::take(&mut self.kept);
        *self = Self { kept, given_out: true, ..Self::default() };
        self.forget_given_out();
    }

    fn forget_given_out(&mut self) {
        if std::mem::take(&mut self.given_out) {
            self.kept.clear();
            // One huge message must not cost its memory for ever.
            if self.kept.capacity() > 2 * MAX_EVENT_BYTES {
                self.kept.shrink_to(MAX_EVENT_BYTES / 2);
            }
        }
    }

    fn skip(&mut self, bytes: &mut &[u8]) {
        let skipped = usize::try_from(self.skip_bytes).unwrap_or(usize::MAX).min(bytes.len());
        self.skip_bytes -= skipped as u64;
        *bytes = &bytes[skipped..];
    }

    /// The first item of some bytes, which are left behind it. What is incomplete is kept.
    fn take_from<'a>(&mut self, bytes: &mut &'a [u8]) -> Option<Item<'a>> {
        loop {
            self.skip(bytes);
            if bytes.is_empty() {
                return None;
            }
            match self.step(bytes) {
                Step::Nothing(length) => *bytes = &bytes[length..],
                Step::Malformed(malformed, length) => {
                    *bytes = &bytes[length..];
                    return Some(Item::Malformed(malformed));
                }
                Step::Message(head) => {
                    let (message, rest) = bytes.split_at(head.end);
                    *bytes = rest;
                    return Some(Item::Message(head.message(message)));
                }
                Step::Incomplete(whole) => {
                    self.kept.reserve(whole.unwrap_or_default());
                    self.kept.extend_from_slice(bytes);
                    *bytes = &[];
                    self.bound_line();
                    return None;
                }
            }
        }
    }

    /// Goes on with what is kept, by no more of these bytes than belong to it.
    fn complete_with(&mut self, bytes: &mut &[u8]) -> Option<Step> {
        while !self.kept.is_empty() {
            // What is kept is as far as it was read, so the first step is behind more bytes.
            let more = match self.read.head {
                Some(head) => (head.end - self.kept.len()).min(bytes.len()),
                None => memchr(b'\n', bytes).map_or(bytes.len(), |line| line + 1),
            };
            if more == 0 {
                return None;
            }
            self.kept.extend_from_slice(&bytes[..more]);
            *bytes = &bytes[more..];
            let kept = std::mem::take(&mut self.kept);
            let step = self.step(&kept);
            self.kept = kept;
            match step {
                Step::Incomplete(_) => self.bound_line(),
                Step::Nothing(length) | Step::Malformed(_, length) => {
                    self.kept.drain(..length);
                    self.bound_line();
                    if let Step::Malformed(..) = step {
                        return Some(step);
                    }
                }
                Step::Message(_) => return Some(step),
            }
        }
        None
    }

    /// The line in progress of a block that is skipped is not blank: two bytes of it show that.
    fn bound_line(&mut self) {
        if self.skip_block && self.kept.len() > 2 {
            self.kept.truncate(2);
            self.read.searched = 2;
        }
    }

    /// What an item's bytes begin with. What was read of them is remembered until the item is complete.
    fn step(&mut self, bytes: &[u8]) -> Step {
        if let Some(head) = self.read.head {
            return self.step_body(head, bytes);
        }
        loop {
            let line = self.read.lines;
            let unseen = line.max(self.read.searched);
            let Some(offset) = memchr(b'\n', &bytes[unseen..]) else {
                self.read.searched = bytes.len();
                if self.skip_block || bytes.len() <= MAX_HEADER_BYTES {
                    return Step::Incomplete(None);
                }
                // Of the line in progress it has to be known whether it is blank.
                return self.headers_too_long(false, line);
            };
            let end = unseen + offset;
            let next = end + 1;
            self.read.lines = next;
            let is_blank = matches!(bytes[line..end], [] | [b'\r']);
            if self.skip_block {
                self.read = Read::default();
                self.skip_block = !is_blank;
                return Step::Nothing(next);
            } else if is_blank && line == 0 {
                // Blank lines between messages mean nothing.
                self.read = Read::default();
                return Step::Nothing(next);
            } else if next > MAX_HEADER_BYTES {
                return self.headers_too_long(is_blank, next);
            } else if is_blank {
                self.read = Read::default();
                return match Head::read(&bytes[..line], next) {
                    Ok(head) => self.step_body(head, bytes),
                    Err(malformed) => {
                        if let Malformed::BodyTooLong { bytes } = malformed {
                            self.skip_bytes = bytes;
                        }
                        Step::Malformed(malformed, next)
                    }
                };
            }
        }
    }

    fn step_body(&mut self, head: Head, bytes: &[u8]) -> Step {
        if bytes.len() < head.end {
            self.read.head = Some(head);
            return Step::Incomplete(Some(head.end));
        }
        self.read = Read::default();
        Step::Message(head)
    }

    fn headers_too_long(&mut self, is_over: bool, length: usize) -> Step {
        self.read = Read::default();
        self.skip_block = !is_over;
        Step::Malformed(Malformed::HeadersTooLong, length)
    }
}

/// The items that some bytes complete.
#[derive(Debug)]
pub struct Items<'a> {
    decoder: &'a mut Decoder,
    /// What was not taken out.
    bytes: &'a [u8],
}

impl Items<'_> {
    /// The next one. Once there is none, what is left is kept until more comes.
    pub fn next_item(&mut self) -> Option<Item<'_>> {
        let Self { decoder, bytes } = self;
        decoder.forget_given_out();
        match decoder.complete_with(bytes) {
            Some(Step::Message(head)) => {
                decoder.given_out = true;
                Some(Item::Message(head.message(&decoder.kept)))
            }
            Some(Step::Malformed(malformed, _)) => Some(Item::Malformed(malformed)),
            Some(Step::Incomplete(_) | Step::Nothing(_)) | None => decoder.take_from(bytes),
        }
    }
}

impl Head {
    /// What some lines say, behind which a body begins.
    fn read(lines: &[u8], body: usize) -> Result<Self, Malformed> {
        let (mut kind, mut reply, mut length) = (None, (0, 0), Some(0));
        let mut at = 0;
        for line_end in memchr_iter(b'\n', lines) {
            let line = trim_return(&lines[at..line_end]);
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
        let kind = kind.ok_or(Malformed::NoType)?;
        let bytes = length.ok_or(Malformed::BadLength)?;
        match usize::try_from(bytes) {
            Ok(length) if length <= kind.max_body_bytes() => {
                Ok(Self { kind, reply, body, end: body + length })
            }
            Ok(_) | Err(_) => Err(Malformed::BodyTooLong { bytes }),
        }
    }

    fn message(self, bytes: &[u8]) -> Message<'_> {
        let Self { kind, reply, body, end } = self;
        Message { kind, reply: &bytes[reply.0..reply.1], body: &bytes[body..end] }
    }
}

fn trim_return(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The value, if the line is this header.
fn value_of<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    line.strip_prefix(name).map(<[u8]>::trim_ascii)
}
