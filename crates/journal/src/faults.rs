//! What a test or a simulation can do to a journal: make its commits fail or wait.

use std::fmt;
use std::sync::Arc;

/// Where a commit can be hit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommitPoint {
    /// Everything is written into the transaction; an error here undoes all of it.
    Before,
    /// What is folded out of the log is written into its transaction, which nobody waits for; an error here undoes it.
    Fold,
    /// It is on disk; an error here is an answer that got lost.
    After,
}

/// Called at each commit. It may block (a slow disk; only with SQLite, which has a thread of its own) or
/// return the words of an error, which the callers get as [`Unwritable`](crate::JournalError::Unwritable).
#[derive(Clone)]
pub struct Faults(Arc<dyn Fn(CommitPoint) -> Result<(), String> + Send + Sync>);

impl Faults {
    /// Faults made by a function.
    pub fn new(at: impl Fn(CommitPoint) -> Result<(), String> + Send + Sync + 'static) -> Self {
        Self(Arc::new(at))
    }

    /// No faults.
    pub fn none() -> Self {
        Self::new(|_| Ok(()))
    }

    /// Whether this commit goes well.
    pub fn at(&self, point: CommitPoint) -> Result<(), String> {
        (self.0)(point)
    }
}

impl fmt::Debug for Faults {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Faults")
    }
}
