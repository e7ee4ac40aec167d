//! What can go wrong with the store, and whose words it becomes.

use std::path::Path;

use rusqlite::ErrorCode;
use rusqlite::ffi::SQLITE_IOERR_FSYNC;

use crate::JournalError;
use crate::record::Unreadable;
use crate::record::setting::ReadError;

/// Something went wrong in an open store.
#[derive(Debug, thiserror::Error)]
pub(super) enum StoreError {
    #[error(transparent)]
    Sqlite(#[from] rusqlite::Error),
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
    #[error("{0}")]
    Damaged(String),
    #[error("it is sealed with another key")]
    WrongKey,
    #[error("{0}")]
    Fault(String),
    #[error("{0}")]
    Unknown(String),
}

impl From<ReadError> for StoreError {
    fn from(error: ReadError) -> Self {
        match error {
            ReadError::Unreadable(unreadable) => Self::Unreadable(unreadable),
            ReadError::NotOurs(_) => Self::WrongKey,
        }
    }
}

impl StoreError {
    /// For the callers of the journal at this place.
    pub(super) fn at(self, place: &Path) -> JournalError {
        let place = place.display().to_string();
        match self {
            Self::Sqlite(error) if is_damage(&error) => {
                JournalError::Damaged { place, why: error.to_string() }
            }
            Self::Sqlite(error) => JournalError::Unwritable { place, why: error.to_string() },
            Self::Unreadable(unreadable) => JournalError::Damaged { place, why: unreadable.to_string() },
            Self::Damaged(why) => JournalError::Damaged { place, why },
            Self::WrongKey => JournalError::WrongKey { place },
            Self::Fault(why) => JournalError::Unwritable { place, why },
            Self::Unknown(why) => JournalError::Unknown { place, why },
        }
    }
}

/// Something went wrong while a store was opened.
#[derive(Debug, thiserror::Error)]
pub(super) enum Failure {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0}")]
    Damaged(String),
    #[error("format {found}, known up to {known}")]
    Newer { found: u32, known: u32 },
    #[error("another key")]
    WrongKey,
}

impl From<rusqlite::Error> for Failure {
    fn from(error: rusqlite::Error) -> Self {
        Self::Store(StoreError::Sqlite(error))
    }
}

impl Failure {
    pub(super) fn at(self, place: &Path) -> JournalError {
        let file = place.display().to_string();
        match self {
            Self::Store(error) => error.at(place),
            Self::Damaged(why) => JournalError::Damaged { place: file, why },
            Self::Newer { found, known } => JournalError::Newer { place: file, found, known },
            Self::WrongKey => JournalError::WrongKey { place: file },
        }
    }
}

/// What was written may be found whole after a crash although the disk said that it could not be made sure of.
pub(super) fn of_commit(error: rusqlite::Error) -> StoreError {
    match error {
        rusqlite::Error::SqliteFailure(failure, _) if failure.extended_code == SQLITE_IOERR_FSYNC => {
            StoreError::Unknown(error.to_string())
        }
        error => StoreError::Sqlite(error),
    }
}

fn is_damage(error: &rusqlite::Error) -> bool {
    match error {
        rusqlite::Error::SqliteFailure(error, _) => {
            matches!(error.code, ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
        }
        // A column of the wrong type, a missing table or row: the store is not what we wrote.
        rusqlite::Error::FromSqlConversionFailure(..)
        | rusqlite::Error::InvalidColumnType(..)
        | rusqlite::Error::IntegralValueOutOfRange(..)
        | rusqlite::Error::QueryReturnedNoRows => true,
        _ => false,
    }
}
