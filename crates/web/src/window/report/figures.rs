//! The figures of a report, made of the journal's sums. Pure.

use std::collections::BTreeMap;

use admin::kept::{Person, Quarter, Sums, Tally, Waits};
use jiff::tz::TimeZone;

/// One employee's, or all.
#[derive(Clone, Debug, Default)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) tally: Tally,
    pub(crate) waits: Waits,
}

impl Line {
    /// How many in all.
    pub(crate) fn calls(&self) -> u64 {
        self.tally.calls()
    }

    /// The mean conversation.
    pub(crate) fn mean_talk_secs(&self) -> Option<u64> {
        self.tally.talk_secs.checked_div(self.tally.talks)
    }

    /// The mean time to answer.
    pub(crate) fn mean_ring_secs(&self) -> Option<f64> {
        let micros = self.tally.ring_micros.checked_div(self.tally.taken)?;
        Some(std::time::Duration::from_micros(micros).as_secs_f64())
    }
}

/// All figures.
#[derive(Default)]
pub(crate) struct Figures {
    /// By the employee's local number.
    pub(crate) lines: BTreeMap<String, Line>,
    /// By day of the week, Monday first, and hour.
    pub(crate) heat: [[u64; 24]; 7],
    /// By the queue callers came through.
    pub(crate) queues: BTreeMap<String, Waits>,
}

impl Figures {
    /// Under the names people had; see [`Figures::name`].
    pub(crate) fn of(sums: &Sums, zone: &TimeZone) -> Self {
        let mut figures = Self::default();
        for (Person { number, name }, tally) in &sums.people {
            let line = figures.lines.entry(number.clone()).or_default();
            name.clone_into(&mut line.name);
            line.tally.add(tally);
        }
        for (Person { number, .. }, waits) in &sums.waits {
            figures.lines.entry(number.clone()).or_default().waits.add(waits);
        }
        figures.queues.clone_from(&sums.queues);
        for (quarter, calls) in &sums.quarters {
            if let Some((day, hour)) = hour_of(*quarter, zone) {
                figures.heat[day][hour] += calls;
            }
        }
        figures
    }

    /// Names an employee, as the account has it now.
    pub(crate) fn name(&mut self, number: &str, name: &str) {
        if let Some(line) = self.lines.get_mut(number) {
            name.clone_into(&mut line.name);
        }
    }

    /// Everybody by number; of many, those with the most calls.
    pub(crate) fn busiest(&self, at_most: usize) -> Vec<(&String, &Line)> {
        let mut lines: Vec<_> = self.lines.iter().collect();
        if lines.len() > at_most {
            lines.sort_by_key(|(_, line)| std::cmp::Reverse(line.calls()));
            lines.truncate(at_most);
        }
        lines
    }

    /// All of them.
    pub(crate) fn total(&self) -> Line {
        let mut total = Line::default();
        for line in self.lines.values() {
            total.tally.add(&line.tally);
            total.waits.add(&line.waits);
        }
        total
    }
}

/// The day of the week and the hour a quarter of an hour is in: no zone cuts one in two.
fn hour_of(quarter: Quarter, zone: &TimeZone) -> Option<(usize, usize)> {
    let at = jiff::Timestamp::from_microsecond(quarter.begin().as_micros()).ok()?;
    let at = zone.to_datetime(at);
    let day = usize::try_from(at.weekday().to_monday_zero_offset()).ok()?;
    Some((day, usize::try_from(at.hour()).ok()?))
}
