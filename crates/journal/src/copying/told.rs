//! What who copies is told: how far it is, and why it was not done.

use super::counted::Counted;
use crate::JournalError;

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Events that were copied.
    pub events: u64,
    /// Of so many.
    pub of: u64,
}

/// Why a store was not copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// One of the two says no.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// There is something in it.
    #[error("there is something in the store that is to be filled: it has to be empty")]
    NotEmpty,
    /// The new store judges otherwise than the old one did.
    #[error("the new store does not take {what} of the event {event}, which the old one has")]
    NotTaken {
        /// What of it.
        what: &'static str,
        /// Its id.
        event: String,
    },
    /// They do not have the same.
    #[error("the two stores do not have the same: {from} in the old one, {to} in the new one")]
    Differs {
        /// What the old one has.
        from: Counted,
        /// What the new one has.
        to: Counted,
    },
}
