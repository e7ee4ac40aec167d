//! The data folder as files: where the journal lies in it, and why there may be none that can be used.

use std::path::{Path, PathBuf};

use journal::JournalError;

use crate::config::Problem;

/// The file of the journal.
const JOURNAL_FILE: &str = "journal.sqlite";

/// Where the journal of a folder lies.
pub(crate) fn journal_in(folder: &Path) -> PathBuf {
    folder.join(JOURNAL_FILE)
}

/// Why there is no store.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The configuration names no folder.
    #[error("{}: data_dir is missing: this command needs the store", file.display())]
    NoFolder {
        /// The configuration.
        file: PathBuf,
    },
    /// The folder cannot be made.
    #[error("the data folder {} cannot be made: {why}. Make it, or name another with data_dir", folder.display())]
    NoAccess {
        /// The folder.
        folder: PathBuf,
        /// The system's words.
        why: std::io::Error,
    },
    /// The key cannot be read or made.
    #[error("the key of the secrets in {} cannot be used: {why}", file.display())]
    Key {
        /// The file.
        file: PathBuf,
        /// The system's words.
        why: std::io::Error,
    },
    /// The key the configuration names is not there.
    #[error(transparent)]
    Configured(#[from] Problem),
    /// The connection string is none, or its certificates are not there.
    #[cfg(feature = "postgres")]
    #[error("[journal] url: {0}")]
    Target(journal::postgres::NoTarget),
    /// This program has no PostgreSQL in it.
    #[error("[journal]: this ringbud was built without PostgreSQL (the feature postgres)")]
    NoPostgres,
    /// There is no folder with a store in it.
    #[error("[journal] names PostgreSQL: {0}")]
    NotInFolder(&'static str),
    /// The journal says no.
    #[error(transparent)]
    Journal(#[from] JournalError),
}
