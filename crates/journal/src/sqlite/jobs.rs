//! What the writer is asked to do, and who waits for it.

use calls::LegId;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::append::Moment;
use super::errors::StoreError;
use super::put::Change;
use super::rollup::Rollup;
use super::settle::Row;
use super::table::raw::Raw;
use crate::audit::AUDIT_PRUNED_AT_ONCE;
use crate::settings::IntegrationId;
use crate::{Appended, EventSeq, Failing, JournalError, Settled, WallTime};

pub(super) type To<T> = oneshot::Sender<Result<T, JournalError>>;

/// One job, with who waits for it.
pub(super) enum Job {
    Append {
        moments: Vec<Moment>,
        to: To<Vec<Vec<Appended>>>,
    },
    Settle {
        rows: Vec<Row>,
        to: To<Vec<Settled>>,
    },
    Put {
        change: Change,
        to: To<Vec<u64>>,
    },
    Allocate {
        to: To<IntegrationId>,
    },
    NoteFailing {
        notes: Vec<Failing>,
        to: To<()>,
    },
    PruneAudit {
        before: WallTime,
        to: To<u64>,
    },
    Prune {
        legs: Vec<LegId>,
        to: To<u64>,
    },
    Erase {
        legs: Vec<LegId>,
        to: To<u64>,
    },
    Rollup {
        rollup: Box<Rollup>,
        to: To<bool>,
    },
    /// What is in the log is to be found in the tables.
    Fold {
        to: To<()>,
    },
    /// Little else is to do: what is ready goes out of the log after this. Whether there is any.
    FoldReady {
        to: To<bool>,
    },
    /// Those of some events that are in the log, as they lie there: nothing is written for it.
    InLog {
        events: Vec<EventSeq>,
        to: To<Vec<(LegId, Raw)>>,
    },
    /// A question is answered as if all were in the tables, for it could not be written there.
    Ask {
        question: Question,
    },
}

/// A question that sends its answer itself.
pub(super) type Question = Box<dyn FnOnce(Result<&Connection, JournalError>) + Send>;

impl Job {
    /// About how many rows it writes.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Append { moments, .. } => moments.iter().map(Moment::weight).sum(),
            Self::Settle { rows, .. } => rows.len(),
            Self::Put { change, .. } => change.weight(),
            Self::Allocate { .. } | Self::Fold { .. } | Self::FoldReady { .. } => 1,
            Self::InLog { .. } | Self::Ask { .. } => 1,
            Self::PruneAudit { .. } => AUDIT_PRUNED_AT_ONCE,
            Self::NoteFailing { notes, .. } => notes.len(),
            Self::Prune { legs, .. } | Self::Erase { legs, .. } => legs.len() * 8,
            Self::Rollup { rollup, .. } => rollup.weight(),
        }
    }

    /// Whether it is somebody else's than what is rolled up, and more than a look.
    pub(super) fn is_work(&self) -> bool {
        !matches!(self, Self::Rollup { .. } | Self::FoldReady { .. } | Self::InLog { .. })
    }

    /// Tells who waits that it was not done. Nobody may be waiting any more.
    pub(super) fn fail(self, error: JournalError) {
        match self {
            Self::Append { to, .. } => drop(to.send(Err(error))),
            Self::Settle { to, .. } => drop(to.send(Err(error))),
            Self::Put { to, .. } => drop(to.send(Err(error))),
            Self::PruneAudit { to, .. } | Self::Prune { to, .. } | Self::Erase { to, .. } => {
                drop(to.send(Err(error)))
            }
            Self::NoteFailing { to, .. } | Self::Fold { to } => drop(to.send(Err(error))),
            Self::Allocate { to } => drop(to.send(Err(error))),
            Self::InLog { to, .. } => drop(to.send(Err(error))),
            Self::Ask { question } => question(Err(error)),
            Self::Rollup { to, .. } | Self::FoldReady { to } => drop(to.send(Err(error))),
        }
    }
}

/// Tells who waits for a job how the commit went.
type Answer = Box<dyn FnOnce(Result<(), JournalError>)>;

/// The jobs of a group that are done, but not on disk yet: told only when it is known how the commit went.
#[derive(Default)]
pub(super) struct Held(Vec<Answer>);

impl Held {
    /// Holds the answer of a job back; an error of the store is the group's.
    pub(super) fn hold<T: 'static>(
        &mut self,
        to: To<T>,
        answer: Result<T, StoreError>,
    ) -> Result<(), StoreError> {
        match answer {
            Ok(answer) => self.hold_answer(to, Ok(answer)),
            Err(error) => {
                self.0.push(Box::new(move |commit| {
                    if let Err(error) = commit {
                        drop(to.send(Err(error)));
                    }
                }));
                return Err(error);
            }
        }
        Ok(())
    }

    /// Holds back an answer that may be a refusal of this job alone.
    pub(super) fn hold_answer<T: 'static>(&mut self, to: To<T>, answer: Result<T, JournalError>) {
        self.0.push(Box::new(move |commit| drop(to.send(commit.and(answer)))));
    }

    /// Tells everybody how the commit went.
    pub(super) fn tell(self, commit: &Result<(), JournalError>) {
        self.0.into_iter().for_each(|answer| answer(commit.clone()));
    }
}
