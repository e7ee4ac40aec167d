//! A report's numbers over time: a column a day, or for long periods some days, and the period before beside it.

use admin::Day;
use admin::kept::Tally;
use calls::PbxTime;
use jiff::ToSpan as _;
use jiff::civil::Date;

use super::waits::{self, Curve};
use super::{Period, earlier};
use crate::window::{Fail, Frame, Visitor, Window};

/// So many columns a picture has at most.
const COLUMNS: i64 = 31;
/// So many days are told one by one.
const DAYS: usize = 400;
/// How high it is, in its own units.
const HIGH: u64 = 100;

/// Some days.
pub(crate) struct Column {
    pub(crate) first: Date,
    pub(crate) day: Day,
}

/// A column as it is drawn and told.
pub(crate) struct Shown {
    pub(crate) x: usize,
    /// Where the missed begin, and how high both parts are.
    pub(crate) missed_y: u64,
    pub(crate) missed: u64,
    pub(crate) taken_y: u64,
    pub(crate) taken: u64,
    pub(crate) day: String,
    pub(crate) cells: [String; 8],
}

/// The columns of a period.
pub(super) async fn columns(
    window: &Window,
    visitor: &Visitor,
    account: &str,
    f: &Frame,
    period: &Period,
) -> Result<Vec<Column>, Fail> {
    let step = (period.days() + COLUMNS - 1) / COLUMNS;
    steps(window, visitor, account, f, period, step).await
}

/// The days of a period; of a long one the first of them.
pub(super) async fn each_day(
    window: &Window,
    visitor: &Visitor,
    account: &str,
    f: &Frame,
    period: &Period,
) -> Result<Vec<Column>, Fail> {
    steps(window, visitor, account, f, period, 1).await
}

async fn steps(
    window: &Window,
    visitor: &Visitor,
    account: &str,
    f: &Frame,
    period: &Period,
    step: i64,
) -> Result<Vec<Column>, Fail> {
    let mut firsts = Vec::new();
    let mut at = period.from;
    while at <= period.until && firsts.len() < DAYS {
        firsts.push(at);
        let Ok(next) = at.checked_add(step.days()) else { break };
        at = next;
    }
    let end = if at > period.until { period.until.checked_add(1.days()).unwrap_or(at) } else { at };
    let begin = |date: Date| {
        let at = date.to_zoned(f.locale.zone.clone()).ok()?.timestamp();
        Some(PbxTime::from_micros(at.as_microsecond()))
    };
    let Some(moments) = firsts.iter().copied().chain([end]).map(begin).collect::<Option<Vec<_>>>() else {
        return Ok(Vec::new());
    };
    let days = window.web.admin.days_between(&visitor.actor(), account, &moments).await?;
    Ok(firsts.into_iter().zip(days).map(|(first, day)| Column { first, day }).collect())
}

/// As long a period, just before.
pub(super) fn before(period: &Period) -> Period {
    Period { from: earlier(period.from, period.days()), until: earlier(period.from, 1) }
}

/// How the columns are drawn, and the most calls one has.
pub(super) fn drawn(f: &Frame, columns: &[Column]) -> (Vec<Shown>, u64) {
    let most = columns.iter().map(|one| one.day.tally.taken + one.day.tally.missed).max().unwrap_or(0).max(1);
    let high = |count: u64| (count * HIGH).div_ceil(most).min(HIGH);
    let shown = |(at, one): (usize, &Column)| {
        let tally = &one.day.tally;
        let (taken, missed) = (high(tally.taken), high(tally.missed).min(HIGH - high(tally.taken)));
        let number = |count: u64| f.locale.number(count);
        let [soon, median, most, longest] = waits::cells(f, &one.day.waits);
        Shown {
            x: at * 10,
            taken_y: HIGH - taken,
            taken,
            missed_y: HIGH - taken - missed,
            missed,
            day: f.locale.day(one.first),
            cells: [
                number(tally.taken),
                number(tally.missed),
                share(f, tally),
                soon,
                median,
                most,
                longest,
                number(tally.made),
            ],
        }
    };
    (columns.iter().enumerate().map(shown).collect(), most)
}

/// How long callers waited, as curves over the columns; and the longest that is drawn.
pub(super) fn waited(f: &Frame, columns: &[Column]) -> ([Curve; 2], String) {
    let (curves, most) = waits::curves(columns.iter().map(|one| &one.day.waits), HIGH);
    (curves, f.locale.duration(most))
}

/// The share of calls in that were answered: `87,5 %`.
pub(super) fn share(f: &Frame, tally: &Tally) -> String {
    percent(tally).map_or_else(|| "–".to_owned(), |share| format!("{} %", f.locale.tenths(share)))
}

fn percent(tally: &Tally) -> Option<f64> {
    let all = tally.taken + tally.missed;
    (all > 0).then(|| super::exact(tally.taken) * 100.0 / super::exact(all))
}

/// Against the period before: of taken, missed, made, the answered share; empty where there is nothing to compare.
pub(super) fn against(f: &Frame, now: &Tally, then: &Tally) -> [String; 4] {
    let change = |now: u64, then: u64| {
        if then == 0 {
            return String::new();
        }
        let percent = (super::exact(now) - super::exact(then)) * 100.0 / super::exact(then);
        format!("{} %", waits::signed(f, percent))
    };
    let shares = match (percent(now), percent(then)) {
        (Some(now), Some(then)) => f.w.with("report.points", "points", waits::signed(f, now - then)),
        _ => String::new(),
    };
    [change(now.taken, then.taken), change(now.missed, then.missed), change(now.made, then.made), shares]
}
