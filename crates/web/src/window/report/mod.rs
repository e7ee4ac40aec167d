//! `/a/{account}/report`: who took how many calls and for how long, as pictures, CSV and XLSX.

mod export;
mod figures;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use calls::PbxTime;
use jiff::ToSpan as _;
use jiff::civil::Date;
use journal::{AccountSettings, Filter, LegRecord};

use super::calls::day;
use super::frame::page;
use super::visitor::Fields;
use super::{Fail, Frame, Visitor, Window};
use crate::clock;
pub(super) use export::{csv, xlsx};
use figures::{Figures, Line};

/// So many legs go into one report; more are said to be left out.
const MAX_LEGS: usize = 50_000;
/// Read at a time.
const CHUNK: usize = 1_000;

/// A bar of the picture.
pub(crate) struct Bar {
    pub(crate) y: usize,
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
    bars_height: usize,
    heat: Vec<Heat>,
    days: [&'static str; 7],
    more: bool,
    query: String,
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
        let from = query.get("from").parse().unwrap_or_else(|_| earlier(today, 6));
        let until = query.get("until").parse().unwrap_or(today);
        Self { from: from.min(until), until }
    }
}

/// The legs of a period, and whether there are more than go in.
async fn legs(
    window: &Window,
    f: &Frame,
    account: &AccountSettings,
    period: &Period,
) -> Result<(Figures, bool), Fail> {
    let mut filter = Filter {
        account: Some(account.id.clone()),
        from: day(f, &period.from.to_string(), 0),
        until: day(f, &period.until.to_string(), 1),
        limit: CHUNK,
        ..Filter::default()
    };
    let mut figures = Figures::default();
    let mut count = 0;
    loop {
        let found: Vec<LegRecord> = window.web.journal.legs(filter.clone()).await?;
        found.iter().for_each(|leg| figures.add(leg, &f.locale.zone));
        count += found.len();
        match found.last() {
            Some(last) if found.len() == CHUNK && count < MAX_LEGS => filter.before = Some(last.seq),
            Some(_) | None => return Ok((figures, count >= MAX_LEGS)),
        }
    }
}

async fn made(
    window: &Window,
    account: &str,
    visitor: &Visitor,
    query: Option<&str>,
) -> Result<(Frame, Period, Figures, bool), Fail> {
    let account = visitor.reads(window, account)?;
    let f = Frame::account(window, visitor, &account, "report");
    let period = Period::read(&f, &Fields::read(query.unwrap_or_default().as_bytes()));
    let (mut figures, more) = legs(window, &f, &account, &period).await?;
    for (number, (employee, _)) in account.employees.iter() {
        figures.name(number, &employee.name);
    }
    Ok((f, period, figures, more))
}

pub(super) async fn show(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let (f, period, figures, more) = made(&window, &account, &visitor, query.as_deref()).await?;
    let query = format!("from={}&until={}", period.from, period.until);
    let rows: Vec<Row> = figures.lines.iter().map(|(number, line)| row(&f, number, line)).collect();
    let total = row(&f, "", &figures.total());
    let bars = bars(&f, &figures);
    let days = ["day.1", "day.2", "day.3", "day.4", "day.5", "day.6", "day.7"].map(|key| f.w.get(key));
    page(&ReportPage {
        periods: periods(&f, &period),
        from: period.from.to_string(),
        until: period.until.to_string(),
        bars_height: bars.len() * 36 + 8,
        heat: heat(&f, &figures, &days),
        total,
        rows,
        bars,
        days,
        more,
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
            count(line.taken),
            count(line.missed),
            count(line.made),
            f.locale.duration(line.talk_secs),
            line.mean_talk_secs().map_or_else(|| "–".to_owned(), |secs| f.locale.duration(secs)),
            line.mean_ring_secs().map_or_else(|| "–".to_owned(), |secs| f.locale.tenths(secs)),
            count(line.transferred),
        ],
    }
}

fn bars(f: &Frame, figures: &Figures) -> Vec<Bar> {
    let longest = figures.lines.values().map(Line::calls).max().unwrap_or(1).max(1);
    let width = |count: u64| exact(count) / exact(longest) * 420.0;
    let bar = |(index, (number, line)): (usize, (&String, &Line))| {
        let widths = [line.taken, line.missed, line.made].map(width);
        let at = [180.0, 180.0 + widths[0], 180.0 + widths[0] + widths[1]];
        let part = |of: usize| (format!("{:.1}", at[of]), format!("{:.1}", widths[of]));
        Bar {
            y: index * 36 + 8,
            label: if line.name.is_empty() { number.clone() } else { line.name.clone() },
            parts: [part(0), part(1), part(2)],
            total: f.locale.number(line.calls()),
        }
    };
    figures.lines.iter().enumerate().map(bar).collect()
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

/// When a leg was there, as a date and hour in a zone.
fn hour_of(at: PbxTime, zone: &jiff::tz::TimeZone) -> Option<(usize, usize)> {
    let at = jiff::Timestamp::from_microsecond(at.as_micros()).ok()?.to_zoned(zone.clone());
    let day = usize::try_from(at.weekday().to_monday_zero_offset()).ok()?;
    Some((day, usize::try_from(at.hour()).ok()?))
}
