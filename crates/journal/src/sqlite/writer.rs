//! The one thread that writes, and its group commit: whatever has arrived while the last commit ran goes
//! into the next, whole. A group that fails is undone whole, everybody in it is told, and the next one is
//! tried as if nothing had happened.

use std::cell::Cell;
use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::sync_channel;
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use rusqlite::hooks::Wal;
use tasks::Part;
use tokio::sync::{mpsc, oneshot};

use super::Options;
use super::at_hand::AtHand;
use super::checkpoint::{Checkpointer, LOG_PAGES as PAGES_OF_THE_LOG};
use super::desk::Desk;
use super::errors::StoreError;
use super::jobs::Job;
use super::log::{self, Logging, Tail};
use super::meter::{Commits, Meter};
use super::remembered::Remembered;
use super::rollup::{Roller, Rollup};
use super::room::Room;
use super::statements::Statements;
use crate::JournalError;
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
        conn.pragma_update(None, "journal_size_limit", LOG_KEPT_BYTES)
            .map_err(|error| failed(error.into()))?;
        if let Some(bytes) = options.max_bytes {
            limit(&conn, bytes).map_err(|error| failed(error.into()))?;
        }
        conn.wal_hook(Some(note_log_pages));
        let checkpointer = Checkpointer::start(place).map_err(failed)?;
        let room = if rolls_up { Room::of(place, PAGES_OF_THE_LOG) } else { Room::none() };
        let log = Arc::new(log::Shared::default());
        let (jobs, inbox) = mpsc::channel(QUEUED_JOBS);
        let meter = Meter::default();
        let make_desk = {
            let (place, options) = (place.clone(), options.clone());
            let (log, meter, jobs) = (log.clone(), meter.clone(), jobs.downgrade());
            move |conn: &Connection| {
                // Beside a gateway nothing is kept, and its log is its own.
                let tail = match rolls_up {
                    true => Tail::load(conn, options.logging, log)?,
                    false => Tail::new(Logging::never(), log),
                };
                let memory = Remembered::load(conn, options.rolling_up.listed, tail.loaded_to())?;
                tail.publish(memory.last_seq());
                let roller = match rolls_up {
                    true => Roller::start(&place, put_away(jobs), options.rolling_up)?,
                    false => Roller::none(),
                };
                Ok(Desk {
                    place,
                    sealer,
                    memory,
                    tail,
                    alone: rolls_up,
                    folds_ready: false,
                    others_wrote: false,
                    at_hand: AtHand::begin(conn)?,
                    commits_before_a_fold: 0,
                    checkpointer,
                    room,
                    roller,
                    faults: options.faults,
                    meter,
                })
            }
        };
        // What is in the log is read by the thread that folds it: the memory of what another thread gives up stays with the
        // one that asked for it.
        let (begun, has_begun) = sync_channel(1);
        let begin = move || match make_desk(&conn) {
            Ok(desk) => {
                drop(begun.send(Ok(())));
                work(conn, desk, inbox);
            }
            Err(error) => drop(begun.send(Err(error))),
        };
        let thread = tasks::thread(Part::JournalWriter, begin);
        let thread = thread.map_err(|error| failed(StoreError::Fault(error.to_string())))?;
        let begun = has_begun.recv().map_err(|_| JournalError::Closed)?;
        begun.map_err(failed)?;
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
                let rows = group.iter().filter(|job| job.is_work()).map(Job::weight).sum();
                desk.commit(&mut statements, &mut group);
                desk.fold_what_is_due(&conn, rows, rows >= CROWD);
                desk.checkpointer.after_commit(&conn, LOG_PAGES.get());
                desk.room.after_commit(&conn, LOG_PAGES.get());
                desk.at_hand.after_commit(&conn, rows);
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
    desk.fold_down(&conn);
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
