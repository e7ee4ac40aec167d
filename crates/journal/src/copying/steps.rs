//! What has to be told of a delivery so that it stands as it does.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use crate::rules::{self, Standing, settled_at};
use crate::{Attempt, DeliveryRecord, DeliveryState, Grant, Outcome, Pending, Reason, Settle, WallTime};

/// One settlement, and when it happened. What is due is so by [`since_ever`] here.
pub(super) struct Step {
    pub(super) attempt: Option<Box<Attempt>>,
    pub(super) outcome: Outcome,
    pub(super) at: WallTime,
}

impl Step {
    /// What is due is so in so long from a moment on.
    pub(super) fn outcome_at(&self, now: WallTime) -> Outcome {
        let due_in = |due: Duration| WallTime(0).plus(due).since(now);
        match &self.outcome {
            Outcome::RetryIn(due) => Outcome::RetryIn(due_in(*due)),
            Outcome::Again(due) => Outcome::Again(due_in(*due)),
            outcome => outcome.clone(),
        }
    }
}

fn since_ever(due: WallTime) -> Duration {
    due.since(WallTime(0))
}

pub(super) fn steps(
    record: &DeliveryRecord,
    attempts: Vec<Attempt>,
    pending: Option<&Pending>,
) -> VecDeque<Step> {
    let mut tried: BTreeMap<u16, Attempt> =
        attempts.into_iter().map(|attempt| (attempt.number, attempt)).collect();
    let due = pending.map_or(record.updated_at, |pending| record.event.received_at.plus(pending.due_at_age));
    let mut steps = VecDeque::new();
    for number in 1..=record.attempts {
        let attempt = tried.remove(&number).map(Box::new);
        let at = attempt.as_deref().map_or(record.updated_at, |attempt| ended(record, attempt));
        steps.push_back(Step { attempt, outcome: Outcome::RetryIn(since_ever(due)), at });
    }
    let decision = match &record.state {
        DeliveryState::Delivered => Some(Outcome::Delivered),
        DeliveryState::Expired => Some(Outcome::Expired),
        DeliveryState::Failed => Some(Outcome::Failed(record.last.clone())),
        DeliveryState::Cancelled => Some(Outcome::Cancelled),
        DeliveryState::Paused => Some(Outcome::Held),
        DeliveryState::Waiting => {
            (due != record.event.received_at).then_some(Outcome::Again(since_ever(due)))
        }
        DeliveryState::Retrying(_) => None,
    };
    let is_last_told = steps.back().is_some_and(|last| last.at == record.updated_at);
    match decision {
        // The last attempt is the one that came through.
        Some(outcome @ Outcome::Delivered) => told_by_the_last(&mut steps, outcome, record.updated_at),
        // It decided.
        Some(outcome @ (Outcome::Expired | Outcome::Failed(_) | Outcome::Cancelled))
            if is_last_told && steps.back().is_some_and(|last| last.attempt.is_some()) =>
        {
            told_by_the_last(&mut steps, outcome, record.updated_at);
        }
        Some(outcome @ Outcome::Held) if steps.is_empty() && due != record.event.received_at => {
            for outcome in [Outcome::Again(since_ever(due)), outcome] {
                steps.push_back(Step { attempt: None, outcome, at: record.updated_at });
            }
        }
        Some(outcome) => steps.push_back(Step { attempt: None, outcome, at: record.updated_at }),
        // Somebody wanted it again since.
        None if !is_last_told => {
            steps.push_back(Step {
                attempt: None,
                outcome: Outcome::Again(since_ever(due)),
                at: record.updated_at,
            });
        }
        None => {}
    }
    remember(record, due, &mut steps);
    steps
}

/// What it had come to before it was wanted again is told of it still, where no attempt says it.
fn remember(record: &DeliveryRecord, due: WallTime, steps: &mut VecDeque<Step>) {
    let came_to = steps.iter().fold(Standing::default(), |standing, step| {
        let tried = step.attempt.as_deref().map(|attempt| (attempt.number, rules::came_to(attempt)));
        standing.after_outcome(&step.outcome, tried)
    });
    if record.state == DeliveryState::Delivered
        || Reason::from_kept(&came_to.last).as_ref() == record.last.as_ref()
    {
        return;
    }
    if record.last.is_none() {
        // It came through, by an attempt that was not kept, and was wanted again.
        let at = usize::from(record.attempts);
        if let Some(last) =
            at.checked_sub(1).and_then(|last| steps.get_mut(last)).filter(|last| last.attempt.is_none())
        {
            last.outcome = Outcome::Delivered;
            steps.insert(
                at,
                Step { attempt: None, outcome: Outcome::Again(since_ever(due)), at: record.updated_at },
            );
        }
        return;
    }
    // Before the decision, which leaves what was there.
    let decides = steps.back().is_some_and(|last| last.attempt.is_none());
    let decision = if decides { steps.pop_back() } else { None };
    for outcome in [Outcome::Failed(record.last.clone()), Outcome::Again(since_ever(due))] {
        steps.push_back(Step { attempt: None, outcome, at: record.updated_at });
    }
    steps.extend(decision);
}

fn told_by_the_last(steps: &mut VecDeque<Step>, outcome: Outcome, at: WallTime) {
    match steps.back_mut() {
        Some(last) => last.outcome = outcome,
        None => steps.push_back(Step { attempt: None, outcome, at }),
    }
}

fn ended(record: &DeliveryRecord, attempt: &Attempt) -> WallTime {
    let outcome = Outcome::Delivered;
    let settle =
        Settle { grant: Grant::ALONE, id: record.id, attempt: Some(Box::new(attempt.clone())), outcome };
    settled_at(&settle, record.updated_at)
}
