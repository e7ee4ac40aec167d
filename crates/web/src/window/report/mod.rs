//! `/a/{account}/report`: who took how many calls and for how long, as pictures, CSV and XLSX.

mod export;
mod figures;
mod over_time;
mod pictures;
mod waits;

use std::ops::Range;
use std::sync::Arc;

use admin::Day;
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

/// What the columns of the table are called.
const HEADS: [&str; 10] = [
    "report.taken",
    "report.missed",
    "report.made",
    "report.talk",
    "report.mean_talk",
    "report.soon",
    "report.median",
    "report.most",
    "report.longest",
    "report.transferred",
];

/// A line of the table, as written.
pub(crate) struct Row {
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) cells: [String; 10],
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
    bars: Vec<pictures::Bar>,
    /// How many are left out; empty for none.
    left_out: String,
    heat: Vec<pictures::Heat>,
    days: [&'static str; 7],
    heads: [&'static str; 10],
    query: String,
    columns: Vec<over_time::Shown>,
    most: String,
    /// The share of calls in that were answered.
    share: String,
    /// Taken, missed, made and that share against the period before.
    against: [String; 4],
    before: String,
    heat_most: String,
    /// How long callers waited in all, what that is called, and against the period before.
    waits: [(&'static str, String, String); 4],
    curves: [waits::Curve; 2],
    /// The longest wait that is drawn.
    waited_most: String,
    /// By queue: its name, how many were answered, how long they waited.
    queues: Vec<(String, String, [String; 4])>,
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

    /// How many days it has.
    fn days(&self) -> i64 {
        i64::from(self.from.until(self.until).map_or(0, |span| span.get_days())) + 1
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
    let (curves, waited_most) = over_time::waited(&f, &columns);
    let (columns, most) = over_time::drawn(&f, &columns);
    let before = over_time::before(&period);
    let mut then = Day::default();
    if let Some(within) = before.within(&f) {
        let moments = [within.start, within.end];
        let days = window.web.admin.days_between(&visitor.actor(), &account, &moments).await?;
        then = days.into_iter().next().unwrap_or_default();
    }
    let Line { tally: now, waits, .. } = figures.total();
    let Day { tally: then, waits: waited_then } = then;
    let compared = waits::against(&f, &waits, &waited_then);
    let told = waits::HEADS.map(|key| f.w.get(key)).into_iter().zip(waits::cells(&f, &waits)).zip(compared);
    let mut told = told.map(|((head, cell), against)| (head, cell, against));
    let waits = std::array::from_fn(|_| told.next().unwrap_or_default());
    let queues = figures.queues.iter().take(MAX_ROWS);
    let queues = queues
        .map(|(queue, waits)| (queue.clone(), f.locale.number(waits.answered()), waits::cells(&f, waits)));
    let queues = queues.collect();
    let heat_most = figures.heat.iter().flatten().copied().max().unwrap_or(0);
    let query = format!("from={}&until={}", period.from, period.until);
    let rows: Vec<Row> =
        figures.busiest(MAX_ROWS).into_iter().map(|(number, line)| row(&f, number, line)).collect();
    let left_out = figures.lines.len() - rows.len();
    let total = row(&f, "", &figures.total());
    let bars = pictures::bars(&f, &figures);
    let days = ["day.1", "day.2", "day.3", "day.4", "day.5", "day.6", "day.7"].map(|key| f.w.get(key));
    let heads = HEADS.map(|key| f.w.get(key));
    page(&ReportPage {
        periods: periods(&f, &period),
        from: period.from.to_string(),
        until: period.until.to_string(),
        left_out: if left_out > 0 { f.locale.number(left_out as u64) } else { String::new() },
        heat: pictures::heat(&f, &figures, &days),
        columns,
        most: f.locale.number(most),
        share: over_time::share(&f, &now),
        against: over_time::against(&f, &now, &then),
        before: format!("{}–{}", f.locale.day(before.from), f.locale.day(before.until)),
        heat_most: f.locale.number(heat_most),
        waits,
        curves,
        waited_most,
        queues,
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
    let [soon, median, most, longest] = waits::cells(f, &line.waits);
    Row {
        number: number.to_owned(),
        name: line.name.clone(),
        cells: [
            count(line.tally.taken),
            count(line.tally.missed),
            count(line.tally.made),
            f.locale.duration(line.tally.talk_secs),
            line.mean_talk_secs().map_or_else(|| "–".to_owned(), |secs| f.locale.duration(secs)),
            soon,
            median,
            most,
            longest,
            count(line.tally.transferred),
        ],
    }
}

/// Counts of calls are far below what an `f64` holds exactly.
#[expect(clippy::cast_precision_loss, reason = "counts of calls are far below 2^53")]
fn exact(count: u64) -> f64 {
    count as f64
}
