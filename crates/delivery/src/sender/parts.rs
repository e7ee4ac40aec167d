//! Which parts of the store this sender has: under what it settles their deliveries, and what it makes of the answers to
//! settlements of one it has lost meanwhile.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use journal::{EventSeq, Fleet, Grant, JournalError, Lease, Part, Pending};
use rustc_hash::FxHashMap;
use tokio::time::Instant;

use super::{OFFER_CHUNK, SETTLEMENTS_AT_START, Sender, Shared};
use crate::schedule::Input;

/// How often it is looked whether requests of a part are out, and how long at most.
const LOOKED: Duration = Duration::from_millis(10);

/// The parts, by number.
#[derive(Default)]
pub(super) struct Parts(FxHashMap<Part, Held>);

struct Held {
    grant: Grant,
    /// Settlements the schedule waits for.
    unanswered: u32,
    /// It is about to be given back: nothing of it is begun any more.
    leaves: bool,
    hold: Hold,
}

/// Tells whoever makes a request of a part, without asking for anything, whether this sender still has it.
#[derive(Clone, Default)]
pub(super) struct Hold(Arc<AtomicBool>);

impl Hold {
    fn taken() -> Self {
        Self(Arc::new(AtomicBool::new(true)))
    }

    pub(super) fn holds(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }

    fn ends(&self) {
        self.0.store(false, Ordering::Release);
    }
}

impl Parts {
    /// Under what something is begun with a delivery; `None`: its part is another's, or about to be.
    pub(super) fn grant_of(&self, event: EventSeq) -> Option<Grant> {
        self.0.get(&event.part()).filter(|held| !held.leaves).map(|held| held.grant)
    }

    fn of(&self, part: Part) -> Option<Grant> {
        self.0.get(&part).map(|held| held.grant)
    }

    /// The hold on a delivery's part; on none, one that has ended.
    pub(super) fn hold(&self, event: EventSeq) -> Hold {
        self.0.get(&event.part()).map(|held| held.hold.clone()).unwrap_or_default()
    }

    /// Those that are this sender's, and are to stay so.
    pub(super) fn all(&self) -> impl Iterator<Item = Part> {
        self.0.iter().filter(|(_, held)| !held.leaves).map(|(part, _)| *part)
    }

    fn leaves(&mut self, grant: Grant) {
        if let Some(held) = self.0.get_mut(&grant.part()).filter(|held| held.grant == grant) {
            held.leaves = true;
        }
    }

    /// The same for one the schedule waits for.
    pub(super) fn settles(&mut self, event: EventSeq) -> Option<Grant> {
        let held = self.0.get_mut(&event.part())?;
        held.unanswered += 1;
        Some(held.grant)
    }

    /// Whether the schedule waits for this answer. It does not where the part was given to somebody, and perhaps back,
    /// since it was asked.
    pub(super) fn answers(&mut self, grant: Grant) -> bool {
        let held = self.0.get_mut(&grant.part()).filter(|held| held.grant == grant);
        held.is_some_and(|held| {
            held.unanswered -= 1;
            true
        })
    }

    /// Those of a store that one gateway has for itself.
    pub(super) fn alone() -> Self {
        let mut parts = Self::default();
        parts.take(Grant::ALONE);
        parts
    }

    /// Taken once more as it is, nothing changes.
    fn take(&mut self, grant: Grant) {
        match self.of(grant.part()) {
            Some(held) if held == grant => {}
            Some(held) => {
                self.lose(held);
                self.take(grant);
            }
            None => {
                self.0
                    .insert(grant.part(), Held { grant, unanswered: 0, leaves: false, hold: Hold::taken() });
            }
        }
    }

    /// How many settlements are not answered any more; `None`: it was not this sender's under this grant.
    fn lose(&mut self, grant: Grant) -> Option<u32> {
        self.of(grant.part()).filter(|held| *held == grant)?;
        let held = self.0.remove(&grant.part())?;
        held.hold.ends();
        Some(held.unanswered)
    }
}

impl Sender {
    /// Sends what waits of a part from now on. Nothing of it must be kept and offered before this has come back: a call's
    /// events would not be told in their order. For some time, as the journal says, a gateway that is gone may have
    /// requests of it under way. Says how many deliveries wait.
    ///
    /// # Errors
    /// What the journal says.
    pub async fn take(&self, grant: Grant, careful: Duration) -> Result<usize, JournalError> {
        if grant != Grant::ALONE {
            // Whoever had it may have sent what was held, by settings that are not known here yet.
            self.shared.book.refresh().await?;
        }
        let careful_until = self.shared.clock.now().plus(careful);
        self.shared.with(|core, work| {
            core.parts.take(grant);
            core.handle(Input::Granted { part: grant.part(), careful_until }, work);
        });
        let (mut many, mut last) = (0, None);
        loop {
            let pending = self.shared.journal.load(grant, last).await?;
            let loaded = Instant::now();
            let Some(end) = pending.last() else { return Ok(many) };
            last = Some(end.id);
            many += pending.len();
            for chunk in pending.chunks(OFFER_CHUNK) {
                // They have grown older since the store said it.
                let older = |one: &Pending| Pending { age: one.age + loaded.elapsed(), ..one.clone() };
                self.shared.offer(chunk.iter().map(|one| (older(one), None)).collect());
                if self.shared.settler.len() > SETTLEMENTS_AT_START {
                    self.shared.settler.flush().await;
                }
                tokio::task::yield_now().await;
            }
        }
    }

    /// A part is another's: nothing more of it is sent or settled. What is out may be told again by whoever has it now, with
    /// the same ids.
    pub fn lose(&self, grant: Grant) {
        self.shared.lose(grant);
    }

    /// The same of all that others are seen to have.
    pub fn sees(&self, fleet: &Fleet) {
        let lost: Vec<Grant> = {
            let core = self.shared.lock();
            let is_others = |lease: &&Lease| lease.owner.as_ref() != Some(&fleet.me);
            let held = |lease: &Lease| {
                core.parts
                    .of(lease.part)
                    .filter(|grant| *grant != Grant::ALONE && grant.epoch() <= lease.epoch)
            };
            fleet.leases.iter().filter(is_others).filter_map(held).collect()
        };
        lost.into_iter().for_each(|grant| self.shared.lose(grant));
    }

    /// The same for one that is about to be given back: once no request of it is out and what came of them is on disk, if
    /// that comes within a time. Nothing of it must be offered any more. Whether it came.
    pub async fn hand_over(&self, grant: Grant, within: Duration) -> bool {
        let part = grant.part();
        // However much waits; and what was out and is to be tried again, too.
        let are_out = || {
            self.shared.with(|core, work| {
                core.parts.leaves(grant);
                core.handle(Input::Leaving { part }, work);
                core.schedule.in_flight_of(part) > 0
            })
        };
        let is_quiet = async {
            while are_out() {
                tokio::time::sleep(LOOKED).await;
            }
        };
        let came = tokio::time::timeout(within, is_quiet).await.is_ok();
        self.shared.settler.flush_briefly().await;
        self.shared.lose(grant);
        came
    }
}

impl Shared {
    fn lose(self: &std::sync::Arc<Self>, grant: Grant) {
        self.with(|core, work| {
            if let Some(unanswered) = core.parts.lose(grant) {
                core.handle(Input::Revoked { part: grant.part(), unanswered }, work);
                core.forget_fresh(grant.part());
            }
        });
    }
}
