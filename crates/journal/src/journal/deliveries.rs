//! Deliveries on their way: what the sender asks for.

use calls::{AccountId, EventKind};

use super::{Attempt, DeliveryId, Grant, Kept, Outcome, Reply, call_hash};
use crate::WallTime;
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
    /// When the event was kept.
    pub created_at: WallTime,
    /// Attempts so far.
    pub attempts: u16,
    /// When it is due; in the past if it has not been tried.
    pub due_at: WallTime,
    /// Kept, but not to be sent until its webhook is resumed.
    pub held: bool,
}

impl Pending {
    /// A delivery of an event that was kept this moment.
    pub fn fresh(kept: &Kept, integration: IntegrationId) -> Self {
        Self {
            id: DeliveryId { event: kept.seq, integration },
            account: kept.event.account().clone(),
            kind: kept.event.kind(),
            call_hash: call_hash(&kept.event.call),
            created_at: kept.received_at,
            attempts: 0,
            due_at: kept.received_at,
            held: false,
        }
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
