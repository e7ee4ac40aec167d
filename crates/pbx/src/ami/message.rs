//! One AMI message: its headers, borrowed from the bytes they came in.

use std::fmt;

/// Where a line lies in the text of its message, without its end. The colon is only looked for in the few
/// headers that are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Line {
    start: u32,
    end: u32,
}

impl Line {
    pub(super) fn new(start: usize, end: usize) -> Self {
        // A message is bounded far below 4 GB.
        Self { start: start as u32, end: end as u32 }
    }

    fn text(self, message: &str) -> &str {
        &message[self.start as usize..self.end as usize]
    }

    /// Name and value. A line without a colon is a value without a name (older Asterisks print the output of
    /// commands so).
    fn header(self, message: &str) -> (&str, &str) {
        let text = self.text(message);
        match text.split_once(':') {
            None => ("", text),
            Some((name, value)) => (name, value.strip_prefix(' ').unwrap_or(value)),
        }
    }

    /// The value, if the name is this one.
    fn value_of<'a>(self, message: &'a str, name: &str) -> Option<&'a str> {
        let (start, end) = (self.start as usize, self.end as usize);
        let colon = start + name.len();
        let bytes = &message.as_bytes()[..end];
        if bytes.get(colon) != Some(&b':') || bytes[start..colon] != *name.as_bytes() {
            return None;
        }
        let value = colon + 1 + usize::from(bytes.get(colon + 1) == Some(&b' '));
        Some(&message[value..end])
    }
}

/// One message: headers in the order they came, names possibly repeated.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    text: &'a str,
    lines: &'a [Line],
}

impl<'a> Message<'a> {
    pub(super) const fn new(text: &'a str, lines: &'a [Line]) -> Self {
        Self { text, lines }
    }

    /// The value of the first header of this name. Names are compared as Asterisk writes them.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        self.lines.iter().find_map(|line| line.value_of(self.text, name))
    }

    /// The value of the first header of this name; empty where there is none.
    pub fn value(&self, name: &str) -> &'a str {
        self.get(name).unwrap_or_default()
    }

    /// The value of the last header, if it has this name; empty else.
    pub(super) fn last(&self, name: &str) -> &'a str {
        self.lines.last().and_then(|line| line.value_of(self.text, name)).unwrap_or_default()
    }

    /// The value of the last header of this name, looked for from the end, where what an event says of its own
    /// stands; empty where there is none.
    pub(super) fn written_last(&self, name: &str) -> &'a str {
        self.lines.iter().rev().find_map(|line| line.value_of(self.text, name)).unwrap_or_default()
    }

    /// The same among the last headers only.
    pub(super) fn among_last(&self, headers: usize, name: &str) -> Option<&'a str> {
        self.lines.iter().rev().take(headers).find_map(|line| line.value_of(self.text, name))
    }

    /// The values of all headers of this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let text = self.text;
        self.lines.iter().filter_map(move |line| line.value_of(text, name))
    }

    /// All headers.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> + use<'a> {
        let text = self.text;
        self.lines.iter().map(move |line| line.header(text))
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
#[derive(Clone)]
pub(super) struct Reader<'a> {
    message: Message<'a>,
    at: usize,
}

impl<'a> Reader<'a> {
    /// What is read.
    pub(super) const fn message(&self) -> &Message<'a> {
        &self.message
    }

    /// The value of the next header of this name, from the last one found on and then from the start.
    pub(super) fn next(&mut self, name: &str) -> Option<&'a str> {
        self.skip_to(0, name)
    }

    /// The same, where Asterisk usually writes so many other headers before it.
    pub(super) fn skip_to(&mut self, others: usize, name: &str) -> Option<&'a str> {
        let Message { text, lines } = self.message;
        let value = |at: usize| lines.get(at).and_then(|line| line.value_of(text, name));
        let usual = self.at + others;
        let (at, value) = match value(usual) {
            Some(value) => (usual, value),
            None => {
                let anywhere = (self.at..lines.len()).chain(0..self.at);
                anywhere.into_iter().find_map(|at| Some((at, value(at)?)))?
            }
        };
        self.at = at + 1;
        Some(value)
    }
}
