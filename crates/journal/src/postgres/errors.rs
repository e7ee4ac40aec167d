//! Why the engine could not do it, and whether it may have done it all the same.

use tokio_postgres::error::{DbError, Severity};

use crate::record::Unreadable;
use crate::record::setting::ReadError;
use crate::{JournalError, Part};

/// What `hold` raises where another gateway has the part.
const NOT_OURS: &str = "RB001";

/// The classes of codes that speak of what was asked for, and not of how the engine is doing: data, constraints, syntax.
const WRONG: [&str; 3] = ["22", "23", "42"];

/// Why it could not be done.
#[derive(Clone, Debug)]
pub(super) enum Fault {
    /// It was not done: the engine said so, or was never asked.
    Undone(String),
    /// It may have been done: the answer is missing.
    Doubtful(String),
    /// It was not done, and will not be however often it is asked for: what was asked for is wrong.
    Refused(String),
    /// Other gateways have these parts.
    Taken(Vec<Part>),
    /// What is kept cannot be read.
    Damaged(String),
    /// It was sealed with another key.
    WrongKey,
}

impl Fault {
    /// For who wrote.
    pub(super) fn at(self, place: &str) -> JournalError {
        let place = place.to_owned();
        match self {
            Self::Undone(why) | Self::Refused(why) => JournalError::Unwritable { place, why },
            Self::Doubtful(why) => JournalError::Unknown { place, why },
            Self::Taken(_) => JournalError::Taken { place },
            Self::Damaged(why) => JournalError::Damaged { place, why },
            Self::WrongKey => JournalError::WrongKey { place },
        }
    }

    /// For who only read: nothing can have been done.
    pub(super) fn of_reading(self, place: &str) -> JournalError {
        match self {
            Self::Doubtful(why) => JournalError::Unwritable { place: place.to_owned(), why },
            other => other.at(place),
        }
    }
}

impl From<tokio_postgres::Error> for Fault {
    /// Of a statement within a transaction, or of one that reads.
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(db) if db.code().code() == NOT_OURS => {
                let lost = db.detail().unwrap_or_default().split(',');
                let lost: Vec<_> = lost.filter_map(|part| part.parse().ok().map(Part)).collect();
                if lost.is_empty() { Self::Undone(said(db)) } else { Self::Taken(lost) }
            }
            Some(db) if WRONG.iter().any(|class| db.code().code().starts_with(class)) => {
                Self::Refused(said(db))
            }
            // A server that is going down says so wherever it is.
            Some(db) if db.parsed_severity() == Some(Severity::Error) => Self::Undone(said(db)),
            Some(db) => Self::Doubtful(said(db)),
            None => Self::Doubtful(words(&error)),
        }
    }
}

impl From<Unreadable> for Fault {
    fn from(error: Unreadable) -> Self {
        Self::Damaged(error.to_string())
    }
}

impl From<ReadError> for Fault {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unreadable(error) => error.into(),
            ReadError::NotOurs(_) => Self::WrongKey,
        }
    }
}

/// An error with what is behind it: the library's own words say only where it happened.
pub(super) fn words(error: &tokio_postgres::Error) -> String {
    if let Some(db) = error.as_db_error() {
        return said(db);
    }
    let mut words = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(why) = source {
        words = format!("{words}: {why}");
        source = why.source();
    }
    words
}

fn said(db: &DbError) -> String {
    let detail = db.detail().map(|detail| format!("; {detail}")).unwrap_or_default();
    format!("{} ({}){detail}", db.message(), db.code().code())
}
