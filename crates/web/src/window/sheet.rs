//! The one reader and writer of CSV: `;` between the cells as a Danish Excel has them, UTF-8 with its mark, and
//! nothing that Excel would take for a formula. What went out comes in again.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The mark at the beginning that tells Excel that it is UTF-8.
const MARK: &str = "\u{feff}";

/// Rows as CSV.
pub(crate) fn written<'a, R>(rows: impl IntoIterator<Item = R>) -> String
where
    R: IntoIterator<Item = &'a str>,
{
    let mut writer = csv::WriterBuilder::new()
        .delimiter(b';')
        .terminator(csv::Terminator::CRLF)
        .flexible(true)
        .from_writer(MARK.as_bytes().to_vec());
    for row in rows {
        let cells = row.into_iter().map(guarded);
        // Into memory, and of cells that are text: nothing can go wrong.
        if let Err(error) = writer.write_record(cells) {
            tracing::error!(%error, "a row of CSV could not be written");
        }
    }
    let bytes = writer.into_inner().unwrap_or_default();
    String::from_utf8(bytes).unwrap_or_default()
}

/// As a file to download.
pub(crate) fn download(name: &str, text: String) -> Response {
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8".to_owned()),
        (header::CONTENT_DISPOSITION, format!("attachment; filename=\"{name}\"")),
    ];
    (headers, text).into_response()
}

/// The rows of a text, each with its line: `;` or `,` between the cells. `Err` holds the line that cannot be read.
pub(crate) fn read(text: &str) -> Result<Vec<(usize, Vec<String>)>, usize> {
    let text = text.trim_start_matches(MARK);
    let head = text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    let mark = if head.contains(';') || !head.contains(',') { b';' } else { b',' };
    let mut reader = csv::ReaderBuilder::new()
        .delimiter(mark)
        .has_headers(false)
        .flexible(true)
        .from_reader(text.as_bytes());
    let mut rows = Vec::new();
    for record in reader.records() {
        let at = |position: Option<&csv::Position>| {
            position.map_or(0, |at| usize::try_from(at.line()).unwrap_or(usize::MAX))
        };
        let record = record.map_err(|error| at(error.position()))?;
        let cells: Vec<String> = record.iter().map(|cell| plain(cell.trim()).to_owned()).collect();
        if cells.iter().any(|cell| !cell.is_empty()) {
            rows.push((at(record.position()), cells));
        }
    }
    Ok(rows)
}

/// Whether Excel would take it for a formula; the wide forms too. A number with its sign, and a single -, mean no
/// harm.
fn is_formula(cell: &str) -> bool {
    cell.starts_with(['=', '@', '\t', '\r', '\n', '＝', '＠', '＋', '－'])
        || cell.starts_with(['+', '-']) && !cell[1..].bytes().all(|byte| byte.is_ascii_digit())
}

/// A formula with a ' before it, which makes it plain text; so too what is guarded already, so that each comes back
/// as it was.
fn guarded(cell: &str) -> String {
    if is_formula(cell.trim_start_matches('\'')) { format!("'{cell}") } else { cell.to_owned() }
}

/// As it was before it was guarded.
fn plain(cell: &str) -> &str {
    match cell.strip_prefix('\'') {
        Some(rest) if is_formula(rest.trim_start_matches('\'')) => rest,
        Some(_) | None => cell,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_went_out_comes_in_again() {
        let names = [
            "=1+1",
            "+4570201234",
            "+1+cmd",
            "-1+cmd",
            "-",
            "@SUM(A1)",
            "＝1",
            "＠a",
            "＋a",
            "－a",
            "'quoted'",
            "'=1",
            "''=1",
            "O'Hara",
            "Desk; left",
            "a,b",
            "say \"hello\"",
            "Mette Holm",
            "Æblegrød",
            "",
        ];
        let rows = names.map(|name| ["101", name, "101", name]);
        let text = written(rows);
        let back = read(&text).unwrap();
        assert_eq!(back.len(), names.len());
        for ((_, cells), name) in back.iter().zip(names) {
            assert_eq!(cells, &["101", name, "101", name]);
        }
    }

    #[test]
    fn a_formula_is_made_plain_text() {
        let cells = ["=1+1", "+4570201234", "-1+cmd", "＝1", "-"];
        assert_eq!(written([cells]), "\u{feff}'=1+1;+4570201234;'-1+cmd;'＝1;-\r\n");
    }

    #[test]
    fn a_line_break_in_a_cell_does_not_shift_the_numbers_of_lines() {
        let rows = read("a;\"b\nc\";d\n1;2;3\n").unwrap();
        assert_eq!(rows.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [1, 3]);
        assert_eq!(read("101,Desk,101,Mette").unwrap()[0].1, ["101", "Desk", "101", "Mette"]);
    }
}
