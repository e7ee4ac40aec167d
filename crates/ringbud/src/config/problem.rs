//! What is wrong with a configuration, in words that let its writer mend it.

use std::fmt;
use std::path::PathBuf;

/// Where something stands in a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line, from 1.
    pub line: usize,
    /// The key with its table (`[[pbx]] address`); empty where it is about no key.
    pub key: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:", self.file.display(), self.line)?;
        if !self.key.is_empty() {
            write!(f, " {}:", self.key)?;
        }
        Ok(())
    }
}

/// One complaint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Where.
    pub place: Place,
    /// What is wrong, and what was expected.
    pub what: String,
}

impl std::error::Error for Problem {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.place, self.what)
    }
}

/// Why a configuration cannot be used.
#[derive(Clone, Debug, thiserror::Error)]
pub enum ConfigError {
    /// There is no such file.
    #[error("{}: there is no such file. Give the path of the configuration with --config FILE", file.display())]
    Missing {
        /// The file.
        file: PathBuf,
    },
    /// The file cannot be read.
    #[error("{}: it cannot be read: {why}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// The reason.
        why: String,
    },
    /// The file is not text.
    #[error("{}{}: this is not a text file in UTF-8; expected a configuration in TOML", file.display(), at(*line))]
    NotText {
        /// The file.
        file: PathBuf,
        /// The first line that is not text, if it is nearly text.
        line: Option<usize>,
    },
    /// Nothing is in the file.
    #[error(
        "{}: the file is empty; expected at least data_dir = \"…\", the folder Ringbud keeps its data in, and a [[pbx]]",
        file.display()
    )]
    Empty {
        /// The file.
        file: PathBuf,
    },
    /// Things in the file are wrong.
    #[error("{}", lines(.0))]
    Invalid(Vec<Problem>),
}

fn at(line: Option<usize>) -> String {
    line.map_or_else(String::new, |line| format!(":{line}"))
}

fn lines(problems: &[Problem]) -> String {
    problems.iter().map(Problem::to_string).collect::<Vec<_>>().join("\n")
}

/// The line a byte is on, from 1.
pub(super) fn line_of(text: &str, offset: usize) -> usize {
    text.as_bytes().iter().take(offset).filter(|byte| **byte == b'\n').count() + 1
}
