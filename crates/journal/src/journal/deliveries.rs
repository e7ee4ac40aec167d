//! Deliveries on their way: what the sender asks for.

use std::time::Duration;

use calls::{AccountId, EventKind};

use super::{Attempt, DeliveryId, Grant, Kept, Outcome, Reply, call_hash};
use crate::settings::IntegrationId;

/// How many deliveries one [`Deliveries::load`] brings at most.
pub const LOADED_AT_ONCE: usize = 8_192;

/// A delivery that is not settled: what the schedule in RAM needs, nothing more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pending {
    /// Which.
    pub id: DeliveryId,
    /// The account.
    pub account: AccountId,
    /// The event's kind.
    pub kind: EventKind,
    /// [`call_hash`] of the event's call: the lane that keeps order.
    pub call_hash: u64,
    /// How long it has waited since its event was heard, by the store's clock.
    pub age: Duration,
    /// Attempts so far.
    pub attempts: u16,
    /// At which age it is due; zero if it has not been tried.
    pub due_at_age: Duration,
    /// Kept, but not to be sent until its webhook is resumed.
    pub held: bool,
}

impl Pending {
    /// A delivery of an event that was just kept, and was heard so long ago.
    pub fn fresh(kept: &Kept, integration: IntegrationId, age: Duration) -> Self {
        Self {
            id: DeliveryId { event: kept.seq, integration },
            account: kept.event.account().clone(),
            kind: kept.event.kind(),
            call_hash: call_hash(&kept.event.call),
            age,
            attempts: 0,
            due_at_age: Duration::ZERO,
            held: false,
        }
    }

    /// In how long it is due; zero where it is.
    pub fn due_in(&self) -> Duration {
        self.due_at_age.saturating_sub(self.age)
    }
}

/// One settlement.
#[derive(Clone, Debug)]
pub struct Settle {
    /// That its part is this gateway's.
    pub grant: Grant,
    /// Which delivery.
    pub id: DeliveryId,
    /// The attempt behind it, if history is kept and there was one.
    pub attempt: Option<Box<Attempt>>,
    /// What it is now.
    pub outcome: Outcome,
}

/// Whether a settlement counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Settled {
    /// It did.
    Done,
    /// There is no such delivery that waits: it was settled already, or never was.
    Gone,
    /// Its part is another's now.
    Fenced,
}

/// Deliveries on their way.
pub trait Deliveries: Send + Sync {
    /// What is not settled of a part, oldest first, from behind a delivery on (or from the beginning), at most
    /// [`LOADED_AT_ONCE`] at a time; nothing: that was all. For a start or a takeover, before anything else is
    /// offered: the first of a million can be on their way while the last are read.
    fn load(&self, grant: Grant, after: Option<DeliveryId>) -> Reply<'_, Vec<Pending>>;

    /// All of that at once, where it is not much.
    fn load_all(&self, grant: Grant) -> Reply<'_, Vec<Pending>> {
        Box::pin(async move {
            let mut all = Vec::new();
            loop {
                let more = self.load(grant, all.last().map(|pending: &Pending| pending.id)).await?;
                if more.is_empty() {
                    return Ok(all);
                }
                all.extend(more);
            }
        })
    }

    /// Settles deliveries with their attempts: one transaction.
    fn settle<'a>(&'a self, batch: &'a [Settle]) -> Reply<'a, Vec<Settled>>;
}
