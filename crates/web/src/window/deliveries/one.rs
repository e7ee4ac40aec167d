//! One delivery: its attempts as a line of time, the newest first, each with what it has that the one before had not.

use std::sync::Arc;

use admin::kept::{Attempt, DeliveryRecord, Filter};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;

use super::super::frame::page;
use super::super::reason::told;
use super::super::{Fail, Frame, Visitor, Window};
use super::{Row, row};
use crate::api;

/// An attempt, as it was.
pub(crate) struct Try {
    pub(crate) number: u16,
    pub(crate) at: String,
    pub(crate) iso: String,
    /// How long after the one before it; empty for the first.
    pub(crate) after: String,
    pub(crate) took: String,
    pub(crate) ok: bool,
    pub(crate) came_to: String,
    pub(crate) address: String,
    pub(crate) request_line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) answer: String,
    /// What it has that the one before had not, in words; empty for the first.
    pub(crate) differs: String,
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryPage {
    f: Frame,
    row: Row,
    /// The newest first.
    tries: Vec<Try>,
    /// Some that were made are not kept.
    has_more: bool,
    newer: Option<String>,
    older: Option<String>,
}

pub(crate) async fn one(
    State(window): State<Arc<Window>>,
    Path((account, delivery)): Path<(String, String)>,
    visitor: Visitor,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let (actor, admin, id) = (visitor.actor(), &window.web.admin, account.id.as_str());
    let record = admin.delivery(&actor, id, &delivery).await?;
    let attempts = admin.attempts(&actor, id, &delivery).await?;
    let beside = async |filter: Filter| -> Result<Option<String>, Fail> {
        let found = admin.deliveries(&actor, id, Filter { limit: 1, ..filter }).await?;
        let name = |one: &DeliveryRecord| format!("{}/{}", "deliveries", api::delivery_name(one.id));
        Ok(found.first().map(name))
    };
    let newer = beside(Filter { after: Some(record.cursor()), ..Filter::default() }).await?;
    let older = beside(Filter { before: Some(record.cursor()), ..Filter::default() }).await?;
    let f = Frame::account(&window, &visitor, &account, "deliveries");
    let mut tries: Vec<Try> = Vec::with_capacity(attempts.len());
    for (at, one) in attempts.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|before| attempts.get(before));
        tries.insert(0, attempt(&f, one, before));
    }
    let has_more = usize::from(record.attempts) > tries.len();
    page(&DeliveryPage { row: row(&f, &record), tries, has_more, newer, older, f })
}

fn attempt(f: &Frame, one: &Attempt, before: Option<&Attempt>) -> Try {
    let ok = one.reason.is_none() && one.status.is_some_and(|status| (200..300).contains(&status));
    let status = one.status.map(|status| status.to_string()).unwrap_or_default();
    Try {
        number: one.number,
        at: f.locale.wall(one.at),
        iso: f.locale.iso(one.at.0),
        after: before.map(|before| apart(f, one.at.0.saturating_sub(before.at.0))).unwrap_or_default(),
        took: f.locale.tenths(std::time::Duration::from_micros(one.took_micros).as_secs_f64() * 1_000.0),
        ok,
        came_to: match &one.reason {
            None => format!("HTTP {status}"),
            Some(reason) => told(f.w, reason),
        },
        address: one.address.clone(),
        request_line: one.request_line.clone(),
        headers: one
            .request_headers
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: String::from_utf8_lossy(&one.request_body).into_owned(),
        answer: String::from_utf8_lossy(&one.response_body).into_owned(),
        differs: before.map(|before| differs(f, one, before)).unwrap_or_default(),
    }
}

/// `0,4 s` or `3:07`.
fn apart(f: &Frame, micros: i64) -> String {
    let secs = micros.max(0) as f64 / 1_000_000.0;
    if secs < 60.0 { format!("{} s", f.locale.tenths(secs)) } else { f.locale.duration(secs as u64) }
}

/// What one attempt has that the one before had not.
fn differs(f: &Frame, one: &Attempt, before: &Attempt) -> String {
    let mut parts: Vec<String> = Vec::new();
    if one.address != before.address {
        parts.push(f.w.get("attempt.address").to_owned());
    }
    if one.request_line != before.request_line {
        parts.push(f.w.get("attempt.line").to_owned());
    }
    let of = |attempt: &Attempt, name: &str| {
        attempt.request_headers.iter().find(|(known, _)| *known == name).map(|(_, value)| value.to_owned())
    };
    let all = one.request_headers.iter().chain(before.request_headers.iter()).map(|(name, _)| name);
    for name in all {
        if of(one, name) != of(before, name) && !parts.iter().any(|known| known == name) {
            parts.push(name.to_owned());
        }
    }
    if one.request_body != before.request_body {
        parts.push(f.w.get("attempt.body").to_owned());
    }
    let number = before.number;
    if parts.is_empty() {
        return f.w.with("attempt.same", "number", number);
    }
    f.w.with("attempt.differs", "number", number).replace("{what}", &parts.join(", "))
}
