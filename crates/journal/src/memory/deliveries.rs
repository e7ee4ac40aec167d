//! Deliveries in RAM: the pending ones, the settled ones, and their attempts.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use crate::record::attempt;
use crate::rules::{self, Standing};
use crate::settings::IntegrationId;
use crate::{
    Attempt, DeliveryId, DeliveryRecord, DeliveryState, EventSeq, Filter, Kept, LOADED_AT_ONCE, Outcome,
    Part, Pending, Reason, Settle, Settled, WallTime,
};

#[derive(Clone, Default)]
pub(super) struct Deliveries {
    pending: BTreeMap<DeliveryId, Row<Waits>>,
    settled: BTreeMap<DeliveryId, Row<DeliveryState>>,
    attempts: BTreeMap<DeliveryId, BTreeMap<u16, Attempt>>,
}

/// A delivery that is not settled, with moments of the store's clock.
#[derive(Clone)]
struct Waits {
    of: Pending,
    created_at: WallTime,
    due_at: WallTime,
}

impl Waits {
    fn since(of: Pending, created_at: WallTime) -> Self {
        Self { of, created_at, due_at: created_at }
    }

    fn at(&self, now: WallTime) -> Pending {
        let (age, due_at_age) = rules::age(self.created_at, self.due_at, now);
        Pending { age, due_at_age, ..self.of.clone() }
    }
}

#[derive(Clone)]
struct Row<T> {
    is: T,
    standing: Standing,
    updated_at: WallTime,
}

impl Deliveries {
    pub(super) fn want(
        &mut self,
        kept: &Kept,
        integrations: &[IntegrationId],
        age: Duration,
        now: WallTime,
    ) -> Vec<Pending> {
        let mut waiting = Vec::with_capacity(integrations.len());
        for integration in integrations {
            let of = Pending::fresh(kept, *integration, age);
            waiting.push(of.clone());
            let is = Waits::since(of, now.minus(age));
            let row = Row { is, standing: Standing::default(), updated_at: kept.received_at };
            self.pending.insert(row.is.of.id, row);
        }
        waiting
    }

    pub(super) fn load(&self, part: Part, after: Option<DeliveryId>, now: WallTime) -> Vec<Pending> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let rows = self.pending.range((from, Bound::Unbounded));
        let rows = rows.filter(|(id, _)| id.event.part() == part).take(LOADED_AT_ONCE);
        rows.map(|(_, row)| row.is.at(now)).collect()
    }

    /// Settles; `event` is what it is about, where it is kept still.
    pub(super) fn settle(&mut self, settle: &Settle, event: Option<&Kept>, now: WallTime) -> Settled {
        let id = settle.id;
        let row = match (self.pending.remove(&id), &settle.outcome) {
            (Some(row), _) => row,
            (None, Outcome::Again(_)) => match event {
                Some(kept) => self.take_back(id, kept),
                None => return Settled::Gone,
            },
            (None, _) => return Settled::Gone,
        };
        let updated_at = rules::settled_at(settle, now);
        let standing = row.standing.after(settle);
        let mut is = row.is;
        is.of.attempts = standing.attempts;
        let settled = match &settle.outcome {
            Outcome::Delivered => Some(DeliveryState::Delivered),
            Outcome::Expired => Some(DeliveryState::Expired),
            Outcome::Failed(_) => Some(DeliveryState::Failed),
            Outcome::Cancelled => Some(DeliveryState::Cancelled),
            Outcome::Held => {
                is.of.held = true;
                None
            }
            Outcome::RetryIn(delay) | Outcome::Again(delay) => {
                (is.of.held, is.due_at) = (false, now.plus(*delay));
                None
            }
        };
        match settled {
            Some(state) => drop(self.settled.insert(id, Row { is: state, standing, updated_at })),
            None => drop(self.pending.insert(id, Row { is, standing, updated_at })),
        }
        if let Some(attempt) = &settle.attempt {
            self.attempts.entry(id).or_default().insert(attempt.number, (**attempt).clone());
        }
        Settled::Done
    }

    fn take_back(&mut self, id: DeliveryId, kept: &Kept) -> Row<Waits> {
        let of = Pending::fresh(kept, id.integration, Duration::ZERO);
        let is = Waits::since(of, kept.received_at);
        match self.settled.remove(&id) {
            Some(row) => Row { is, standing: row.standing, updated_at: row.updated_at },
            None => Row { is, standing: Standing::default(), updated_at: kept.received_at },
        }
    }

    /// Those of some events, in their order.
    pub(super) fn list<'a>(
        &self,
        filter: &Filter,
        events: impl Iterator<Item = &'a Arc<Kept>>,
    ) -> Vec<DeliveryRecord> {
        let mut found = Vec::new();
        for kept in events.filter(|kept| filter.accepts(&kept.event)) {
            if found.len() >= filter.bounded_limit() {
                break;
            }
            found.extend(self.of_event(kept).filter(|record| filter.accepts_state(&record.state)));
        }
        found
    }

    fn of_event<'a>(&'a self, kept: &'a Kept) -> impl Iterator<Item = DeliveryRecord> + 'a {
        let pending = self.pending.range(all_of(kept.seq)).map(|(id, row)| {
            let state = rules::pending_state(row.is.of.held, row.is.of.attempts, row.is.due_at);
            (*id, state, &row.standing, row.updated_at)
        });
        let settled = self
            .settled
            .range(all_of(kept.seq))
            .map(|(id, row)| (*id, row.is.clone(), &row.standing, row.updated_at));
        let mut all: Vec<_> = pending.chain(settled).collect();
        all.sort_by_key(|(id, ..)| *id);
        all.into_iter().map(|(id, state, standing, updated_at)| DeliveryRecord {
            id,
            event: kept.clone(),
            state,
            attempts: standing.attempts,
            last: Reason::from_kept(&standing.last),
            updated_at,
        })
    }

    /// As they would be kept on disk.
    pub(super) fn bytes_of_attempts(&self, event: EventSeq) -> usize {
        let of_event = self.attempts.range(all_of(event)).flat_map(|(_, attempts)| attempts.values());
        of_event.map(|attempt| attempt::write(attempt).len()).sum()
    }

    pub(super) fn attempts(&self, id: DeliveryId) -> Vec<Attempt> {
        self.attempts.get(&id).into_iter().flat_map(BTreeMap::values).cloned().collect()
    }

    pub(super) fn is_pending(&self, event: EventSeq) -> bool {
        self.pending.range(all_of(event)).next().is_some()
    }

    pub(super) fn pending_count(&self) -> u64 {
        self.pending.len() as u64
    }

    pub(super) fn forget(&mut self, event: EventSeq) {
        self.pending.retain(|id, _| id.event != event);
        self.settled.retain(|id, _| id.event != event);
        self.attempts.retain(|id, _| id.event != event);
    }
}

fn all_of(event: EventSeq) -> std::ops::RangeInclusive<DeliveryId> {
    let at = |number| DeliveryId { event, integration: IntegrationId { number } };
    at(0)..=at(u32::MAX)
}
