//! The rules every implementation shares: what a filter lets through, what an outcome makes of a delivery,
//! what is left of a leg at a restart. Pure.

use std::time::Duration;

use calls::{Direction, Event, EventKind, LegId, OpenLeg, PbxName, PbxTime, What};

use crate::{
    Attempt, Cursor, DeliveryState, Erase, Filter, Kept, LegRecord, MAX_LISTED, Outcome, Reason, Refusal,
    Settle, WallTime,
};

impl Filter {
    /// How many to list: `limit`, within the bound; 0 is the bound.
    pub fn bounded_limit(&self) -> usize {
        match self.limit {
            0 => MAX_LISTED,
            limit => limit.min(MAX_LISTED),
        }
    }

    /// Whether a place is in the page.
    pub fn reaches(&self, place: Cursor) -> bool {
        self.before.is_none_or(|before| place < before) && self.after.is_none_or(|after| place > after)
    }

    /// Whether an event is listed, whatever its place.
    pub fn accepts(&self, event: &Event) -> bool {
        self.accepts_outline(event.kind(), event.at)
            && self.account.as_ref().is_none_or(|account| account == event.account())
            && self.leg.as_ref().is_none_or(|leg| *leg == event.leg)
            && self.call.as_ref().is_none_or(|call| *call == event.call)
            && self.employee.as_deref().is_none_or(|employee| employee == event.phone.employee_number())
            && self.number.as_deref().is_none_or(|part| has_number(event, part))
    }

    /// Whether a leg is listed, as far as it came out.
    pub fn accepts_outcome(&self, leg: &LegRecord) -> bool {
        self.outcome.is_none_or(|outcome| outcome == leg.outcome())
    }

    /// The part of it that needs no more than kind and time.
    pub(crate) fn accepts_outline(&self, kind: EventKind, at: PbxTime) -> bool {
        self.kind.is_none_or(|wanted| wanted == kind)
            && self.from.is_none_or(|from| at >= from)
            && self.until.is_none_or(|until| at <= until)
    }

    /// Whether a delivery in this state is listed.
    pub fn accepts_state(&self, state: &DeliveryState) -> bool {
        let same = |wanted: &DeliveryState| std::mem::discriminant(wanted) == std::mem::discriminant(state);
        self.states.is_empty() || self.states.iter().any(same)
    }
}

/// Why an event cannot be of a leg that has these, and not one of its kind.
pub(crate) fn refused(has: impl Fn(EventKind) -> bool, kind: EventKind) -> Option<Refusal> {
    let is_otherwise = match kind {
        EventKind::Incoming => has(EventKind::Outgoing),
        EventKind::Outgoing => has(EventKind::Incoming) || has(EventKind::Answered),
        EventKind::Answered | EventKind::Ended => false,
    };
    if has(EventKind::Ended) {
        Some(Refusal::AfterEnded)
    } else if is_otherwise {
        Some(Refusal::BegunOtherwise)
    } else if kind == EventKind::Answered && has(EventKind::Outgoing) {
        Some(Refusal::NotIncoming)
    } else {
        None
    }
}

impl Erase {
    /// Whether an event is theirs.
    pub fn concerns(&self, event: &Event) -> bool {
        match self {
            Self::Employee(number) => event.phone.employee_number() == number,
            Self::Number(number) => numbers(event).any(|other| other == number),
        }
    }

    /// What lets all of theirs through.
    pub(crate) fn filter(&self) -> Filter {
        match self {
            Self::Employee(number) => Filter { employee: Some(number.clone()), ..Filter::default() },
            Self::Number(number) => Filter { number: Some(number.clone()), ..Filter::default() },
        }
    }
}

fn has_number(event: &Event, part: &str) -> bool {
    numbers(event).any(|number| number.contains(part))
}

/// Every number an event has.
pub(crate) fn numbers(event: &Event) -> impl Iterator<Item = &str> {
    let transfer = match &event.what {
        What::Ended(ended) => ended.transfer.as_ref(),
        What::Incoming | What::Answered | What::Outgoing => None,
    };
    [&event.phone.number, &event.a_number, &event.b_number, &event.dialed_number]
        .into_iter()
        .chain(transfer.into_iter().flat_map(|transfer| [&transfer.party_number, &transfer.to]))
        .map(AsRef::as_ref)
        .chain([event.phone.employee_number()])
}

/// How many attempts were made and what the last one said, as [`Reason::to_kept`] writes it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    pub(crate) attempts: u16,
    pub(crate) last: String,
}

impl Standing {
    /// What it is after a settlement.
    pub(crate) fn after(self, settle: &Settle) -> Self {
        let tried = settle.attempt.as_ref().map(|attempt| (attempt.number, came_to(attempt)));
        self.after_outcome(&settle.outcome, tried)
    }

    /// The same, with the attempt's number and what came of it.
    pub(crate) fn after_outcome(self, outcome: &Outcome, tried: Option<(u16, String)>) -> Self {
        let attempts = match (&tried, outcome) {
            (Some((number, _)), _) => *number,
            (None, Outcome::Delivered | Outcome::RetryIn(_)) => self.attempts.saturating_add(1),
            (None, Outcome::Expired | Outcome::Failed(_) | Outcome::Cancelled) => self.attempts,
            (None, Outcome::Held | Outcome::Again(_)) => self.attempts,
        };
        let last = match (outcome, tried) {
            (Outcome::Failed(Some(why)), _) => why.to_kept(),
            (_, Some((_, came_to))) => came_to,
            (Outcome::Delivered, None) => String::new(),
            (_, None) => self.last,
        };
        Self { attempts, last }
    }
}

/// What came of an attempt, as [`Reason::to_kept`] writes it.
pub(crate) fn came_to(attempt: &Attempt) -> String {
    match (&attempt.reason, attempt.status) {
        (Some(reason), _) => reason.to_kept(),
        (None, Some(status)) => Reason::status(status).to_kept(),
        (None, None) => String::new(),
    }
}

/// When a settlement happened: at the end of its attempt, or now.
pub(crate) fn settled_at(settle: &Settle, now: WallTime) -> WallTime {
    let Some(attempt) = &settle.attempt else { return now };
    let took = i64::try_from(attempt.took_micros).unwrap_or(i64::MAX);
    WallTime(attempt.at.0.saturating_add(took))
}

/// How long a delivery has waited and at which age it is due, given what the store's clock said and what it says now.
///
/// That clock may have been set meanwhile, or be another machine's. What lies ahead of now waits for no clock to catch up:
/// it is new, and due.
pub(crate) fn age(created_at: WallTime, due_at: WallTime, now: WallTime) -> (Duration, Duration) {
    if created_at > now {
        return (Duration::ZERO, Duration::ZERO);
    }
    (now.since(created_at), due_at.since(created_at))
}

/// The state of a delivery that is not settled.
pub(crate) fn pending_state(held: bool, attempts: u16, due_at: WallTime) -> DeliveryState {
    match (held, attempts) {
        (true, _) => DeliveryState::Paused,
        (false, 0) => DeliveryState::Waiting,
        (false, _) => DeliveryState::Retrying(due_at),
    }
}

/// What the call logic gets back of a leg that has begun and not ended, from its events, oldest first.
pub(crate) fn open_leg(events: &[&Event]) -> Option<OpenLeg> {
    let begun = events.iter().find(|event| begins(event.kind()))?;
    let latest = events.last()?;
    Some(OpenLeg {
        leg: begun.leg.clone(),
        call: begun.call.clone(),
        sequence: events.iter().map(|event| event.sequence).max().unwrap_or(begun.sequence),
        phone: begun.phone.clone(),
        direction: begun.direction,
        begun_at: begun.begun_at,
        waiting_since: begun.waiting_since,
        answered_at: answered(events),
        counterpart: latest.counterpart.clone(),
        a_number: latest.a_number.clone(),
        b_number: latest.b_number.clone(),
        dialed_number: latest.dialed_number.clone(),
        queue: latest.queue.clone(),
    })
}

/// A leg as it is listed, from its events, oldest first, and the answer its channel's note has.
pub(crate) fn leg_record(events: &[&Kept], noted: Option<PbxTime>) -> Option<LegRecord> {
    let begun = events.iter().find(|kept| begins(kept.event.kind()))?;
    let ended = events.iter().find(|kept| kept.event.kind() == EventKind::Ended);
    let of_end = ended.and_then(|kept| match &kept.event.what {
        What::Ended(ended) => ended.answered_at,
        What::Incoming | What::Answered | What::Outgoing => None,
    });
    let plain: Vec<&Event> = events.iter().map(|kept| &kept.event).collect();
    Some(LegRecord {
        seq: begun.seq,
        received_at: begun.received_at,
        begun: begun.event.clone(),
        answered_at: of_end.or_else(|| answered(&plain)).or(noted),
        ended: ended.map(|kept| kept.event.clone()),
        direction: match begun.event.kind() {
            EventKind::Outgoing => Direction::Outgoing,
            EventKind::Incoming | EventKind::Answered | EventKind::Ended => Direction::Incoming,
        },
    })
}

fn answered(events: &[&Event]) -> Option<PbxTime> {
    events.iter().find(|event| event.kind() == EventKind::Answered).map(|event| event.at)
}

/// Whether a leg begins with it.
pub(crate) fn begins(kind: EventKind) -> bool {
    matches!(kind, EventKind::Incoming | EventKind::Outgoing)
}

/// The channel of a leg, as the PBX names it.
pub(crate) fn channel_of<'a>(pbx: &PbxName, leg: &'a LegId) -> &'a str {
    leg.as_str().strip_prefix(pbx.as_str()).and_then(|rest| rest.strip_prefix('-')).unwrap_or(leg.as_str())
}
