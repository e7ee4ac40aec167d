//! A report as CSV and XLSX, as a Danish Excel opens them: by employee, by day, by queue.

use std::sync::Arc;

use admin::kept::Waits;
use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rust_xlsxwriter::{Format, Workbook, Worksheet, XlsxError};

use super::super::visitor::Fields;
use super::super::{Fail, Frame, Messages, Visitor, Window, sheet};
use super::figures::{Figures, Line};
use super::over_time::{self, Column};
use super::{made, waits};

const DAY_SECS: f64 = 86_400.0;
/// What a cell of seconds is called in a CSV, which has no durations: seconds can be added up by any program.
const SECONDS: [(&str, &str); 5] = [
    ("report.talk", "report.talk_secs"),
    ("report.mean_talk", "report.mean_talk_secs"),
    ("report.median", "report.median_secs"),
    ("report.most", "report.most_secs"),
    ("report.longest", "report.longest_secs"),
];

/// Seconds as Excel has them, a part of a day, to the tenth of a millisecond: what is finer is only longer to write.
fn of_a_day(secs: u64) -> f64 {
    (super::exact(secs) / DAY_SECS * 1e9).round() / 1e9
}

/// A cell of a table.
enum Cell {
    Text(String),
    Count(u64),
    /// Seconds.
    Long(Option<u64>),
    /// With one decimal.
    Tenths(Option<f64>),
}

/// A table: its name, its heads, its rows.
struct Table {
    name: &'static str,
    heads: Vec<&'static str>,
    rows: Vec<Vec<Cell>>,
}

/// How long callers waited, the last columns of each table.
fn waited(waits: &Waits) -> [Cell; 5] {
    [
        Cell::Count(waits.within(waits::SOON_SECS)),
        Cell::Tenths(waits::soon(waits)),
        Cell::Long(waits.not_longer(50)),
        Cell::Long(waits.not_longer(90)),
        Cell::Long(waits.longest()),
    ]
}

const WAITED: [&str; 5] =
    ["report.soon_count", "report.soon_share", "report.median", "report.most", "report.longest"];

fn by_employee(w: Messages, figures: &Figures) -> Table {
    let heads =
        ["report.number", "report.name", "report.taken", "report.missed", "report.made", "report.talk"];
    let more = ["report.mean_talk", "report.mean_ring", "report.transferred"];
    let row = |number: &str, name: &str, line: &Line| {
        let mut row = vec![
            Cell::Text(number.to_owned()),
            Cell::Text(name.to_owned()),
            Cell::Count(line.tally.taken),
            Cell::Count(line.tally.missed),
            Cell::Count(line.tally.made),
            Cell::Long(Some(line.tally.talk_secs)),
            Cell::Long(line.mean_talk_secs()),
            Cell::Tenths(line.mean_ring_secs()),
            Cell::Count(line.tally.transferred),
        ];
        row.extend(waited(&line.waits));
        row
    };
    let rows = figures.lines.iter().map(|(number, line)| row(number, &line.name, line)).collect();
    Table { name: w.get("place.report"), heads: heads.into_iter().chain(more).chain(WAITED).collect(), rows }
}

fn by_day(w: Messages, columns: &[Column]) -> Table {
    let row = |one: &Column| {
        let tally = &one.day.tally;
        let mut row = vec![
            Cell::Text(one.first.to_string()),
            Cell::Count(tally.taken),
            Cell::Count(tally.missed),
            Cell::Count(tally.made),
            Cell::Long(Some(tally.talk_secs)),
        ];
        row.extend(waited(&one.day.waits));
        row
    };
    let heads = ["report.day", "report.taken", "report.missed", "report.made", "report.talk"];
    Table {
        name: w.get("report.by_day"),
        heads: heads.into_iter().chain(WAITED).collect(),
        rows: columns.iter().map(row).collect(),
    }
}

fn by_queue(w: Messages, figures: &Figures) -> Table {
    let row = |(queue, waits): (&String, &Waits)| {
        let mut row = vec![Cell::Text(queue.clone()), Cell::Count(waits.answered())];
        row.extend(waited(waits));
        row
    };
    Table {
        name: w.get("report.by_queue"),
        heads: ["report.queue", "report.taken"].into_iter().chain(WAITED).collect(),
        rows: figures.queues.iter().map(row).collect(),
    }
}

pub(crate) async fn csv(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let by = Fields::read(query.as_deref().unwrap_or_default().as_bytes()).get("by").to_owned();
    let (f, period, figures) = made(&window, &account, &visitor, query.as_deref()).await?;
    let (name, table) = match by.as_str() {
        "day" => {
            let days = over_time::each_day(&window, &visitor, &account, &f, &period).await?;
            ("report-days", by_day(f.w, &days))
        }
        "queue" => ("report-queues", by_queue(f.w, &figures)),
        _ => ("report", by_employee(f.w, &figures)),
    };
    let key = |key| SECONDS.iter().find(|(plain, _)| *plain == key).map_or(key, |(_, seconds)| *seconds);
    let mut rows: Vec<Vec<String>> =
        vec![table.heads.iter().map(|head| f.w.get(key(*head)).to_owned()).collect()];
    rows.extend(table.rows.iter().map(|row| row.iter().map(|cell| written(&f, cell)).collect()));
    let text = sheet::written(rows.iter().map(|row| row.iter().map(String::as_str)));
    Ok(sheet::download(&format!("{name}-{}-{}.csv", period.from, period.until), text))
}

fn written(f: &Frame, cell: &Cell) -> String {
    match cell {
        Cell::Text(text) => text.clone(),
        Cell::Count(count) => count.to_string(),
        Cell::Long(secs) => secs.map(|secs| secs.to_string()).unwrap_or_default(),
        Cell::Tenths(number) => number.map(|number| f.locale.tenths(number)).unwrap_or_default(),
    }
}

pub(crate) async fn xlsx(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let (f, period, figures) = made(&window, &account, &visitor, query.as_deref()).await?;
    let days = over_time::each_day(&window, &visitor, &account, &f, &period).await?;
    let mut employees = by_employee(f.w, &figures);
    employees.rows.push(total(f.w, &figures));
    let tables = [employees, by_day(f.w, &days), by_queue(f.w, &figures)];
    let bytes = workbook(f.w, &tables).map_err(|error| Fail::broken(error.to_string()))?;
    let name = format!("attachment; filename=\"report-{}-{}.xlsx\"", period.from, period.until);
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], bytes).into_response())
}

/// The last row of the table by employee.
fn total(w: Messages, figures: &Figures) -> Vec<Cell> {
    let line = Line { name: w.get("report.total").to_owned(), ..figures.total() };
    let lines = [(String::new(), line)].into();
    by_employee(w, &Figures { lines, ..Figures::default() }).rows.pop().unwrap_or_default()
}

fn workbook(w: Messages, tables: &[Table]) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let head = Format::new().set_bold();
    let time = Format::new().set_num_format("[h]:mm:ss");
    for table in tables {
        let sheet = workbook.add_worksheet();
        sheet.set_name(table.name)?;
        for (at, key) in (0_u16..).zip(&table.heads) {
            sheet.write_string_with_format(0, at, w.get(key), &head)?;
        }
        for (row, cells) in (1_u32..).zip(&table.rows) {
            for (at, cell) in (0_u16..).zip(cells) {
                put(sheet, row, at, cell, &time)?;
            }
        }
        sheet.set_freeze_panes(1, 0)?;
        sheet.autofit();
    }
    workbook.save_to_buffer()
}

fn put(sheet: &mut Worksheet, row: u32, at: u16, cell: &Cell, time: &Format) -> Result<(), XlsxError> {
    match cell {
        Cell::Text(text) => sheet.write_string(row, at, text)?,
        Cell::Count(count) => sheet.write_number(row, at, super::exact(*count))?,
        Cell::Long(Some(secs)) => sheet.write_number_with_format(row, at, of_a_day(*secs), time)?,
        Cell::Tenths(Some(number)) => sheet.write_number(row, at, (number * 10.0).round() / 10.0)?,
        Cell::Long(None) | Cell::Tenths(None) => sheet,
    };
    Ok(())
}
