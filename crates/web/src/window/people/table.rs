//! Employees and phones as CSV: `phone;phone name;employee;employee name`, a line a phone.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use journal::AccountSettings;
use journal::settings::{Employee, Holder, Phone, Setting, SettingKey};

use super::super::{Fail, Posted, Visitor, Window};
use super::{done, refused};
use crate::wire::{self, Refusal};

/// At most so many lines are taken at once.
const MAX_LINES: usize = 5_000;
const HEAD: &str = "phone;phone_name;employee;employee_name";

pub(crate) async fn csv(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"people.csv\""),
    ];
    // The mark at the beginning tells Excel that it is UTF-8.
    Ok((headers, format!("\u{feff}{}", written(&account))).into_response())
}

fn written(account: &AccountSettings) -> String {
    let mut text = format!("{HEAD}\r\n");
    let mut shown = std::collections::BTreeSet::new();
    for (number, (phone, _)) in account.phones.iter() {
        let employee = match &phone.holder {
            Holder::SameNumber => number.as_str(),
            Holder::Employee(of) => of.as_str(),
            Holder::Nobody => "-",
        };
        let name = account.employees.get(employee).map_or("", |(one, _)| one.name.as_str());
        shown.insert(employee.to_owned());
        text.push_str(&line(&[number, &phone.name, employee, name]));
    }
    for (number, (employee, _)) in account.employees.iter().filter(|(number, _)| !shown.contains(*number)) {
        text.push_str(&line(&["", "", number, &employee.name]));
    }
    text
}

fn line(cells: &[&str]) -> String {
    format!("{}\r\n", cells.iter().map(|cell| quoted(cell)).collect::<Vec<_>>().join(";"))
}

/// A cell; what Excel would take for a formula is made plain text.
pub(crate) fn quoted(cell: &str) -> String {
    // Excel takes the wide forms too. A number with its sign, and a single -, mean no harm.
    let formula = cell.starts_with(['=', '@', '\t', '\r', '\n', '＝', '＠', '＋', '－'])
        || cell.starts_with(['+', '-']) && !cell[1..].bytes().all(|byte| byte.is_ascii_digit());
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([';', '"', '\n', '\r', ',']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell
    }
}

/// A line's cells; `;` or `,` between them.
fn cells(line: &str) -> Vec<String> {
    let mark = if line.contains(';') { ';' } else { ',' };
    let (mut cells, mut cell, mut inside) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if inside && chars.peek() == Some(&'"') => {
                chars.next();
                cell.push('"');
            }
            '"' => inside = !inside,
            c if c == mark && !inside => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    cells.into_iter().map(|cell| cell.trim().to_owned()).collect()
}

/// A line's phone by number, and its employee's number and name.
type Wanted = (Option<(String, Phone)>, Option<(String, String)>);

/// What a pasted text would set.
fn read(text: &str) -> Result<Vec<Wanted>, Refusal> {
    let lines = text.trim_start_matches('\u{feff}').lines().enumerate();
    let lines = lines.filter(|(_, line)| !line.trim().is_empty() && !line.starts_with("phone;"));
    let mut wanted = Vec::new();
    for (index, line) in lines {
        let at = |refusal: Refusal| Refusal::new("import", format!("{}: {}", index + 1, refusal.message));
        let cells = cells(line);
        let cell = |of: usize| cells.get(of).map_or("", String::as_str);
        let employee = match cell(2) {
            "" | "-" => None,
            number => {
                let number = wire::local_number("employee", number).map_err(at)?;
                Some((number, wire::name("name", cell(3)).map_err(at)?))
            }
        };
        let phone = if cell(0).is_empty() {
            None
        } else {
            let number = wire::local_number("phone", cell(0)).map_err(at)?;
            let holder = match (&employee, cell(2)) {
                (_, "-") => Holder::Nobody,
                (Some((of, _)), _) if *of != number => Holder::Employee(of.clone()),
                (Some(_) | None, _) => Holder::SameNumber,
            };
            Some((number, Phone { holder, name: wire::name("phone_name", cell(1)).map_err(at)? }))
        };
        wanted.push((phone, employee));
        if wanted.len() > MAX_LINES {
            return Err(Refusal::new("import", format!("at most {MAX_LINES} lines at once")));
        }
    }
    Ok(wanted)
}

pub(crate) async fn import(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let wanted = match read(fields.raw("csv")) {
        Ok(wanted) => wanted,
        Err(refusal) => return refused(&window, &visitor, &account, &refusal, fields.raw("csv")),
    };
    for (phone, employee) in &wanted {
        if let Some((number, name)) = employee {
            let key = SettingKey::Employee(account.id.clone(), number.clone());
            let value = Setting::Employee(Employee { name: name.clone() });
            window.web.cache.put(key, Some(value), None).await?;
        }
        if let Some((number, phone)) = phone {
            let key = SettingKey::Phone(account.id.clone(), number.clone());
            window.web.cache.put(key, Some(Setting::Phone(phone.clone())), None).await?;
        }
    }
    done(&window, &visitor, &account, "audit.import", &wanted.len().to_string(), "imported").await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_exported_can_be_imported() {
        let wanted = read("\u{feff}phone;phone_name;employee;employee_name\r\n101;\"Desk; left\";101;Mette\r\n102;;-;\r\n;;150;Jens\r\n").unwrap();
        assert_eq!(
            wanted[0].0,
            Some(("101".into(), Phone { holder: Holder::SameNumber, name: "Desk; left".into() }))
        );
        assert_eq!(
            wanted[1],
            (Some(("102".into(), Phone { holder: Holder::Nobody, name: String::new() })), None)
        );
        assert_eq!(wanted[2], (None, Some(("150".into(), "Jens".into()))));
    }

    #[test]
    fn a_wrong_line_is_told_by_its_number() {
        let refusal = read("101;;101;Mette\n1 2;;;").unwrap_err();
        assert!(refusal.message.starts_with("2: "), "{refusal}");
    }

    #[test]
    fn a_formula_is_made_plain_text() {
        assert_eq!(
            [quoted("=1+1"), quoted("+4570201234"), quoted("-1+cmd"), quoted("＝1"), quoted("-")],
            ["'=1+1", "+4570201234", "'-1+cmd", "'＝1", "-"]
        );
    }
}
