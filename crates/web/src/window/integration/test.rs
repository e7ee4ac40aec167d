//! "Send a test call": the four events, each with what was answered.

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use calls::EventKind;
use journal::AccountSettings;

use super::super::frame::page;
use super::super::{Fail, Frame, Posted, Window, audit};
use super::{build, draft, present};
use crate::{TestAnswer, TestCall};

/// What was answered, as shown.
pub(crate) struct Row {
    pub(crate) kind: EventKind,
    pub(crate) off: bool,
    pub(crate) accepted: bool,
    pub(crate) status: String,
    pub(crate) took: String,
    pub(crate) error: String,
    pub(crate) body: String,
}

/// The panel.
#[derive(Template)]
#[template(path = "integration_test.html")]
pub(crate) struct TestPanel {
    pub(crate) url: String,
    pub(crate) csrf: String,
    pub(crate) w: super::super::Words,
    pub(crate) may_change: bool,
    pub(crate) employees: Vec<(String, String)>,
    pub(crate) chosen: String,
    pub(crate) rows: Vec<Row>,
    pub(crate) only_rows: bool,
}

impl TestPanel {
    pub(crate) fn idle(f: &Frame, account: &AccountSettings) -> Self {
        let employees = account.employees.iter().map(|(number, (one, _))| (number.clone(), one.name.clone()));
        Self {
            url: f.to("integration/test"),
            csrf: f.csrf.clone(),
            w: f.w,
            may_change: f.may_change,
            employees: employees.collect(),
            chosen: String::new(),
            rows: Vec::new(),
            only_rows: false,
        }
    }
}

pub(crate) async fn test(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let employee = fields.get("employee").to_owned();
    let f = Frame::account(&window, &visitor, &account, "integration");
    if !account.employees.contains_key(&employee) {
        return Err(Fail::Nowhere);
    }
    let call =
        TestCall { account: account.id.clone(), employee: employee.clone(), kinds: EventKind::ALL.into() };
    let answers = window.web.gateway.test_call(call).await?;
    audit::note(&window, &visitor.name, "audit.test", account.id.as_str(), &employee).await;
    let mut panel = TestPanel::idle(&f, &account);
    panel.rows = answers.into_iter().map(|answer| row(&f, answer)).collect();
    panel.chosen = employee;
    if f.partial {
        panel.only_rows = true;
        return page(&panel);
    }
    let d = draft::of(&present(&account).0, true);
    let mut whole = build(&window, &visitor, &account, d, EventKind::Answered);
    whole.test = panel;
    page(&whole)
}

fn row(f: &Frame, answer: TestAnswer) -> Row {
    let millis = answer.took.as_secs_f64() * 1_000.0;
    Row {
        kind: answer.kind,
        off: answer.request_line.is_empty(),
        accepted: answer.accepted(),
        status: answer.status.map(|status| status.to_string()).unwrap_or_default(),
        took: format!("{} ms", f.locale.tenths(millis)),
        error: answer.error,
        body: answer.response_body,
    }
}
