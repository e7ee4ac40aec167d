//! How a leg came out, and sums over many legs. Pure: the rules every implementation shares.

use std::collections::BTreeMap;

use calls::{Direction, EndReason, Ended, Event, PbxTime, What};

use crate::waits::{Wait, Waits};

/// A quarter of an hour: every time zone of today is a whole number of them away from UTC.
pub(crate) const QUARTER_MICROS: i64 = 900 * 1_000_000;

/// How a leg came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LegOutcome {
    /// It has not ended.
    Running,
    /// It was answered: by the employee, or on an outgoing leg by the other side.
    Answered,
    /// It rang, and neither this employee nor a colleague answered.
    Missed,
    /// It rang, and somebody else answered.
    Elsewhere,
    /// The called side was busy or refused.
    Busy,
    /// It was placed, and the other side did not answer.
    Unanswered,
}

impl LegOutcome {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Running, Self::Answered, Self::Missed, Self::Elsewhere, Self::Busy, Self::Unanswered];

    /// By the event a leg ended with.
    pub fn of(event: &Event) -> Self {
        let What::Ended(Ended { answered_at, reason, .. }) = &event.what else { return Self::Running };
        if answered_at.is_some() {
            return Self::Answered;
        }
        match (event.direction, reason) {
            (_, EndReason::Busy | EndReason::Rejected) => Self::Busy,
            (Direction::Incoming, EndReason::AnsweredElsewhere | EndReason::PickedUp) => Self::Elsewhere,
            (Direction::Incoming, _) => Self::Missed,
            (Direction::Outgoing, _) => Self::Unanswered,
        }
    }
}

/// Sums over ended legs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tally {
    /// Incoming and answered.
    pub taken: u64,
    /// Incoming, and neither this employee nor a colleague answered.
    pub missed: u64,
    /// Incoming, and somebody else answered.
    pub elsewhere: u64,
    /// Outgoing.
    pub made: u64,
    /// Those with a conversation, either way.
    pub talks: u64,
    /// Whole seconds of conversation: what each leg's `Duration` says, added up.
    pub talk_secs: u64,
    /// How long those that were taken rang, in microseconds.
    pub ring_micros: u64,
    /// Those that ended by a transfer away.
    pub transferred: u64,
}

/// What of an ended leg is added up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Outline {
    pub(crate) outcome: LegOutcome,
    pub(crate) outgoing: bool,
    pub(crate) talk_secs: u64,
    pub(crate) ring_micros: u64,
    pub(crate) transferred: bool,
}

impl Outline {
    /// Of a leg, by the event it ended with; `None` for any other event.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let What::Ended(Ended { answered_at, reason, transfer }) = &event.what else { return None };
        let outgoing = event.direction == Direction::Outgoing;
        let rang = answered_at.filter(|_| !outgoing).map(|at| at.since(event.begun_at).as_micros());
        Some(Self {
            outcome: LegOutcome::of(event),
            outgoing,
            talk_secs: event.duration().as_secs(),
            ring_micros: rang.map_or(0, |micros| u64::try_from(micros).unwrap_or(0)),
            transferred: transfer.is_some() && *reason == EndReason::Transferred,
        })
    }

    pub(crate) fn tally(&self) -> Tally {
        let Self { outcome, outgoing, talk_secs, ring_micros, transferred } = *self;
        let incoming = !outgoing;
        Tally {
            taken: (incoming && outcome == LegOutcome::Answered).into(),
            missed: (incoming && matches!(outcome, LegOutcome::Missed | LegOutcome::Busy)).into(),
            elsewhere: (outcome == LegOutcome::Elsewhere).into(),
            made: outgoing.into(),
            talks: (outcome == LegOutcome::Answered).into(),
            talk_secs,
            ring_micros,
            transferred: transferred.into(),
        }
    }
}

impl Wait {
    /// Of a leg that came in and that no colleague took, by the event it ended with.
    pub(crate) fn of(event: &Event) -> Option<Self> {
        let What::Ended(Ended { answered_at, .. }) = &event.what else { return None };
        if event.direction == Direction::Outgoing || LegOutcome::of(event) == LegOutcome::Elsewhere {
            return None;
        }
        let since = event.waiting_since.unwrap_or(event.begun_at);
        Some(Self::new(answered_at.unwrap_or(event.at).since(since).as_secs(), answered_at.is_some()))
    }
}

impl Tally {
    /// Of one leg, by the event it ended with.
    pub fn of(event: &Event) -> Self {
        Outline::of(event).map(|outline| outline.tally()).unwrap_or_default()
    }

    /// How many in all; a leg that was answered elsewhere is nobody's call.
    pub fn calls(&self) -> u64 {
        self.taken + self.missed + self.made
    }

    /// Adds another.
    pub fn add(&mut self, other: &Self) {
        let Self { taken, missed, elsewhere, made, talks, talk_secs, ring_micros, transferred } = other;
        self.taken += taken;
        self.missed += missed;
        self.elsewhere += elsewhere;
        self.made += made;
        self.talks += talks;
        self.talk_secs += talk_secs;
        self.ring_micros += ring_micros;
        self.transferred += transferred;
    }
}

/// Number and name of an employee as they were when the leg began; the phone's number where it had none.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Person {
    /// The local number.
    pub number: String,
    /// The name; empty where there is none.
    pub name: String,
}

impl Person {
    /// Of an event's phone.
    pub fn of(event: &Event) -> Self {
        let name = event.phone.employee.as_ref().map(|employee| employee.name.to_string());
        Self { number: event.phone.employee_number().to_owned(), name: name.unwrap_or_default() }
    }
}

/// What an account's ended legs of a stretch of time come to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// By person.
    pub people: BTreeMap<Person, Tally>,
    /// [`Tally::calls`] by the quarter of an hour (since the epoch) they began in.
    pub quarters: BTreeMap<Quarter, u64>,
    /// How long callers waited, by the person whose phone rang.
    pub waits: BTreeMap<Person, Waits>,
    /// The same, by the queue they came through.
    pub queues: BTreeMap<String, Waits>,
}

impl Sums {
    /// Adds a leg by the event it ended with.
    pub fn add(&mut self, event: &Event) {
        self.add_tally(Person::of(event), event.begun_at, &Tally::of(event));
        self.add_wait(&Person::of(event), &event.queue, Wait::of(event));
    }

    pub(crate) fn add_wait(&mut self, person: &Person, queue: &str, wait: Option<Wait>) {
        let Some(wait) = wait else { return };
        match self.waits.get_mut(person) {
            Some(waits) => waits.count(wait),
            None => self.waits.entry(person.clone()).or_default().count(wait),
        }
        if !queue.is_empty() {
            match self.queues.get_mut(queue) {
                Some(waits) => waits.count(wait),
                None => self.queues.entry(queue.to_owned()).or_default().count(wait),
            }
        }
    }

    /// How long all callers waited.
    pub fn all_waits(&self) -> Waits {
        let mut all = Waits::default();
        self.waits.values().for_each(|waits| all.add(waits));
        all
    }

    pub(crate) fn add_tally(&mut self, person: Person, begun_at: PbxTime, tally: &Tally) {
        self.people.entry(person).or_default().add(tally);
        if tally.calls() > 0 {
            *self.quarters.entry(Quarter::of(begun_at)).or_default() += tally.calls();
        }
    }
}

/// A quarter of an hour of UTC, counted from the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Quarter(pub i64);

impl Quarter {
    /// The one a moment is in.
    pub fn of(at: PbxTime) -> Self {
        Self(at.as_micros().div_euclid(QUARTER_MICROS))
    }

    /// Its first moment.
    pub fn begin(self) -> PbxTime {
        PbxTime::from_micros(self.0.saturating_mul(QUARTER_MICROS))
    }
}
