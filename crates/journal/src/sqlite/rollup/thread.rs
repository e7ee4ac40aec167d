//! When events are rolled up: while the writer has little else to do, so that nobody waits for it because of this.

use std::cell::RefCell;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::Duration;

use rusqlite::Connection;
use tasks::Part;

use super::super::errors::StoreError;
use super::super::opening::connect;
use super::super::readers::within_snapshot;
use super::super::remembered::LISTED_AT_ONCE;
use super::{Mark, Rollup, gather, renew, rolled_up_to};

/// So many events gather before they are rolled up.
const GATHERED: i64 = 512;
/// A leg with something that waits is left alone for so many events.
const WAITS_BEHIND: i64 = 2_048;
/// How many are rolled up at once when nobody else writes.
const AT_ONCE: i64 = 2_048;
/// How many while somebody does: so many keep an event of theirs waiting for a few milliseconds at most.
const AT_ONCE_BESIDE_OTHERS: i64 = 256;
/// As long as fewer rows are written for others during a pause, events and outcomes of deliveries, events are
/// rolled up. While a flood is delivered that came in long ago, the processors are as busy as while it comes.
const QUIET_ROWS: u64 = 1_000;
/// With so many to roll up they are rolled up even while many come in: a question about one account would
/// have to look through too many of them.
const TOO_FAR_BEHIND: i64 = 1_000_000;

/// When events are rolled up, and their legs packed.
#[derive(Clone, Copy, Debug)]
pub struct RollingUp {
    /// How many gather before: a question looks through about so many, and what follows.
    pub at: i64,
    /// How long it is watched whether the writer has much to do.
    pub pause: Duration,
    /// A leg with a delivery that still waits is left alone until so many events have come behind it: what comes of
    /// a delivery is better packed with its leg than noted beside it.
    pub waits: i64,
    /// How many events are told to their accounts' lists at a time; what is not told is not rolled up.
    pub listed: usize,
    /// How many events are rolled up at once, at most.
    pub at_most: i64,
}

impl RollingUp {
    /// Without waiting for anything, when so many events have gathered.
    pub const fn at_once(at: i64) -> Self {
        Self { at, pause: Duration::ZERO, waits: 0, listed: 1, at_most: AT_ONCE }
    }

    /// Never.
    pub const fn never() -> Self {
        Self { at: i64::MAX, listed: LISTED_AT_ONCE, ..Self::at_once(0) }
    }

    /// About so many events may stay as they are while no others come.
    pub const fn left(&self) -> u64 {
        (self.at as u64).saturating_add(self.waits as u64).saturating_add(self.listed as u64)
    }
}

impl Default for RollingUp {
    fn default() -> Self {
        let pause = Duration::from_millis(100);
        Self { pause, waits: WAITS_BEHIND, listed: LISTED_AT_ONCE, ..Self::at_once(GATHERED) }
    }
}

/// How far the writer is.
#[derive(Default)]
struct Progress {
    /// The last place it gave.
    last: AtomicI64,
    /// The rows it has written for others than the rollup.
    rows: AtomicU64,
}

/// How many events are rolled up at once after a pause in which others wrote so many rows; `None`: not now. What is
/// too far behind has to come in faster than it grows.
fn at_once(others_wrote: u64, is_too_far_behind: impl FnOnce() -> bool) -> Option<i64> {
    match others_wrote {
        0 => Some(AT_ONCE),
        _ if is_too_far_behind() => Some(AT_ONCE),
        1..QUIET_ROWS => Some(AT_ONCE_BESIDE_OTHERS),
        QUIET_ROWS.. => None,
    }
}

/// The thread, and what the writer tells it.
pub(in crate::sqlite) struct Roller {
    start: Option<SyncSender<()>>,
    thread: Option<JoinHandle<()>>,
    progress: Arc<Progress>,
    at: i64,
    /// The last place when it was told last, and the rows written then.
    told_at: (i64, u64),
}

impl Roller {
    /// Begins with what has gathered already. `put` gives a rollup to the writer, or nothing for it to fold what is ready
    /// in its log, and waits until it was seen to; it says whether there may be more.
    pub(in crate::sqlite) fn start(
        place: &Path,
        put: impl Fn(Option<Rollup>) -> bool + Send + 'static,
        when: RollingUp,
    ) -> Result<Self, StoreError> {
        let conn = connect(place)?;
        conn.pragma_update(None, "query_only", true)?;
        let (start, starts) = sync_channel(1);
        let progress = Arc::new(Progress::default());
        let (put, progress_of, mark) = (Box::new(put), progress.clone(), RefCell::default());
        let worker = Worker { conn, starts, put, when, progress: progress_of, mark };
        let thread = tasks::thread_anew(Part::JournalRollup, move || worker.run())
            .map_err(|error| StoreError::Fault(error.to_string()))?;
        let _ = start.try_send(());
        Ok(Self { start: Some(start), thread: Some(thread), progress, at: when.at, told_at: (0, 0) })
    }

    /// None: for a process that only changes settings beside a gateway.
    pub(in crate::sqlite) fn none() -> Self {
        Self { start: None, thread: None, progress: Arc::default(), at: i64::MAX, told_at: (0, 0) }
    }

    /// After each commit of the writer, with the last place it gave and how many rows it was for others.
    pub(in crate::sqlite) fn after_commit(&mut self, last_seq: i64, rows: usize) {
        self.progress.last.store(last_seq, Relaxed);
        let rows = self.progress.rows.fetch_add(rows as u64, Relaxed) + rows as u64;
        // Outcomes count too: what waited for them may go on.
        let many = self.at.unsigned_abs();
        if (last_seq.abs_diff(self.told_at.0) >= many || rows.abs_diff(self.told_at.1) >= many)
            && let Some(start) = &self.start
        {
            self.told_at = (last_seq, rows);
            // Full: it has been told and has not looked yet.
            let _ = start.try_send(());
        }
    }

    /// At the end. What has gathered is rolled up next time.
    pub(in crate::sqlite) fn finish(&mut self) {
        drop(self.start.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

struct Worker {
    conn: Connection,
    starts: Receiver<()>,
    put: Box<dyn Fn(Option<Rollup>) -> bool + Send>,
    when: RollingUp,
    progress: Arc<Progress>,
    /// How far it is with days of an older program.
    mark: RefCell<Mark>,
}

impl Worker {
    fn run(&self) {
        // A life before this one may have died while it read.
        if !self.conn.is_autocommit()
            && let Err(error) = self.conn.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "the journal's rollup cannot end what it read");
        }
        while tasks::receive(Part::JournalRollup, &self.starts).is_ok() {
            let mut before = self.rows();
            loop {
                if self.starts.recv_timeout(self.when.pause) == Err(RecvTimeoutError::Disconnected) {
                    return;
                }
                let now = self.rows();
                if let Some(at_once) = at_once(now - before, || self.is_too_far_behind())
                    && !self.while_quiet(now, at_once)
                {
                    break;
                }
                before = now;
            }
        }
    }

    fn rows(&self) -> u64 {
        self.progress.rows.load(Relaxed)
    }

    fn is_too_far_behind(&self) -> bool {
        let last = self.progress.last.load(Relaxed);
        rolled_up_to(&self.conn).is_ok_and(|to| last - to >= TOO_FAR_BEHIND)
    }

    /// Stretch after stretch until others have much to write; whether there may be more to do.
    fn while_quiet(&self, since: u64, at_once: i64) -> bool {
        loop {
            // Both, for what comes out of the log may leave a stretch to be rolled up.
            let folded = self.when.at < i64::MAX && (self.put)(None);
            let rolled_up = self.one_stretch(at_once) || self.when.at < i64::MAX && self.renew();
            if !folded && !rolled_up {
                return false;
            }
            if self.rows() - since >= QUIET_ROWS {
                return true;
            }
        }
    }

    /// Whether days of an older program were renewed.
    fn renew(&self) -> bool {
        let mut mark = self.mark.borrow_mut();
        match within_snapshot(&self.conn, |conn| renew(conn, &mut mark)) {
            Ok(renewed) => renewed.is_some_and(|renewed| (self.put)(Some(renewed))),
            Err(error) => {
                tracing::warn!(%error, "days of an older program are looked through by whoever asks");
                false
            }
        }
    }

    /// Whether there was one, and the journal took it. While nobody writes the rest is one, too: with a log in front few
    /// come behind it, and it would stay in rows.
    fn one_stretch(&self, at_once: i64) -> bool {
        let idle = at_once == AT_ONCE && self.when.pause > Duration::ZERO && self.when.at < i64::MAX;
        let when = RollingUp { at: if idle { 1 } else { self.when.at }, ..self.when };
        let rollup = match within_snapshot(&self.conn, |conn| gather(conn, &when, at_once.min(when.at_most)))
        {
            Ok(Some(rollup)) => rollup,
            Ok(None) => return false,
            Err(error) => {
                tracing::warn!(%error, "the journal's events could not be rolled up; lists look through them");
                return false;
            }
        };
        (self.put)(Some(rollup))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn much_is_rolled_up_when_nobody_writes_or_it_is_far_behind_and_little_beside_others() {
        let chosen = |wrote, behind| at_once(wrote, || behind);
        assert_eq!([chosen(0, false), chosen(0, true)], [Some(AT_ONCE); 2]);
        assert_eq!([chosen(1, false), chosen(QUIET_ROWS - 1, false)], [Some(AT_ONCE_BESIDE_OTHERS); 2]);
        assert_eq!(chosen(QUIET_ROWS, false), None);
        assert_eq!(
            [chosen(1, true), chosen(50_000, true)],
            [Some(AT_ONCE); 2],
            "else it would grow for ever"
        );
    }
}
