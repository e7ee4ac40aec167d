//! How the writer is doing, for operators: counted, never waited for.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use tokio::time::Instant;

/// What the writer has done since it was started.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Commits {
    /// Commits that went well.
    pub done: u64,
    /// Commits that did not.
    pub failed: u64,
    /// Jobs in all of them: appends, settlements, changes of settings.
    pub jobs: u64,
    /// Microseconds spent in all of them, writing and waiting for the disk.
    pub micros: u64,
    /// Microseconds the last one took.
    pub last_micros: u64,
}

/// Counts.
#[derive(Clone)]
pub(super) struct Meter {
    counters: Arc<Counters>,
    seconds: metrics::Histogram,
    batches: metrics::Histogram,
    failures: metrics::Counter,
}

#[derive(Default)]
struct Counters {
    done: AtomicU64,
    failed: AtomicU64,
    jobs: AtomicU64,
    micros: AtomicU64,
    last_micros: AtomicU64,
}

/// A commit that has begun.
pub(super) struct Begun(Instant);

impl Default for Meter {
    fn default() -> Self {
        let failures = metrics::counter!("ringbud_journal_commit_failures_total");
        failures.increment(0);
        Self {
            counters: Arc::default(),
            seconds: metrics::histogram!("ringbud_journal_commit_seconds"),
            batches: metrics::histogram!("ringbud_journal_commit_jobs"),
            failures,
        }
    }
}

impl Meter {
    pub(super) fn begin() -> Begun {
        Begun(Instant::now())
    }

    pub(super) fn end(&self, begun: &Begun, jobs: usize, went_well: bool) {
        let took = begun.0.elapsed();
        self.seconds.record(took.as_secs_f64());
        self.batches.record(f64::from(u32::try_from(jobs).unwrap_or(u32::MAX)));
        self.failures.increment(u64::from(!went_well));
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let Counters { done, failed, jobs: all_jobs, micros: all_micros, last_micros } = &*self.counters;
        if went_well { done } else { failed }.fetch_add(1, Relaxed);
        all_jobs.fetch_add(jobs as u64, Relaxed);
        all_micros.fetch_add(micros, Relaxed);
        last_micros.store(micros, Relaxed);
    }

    pub(super) fn read(&self) -> Commits {
        let Counters { done, failed, jobs, micros, last_micros } = &*self.counters;
        Commits {
            done: done.load(Relaxed),
            failed: failed.load(Relaxed),
            jobs: jobs.load(Relaxed),
            micros: micros.load(Relaxed),
            last_micros: last_micros.load(Relaxed),
        }
    }
}
