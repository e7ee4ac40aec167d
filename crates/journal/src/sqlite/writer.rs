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
        let memory = Remembered::load(&conn, options.rolling_up.listed).map_err(failed)?;
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
            checkpointer,
            roller,
            faults: options.faults.clone(),
            meter: meter.clone(),
        };
        let thread = tasks::thread(Part::JournalWriter, move || work(conn, desk, inbox))
            .map_err(|error| failed(StoreError::Fault(error.to_string())))?;
        Ok(Self { jobs: Some(jobs), meter, thread: Some(thread) })
    }

    pub(super) fn waiting(&self) -> usize {
        self.jobs.as_ref().map_or(0, |jobs| jobs.max_capacity() - jobs.capacity())
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

/// Gives what was rolled up to the writer. This end of the jobs is weak: they end when their users do. What was not
/// put away, for something was forgotten meanwhile, is made anew.
fn put_away(jobs: mpsc::WeakSender<Job>) -> impl Fn(Rollup) -> bool + Send + 'static {
    move |rollup| {
        let (to, answer) = oneshot::channel();
        let rollup = Box::new(rollup);
        let sent = jobs.upgrade().map(|jobs| jobs.blocking_send(Job::Rollup { rollup, to }));
        matches!(sent, Some(Ok(()))) && matches!(answer.blocking_recv(), Ok(Ok(_)))
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
                let others = group.iter().filter(|job| !matches!(job, Job::Rollup { .. }));
                let rows = others.map(Job::weight).sum();
                desk.commit(&mut statements, &mut group);
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
    checkpointer: Checkpointer,
    roller: Roller,
    faults: Faults,
    meter: Meter,
}

impl Desk {
    /// One transaction for the whole group; whoever is in it learns how it went.
    fn commit(&mut self, statements: &mut Statements<'_>, group: &mut VecDeque<Job>) {
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
        while let Some(job) = group.pop_front() {
            self.run_job(statements, job, held)?;
        }
        self.memory.save_heard(conn)?;
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
        let Self { memory, sealer, .. } = self;
        let conn = statements.conn;
        match job {
            Job::Append { moments, to } => held.hold(to, append::run(statements, memory, &moments)),
            Job::Settle { rows, to } => held.hold(to, settle::run(statements, &rows)),
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
            Job::Prune { legs, to } => held.hold(to, prune::run(conn, memory, &legs, prune::Waiting::Stays)),
            Job::Erase { legs, to } => {
                held.hold(to, prune::run(conn, memory, &legs, prune::Waiting::GoesToo))
            }
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
        self.memory.forget(last_seq);
    }
}
