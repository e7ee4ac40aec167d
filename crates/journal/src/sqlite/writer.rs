//! The one thread that writes, and its group commit: whatever has arrived while the last commit ran goes
//! into the next, whole. A group that fails is undone whole, everybody in it is told, and the next one is
//! tried as if nothing had happened.

use std::cell::Cell;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;
use tasks::Part;
use tokio::sync::{mpsc, oneshot};

use super::checkpoint::Checkpointer;
use super::errors::StoreError;
use super::jobs::{Held, Job};
use super::log::{self, Logging, Picked, Tail};
use super::meter::{Commits, Meter};
use super::remembered::Remembered;
use super::rollup::{Roller, Rollup};
use super::statements::Statements;
use super::{Options, append, audit, errors, failing, prune, put, rollup, settle};
use crate::JournalError;
use crate::faults::{CommitPoint, Faults};
use crate::seal::Sealer;

/// How many jobs may wait; who comes then waits until one is taken.
pub const QUEUED_JOBS: usize = 1_024;
/// About how many rows go into one commit.
const ROWS_A_COMMIT: usize = 4_096;
/// A log that had to grow beyond this is cut back once it is begun anew.
const LOG_KEPT_BYTES: i64 = 64 * 1024 * 1024;
/// After a commit of so many rows the next one may gather: what a commit costs is mostly the pages it touches,
/// which are nearly as many for some rows as for hundreds.
const CROWD: usize = 64;
/// So long. Less than one is waited for anyway when the disk is busy; nobody waits when there is little to do.
const GATHER: Duration = Duration::from_millis(2);
/// A fold that failed is tried again after so many commits.
const COMMITS_AFTER_A_FOLD_THAT_FAILED: usize = 64;
/// Page cache, in KiB.
const CACHE_KIB: i64 = 32 * 1024;

thread_local! {
    /// How many pages the log has, as the last commit of this thread's connection left it.
    static LOG_PAGES: Cell<i32> = const { Cell::new(0) };
}

/// The way to the writing thread; the thread ends with it, after what was sent is done.
pub(super) struct Writer {
    jobs: Option<mpsc::Sender<Job>>,
    meter: Meter,
    log: Arc<log::Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(
        conn: Connection,
        place: &Arc<Path>,
        sealer: Arc<Sealer>,
        options: &Options,
        rolls_up: bool,
    ) -> Result<Self, JournalError> {
        let failed = |error: StoreError| error.at(place);
        conn.pragma_update(None, "cache_size", -CACHE_KIB).map_err(|error| failed(error.into()))?;
        conn.pragma_update(None, "journal_size_limit", LOG_KEPT_BYTES)
            .map_err(|error| failed(error.into()))?;
        if let Some(bytes) = options.max_bytes {
            limit(&conn, bytes).map_err(|error| failed(error.into()))?;
        }
        conn.wal_hook(Some(note_log_pages));
        let checkpointer = Checkpointer::start(place).map_err(failed)?;
        let log = Arc::new(log::Shared::default());
        // Beside a gateway nothing is kept, and its log is its own.
        let tail = match rolls_up {
            true => Tail::load(&conn, options.logging, log.clone()).map_err(failed)?,
            false => Tail::new(Logging::never(), log.clone()),
        };
        let memory = Remembered::load(&conn, options.rolling_up.listed, tail.loaded_to()).map_err(failed)?;
        tail.publish(memory.last_seq());
        let (jobs, inbox) = mpsc::channel(QUEUED_JOBS);
        let roller = if rolls_up {
            Roller::start(place, put_away(jobs.downgrade()), options.rolling_up).map_err(failed)?
        } else {
            Roller::none()
        };
        let meter = Meter::default();
        let desk = Desk {
            place: place.clone(),
            sealer,
            memory,
            tail,
            alone: rolls_up,
            folds_ready: false,
            commits_before_a_fold: 0,
            checkpointer,
            roller,
            faults: options.faults.clone(),
            meter: meter.clone(),
        };
        let thread = tasks::thread(Part::JournalWriter, move || work(conn, desk, inbox))
            .map_err(|error| failed(StoreError::Fault(error.to_string())))?;
        Ok(Self { jobs: Some(jobs), meter, log, thread: Some(thread) })
    }

    pub(super) fn waiting(&self) -> usize {
        self.jobs.as_ref().map_or(0, |jobs| jobs.max_capacity() - jobs.capacity())
    }

    /// What is in the log.
    pub(super) fn log(&self) -> &Arc<log::Shared> {
        &self.log
    }

    pub(super) fn commits(&self) -> Commits {
        self.meter.read()
    }

    pub(super) async fn send(&self, job: Job) -> Result<(), JournalError> {
        let jobs = self.jobs.as_ref().ok_or(JournalError::Closed)?;
        jobs.send(job).await.map_err(|_| JournalError::Closed)
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

/// Gives what was rolled up to the writer, or asks it to fold what is ready; whether there may be more.
/// This end of the jobs is weak: they end when their users do. What was not
/// put away, for something was forgotten meanwhile, is made anew.
fn put_away(jobs: mpsc::WeakSender<Job>) -> impl Fn(Option<Rollup>) -> bool + Send + 'static {
    move |rollup| {
        let (to, answer) = oneshot::channel();
        let is_rollup = rollup.is_some();
        let job = match rollup {
            Some(rollup) => Job::Rollup { rollup: Box::new(rollup), to },
            None => Job::FoldReady { to },
        };
        let sent = jobs.upgrade().map(|jobs| jobs.blocking_send(job));
        matches!(sent, Some(Ok(()))) && matches!(answer.blocking_recv(), Ok(Ok(done)) if done || is_rollup)
    }
}

fn limit(conn: &Connection, bytes: u64) -> rusqlite::Result<()> {
    let page: u64 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
    conn.query_row(&format!("PRAGMA max_page_count = {}", bytes / page), [], |_| Ok(()))
}

/// Replaces SQLite's own checkpoint at commit, which would keep the callers waiting.
fn note_log_pages(_: &Wal, pages: std::ffi::c_int) -> rusqlite::Result<()> {
    LOG_PAGES.set(pages);
    Ok(())
}

/// The thread: takes what has arrived, commits it, sees to the log.
fn work(conn: Connection, mut desk: Desk, mut inbox: mpsc::Receiver<Job>) {
    let mut group = VecDeque::new();
    match Statements::prepare(&conn) {
        Ok(mut statements) => {
            while let Some(first) = inbox.blocking_recv() {
                tasks::fault_point(Part::JournalWriter);
                gather(first, &mut inbox, &mut group);
                // What is rolled up is no sign that many write, and does not count for who waits until few do.
                let others =
                    group.iter().filter(|job| !matches!(job, Job::Rollup { .. } | Job::FoldReady { .. }));
                let rows = others.map(Job::weight).sum();
                desk.commit(&mut statements, &mut group);
                desk.fold_what_is_due(&conn, rows >= CROWD);
                desk.checkpointer.after_commit(&conn, LOG_PAGES.get());
                desk.roller.after_commit(desk.memory.last_seq(), rows);
                if rows >= CROWD {
                    std::thread::park_timeout(GATHER);
                }
            }
        }
        // The tables were there a moment ago; without statements whoever comes is told that it is closed.
        Err(error) => tracing::error!(%error, "the journal's statements could not be prepared"),
    }
    // Who waits for an answer to what came last gets none, rather than keeping this waiting.
    drop(inbox);
    desk.roller.finish();
    desk.checkpointer.finish(&conn);
}

/// Takes what has arrived, up to about the rows of a commit.
fn gather(first: Job, inbox: &mut mpsc::Receiver<Job>, group: &mut VecDeque<Job>) {
    let mut weight = first.weight();
    group.push_back(first);
    while weight < ROWS_A_COMMIT
        && let Ok(job) = inbox.try_recv()
    {
        weight += job.weight();
        group.push_back(job);
    }
}

/// Everything the thread works with besides the connection.
struct Desk {
    place: Arc<Path>,
    sealer: Arc<Sealer>,
    memory: Remembered,
    tail: Tail,
    /// Whether this process keeps events: then the log is its own.
    alone: bool,
    /// Whether it was said that little else is to do.
    folds_ready: bool,
    /// So many go by before it is tried again to fold.
    commits_before_a_fold: usize,
    checkpointer: Checkpointer,
    roller: Roller,
    faults: Faults,
    meter: Meter,
}

impl Desk {
    /// One transaction for the whole group; whoever is in it learns how it went.
    fn commit(&mut self, statements: &mut Statements<'_>, group: &mut VecDeque<Job>) {
        self.answer_questions(statements.conn, group);
        if group.is_empty() {
            return;
        }
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
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.tail.know(conn)?;
        if self.wants_all_folded(conn, group)? {
            self.tail.fold(conn, &mut self.memory, Picked::All)?;
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
                let one = |row| match tail.settle(row)? {
                    Ok(settled) => Ok(settled),
                    Err(row) => settle::run(statements, &row),
                };
                held.hold(to, rows.into_iter().map(one).collect())
            }
            Job::Ask { question } => {
                question(Err(JournalError::Closed));
                Ok(())
            }
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
            Job::FoldReady { to } => {
                let folds = tail.has_ready();
                self.folds_ready = folds;
                held.hold(to, Ok(folds))
            }
            Job::Rollup { mut rollup, to } => {
                held.hold(to, rollup::put(conn, &mut rollup, memory.last_seq()))
            }
        }
    }

    /// Answers those who ask while the log cannot be folded: it is, in a transaction that comes to nothing.
    fn answer_questions(&mut self, conn: &Connection, group: &mut VecDeque<Job>) {
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
        let mut fold = || {
            conn.prepare_cached("BEGIN")?.execute([])?;
            self.tail.know(conn)?;
            self.tail.fold(conn, &mut self.memory, Picked::All)
        };
        fold().map_err(|error: StoreError| error.at(&self.place))
    }

    /// Whether somebody asks of all that is kept, or something is forgotten that would come back from the log.
    fn wants_all_folded(&self, conn: &Connection, group: &VecDeque<Job>) -> Result<bool, StoreError> {
        if self.tail.is_full() {
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

    /// After a commit, unless folding has just failed.
    fn fold_what_is_due(&mut self, conn: &Connection, flood: bool) {
        let ready = std::mem::take(&mut self.folds_ready).then_some(Picked::Due(log::AT_ONCE));
        self.commits_before_a_fold = self.commits_before_a_fold.saturating_sub(1);
        if self.commits_before_a_fold == 0
            && let Some(picked) = self.tail.due(flood).or(ready)
        {
            self.fold(conn, picked);
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

    fn fold_alone(&mut self, conn: &Connection, picked: Picked) -> Result<(), StoreError> {
        conn.pragma_update(None, "synchronous", "NORMAL")?;
        let folded = self.fold_within(conn, picked);
        conn.pragma_update(None, "synchronous", "FULL")?;
        folded
    }

    fn fold_within(&mut self, conn: &Connection, picked: Picked) -> Result<(), StoreError> {
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        self.tail.know(conn)?;
        self.tail.fold(conn, &mut self.memory, picked)?;
        self.faults.at(CommitPoint::Fold).map_err(StoreError::Fault)?;
        conn.prepare_cached("COMMIT")?.execute([]).map_err(errors::of_commit)?;
        Ok(())
    }

    /// After a failed group: nothing of it is left, neither in the store nor in what is remembered of it.
    /// SQLite may have undone it by itself already.
    fn undo(&mut self, conn: &Connection, last_seq: i64) {
        if !conn.is_autocommit()
            && let Err(error) = conn.execute_batch("ROLLBACK")
        {
            tracing::error!(%error, "the journal could not undo what it had begun");
        }
        self.memory.forget(last_seq);
        self.tail.forget();
        match self.tail.know(conn) {
            Ok(()) => self.tail.publish(last_seq),
            Err(error) => tracing::error!(%error, "the journal's log could not be read"),
        }
    }
}
