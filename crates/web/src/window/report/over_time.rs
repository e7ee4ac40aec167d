//! A report's numbers over time: a column a day, or for long periods some days, and the period before beside it.

use admin::kept::Tally;
use calls::PbxTime;
use jiff::ToSpan as _;
use jiff::civil::Date;

use super::figures::Line;
use super::{Period, earlier};
use crate::window::{Fail, Frame, Visitor, Window};

/// So many columns a picture has at most.
const COLUMNS: i64 = 31;
/// How high it is, in its own units.
const HIGH: u64 = 100;

/// Some days.
pub(crate) struct Column {
    pub(crate) first: Date,
    pub(crate) tally: Tally,
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
    pub(crate) cells: [String; 5],
}

/// The columns of a period.
pub(super) async fn columns(
    window: &Window,
    visitor: &Visitor,
    account: &str,
    f: &Frame,
    period: &Period,
) -> Result<Vec<Column>, Fail> {
    let days = i64::from(period.from.until(period.until).map_or(0, |span| span.get_days())) + 1;
    let step = (days + COLUMNS - 1) / COLUMNS;
    let mut firsts = Vec::new();
    let mut at = period.from;
    while at <= period.until && firsts.len() < 400 {
        firsts.push(at);
        let Ok(next) = at.checked_add(step.days()) else { break };
        at = next;
    }
    let end = period.until.checked_add(1.days()).unwrap_or(period.until);
    let begin = |date: Date| {
        let at = date.to_zoned(f.locale.zone.clone()).ok()?.timestamp();
        Some(PbxTime::from_micros(at.as_microsecond()))
    };
    let Some(moments) = firsts.iter().copied().chain([end]).map(begin).collect::<Option<Vec<_>>>() else {
        return Ok(Vec::new());
    };
    let tallies = window.web.admin.tallies_between(&visitor.actor(), account, &moments).await?;
    Ok(firsts.into_iter().zip(tallies).map(|(first, tally)| Column { first, tally }).collect())
}

/// As long a period, just before.
pub(super) fn before(period: &Period) -> Period {
    let days = i64::from(period.from.until(period.until).map_or(0, |span| span.get_days())) + 1;
    Period { from: earlier(period.from, days), until: earlier(period.from, 1) }
}

/// How the columns are drawn, and the most calls one has.
pub(super) fn drawn(f: &Frame, columns: &[Column]) -> (Vec<Shown>, u64) {
    let most = columns.iter().map(|one| one.tally.taken + one.tally.missed).max().unwrap_or(0).max(1);
    let high = |count: u64| (count * HIGH).div_ceil(most).min(HIGH);
    let shown = |(at, one): (usize, &Column)| {
        let (taken, missed) =
            (high(one.tally.taken), high(one.tally.missed).min(HIGH - high(one.tally.taken)));
        let number = |count: u64| f.locale.number(count);
        let line = Line { name: String::new(), tally: one.tally };
        Shown {
            x: at * 10,
            taken_y: HIGH - taken,
            taken,
            missed_y: HIGH - taken - missed,
            missed,
            day: f.locale.day(one.first),
            cells: [
                number(one.tally.taken),
                number(one.tally.missed),
                share(f, &one.tally),
                line.mean_ring_secs().map_or_else(|| "–".to_owned(), |secs| f.locale.tenths(secs)),
                number(one.tally.made),
            ],
        }
    };
    (columns.iter().enumerate().map(shown).collect(), most)
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
        format!("{} %", signed(f, percent))
    };
    let shares = match (percent(now), percent(then)) {
        (Some(now), Some(then)) => f.w.with("report.points", "points", signed(f, now - then)),
        _ => String::new(),
    };
    [change(now.taken, then.taken), change(now.missed, then.missed), change(now.made, then.made), shares]
}

fn signed(f: &Frame, number: f64) -> String {
    let text = f.locale.tenths(number.abs());
    if number < 0.0 { format!("−{text}") } else { format!("+{text}") }
}
