//! One AMI message: its headers, borrowed from the bytes they came in.

use std::fmt;

/// One message: headers in the order they came, names possibly repeated.
#[derive(Clone, Copy)]
pub struct Message<'a> {
    text: &'a str,
    /// Where the lines end: their line feeds. The colon is only looked for in the few headers that are asked for.
    ends: &'a [u32],
}

impl<'a> Message<'a> {
    pub(super) const fn new(text: &'a str, ends: &'a [u32]) -> Self {
        Self { text, ends }
    }

    /// The value of the first header of this name. Names are compared as Asterisk writes them.
    pub fn get(&self, name: &str) -> Option<&'a str> {
        (0..self.ends.len()).find_map(|at| self.value_at(at, name))
    }

    /// The value of the first header of this name; empty where there is none.
    pub fn value(&self, name: &str) -> &'a str {
        self.get(name).unwrap_or_default()
    }

    /// The value of the last header, if it has this name; empty else.
    pub(super) fn last(&self, name: &str) -> &'a str {
        self.among_last(1, name).unwrap_or_default()
    }

    /// The value of the last header of this name, looked for from the end, where what an event says of its own
    /// stands; empty where there is none.
    pub(super) fn written_last(&self, name: &str) -> &'a str {
        self.among_last(self.ends.len(), name).unwrap_or_default()
    }

    /// The same among the last headers only.
    pub(super) fn among_last(&self, headers: usize, name: &str) -> Option<&'a str> {
        (0..self.ends.len()).rev().take(headers).find_map(|at| self.value_at(at, name))
    }

    /// The values of all headers of this name.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &'a str> {
        let message = *self;
        (0..self.ends.len()).filter_map(move |at| message.value_at(at, name))
    }

    /// All headers.
    pub fn headers(&self) -> impl ExactSizeIterator<Item = (&'a str, &'a str)> + use<'a> {
        let message = *self;
        (0..self.ends.len()).map(move |at| message.header_at(at))
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

    /// Where a line begins.
    #[inline]
    fn start(&self, at: usize) -> usize {
        at.checked_sub(1).map_or(0, |before| self.ends[before] as usize + 1)
    }

    /// Where a line ends that begins there.
    #[inline]
    fn end(&self, at: usize) -> usize {
        let end = self.ends[at] as usize;
        end - usize::from(self.text.as_bytes()[..end].ends_with(b"\r"))
    }

    /// Name and value. A line without a colon is a value without a name (older Asterisks print the output of
    /// commands so).
    fn header_at(&self, at: usize) -> (&'a str, &'a str) {
        let text = &self.text[self.start(at)..self.end(at)];
        match text.split_once(':') {
            None => ("", text),
            Some((name, value)) => (name, value.strip_prefix(' ').unwrap_or(value)),
        }
    }

    /// The value of a line, if the name is this one. Most are not; a name has no line feed, so that where the line
    /// ends matters for the others alone.
    #[inline]
    fn value_at(&self, at: usize, name: &str) -> Option<&'a str> {
        let (bytes, start) = (self.text.as_bytes(), self.start(at));
        let colon = start + name.len();
        if bytes.get(colon) != Some(&b':') || bytes[start..colon] != *name.as_bytes() {
            return None;
        }
        let value = colon + 1 + usize::from(bytes.get(colon + 1) == Some(&b' '));
        Some(&self.text[value..self.end(at)])
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
        let (message, lines) = (&self.message, self.message.ends.len());
        let value = |at: usize| if at < lines { message.value_at(at, name) } else { None };
        let usual = self.at + others;
        let (at, value) = match value(usual) {
            Some(value) => (usual, value),
            None => {
                let anywhere = (self.at..lines).chain(0..self.at);
                anywhere.into_iter().find_map(|at| Some((at, value(at)?)))?
            }
        };
        self.at = at + 1;
        Some(value)
    }
}
