//! Carries the log into the file without keeping the writer waiting. A thread copies what is there while the
//! writer goes on; when it is done the writer copies the little that came meanwhile, after which SQLite
//! begins the log anew.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tasks::Part;

use super::errors::StoreError;
use super::opening::connect;

/// A log of so many pages (of 4 KiB) is carried over.
pub(super) const LOG_PAGES: i32 = 8 * 1024;

/// The thread, and what it is up to.
pub(super) struct Checkpointer {
    start: Option<SyncSender<()>>,
    copied: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
    /// Since when the log counts again: a log that could not be begun anew is not copied at every commit.
    asked_at_pages: i32,
}

impl Checkpointer {
    pub(super) fn start(place: &Path) -> Result<Self, StoreError> {
        let conn = connect(place)?;
        let (start, starts) = sync_channel::<()>(1);
        let copied = Arc::new(AtomicBool::new(false));
        let done = copied.clone();
        let work = move || {
            while tasks::receive(Part::JournalCheckpoint, &starts).is_ok() {
                copy(&conn);
                done.store(true, Ordering::Release);
            }
        };
        let thread = tasks::thread_anew(Part::JournalCheckpoint, work)
            .map_err(|error| StoreError::Fault(error.to_string()))?;
        Ok(Self { start: Some(start), copied, thread: Some(thread), asked_at_pages: 0 })
    }

    /// After each commit of the writer, with the pages its log has now.
    pub(super) fn after_commit(&mut self, writer: &Connection, log_pages: i32) {
        if self.copied.swap(false, Ordering::Acquire) {
            copy(writer);
            self.asked_at_pages = log_pages;
            return;
        }
        if log_pages < self.asked_at_pages {
            self.asked_at_pages = 0;
        }
        if log_pages - self.asked_at_pages < LOG_PAGES {
            return;
        }
        let asked = self.start.as_ref().map(|start| start.try_send(()));
        match asked {
            Some(Ok(()) | Err(TrySendError::Full(()))) => self.asked_at_pages = log_pages,
            Some(Err(TrySendError::Disconnected(()))) | None => copy(writer),
        }
    }

    /// At the end: everything into the file.
    pub(super) fn finish(&mut self, writer: &Connection) {
        drop(self.start.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
        copy(writer);
    }
}

/// Copies what nobody reads any more. What cannot be copied now stays in the log, where it is safe.
fn copy(conn: &Connection) {
    if let Err(error) = conn.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())) {
        tracing::warn!(%error, "the journal's log could not be carried into its file; it stays in the log");
    }
}
