//! How much the log may have, and what others than the writer want to know of it.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

/// How much of what is new lies in the log before it is folded.
#[derive(Clone, Copy, Debug)]
pub struct Logging {
    /// So many bytes are at hand; 0: nothing goes into the log.
    pub bytes: usize,
    /// So many rows the log has.
    pub rows: usize,
    /// So many legs that have ended, and of which nothing waits, are folded at once while little else is to do.
    pub legs: usize,
    /// And so many while much is.
    pub legs_in_a_flood: usize,
}

impl Logging {
    /// Every event goes into its row at once.
    pub const fn never() -> Self {
        Self { bytes: 0, rows: 0, legs: 0, legs_in_a_flood: 0 }
    }

    /// What has ended is folded after each commit.
    pub const fn folded_at_once() -> Self {
        Self { bytes: 1 << 20, rows: 64, legs: 1, legs_in_a_flood: 1 }
    }
}

impl Logging {
    /// In a flood events are kept sooner than they are delivered, and a leg that has to leave before that costs some times
    /// what it does otherwise. More at hand would keep more of them; it is what a million waiting deliveries cost, too.
    const fn default_bounds() -> Self {
        Self { bytes: 24 << 20, rows: 32 * 1024, legs: 64, legs_in_a_flood: 4_096 }
    }
}

impl Default for Logging {
    fn default() -> Self {
        Self::default_bounds()
    }
}

/// What others than the writer want to know of it.
#[derive(Default)]
pub(in crate::sqlite) struct Shared {
    /// How many rows the log has.
    rows: AtomicU64,
    /// How many deliveries wait in it.
    waiting: AtomicU64,
    last_seq: AtomicI64,
}

impl Shared {
    pub(super) fn publish(&self, rows: usize, waiting: usize, last_seq: i64) {
        self.waiting.store(waiting as u64, Ordering::Release);
        self.last_seq.store(last_seq, Ordering::Release);
        self.rows.store(rows as u64, Ordering::Release);
    }

    pub(in crate::sqlite) fn is_empty(&self) -> bool {
        self.rows.load(Ordering::Acquire) == 0
    }

    pub(in crate::sqlite) fn waiting(&self) -> u64 {
        self.waiting.load(Ordering::Acquire)
    }

    pub(in crate::sqlite) fn last_seq(&self) -> i64 {
        self.last_seq.load(Ordering::Acquire)
    }
}
