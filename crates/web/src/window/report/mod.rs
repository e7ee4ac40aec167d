//! `/a/{account}/report`: who took how many calls and for how long, as pictures, CSV and XLSX.

mod export;
mod figures;
mod over_time;

use std::ops::Range;
use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use calls::PbxTime;
use jiff::ToSpan as _;
use jiff::civil::Date;

use super::frame::page;
use super::visitor::Fields;
use super::{Fail, Frame, Visitor, Window};
use crate::clock;
pub(super) use export::{csv, xlsx};
use figures::{Figures, Line};

/// So many employees are in the table of the page; the exports have all.
const MAX_ROWS: usize = 100;
/// So many are in the picture.
const MAX_BARS: usize = 40;

/// What the columns of the table are called.
const HEADS: [&str; 7] = [
    "report.taken",
    "report.missed",
    "report.made",
    "report.talk",
    "report.mean_talk",
    "report.mean_ring",
    "report.transferred",
];

/// A bar of the picture.
pub(crate) struct Bar {
    pub(crate) label: String,
    /// Answered, missed, made: x and width of each.
    pub(crate) parts: [(String, String); 3],
    pub(crate) total: String,
}

/// A field of the heat map.
pub(crate) struct Heat {
    pub(crate) x: usize,
    pub(crate) y: usize,
    /// 0 to 5.
    pub(crate) level: u64,
    pub(crate) title: String,
}

/// A line of the table, as written.
pub(crate) struct Row {
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) cells: [String; 7],
}

#[derive(Template)]
#[template(path = "report.html")]
struct ReportPage {
    f: Frame,
    from: String,
    until: String,
    periods: Vec<(&'static str, String, bool)>,
    total: Row,
    rows: Vec<Row>,
    bars: Vec<Bar>,
    /// How many are left out; empty for none.
    left_out: String,
    heat: Vec<Heat>,
    days: [&'static str; 7],
    heads: [&'static str; 7],
    query: String,
    columns: Vec<over_time::Shown>,
    most: String,
    /// The share of calls in that were answered.
    share: String,
    /// Taken, missed, made and that share against the period before.
    against: [String; 4],
    before: String,
    heat_most: String,
}

/// The period of a report.
struct Period {
    from: Date,
    until: Date,
}

fn today(f: &Frame) -> Date {
    let now = jiff::Timestamp::from_microsecond(clock::now().0).unwrap_or_default();
    now.to_zoned(f.locale.zone.clone()).date()
}

fn earlier(date: Date, days: i64) -> Date {
    date.checked_sub(days.days()).unwrap_or(date)
}

impl Period {
    fn read(f: &Frame, query: &Fields) -> Self {
        let today = today(f);
        let from = f.locale.read_date(query.get("from")).unwrap_or_else(|| earlier(today, 6));
        let until = f.locale.read_date(query.get("until")).unwrap_or(today);
        Self { from: from.min(until), until }
    }

    /// From the first midnight to the one after the last day, in the account's zone.
    fn within(&self, f: &Frame) -> Option<Range<PbxTime>> {
        let begin = |date: Date| {
            let at = date.to_zoned(f.locale.zone.clone()).ok()?.timestamp();
            Some(PbxTime::from_micros(at.as_microsecond()))
        };
        Some(begin(self.from)?..begin(self.until.checked_add(1.days()).ok()?)?)
    }
}

async fn made(
    window: &Window,
    account: &str,
    visitor: &Visitor,
    query: Option<&str>,
) -> Result<(Frame, Period, Figures), Fail> {
    let account = visitor.reads(window, account)?;
    let f = Frame::account(window, visitor, &account, "report");
    let period = Period::read(&f, &Fields::read(query.unwrap_or_default().as_bytes()));
    let mut figures = Figures::default();
    if let Some(within) = period.within(&f) {
        let sums = window.web.admin.sums(&visitor.actor(), account.id.as_str(), within).await?;
        figures = Figures::of(&sums, &f.locale.zone);
    }
    for (number, (employee, _)) in account.employees.iter() {
        figures.name(number, &employee.name);
    }
    Ok((f, period, figures))
}

pub(super) async fn show(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let (f, period, figures) = made(&window, &account, &visitor, query.as_deref()).await?;
    let columns = over_time::columns(&window, &visitor, &account, &f, &period).await?;
    let (columns, most) = over_time::drawn(&f, &columns);
    let before = over_time::before(&period);
    let mut then = Figures::default();
    if let Some(within) = before.within(&f) {
        then = Figures::of(&window.web.admin.sums(&visitor.actor(), &account, within).await?, &f.locale.zone);
    }
    let (now, then) = (figures.total().tally, then.total().tally);
    let heat_most = figures.heat.iter().flatten().copied().max().unwrap_or(0);
    let query = format!("from={}&until={}", period.from, period.until);
    let rows: Vec<Row> =
        busiest(&figures, MAX_ROWS).into_iter().map(|(number, line)| row(&f, number, line)).collect();
    let left_out = figures.lines.len() - rows.len();
    let total = row(&f, "", &figures.total());
    let bars = bars(&f, &figures);
    let days = ["day.1", "day.2", "day.3", "day.4", "day.5", "day.6", "day.7"].map(|key| f.w.get(key));
    let heads = HEADS.map(|key| f.w.get(key));
    page(&ReportPage {
        periods: periods(&f, &period),
        from: period.from.to_string(),
        until: period.until.to_string(),
        left_out: if left_out > 0 { f.locale.number(left_out as u64) } else { String::new() },
        heat: heat(&f, &figures, &days),
        columns,
        most: f.locale.number(most),
        share: over_time::share(&f, &now),
        against: over_time::against(&f, &now, &then),
        before: format!("{}–{}", f.locale.day(before.from), f.locale.day(before.until)),
        heat_most: f.locale.number(heat_most),
        total,
        rows,
        bars,
        days,
        heads,
        query,
        f,
    })
}

fn periods(f: &Frame, chosen: &Period) -> Vec<(&'static str, String, bool)> {
    let today = today(f);
    let all = [
        ("report.today", today, today),
        ("report.yesterday", earlier(today, 1), earlier(today, 1)),
        ("report.week", earlier(today, 6), today),
        ("report.month", earlier(today, 29), today),
    ];
    let link = |(key, from, until): (&'static str, Date, Date)| {
        let current = chosen.from == from && chosen.until == until;
        (f.w.get(key), format!("{}?from={from}&until={until}", f.to("report")), current)
    };
    all.into_iter().map(link).collect()
}

fn row(f: &Frame, number: &str, line: &Line) -> Row {
    let count = |number: u64| f.locale.number(number);
    Row {
        number: number.to_owned(),
        name: line.name.clone(),
        cells: [
            count(line.tally.taken),
            count(line.tally.missed),
            count(line.tally.made),
            f.locale.duration(line.tally.talk_secs),
            line.mean_talk_secs().map_or_else(|| "–".to_owned(), |secs| f.locale.duration(secs)),
            line.mean_ring_secs().map_or_else(|| "–".to_owned(), |secs| f.locale.tenths(secs)),
            count(line.tally.transferred),
        ],
    }
}

/// Everybody by number; of many, those with the most calls.
fn busiest(figures: &Figures, at_most: usize) -> Vec<(&String, &Line)> {
    let mut lines: Vec<_> = figures.lines.iter().collect();
    if lines.len() > at_most {
        lines.sort_by_key(|(_, line)| std::cmp::Reverse(line.calls()));
        lines.truncate(at_most);
    }
    lines
}

fn bars(f: &Frame, figures: &Figures) -> Vec<Bar> {
    let longest = figures.lines.values().map(Line::calls).max().unwrap_or(1).max(1);
    let width = |count: u64| exact(count) / exact(longest) * 100.0;
    let bar = |(number, line): (&String, &Line)| {
        let widths = [line.tally.taken, line.tally.missed, line.tally.made].map(width);
        let at = [0.0, widths[0], widths[0] + widths[1]];
        let part = |of: usize| (format!("{:.1}", at[of]), format!("{:.1}", widths[of]));
        Bar {
            label: if line.name.is_empty() { number.clone() } else { line.name.clone() },
            parts: [part(0), part(1), part(2)],
            total: f.locale.number(line.calls()),
        }
    };
    busiest(figures, MAX_BARS).into_iter().map(bar).collect()
}

/// Counts of calls are far below what an `f64` holds exactly.
#[expect(clippy::cast_precision_loss, reason = "counts of calls are far below 2^53")]
fn exact(count: u64) -> f64 {
    count as f64
}

fn heat(f: &Frame, figures: &Figures, days: &[&'static str; 7]) -> Vec<Heat> {
    let most = figures.heat.iter().flatten().copied().max().unwrap_or(0).max(1);
    let mut fields = Vec::with_capacity(7 * 24);
    for (day, hours) in figures.heat.iter().enumerate() {
        for (hour, count) in hours.iter().enumerate() {
            fields.push(Heat {
                x: 60 + hour * 26,
                y: 24 + day * 26,
                level: if *count == 0 { 0 } else { 1 + (count - 1) * 5 / most },
                title: format!("{} {hour:02}: {}", days[day], f.locale.number(*count)),
            });
        }
    }
    fields
}
