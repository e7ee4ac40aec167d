//! What a gateway kept of a part while it was cut off and this sender has the part: what it heard is kept under this one's
//! grant, what receivers took is settled, and the rest is sent.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError};

use calls::PbxName;
use journal::facts::{self, Brought};
use journal::settings::IntegrationId;
use journal::{Answer, DeliveryId, EventSeq, Grant, JournalError, Kept, Pending, Settle, WishId, call_hash};

use super::Shared;
use super::core::{Core, Work};
use crate::schedule::Input;

/// Is told of an event that was brought, with what of it is to be sent.
pub type OnFacts<'a> = &'a (dyn Fn(&PbxName, &Arc<Kept>, Vec<(Pending, Arc<Kept>)>) + Send + Sync);

impl Shared {
    /// `None`: it cannot be read here, and waits for a gateway that can; or what came of it is not on disk yet.
    pub(super) async fn facts_asked(
        self: &Arc<Self>,
        grant: Grant,
        (id, packed): (WishId, &[u8]),
        told: OnFacts<'_>,
    ) -> Result<Option<Answer>, JournalError> {
        let is_new = self.tried().insert(id);
        let now = self.journal.now().await?;
        let facts = match facts::read(packed, now) {
            Ok(facts) => facts,
            Err(error) => {
                if is_new {
                    tracing::error!(%error, part = grant.part().0, "it waits for a newer ringbud");
                }
                return Ok(None);
            }
        };
        let Brought { news, repeats, accepted, refused } = facts::bring(&*self.journal, grant, facts).await?;
        let (events, taken) = (news.len() as u64, accepted.len());
        self.were_taken(accepted).await?;
        for (kept, waiting) in news {
            let due = waiting.into_iter().map(|pending| (pending, kept.clone())).collect();
            told(&kept.pbx, &kept, due);
        }
        if !is_new {
            // Some may have been kept at the last try and not been offered.
            self.offer_missing(grant, repeats.iter().copied().collect()).await?;
        }
        // Who answers has it on disk: it lies nowhere else from then on.
        if taken > 0 && !self.settler.flush_briefly().await {
            return Ok(None);
        }
        metrics::counter!("ringbud_spool_refused_total").increment(refused);
        tracing::info!(
            part = grant.part().0,
            events,
            repeats = repeats.len(),
            refused,
            taken,
            "what another gateway kept of the part is taken in"
        );
        let left = (refused > 0).then(|| ("refused".to_owned(), refused));
        Ok(Some(Answer { done: events, left: left.into_iter().collect() }))
    }

    /// It is answered.
    pub(super) fn facts_are_done(&self, id: WishId) {
        self.tried().remove(&id);
    }

    fn tried(&self) -> std::sync::MutexGuard<'_, BTreeSet<WishId>> {
        self.facts_tried.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What waits in the schedule goes from there; of what is out or not there it is noted.
    async fn were_taken(self: &Arc<Self>, accepted: Vec<(Settle, Arc<Kept>)>) -> Result<(), JournalError> {
        let outside: Vec<Settle> = self.with(|core, work| {
            accepted.into_iter().filter_map(|(settle, kept)| core.was_taken(settle, &kept, work)).collect()
        });
        if !outside.is_empty() {
            self.journal.settle(&outside).await?;
        }
        Ok(())
    }

    async fn offer_missing(
        self: &Arc<Self>,
        grant: Grant,
        events: BTreeSet<EventSeq>,
    ) -> Result<(), JournalError> {
        let (Some(first), Some(last)) = (events.first(), events.last()) else { return Ok(()) };
        let before = IntegrationId { number: 0 };
        let mut after = DeliveryId { event: *first, integration: before };
        loop {
            let pending = self.journal.load(grant, Some(after)).await?;
            let Some(end) = pending.last().map(|pending| pending.id) else { return Ok(()) };
            let of_these = pending.into_iter().filter(|pending| events.contains(&pending.id.event));
            self.with(|core, work| {
                for pending in of_these {
                    if !core.has(pending.id, pending.call_hash) {
                        core.offer(pending, None, work);
                    }
                }
            });
            if end.event > *last {
                return Ok(());
            }
            after = end;
        }
    }
}

impl Core {
    fn has(&self, id: DeliveryId, call_hash: u64) -> bool {
        self.schedule.find(id.event.0, call_hash, self.routes.hooks_of(id.integration)).is_some()
    }

    /// Settles it in the schedule; if that is not to be, it comes back.
    fn was_taken(&mut self, settle: Settle, kept: &Kept, work: &mut Work) -> Option<Settle> {
        let DeliveryId { event, integration } = settle.id;
        let hooks = self.routes.hooks_of(integration);
        let Some((slot, _)) = self.schedule.find(event.0, call_hash(&kept.event.call), hooks) else {
            return Some(settle);
        };
        self.handle(Input::Taken { slot }, work);
        let own = |entry: &&mut super::Entry| entry.slot.as_ref().is_some_and(|placed| placed.slot == slot);
        // A request that is out ends first.
        let Some(entry) = work.entries.iter_mut().rev().find(own) else { return Some(settle) };
        entry.settle.attempt = settle.attempt;
        self.not_fresh(settle.id);
        None
    }
}
