//! When legs go out of the log.

use std::collections::VecDeque;

use rusqlite::{Connection, ErrorCode};

use super::super::errors::{self, StoreError};
use super::super::jobs::Job;
use super::super::log::Picked;
use super::super::{opening, prune};
use super::Desk;
use crate::JournalError;
use crate::faults::CommitPoint;

/// There is a spare again when so many pages are free.
const FREE_FOR_A_SPARE: i64 = 64;
/// A fold that failed is tried again after so many commits.
const COMMITS_AFTER_A_FOLD_THAT_FAILED: usize = 64;

impl Desk {
    /// Whoever says that little else is to do is told whether legs are ready: they are folded after this, which is no
    /// commit that anybody waits for. Not right after a fold that failed.
    pub(super) fn hear_that_it_is_calm(&mut self, conn: &Connection, group: &mut VecDeque<Job>) {
        if !group.iter().any(|job| matches!(job, Job::FoldReady { .. })) {
            return;
        }
        for job in std::mem::take(group) {
            match job {
                Job::FoldReady { to } => {
                    self.folds_ready = self.commits_before_a_fold <= 1 && self.has_ready(conn);
                    drop(to.send(Ok(self.folds_ready)));
                }
                job => group.push_back(job),
            }
        }
        let has_been_calm = !std::mem::take(&mut self.others_wrote);
        if !self.folds_ready && group.is_empty() {
            self.at_hand.give_back(conn, has_been_calm);
        }
    }

    /// Legs in the log, or rows that no account's list has.
    fn has_ready(&mut self, conn: &Connection) -> bool {
        self.tail.has_ready()
            || self.memory.has_unlisted(conn).unwrap_or_else(|error| {
                tracing::warn!(%error, "what is in no account's list could not be read");
                false
            })
    }

    /// Answers those who want events that may be in the log: it stays as it is.
    pub(super) fn look_into_the_log(&mut self, conn: &Connection, group: &mut VecDeque<Job>) {
        if !group.iter().any(|job| matches!(job, Job::InLog { .. })) {
            return;
        }
        for job in std::mem::take(group) {
            match job {
                Job::InLog { events, to } => {
                    let known = self.tail.know(conn).map_err(|error| error.at(&self.place));
                    drop(to.send(known.map(|()| self.tail.of(&events))));
                }
                job => group.push_back(job),
            }
        }
    }

    /// Answers those who ask while the log cannot be folded: it is, in a transaction that comes to nothing.
    pub(super) fn answer_questions(&mut self, conn: &Connection, group: &mut VecDeque<Job>) {
        let is_question = |job: &Job| matches!(job, Job::Ask { .. });
        if !group.iter().any(is_question) {
            return;
        }
        let before = self.memory.last_seq();
        let folded = self.begin_folded(conn);
        for job in std::mem::take(group) {
            match (job, &folded) {
                (Job::Ask { question }, Ok(())) => question(Ok(conn)),
                (Job::Ask { question }, Err(error)) => question(Err(error.clone())),
                (job, _) => group.push_back(job),
            }
        }
        self.undo(conn, before);
    }

    fn begin_folded(&mut self, conn: &Connection) -> Result<(), JournalError> {
        let folded = self.begin(conn).and_then(|()| self.fold_in(conn, Picked::All));
        folded.map_err(|error: StoreError| error.at(&self.place))
    }

    /// Begins a transaction; what is at hand of the log is known then.
    pub(super) fn begin(&mut self, conn: &Connection) -> Result<(), StoreError> {
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.tail.know(conn)
    }

    /// Folds in a transaction in which nothing else has been done. Where the store is full, it gives up the room that was
    /// kept for that.
    pub(super) fn fold_in(&mut self, conn: &Connection, picked: Picked) -> Result<(), StoreError> {
        let last_seq = self.memory.last_seq();
        match self.tail.fold(conn, &mut self.memory, picked) {
            Err(StoreError::Sqlite(error)) if error.sqlite_error_code() == Some(ErrorCode::DiskFull) => {
                self.undo(conn, last_seq);
                self.begin(conn)?;
                if conn.prepare_cached("DELETE FROM spare")?.execute([])? == 0 {
                    return Err(error.into());
                }
                // Only where all goes does as much come out of the log as goes into the tables.
                self.tail.fold(conn, &mut self.memory, Picked::All)
            }
            Err(error) => Err(error),
            Ok(()) => keep_spare(conn),
        }
    }

    /// Whether somebody asks of all that is kept, or something is forgotten that would come back from the log.
    pub(super) fn wants_all_folded(
        &self,
        conn: &Connection,
        group: &VecDeque<Job>,
    ) -> Result<bool, StoreError> {
        if self.tail.is_full() || !self.tail.takes() && !self.tail.is_empty() {
            return Ok(true);
        }
        let first = self.tail.first_seq();
        for job in group {
            let wants = match job {
                Job::Fold { .. } => self.alone,
                Job::Prune { legs, .. } | Job::Erase { legs, .. } => prune::may_be_in_log(conn, first, legs)?,
                _ => false,
            };
            if wants {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// After a commit of so many rows, unless folding has just failed. Behind one of none it is only folded if it is calm: who
    /// looks into a flood does not have it folded in small pieces.
    pub(in crate::sqlite) fn fold_what_is_due(&mut self, conn: &Connection, rows: usize, flood: bool) {
        if !self.alone {
            return;
        }
        self.tail.is_in_a_flood = self.at_hand.is_flood();
        let ready = std::mem::take(&mut self.folds_ready).then_some(Picked::Calm);
        self.commits_before_a_fold = self.commits_before_a_fold.saturating_sub(1);
        if self.commits_before_a_fold == 0
            && let Some(picked) = self.tail.due(flood).filter(|_| rows > 0).or(ready)
        {
            self.fold(conn, picked);
        }
    }

    /// At the end: whoever opens the store next has no more at hand than when it is calm.
    pub(in crate::sqlite) fn fold_down(&mut self, conn: &Connection) {
        self.tail.is_in_a_flood = false;
        while self.commits_before_a_fold <= 1 && self.tail.is_beyond() {
            let before = self.tail.bytes();
            self.fold(conn, Picked::Due(0));
            if self.tail.bytes() >= before {
                break;
            }
        }
    }

    /// In a commit of its own that nobody waits for, legs go out of the log. It need not be on disk at once, for what it
    /// was made of is.
    fn fold(&mut self, conn: &Connection, picked: Picked) {
        if let Err(error) = self.fold_alone(conn, picked) {
            tracing::warn!(%error, "the journal's log could not be folded; what is in it stays there");
            self.commits_before_a_fold = COMMITS_AFTER_A_FOLD_THAT_FAILED;
            self.undo(conn, self.memory.last_seq());
        }
        self.tail.publish(self.memory.last_seq());
    }

    /// What comes after it waits for the disk again: at once, or where it failed when it is undone, for within a transaction
    /// SQLite leaves that as it is.
    fn fold_alone(&mut self, conn: &Connection, picked: Picked) -> Result<(), StoreError> {
        conn.pragma_update(None, "synchronous", "NORMAL")?;
        self.fold_within(conn, picked)?;
        Ok(opening::waits_for_the_disk(conn)?)
    }

    fn fold_within(&mut self, conn: &Connection, picked: Picked) -> Result<(), StoreError> {
        self.begin(conn)?;
        self.fold_in(conn, picked)?;
        self.faults.at(CommitPoint::Fold).map_err(StoreError::Fault)?;
        conn.prepare_cached("COMMIT")?.execute([]).map_err(errors::of_commit)?;
        Ok(())
    }
}

/// Puts room aside again, when there is some.
fn keep_spare(conn: &Connection) -> Result<(), StoreError> {
    if conn.prepare_cached("SELECT 1 FROM spare")?.exists([])? {
        return Ok(());
    }
    let free: i64 = conn.pragma_query_value(None, "freelist_count", |row| row.get(0))?;
    if free >= FREE_FOR_A_SPARE {
        conn.prepare_cached("INSERT INTO spare VALUES (1, zeroblob(65536))")?.execute([])?;
    }
    Ok(())
}
