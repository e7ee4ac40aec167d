//! Why the journal could not do it, in words for a person.

/// Why the journal could not do it.
#[derive(Clone, Debug, thiserror::Error)]
pub enum JournalError {
    /// The disk is full, read-only or broken; what was asked was not done and may be asked again.
    #[error("the journal at {place} cannot be written: {why}")]
    Unwritable {
        /// The file.
        place: String,
        /// The system's words.
        why: String,
    },
    /// It may have been done or not, for the answer got lost: asking for the same again is safe.
    #[error("the journal at {place} did not say whether it was done: {why}. Ask for the same again")]
    Unknown {
        /// The file.
        place: String,
        /// The system's words.
        why: String,
    },
    /// The store was written by a newer Ringbud.
    #[error(
        "the journal at {place} has format {found}, this ringbud knows up to {known}: start the ringbud that wrote it, or a newer one"
    )]
    Newer {
        /// The file.
        place: String,
        /// Its format.
        found: u32,
        /// The newest known.
        known: u32,
    },
    /// The store is damaged.
    #[error("the journal at {place} is damaged: {why}. Put it aside and start again, or restore a backup")]
    Damaged {
        /// The file.
        place: String,
        /// What is wrong.
        why: String,
    },
    /// Another process has it.
    #[error("the data folder {place} is in use by another ringbud (process {by}): stop that one first")]
    InUse {
        /// The folder.
        place: String,
        /// Its process id, or `unknown`.
        by: String,
    },
    /// Another gateway has the store, and lives.
    #[error(
        "the journal at {place} is in use by the gateway {by} since {since}: one gateway at a time has it. Stop that one first; if its machine is gone, try again in some seconds"
    )]
    Elsewhere {
        /// The database.
        place: String,
        /// The gateway's name.
        by: String,
        /// Since when, by the engine's clock.
        since: String,
    },
    /// Another gateway has taken the store from this one.
    #[error("the journal at {place} is another gateway's now: this one may write nothing any more")]
    Taken {
        /// The database.
        place: String,
    },
    /// The engine is not one that keeps what it was given.
    #[error("the database {place} cannot be the journal: {why}")]
    Unfit {
        /// The database.
        place: String,
        /// Why, and what helps.
        why: String,
    },
    /// The secrets in it were sealed with another key.
    #[error(
        "the journal at {place} was sealed with another key: give this ringbud the key it was made with, or enter the secrets anew in a new data folder"
    )]
    WrongKey {
        /// The file.
        place: String,
    },
    /// A setting was changed by someone else meanwhile.
    #[error("changed by someone else meanwhile: it is at version {found}, you had {expected}")]
    Conflict {
        /// What the caller had.
        expected: u64,
        /// What is there.
        found: u64,
    },
    /// The journal is closed.
    #[error("the journal is closed")]
    Closed,
}
