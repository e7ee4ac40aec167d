//! Room in the file of SQLite's log before it is needed. A commit that makes the file longer waits for the disk twice, for
//! what it wrote and for how long the file is now; one that writes over what is there waits once. A log that was begun anew
//! has its room from the round before, but SQLite takes the file away when the store is closed, and the little that a small
//! PBX says never gets round.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::errors::StoreError;
use super::opening::log_of;

/// Bytes of a page in the log: its header and itself.
const PAGE_BYTES: u64 = 24 + 4096;
/// The log gets more room when less than this is left.
const LEFT_BYTES: u64 = 64 * 1024;
/// So much at once: whoever commits meanwhile waits, and for 4 MiB four times as long.
const STEP_BYTES: u64 = 256 * 1024;
/// What a log has that goes beyond the pages with which it is begun anew.
const BEYOND_BYTES: u64 = 1024 * 1024;
/// A disk with less left than this keeps what it has: it is full soon enough.
const SPARE_BYTES: u64 = 256 * 1024 * 1024;

/// The file, and how long it is.
pub(super) struct Room {
    log: PathBuf,
    bytes: u64,
    /// So long it is made; what goes beyond that makes its own room.
    enough: u64,
}

impl Room {
    /// For a log that is begun anew after so many pages.
    pub(super) fn of(place: &Path, pages: i32) -> Self {
        let enough = u64::try_from(pages).unwrap_or(0) * PAGE_BYTES + BEYOND_BYTES;
        Self { log: log_of(place), bytes: 0, enough }
    }

    /// None is made.
    pub(super) fn none() -> Self {
        Self { log: PathBuf::new(), bytes: 0, enough: 0 }
    }

    /// After a commit, with the pages the log has now.
    pub(super) fn after_commit(&mut self, conn: &Connection, pages: i32) {
        let used = u64::try_from(pages).unwrap_or(0) * PAGE_BYTES;
        if self.bytes >= self.enough || used + LEFT_BYTES <= self.bytes {
            return;
        }
        if free(&self.log) < SPARE_BYTES {
            self.bytes = u64::MAX;
            return;
        }
        let to = (used + STEP_BYTES).min(self.enough);
        match self.make(conn, to) {
            Ok(bytes) => self.bytes = bytes,
            Err(error) => {
                tracing::debug!(%error, "there is no room ahead of SQLite's log; each commit makes its own");
                self.bytes = u64::MAX;
            }
        }
    }

    /// Nobody else writes into the log meanwhile: the command line would have to, too, with the same lock.
    fn make(&self, conn: &Connection, to: u64) -> Result<u64, StoreError> {
        conn.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let made = OpenOptions::new().write(true).open(&self.log).and_then(|file| lengthen(&file, to));
        conn.prepare_cached("ROLLBACK")?.execute([])?;
        made.map_err(|error| StoreError::Fault(error.to_string()))
    }
}

/// What is left on the disk; where that cannot be told, nothing.
fn free(log: &Path) -> u64 {
    log.parent()
        .and_then(|folder| rustix::fs::statvfs(folder).ok())
        .map_or(0, |disk| disk.f_bavail.saturating_mul(disk.f_frsize))
}

/// Fills a file up with nothing, at its end, and has that on disk; how long it is. What did not fit is taken back.
fn lengthen(file: &File, to: u64) -> io::Result<u64> {
    let from = file.metadata()?.len();
    if from >= to {
        return Ok(from);
    }
    let nothing = vec![0; usize::try_from(to - from).unwrap_or(0)];
    if let Err(error) = file.write_all_at(&nothing, from).and_then(|()| file.sync_data()) {
        file.set_len(from)?;
        return Err(error);
    }
    Ok(to)
}
