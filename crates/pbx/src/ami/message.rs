//! One AMI message: its headers, borrowed from the bytes they came in.

use std::fmt;

/// Where a header lies in the text of its message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Span {
    pub(super) name_start: u32,
    pub(super) name_end: u32,
    pub(super) value_start: u32,
    pub(super) value_end: u32,
}

impl Span {
    /// The header in a line that lies at `line_start..line_end` of its message and has its first colon at
    /// `colon`. A line without one is a value without a name (older Asterisks print the output of commands
    /// so).
    pub(super) fn of_line(text: &[u8], line_start: usize, colon: Option<usize>, line_end: usize) -> Self {
        let (name_end, value_start) = match colon {
            None => (line_start, line_start),
            Some(colon) => (colon, colon + 1 + usize::from(text.get(colon + 1) == Some(&b' '))),
        };
        // A message is bounded far below 4 GB.
        let short = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        Self {
            name_start: short(line_start),
            name_end: short(name_end),
            value_start: short(value_start.min(line_end)),
            value_end: short(line_end),
        }
    }

    fn name(self, text: &str) -> &str {
        &text[self.name_start as usize..self.name_end as usize]
    }

    fn value(self, text: &str) -> &str {
        &text[self.value_start as usize..self.value_end as usize]
    }

    fn is_named(self, text: &str, name: &str) -> bool {
        (self.name_end - self.name_start) as usize == name.len() && self.name(text) == name
    }
}

/// One message: headers in the order they came, names possibly repeated.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    text: &'a str,
    spans: &'a [Span],
}

impl<'a> Message<'a> {
    pub(super) const fn new(text: &'a str, spans: &'a [Span]) -> Self {
        Self { text, spans }
    }

    /// The value of the first header of this name. Names are compared as Asterisk writes them.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.spans.iter().find(|span| span.is_named(self.text, name)).map(|span| span.value(self.text))
    }

    /// The value of the first header of this name; empty where there is none.
    pub fn value(&self, name: &str) -> &'a str {
        self.get(name).unwrap_or_default()
    }

    /// The values of all headers of this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let text = self.text;
        self.spans.iter().filter(move |span| span.is_named(text, name)).map(move |span| span.value(text))
    }

    /// All headers.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> + use<'a> {
        let text = self.text;
        self.spans.iter().map(move |span| (span.name(text), span.value(text)))
    }

    /// The name of the event, if this is one.
    pub fn event(&self) -> Option<&'a str> {
        self.get("Event")
    }

    /// The outcome, if this answers an action.
    pub fn response(&self) -> Option<&'a str> {
        self.get("Response")
    }

    /// The message as it came, without the blank line after it.
    pub const fn text(&self) -> &'a str {
        self.text
    }

    /// Reads headers in the order Asterisk writes them, each search going on where the last one ended.
    pub(super) const fn reader(&self) -> Reader<'a> {
        Reader { message: *self, at: 0 }
    }
}

impl fmt::Debug for Message<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_map().entries(self.headers()).finish()
    }
}

impl PartialEq for Message<'_> {
    fn eq(&self, other: &Self) -> bool {
        self.headers().eq(other.headers())
    }
}

/// Finds headers that come in a known order without starting over for each.
pub(super) struct Reader<'a> {
    message: Message<'a>,
    at: usize,
}

impl<'a> Reader<'a> {
    /// The value of the next header of this name, from the last one found on and then from the start.
    pub(super) fn next(&mut self, name: &str) -> Option<&'a str> {
        let Message { text, spans } = self.message;
        let (before, after) = spans.split_at(self.at);
        let found = match after.iter().position(|span| span.is_named(text, name)) {
            Some(offset) => self.at + offset,
            None => before.iter().position(|span| span.is_named(text, name))?,
        };
        self.at = found + 1;
        Some(spans[found].value(text))
    }
}
