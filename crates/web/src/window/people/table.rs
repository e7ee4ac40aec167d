//! Employees and phones as CSV: `phone;phone name;employee;employee name`, a line a phone.

use std::sync::Arc;

use admin::kept::AccountSettings;
use admin::kept::settings::Holder;
use admin::{Code, Expect, PersonLine, Refusal};
use axum::extract::{Path, State};
use axum::response::Response;

use super::super::{Fail, Posted, Visitor, Window, sheet};
use super::{done, refused};

const HEAD: [&str; 4] = ["phone", "phone_name", "employee", "employee_name"];

pub(crate) async fn csv(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    Ok(sheet::download("people.csv", written(&account)))
}

fn written(account: &AccountSettings) -> String {
    let mut shown = std::collections::BTreeSet::new();
    let mut rows = vec![HEAD];
    for (number, (phone, _)) in account.phones.iter() {
        let employee = match &phone.holder {
            Holder::SameNumber => number.as_str(),
            Holder::Employee(of) => of.as_str(),
            Holder::Nobody => "-",
        };
        let name = account.employees.get(employee).map_or("", |(one, _)| one.name.as_str());
        shown.insert(employee);
        rows.push([number, &phone.name, employee, name]);
    }
    for (number, (employee, _)) in
        account.employees.iter().filter(|(number, _)| !shown.contains(number.as_str()))
    {
        rows.push(["", "", number, &employee.name]);
    }
    sheet::written(rows)
}

/// What a pasted text would set.
fn read(text: &str) -> Result<Vec<PersonLine>, Refusal> {
    let rows = sheet::read(text).map_err(|line| {
        Refusal::of(Code::ImportLine, "import").with("line", line).either(
            "why",
            "it is no CSV.",
            "den er ikke CSV.",
        )
    })?;
    let lines = rows.into_iter().filter(|(_, cells)| cells.first().is_none_or(|first| first != HEAD[0]));
    let lines = lines.map(|(line, mut cells)| {
        cells.resize(HEAD.len(), String::new());
        let mut cells = cells.into_iter();
        let mut next = || cells.next().unwrap_or_default();
        PersonLine { line, phone: next(), phone_name: next(), employee: next(), employee_name: next() }
    });
    Ok(lines.collect())
}

pub(crate) async fn import(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.changes(&window, &account)?;
    let pasted = fields.raw("csv");
    let expect = fields.get("seen").parse().map_or(Expect::Any, Expect::Seen);
    let came_to = match read(pasted) {
        Ok(lines) => window.web.admin.import_people(&visitor.actor(), &account, &lines, expect).await,
        Err(refusal) => Err(refusal),
    };
    match came_to {
        Err(refusal) => refused(&window, &visitor, &account, refusal, pasted),
        imported => done(&window, &visitor, &account, imported, "imported"),
    }
}
