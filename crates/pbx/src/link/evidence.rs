//! What led to an input, for people who want to know.

use std::fmt;

/// A message of a PBX, in whatever protocol.
pub trait Evidence: fmt::Debug {
    /// Its text, as far as it has one.
    fn text(&self) -> &str;

    /// How many lines it takes in a recording, up to its end.
    fn lines(&self) -> usize;

    /// One line for a person: what it is, of which channel, and what it says of it.
    fn summary(&self) -> String;

    /// The ids of the channels it is about.
    fn channels(&self) -> Vec<&str>;
}
