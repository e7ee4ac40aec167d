//! The figures of a report. Pure.

use std::collections::BTreeMap;

use calls::{Direction, EndReason, What};
use jiff::tz::TimeZone;
use journal::LegRecord;

use super::hour_of;

/// One employee's, or all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) name: String,
    /// Incoming and answered.
    pub(crate) taken: u64,
    /// Incoming, and neither this employee nor a colleague answered.
    pub(crate) missed: u64,
    /// Outgoing.
    pub(crate) made: u64,
    pub(crate) talk_secs: u64,
    pub(crate) transferred: u64,
    talks: u64,
    ring_micros: u64,
}

impl Line {
    /// How many in all.
    pub(crate) fn calls(&self) -> u64 {
        self.taken + self.missed + self.made
    }

    /// The mean conversation.
    pub(crate) fn mean_talk_secs(&self) -> Option<u64> {
        self.talk_secs.checked_div(self.talks)
    }

    /// The mean time to answer.
    pub(crate) fn mean_ring_secs(&self) -> Option<f64> {
        let micros = self.ring_micros.checked_div(self.taken)?;
        Some(std::time::Duration::from_micros(micros).as_secs_f64())
    }

    fn join(&mut self, other: &Self) {
        self.taken += other.taken;
        self.missed += other.missed;
        self.made += other.made;
        self.talk_secs += other.talk_secs;
        self.transferred += other.transferred;
        self.talks += other.talks;
        self.ring_micros += other.ring_micros;
    }
}

/// All figures.
#[derive(Default)]
pub(crate) struct Figures {
    /// By the employee's local number.
    pub(crate) lines: BTreeMap<String, Line>,
    /// By day of the week, Monday first, and hour.
    pub(crate) heat: [[u64; 24]; 7],
}

impl Figures {
    /// Counts a leg. One that rang and was answered elsewhere is nobody's missed call.
    pub(crate) fn add(&mut self, leg: &LegRecord, zone: &TimeZone) {
        let begun = &leg.begun;
        let line = self.lines.entry(begun.phone.employee_number().to_owned()).or_default();
        if let Some(employee) = &begun.phone.employee
            && line.name.is_empty()
        {
            line.name = employee.name.to_string();
        }
        let end = leg.ended.as_ref().and_then(|event| match &event.what {
            What::Ended(end) => Some((event, end)),
            What::Incoming | What::Answered | What::Outgoing => None,
        });
        let answered = leg.answered_at.or_else(|| end.and_then(|(_, end)| end.answered_at));
        match (leg.direction, answered) {
            (Direction::Outgoing, _) => line.made += 1,
            (Direction::Incoming, Some(at)) => {
                line.taken += 1;
                line.ring_micros += u64::try_from(at.since(begun.begun_at).as_micros()).unwrap_or(0);
            }
            (Direction::Incoming, None) => match end.map(|(_, end)| end.reason) {
                Some(EndReason::AnsweredElsewhere | EndReason::PickedUp) | None => return,
                Some(_) => line.missed += 1,
            },
        }
        if let Some((event, end)) = end {
            let talk = event.duration().as_secs();
            line.talk_secs += talk;
            line.talks += u64::from(answered.is_some());
            line.transferred += u64::from(end.transfer.is_some() && end.reason == EndReason::Transferred);
        }
        if let Some((day, hour)) = hour_of(begun.at, zone) {
            self.heat[day][hour] += 1;
        }
    }

    /// Names an employee, as the account has it now.
    pub(crate) fn name(&mut self, number: &str, name: &str) {
        if let Some(line) = self.lines.get_mut(number) {
            name.clone_into(&mut line.name);
        }
    }

    /// All of them.
    pub(crate) fn total(&self) -> Line {
        let mut total = Line::default();
        self.lines.values().for_each(|line| total.join(line));
        total
    }
}
