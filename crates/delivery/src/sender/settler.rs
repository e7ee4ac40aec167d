//! Outcomes on their way to disk: in groups, in order, and never forgotten while the journal cannot be
//! written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use journal::{DeliveryId, Grant, Journal, JournalError, Outcome, Settle, Settled};
use tokio::sync::{Notify, watch};
use tokio::time::{Instant, timeout_at};

use crate::clock::Clock;
use crate::policy::Moment;
use crate::schedule::{SlotId, Verdict};

/// So long outcomes wait for company.
pub const SETTLE_WAIT: Duration = Duration::from_millis(20);
/// With so many there is company enough.
pub const SETTLE_GROUP: usize = 1_024;
/// At most so many in one transaction.
const SETTLE_GROUP_MAX: usize = 2_048;
/// So long a person's wish waits for what is under way.
const FLUSH_WAIT: Duration = Duration::from_secs(2);
/// The pause before an unwritable journal is asked again; doubles.
const UNWRITABLE_PAUSE: Duration = Duration::from_millis(50);
/// The longest such pause.
const UNWRITABLE_PAUSE_MAX: Duration = Duration::from_secs(2);

/// One outcome, and the place in the schedule that waits for it.
pub(super) struct Entry {
    pub(super) settle: Settle,
    pub(super) slot: Place,
}

/// The place in the schedule; none for a delivery that is not in it.
pub(super) type Place = Option<Placed>;

/// A place in the schedule, what the schedule made of the outcome, and under what its part is this sender's.
pub(super) struct Placed {
    pub(super) slot: SlotId,
    pub(super) verdict: Verdict,
    pub(super) grant: Grant,
}

impl Entry {
    /// For a delivery that is not in the schedule.
    pub(super) const fn outside(grant: Grant, id: DeliveryId, outcome: Outcome) -> Self {
        Self { settle: Settle { grant, id, attempt: None, outcome }, slot: None }
    }
}

#[derive(Default)]
struct Queue {
    entries: Vec<Entry>,
    added: u64,
}

pub(super) struct Settler {
    queue: Mutex<Queue>,
    urgent: AtomicBool,
    wake: Notify,
    /// How many were settled since the beginning.
    settled: watch::Sender<u64>,
    /// Whether the journal could not be written at the last try.
    pub(super) blocked: AtomicBool,
}

impl Settler {
    pub(super) fn new() -> Self {
        Self {
            queue: Mutex::default(),
            urgent: AtomicBool::new(false),
            wake: Notify::new(),
            settled: watch::Sender::new(0),
            blocked: AtomicBool::new(false),
        }
    }

    pub(super) fn add(&self, entries: &mut Vec<Entry>, urgent: bool) {
        if entries.is_empty() && !urgent {
            return;
        }
        let (was_empty, many) = {
            let mut queue = self.lock();
            let was_empty = queue.entries.is_empty();
            queue.added += entries.len() as u64;
            queue.entries.append(entries);
            (was_empty, queue.entries.len() >= SETTLE_GROUP)
        };
        let newly_urgent = (urgent || many) && !self.urgent.swap(true, Ordering::AcqRel);
        if newly_urgent || was_empty {
            self.wake.notify_one();
        }
    }

    /// How many outcomes are waiting.
    pub(super) fn len(&self) -> usize {
        self.lock().entries.len()
    }

    /// Waits until everything added so far is on disk.
    pub(super) async fn flush(&self) {
        let added = self.lock().added;
        self.urgent.store(true, Ordering::Release);
        self.wake.notify_one();
        let mut settled = self.settled.subscribe();
        // The sender is in self: it cannot be gone.
        let _ = settled.wait_for(|settled| *settled >= added).await;
    }

    /// Waits for it a moment: a person's wish does not hang while the journal cannot be written. Whether it is.
    pub(super) async fn flush_briefly(&self) -> bool {
        tokio::time::timeout(FLUSH_WAIT, self.flush()).await.is_ok()
    }

    /// The next group, in order; waits for company unless something is urgent.
    async fn group(&self) -> Vec<Entry> {
        loop {
            if self.lock().entries.is_empty() {
                self.wake.notified().await;
                continue;
            }
            let until = Instant::now() + SETTLE_WAIT;
            while !self.urgent.load(Ordering::Acquire) {
                if timeout_at(until, self.wake.notified()).await.is_err() {
                    break;
                }
            }
            self.urgent.store(false, Ordering::Release);
            let mut queue = self.lock();
            let many = queue.entries.len().min(SETTLE_GROUP_MAX);
            let rest = queue.entries.split_off(many);
            let group = std::mem::replace(&mut queue.entries, rest);
            if !queue.entries.is_empty() {
                self.urgent.store(true, Ordering::Release);
            }
            return group;
        }
    }

    /// Settles for ever; `done` learns of each group that is on disk.
    pub(super) async fn run(
        &self,
        journal: Arc<dyn Journal>,
        clock: Clock,
        done: impl Fn(&mut dyn Iterator<Item = (Place, Settled)>) + Send + Sync,
    ) {
        loop {
            let (slots, mut rows): (Vec<_>, Vec<_>) =
                self.group().await.into_iter().map(|entry| (entry.slot, entry.settle)).unzip();
            let many = rows.len() as u64;
            let Some(settled) = self.settle(&*journal, &clock, &slots, &mut rows).await else { return };
            done(&mut slots.into_iter().zip(settled));
            self.settled.send_modify(|count| *count += many);
        }
    }

    /// Asks until the journal has it; nothing if it is closed.
    async fn settle(
        &self,
        journal: &dyn Journal,
        clock: &Clock,
        slots: &[Place],
        rows: &mut [Settle],
    ) -> Option<Vec<Settled>> {
        let mut pause = UNWRITABLE_PAUSE;
        let mut tries = 0_u32;
        loop {
            due_as_of(clock.now(), slots, rows);
            match journal.settle(rows).await {
                Ok(settled) => {
                    if self.blocked.swap(false, Ordering::Relaxed) {
                        metrics::gauge!("ringbud_journal_unwritable").decrement(1.0);
                        tracing::info!(settlements = rows.len(), "the journal can be written again");
                    }
                    return Some(if tries == 0 { settled } else { after_doubt(settled) });
                }
                Err(JournalError::Closed) => return None,
                Err(error) => {
                    metrics::counter!("ringbud_settle_failures_total").increment(1);
                    if !self.blocked.swap(true, Ordering::Relaxed) {
                        metrics::gauge!("ringbud_journal_unwritable").increment(1.0);
                        tracing::error!(%error, settlements = rows.len(), "outcomes of deliveries wait in memory until the journal can be written");
                    }
                    tries += 1;
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(UNWRITABLE_PAUSE_MAX);
                }
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What has waited here is due as much sooner.
fn due_as_of(now: Moment, slots: &[Place], rows: &mut [Settle]) {
    for (place, settle) in slots.iter().zip(rows) {
        if let (Some(Placed { verdict: Verdict::RetryAt(at), .. }), Outcome::RetryIn(delay)) =
            (place, &mut settle.outcome)
        {
            *delay = at.since(now);
        }
    }
}

/// An answer got lost: what we settled ourselves is gone the second time.
fn after_doubt(mut settled: Vec<Settled>) -> Vec<Settled> {
    settled.iter_mut().filter(|one| **one == Settled::Gone).for_each(|one| *one = Settled::Done);
    settled
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's thread is its own")]
mod tests {
    use std::sync::{TryLockError, mpsc};

    use journal::memory::Memory;
    use journal::settings::IntegrationId;
    use journal::{EventSeq, SettingsCache};

    use super::super::{Sender, SenderOptions};
    use super::*;

    /// Long enough for a thread to go on.
    const A_WHILE: Duration = Duration::from_millis(100);

    /// Else who stops, or hands a part over, sees nothing out, waits for what the settler has, and what was taken is told again.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_came_of_a_request_is_here_before_it_is_seen_that_none_is_out() {
        let journal: Arc<dyn Journal> = Arc::new(Memory::new());
        let book = SettingsCache::load(journal.clone()).await.expect("settings");
        let sender = Sender::start(journal, Arc::new(book), SenderOptions::default());
        let shared = sender.shared.clone();
        let (tell, has_come) = mpsc::channel();
        tokio::task::block_in_place(|| {
            let queue = sender.shared.settler.lock();
            let lands = std::thread::spawn(move || {
                shared.with(|_, work| {
                    let integration = IntegrationId { number: 1 };
                    let id = DeliveryId { event: EventSeq(1), integration };
                    work.entries.push(Entry::outside(Grant::ALONE, id, Outcome::Delivered));
                    tell.send(()).expect("it is waited for");
                });
            });
            has_come.recv().expect("it lands");
            let until = Instant::now() + A_WHILE;
            while Instant::now() < until {
                let seen = sender.shared.core.try_lock();
                assert!(matches!(seen, Err(TryLockError::WouldBlock)), "seen, and not with the settler");
            }
            drop(queue);
            lands.join().expect("landed");
        });
        assert_eq!(sender.shared.settler.lock().added, 1);
    }
}
