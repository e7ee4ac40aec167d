//! What the writing thread does with a group of jobs, and all it works with for that.

mod folding;

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use rusqlite::Connection;

use super::at_hand::AtHand;
use super::checkpoint::Checkpointer;
use super::errors::StoreError;
use super::jobs::{Held, Job};
use super::log::{Picked, Tail};
use super::meter::Meter;
use super::remembered::Remembered;
use super::rollup::Roller;
use super::room::Room;
use super::statements::Statements;
use super::{append, audit, errors, failing, opening, prune, put, rollup, settle};
use crate::faults::{CommitPoint, Faults};
use crate::seal::Sealer;

/// Everything the thread works with besides the connection.
pub(super) struct Desk {
    pub(super) place: Arc<Path>,
    pub(super) sealer: Arc<Sealer>,
    pub(super) memory: Remembered,
    pub(super) tail: Tail,
    /// Whether this process keeps events: then the log is its own.
    pub(super) alone: bool,
    /// Whether it was said that little else is to do.
    pub(super) folds_ready: bool,
    /// Whether anything but what is rolled up was written since that was said.
    pub(super) others_wrote: bool,
    pub(super) at_hand: AtHand,
    /// So many go by before it is tried again to fold.
    pub(super) commits_before_a_fold: usize,
    pub(super) checkpointer: Checkpointer,
    pub(super) room: Room,
    pub(super) roller: Roller,
    pub(super) faults: Faults,
    pub(super) meter: Meter,
}

impl Desk {
    /// One transaction for the whole group; whoever is in it learns how it went.
    pub(super) fn commit(&mut self, statements: &mut Statements<'_>, group: &mut VecDeque<Job>) {
        self.hear_that_it_is_calm(statements.conn, group);
        self.look_into_the_log(statements.conn, group);
        self.answer_questions(statements.conn, group);
        if group.is_empty() {
            return;
        }
        self.others_wrote |= group.iter().any(Job::is_work);
        let (before, jobs, begun) = (self.memory.last_seq(), group.len(), Meter::begin());
        let mut held = Held::default();
        let result = self.run(statements, group, &mut held);
        self.meter.end(&begun, jobs, result.is_ok());
        if let Err(error) = result {
            self.undo(statements.conn, before);
            let error = error.at(&self.place);
            tracing::warn!(%error, jobs, "the journal could not commit");
            group.drain(..).for_each(|job| job.fail(error.clone()));
            held.tell(&Err(error));
            return;
        }
        self.tail.publish(self.memory.last_seq());
        let answered = self.faults.at(CommitPoint::After);
        held.tell(&answered.map_err(|why| StoreError::Unknown(why).at(&self.place)));
    }

    fn run(
        &mut self,
        statements: &mut Statements<'_>,
        group: &mut VecDeque<Job>,
        held: &mut Held,
    ) -> Result<(), StoreError> {
        let conn = statements.conn;
        self.begin(conn)?;
        if self.wants_all_folded(conn, group)? {
            self.fold_in(conn, Picked::All)?;
        }
        while let Some(job) = group.pop_front() {
            self.run_job(statements, job, held)?;
        }
        if self.tail.takes() {
            self.memory.take_heard().into_iter().for_each(|(pbx, at)| self.tail.heard(&pbx, at));
        }
        self.memory.save_heard(conn)?;
        self.tail.write(conn)?;
        self.memory.fill_lists(conn)?;
        self.faults.at(CommitPoint::Before).map_err(StoreError::Fault)?;
        debug_assert!(opening::is_waiting_for_the_disk(conn), "what is said to be kept is on disk");
        conn.prepare_cached("COMMIT")?.execute([]).map_err(errors::of_commit)?;
        Ok(())
    }

    fn run_job(
        &mut self,
        statements: &mut Statements<'_>,
        job: Job,
        held: &mut Held,
    ) -> Result<(), StoreError> {
        let Self { memory, tail, sealer, .. } = self;
        let conn = statements.conn;
        match job {
            Job::Append { moments, to } => held.hold(to, append::run(statements, memory, tail, moments)),
            Job::Settle { rows, to } => {
                let one = |row: settle::Row| {
                    tail.sees(&row);
                    match tail.has(row.id.event) {
                        true => tail.settle(row),
                        false => settle::run(statements, &row),
                    }
                };
                held.hold(to, rows.into_iter().map(one).collect())
            }
            // Seen to before.
            Job::Ask { .. } | Job::FoldReady { .. } | Job::InLog { .. } => Ok(()),
            Job::Put { change, to } => match put::run(conn, sealer, &change) {
                Ok(answer) => {
                    held.hold_answer(to, answer);
                    Ok(())
                }
                Err(error) => held.hold(to, Err(error)),
            },
            Job::PruneAudit { before, to } => held.hold(to, audit::prune(conn, before)),
            Job::Allocate { to } => held.hold(to, put::allocate(conn)),
            Job::NoteFailing { notes, to } => held.hold(to, failing::note(conn, &notes)),
            Job::Prune { legs, to } => {
                held.hold(to, prune::run(conn, memory, tail.first_seq(), &legs, prune::Waiting::Stays))
            }
            Job::Erase { legs, to } => {
                held.hold(to, prune::run(conn, memory, tail.first_seq(), &legs, prune::Waiting::GoesToo))
            }
            Job::Fold { to } => held.hold(to, Ok(())),
            Job::Rollup { mut rollup, to } => {
                held.hold(to, rollup::put(conn, &mut rollup, memory.last_seq()))
            }
        }
    }

    /// After a failed group: nothing of it is left, neither in the store nor in what is remembered of it.
    /// SQLite may have undone it by itself already.
    fn undo(&mut self, conn: &Connection, last_seq: i64) {
        if !conn.is_autocommit()
            && let Err(error) = conn.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the journal could not undo what it had begun");
        }
        if conn.is_autocommit()
            && let Err(error) = opening::waits_for_the_disk(conn)
        {
            tracing::error!(%error, "the journal may not wait for the disk");
        }
        self.memory.forget(last_seq);
        // Another process's log is none of this one's.
        if !self.alone {
            return;
        }
        self.tail.forget();
        match self.tail.know(conn) {
            Ok(()) => self.tail.publish(last_seq),
            Err(error) => tracing::error!(%error, "the journal's log could not be read"),
        }
    }
}
