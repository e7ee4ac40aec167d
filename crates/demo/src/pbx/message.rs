//! The text of AMI messages: reading headers, writing answers.

use std::fmt;

/// The headers of one message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Headers<'a>(pub(super) &'a str);

impl<'a> Headers<'a> {
    pub(super) fn all(self) -> impl Iterator<Item = (&'a str, &'a str)> {
        self.0
            .lines()
            .filter_map(|line| line.split_once(':').map(|(name, value)| (name.trim(), value.trim())))
    }

    /// A header's value, whatever the case of its name; empty if it is not there.
    pub(super) fn get(self, name: &str) -> &'a str {
        self.all().find(|(header, _)| header.eq_ignore_ascii_case(name)).map_or("", |(_, value)| value)
    }

    /// The same for a name in two parts (`Dest` and `Channel`).
    pub(super) fn part(self, prefix: &str, name: &str) -> &'a str {
        let matches = |header: &str| header.strip_prefix(prefix).is_some_and(|rest| rest == name);
        self.all().find(|(header, _)| matches(header)).map_or("", |(_, value)| value)
    }
}

/// Messages being written.
#[derive(Debug, Default)]
pub(super) struct Answer(String);

impl Answer {
    pub(super) fn header(&mut self, name: &str, value: impl fmt::Display) -> &mut Self {
        use fmt::Write as _;
        let _ = write!(self.0, "{name}: {value}\r\n");
        self
    }

    /// `ActionID`, if the action had one.
    pub(super) fn action_id(&mut self, action: Headers<'_>) -> &mut Self {
        match action.get("ActionID") {
            "" => self,
            id => self.header("ActionID", id),
        }
    }

    pub(super) fn end(&mut self) -> &mut Self {
        self.0.push_str("\r\n");
        self
    }

    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }
}
