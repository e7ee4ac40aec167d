//! "Send a test call": the four events, each with what was answered, row by row as it comes.
//!
//! The form starts the call and shows four rows that wait; a stream of server-sent events fills them. Without
//! JavaScript the page comes when all are there.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::sync::{Arc, Mutex, PoisonError};

use admin::kept::AccountSettings;
use admin::{Refusal, TestAnswer, random_text};
use askama::Template;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::sse::{Event as Sse, KeepAlive, Sse as Stream};
use axum::response::{IntoResponse, Response};
use calls::{AccountId, EventKind};
use futures_util::stream::{self, StreamExt as _};
use tokio::sync::mpsc::Receiver;

use super::super::frame::page;
use super::super::{Fail, Frame, Messages, Posted, Visitor, Window, reason, refusal};
use super::{build, draft, present};

/// So many test calls wait for their page to fetch the answers; the oldest makes room.
const MAX_RUNNING: usize = 64;

/// The order of a day: a call that rings, is taken and ends, and one that is made.
const LIFE: [EventKind; 4] =
    [EventKind::Incoming, EventKind::Answered, EventKind::Ended, EventKind::Outgoing];

/// Test calls whose answers nobody fetched yet.
#[derive(Default)]
pub(crate) struct Running(Mutex<VecDeque<(String, AccountId, Receiver<TestAnswer>)>>);

impl Running {
    fn keep(&self, account: &AccountId, answers: Receiver<TestAnswer>) -> Result<String, Refusal> {
        let name = random_text()?;
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MAX_RUNNING {
            all.pop_front();
        }
        all.push_back((name.clone(), account.clone(), answers));
        Ok(name)
    }

    fn take(&self, account: &AccountId, name: &str) -> Option<Receiver<TestAnswer>> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let at = all.iter().position(|(known, of, _)| known == name && of == account)?;
        all.remove(at).map(|(.., answers)| answers)
    }
}

/// One event of the call.
#[derive(Template)]
#[template(path = "integration_answer.html")]
pub(crate) struct Row {
    w: Messages,
    kind: EventKind,
    off: bool,
    waiting: bool,
    accepted: bool,
    status: String,
    took: String,
    error: String,
    body: String,
}

impl Row {
    fn empty(w: Messages, kind: EventKind, off: bool) -> Self {
        let (status, took, error, body) = Default::default();
        Self { w, kind, off, waiting: !off, accepted: false, status, took, error, body }
    }

    fn answered(f: &Frame, answer: TestAnswer) -> Self {
        let millis = answer.took.as_secs_f64() * 1_000.0;
        Self {
            w: f.w,
            kind: answer.kind,
            off: false,
            waiting: false,
            accepted: answer.accepted(),
            status: answer.status.map(|status| status.to_string()).unwrap_or_default(),
            took: format!("{} ms", f.locale.tenths(millis)),
            error: reason::told_if(f.w, answer.reason.as_ref()),
            body: answer.response_body,
        }
    }
}

/// The panel.
#[derive(Template)]
#[template(path = "integration_test.html")]
pub(crate) struct TestPanel {
    url: String,
    sink: String,
    csrf: String,
    w: Messages,
    may_change: bool,
    employees: Vec<(String, String)>,
    chosen: String,
    rows: Vec<Row>,
    /// Where the answers come from; empty when they are here.
    stream: String,
    /// Why nothing was sent.
    error: String,
    only_rows: bool,
}

impl TestPanel {
    pub(crate) fn idle(f: &Frame, account: &AccountSettings) -> Self {
        let employees = account.employees.iter().map(|(number, (one, _))| (number.clone(), one.name.clone()));
        Self {
            url: f.to("integration/test"),
            sink: f.to("integration/sink"),
            csrf: f.csrf.clone(),
            w: f.w,
            may_change: f.may_change,
            employees: employees.collect(),
            chosen: String::new(),
            rows: Vec::new(),
            stream: String::new(),
            error: String::new(),
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
    let kept = present(&account).0;
    let mut panel = TestPanel::idle(&f, &account);
    panel.rows = LIFE.map(|kind| Row::empty(f.w, kind, kept.url(kind).is_none())).into();
    panel.chosen = employee.clone();
    panel.only_rows = f.partial;
    let mut status = StatusCode::OK;
    match window.web.admin.test_call(&visitor.actor(), account.id.as_str(), &employee).await {
        Err(refusal) => {
            panel.error = refusal::told(f.w, &refusal);
            // A part of a page that is no success is not shown by the library.
            if !f.partial {
                status = Fail::Refused(refusal).status();
            }
        }
        Ok(mut answers) => {
            if f.partial {
                let name = window.tests.keep(&account.id, answers)?;
                panel.stream = format!("{}/{name}", panel.url);
            } else {
                while let Some(answer) = answers.recv().await {
                    fill(&mut panel.rows, Row::answered(&f, answer));
                }
            }
        }
    }
    if f.partial {
        return page(&panel);
    }
    let mut whole = build(&window, &visitor, &account, draft::of(&kept, true), EventKind::Answered);
    whole.test = panel;
    Ok((status, page(&whole)?).into_response())
}

fn fill(rows: &mut [Row], row: Row) {
    if let Some(place) = rows.iter_mut().find(|place| place.kind == row.kind) {
        *place = row;
    }
}

/// The answers of a test call as they come: an event a row, and `end`.
pub(crate) async fn answers(
    State(window): State<Arc<Window>>,
    Path((account, name)): Path<(String, String)>,
    visitor: Visitor,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let answers = window.tests.take(&account.id, &name).ok_or(Fail::Nowhere)?;
    let f = Frame::account(&window, &visitor, &account, "integration");
    let rows = stream::unfold((f, answers), async |(f, mut answers)| {
        let answer = answers.recv().await?;
        let kind = answer.kind;
        // A carriage return would end a line of the stream.
        let drawn = Row::answered(&f, answer).render().ok()?.replace('\r', "");
        Some((Sse::default().event(kind.name()).data(drawn), (f, answers)))
    });
    let end = stream::once(async { Sse::default().event("end").data("end") });
    let all = rows.chain(end).map(Ok::<_, Infallible>);
    Ok(Stream::new(all).keep_alive(KeepAlive::new()).into_response())
}
