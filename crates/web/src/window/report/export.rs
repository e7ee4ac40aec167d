//! A report as CSV and XLSX, as a Danish Excel opens them.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use rust_xlsxwriter::{Format, Workbook, XlsxError};

use super::super::{Fail, Messages, Visitor, Window, sheet};
use super::figures::{Figures, Line};
use super::made;

/// Heads of the columns of a sheet, where a duration is a duration.
const COLUMNS: [&str; 9] = [
    "report.number",
    "report.name",
    "report.taken",
    "report.missed",
    "report.made",
    "report.talk",
    "report.mean_talk",
    "report.mean_ring",
    "report.transferred",
];
const DAY_SECS: f64 = 86_400.0;
/// Where durations are in a CSV, which has no durations: seconds can be added up by any program.
const SECONDS: [(&str, &str); 2] =
    [("report.talk", "report.talk_secs"), ("report.mean_talk", "report.mean_talk_secs")];

pub(crate) async fn csv(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let (f, period, figures) = made(&window, &account, &visitor, query.as_deref()).await?;
    let key = |key| SECONDS.iter().find(|(plain, _)| *plain == key).map_or(key, |(_, seconds)| *seconds);
    let mut rows = vec![COLUMNS.map(|column| f.w.get(key(column)).to_owned())];
    rows.extend(figures.lines.iter().map(|(number, line)| {
        [
            number.clone(),
            line.name.clone(),
            line.tally.taken.to_string(),
            line.tally.missed.to_string(),
            line.tally.made.to_string(),
            line.tally.talk_secs.to_string(),
            line.mean_talk_secs().map(|secs| secs.to_string()).unwrap_or_default(),
            line.mean_ring_secs().map(|secs| f.locale.tenths(secs)).unwrap_or_default(),
            line.tally.transferred.to_string(),
        ]
    }));
    let text = sheet::written(rows.iter().map(|row| row.iter().map(String::as_str)));
    Ok(sheet::download(&format!("report-{}-{}.csv", period.from, period.until), text))
}

pub(crate) async fn xlsx(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let (f, period, figures) = made(&window, &account, &visitor, query.as_deref()).await?;
    let bytes = workbook(f.w, &figures).map_err(|error| Fail::broken(error.to_string()))?;
    let name = format!("attachment; filename=\"report-{}-{}.xlsx\"", period.from, period.until);
    let kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet".to_owned();
    Ok(([(header::CONTENT_TYPE, kind), (header::CONTENT_DISPOSITION, name)], bytes).into_response())
}

fn workbook(w: Messages, figures: &Figures) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name(w.get("place.report"))?;
    let head = Format::new().set_bold();
    let time = Format::new().set_num_format("[h]:mm:ss");
    for (at, key) in (0_u16..).zip(COLUMNS) {
        sheet.write_string_with_format(0, at, w.get(key), &head)?;
    }
    let total = figures.total();
    let lines = figures.lines.iter().map(|(number, line)| (number.as_str(), line.name.as_str(), line));
    let lines = lines.chain([("", w.get("report.total"), &total)]);
    for (at, (number, name, line)) in (1_u32..).zip(lines) {
        sheet.write_string(at, 0, number)?;
        sheet.write_string(at, 1, name)?;
        numbers(sheet, at, line, &time)?;
    }
    sheet.set_freeze_panes(1, 0)?;
    sheet.autofit();
    workbook.save_to_buffer()
}

fn numbers(
    sheet: &mut rust_xlsxwriter::Worksheet,
    at: u32,
    line: &Line,
    time: &Format,
) -> Result<(), XlsxError> {
    let days = |secs: u64| super::exact(secs) / DAY_SECS;
    for (column, count) in
        [(2, line.tally.taken), (3, line.tally.missed), (4, line.tally.made), (8, line.tally.transferred)]
    {
        sheet.write_number(at, column, super::exact(count))?;
    }
    sheet.write_number_with_format(at, 5, days(line.tally.talk_secs), time)?;
    if let Some(secs) = line.mean_talk_secs() {
        sheet.write_number_with_format(at, 6, days(secs), time)?;
    }
    if let Some(secs) = line.mean_ring_secs() {
        sheet.write_number(at, 7, (secs * 10.0).round() / 10.0)?;
    }
    Ok(())
}
