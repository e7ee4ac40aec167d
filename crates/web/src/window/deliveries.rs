//! `/a/{account}/deliveries`: what went out, what came back, what waits, what is paused.

use std::sync::Arc;

use admin::Code;
use admin::kept::{Attempt, DeliveryRecord, DeliveryState};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use calls::EventKind;

use super::calls::{dot, narrowed, older};
use super::fail::back_to;
use super::frame::page;
use super::reason::{told, told_if};
use super::services::Shown;
use super::visitor::Fields;
use super::{Fail, Frame, Posted, Visitor, Window, services};
use crate::{api, clock};

/// Rows of a page.
const ROWS: usize = 50;
/// The states, in the order people look for them.
const STATES: [&str; 7] = ["failed", "retrying", "waiting", "paused", "expired", "delivered", "cancelled"];

/// A delivery in the list.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) at: String,
    pub(crate) at_exact: String,
    pub(crate) iso: String,
    pub(crate) kind: &'static str,
    pub(crate) employee: String,
    pub(crate) leg: String,
    pub(crate) state: &'static str,
    pub(crate) dot: &'static str,
    pub(crate) next: String,
    pub(crate) attempts: u16,
    pub(crate) last: String,
    /// What it waits for; empty where its next attempt says all.
    pub(crate) waits_for: String,
    pub(crate) settled: bool,
}

#[derive(Template)]
#[template(path = "deliveries.html")]
struct DeliveriesPage {
    f: Frame,
    q: Fields,
    rows: Vec<Row>,
    older: Option<String>,
    services: Vec<Shown>,
    states: [&'static str; 7],
    kinds: [EventKind; 4],
    narrowed: bool,
    /// What sending all again came to.
    came_to: Vec<String>,
}

/// An attempt, as it was.
pub(crate) struct Try {
    pub(crate) number: u16,
    pub(crate) at: String,
    pub(crate) took: String,
    pub(crate) ok: bool,
    pub(crate) came_to: String,
    pub(crate) address: String,
    pub(crate) request_line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) answer: String,
}

#[derive(Template)]
#[template(path = "delivery.html")]
struct DeliveryPage {
    f: Frame,
    row: Row,
    tries: Vec<Try>,
}

pub(super) async fn list(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "deliveries");
    let q = Fields::read(query.unwrap_or_default().as_bytes());
    let mut filter = narrowed(&f, &account, &q);
    filter.limit = ROWS + 1;
    filter.states = api::state(q.get("state")).into_iter().collect();
    filter.kind = api::kind(q.get("event")).ok();
    let mut found = window.web.admin.deliveries(&visitor.actor(), account.id.as_str(), filter).await?;
    let more = found.len() > ROWS;
    found.truncate(ROWS);
    let older = found.last().filter(|_| more).map(|one| older(&f.to("deliveries"), &q, one.cursor()));
    let services = services::shown(&f, &f.services);
    let narrowed = q.0.iter().any(|(name, value)| {
        !["before", "done", "sent", "left"].contains(&name.as_str()) && !value.is_empty()
    });
    let rows = found.iter().map(|one| row(&f, one)).collect();
    let came_to = came_to(&f, &q);
    page(&DeliveriesPage {
        f,
        q,
        rows,
        older,
        services,
        states: STATES,
        kinds: EventKind::ALL,
        narrowed,
        came_to,
    })
}

fn row(f: &Frame, one: &DeliveryRecord) -> Row {
    let event = &one.event.event;
    let at = one.event.received_at;
    let (next, settled) = match &one.state {
        DeliveryState::Retrying(at) => (f.locale.lately(at.0, clock::now().0), false),
        DeliveryState::Waiting | DeliveryState::Paused => (String::new(), false),
        DeliveryState::Delivered
        | DeliveryState::Expired
        | DeliveryState::Failed
        | DeliveryState::Cancelled => (String::new(), true),
    };
    Row {
        id: api::delivery_name(one.id),
        at: f.locale.short(at.0),
        at_exact: f.locale.wall(at),
        iso: f.locale.iso(at.0),
        kind: event.kind().name(),
        employee: event.phone.employee_number().to_owned(),
        leg: event.leg.to_string(),
        state: api::state_name(&one.state),
        dot: dot(&one.state),
        next,
        attempts: one.attempts,
        last: told_if(f.w, one.last.as_ref()),
        waits_for: services::waits_for(f, &f.services, event.kind(), &one.state),
        settled,
    }
}

pub(super) async fn one(
    State(window): State<Arc<Window>>,
    Path((account, delivery)): Path<(String, String)>,
    visitor: Visitor,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let (actor, admin) = (visitor.actor(), &window.web.admin);
    let record = admin.delivery(&actor, account.id.as_str(), &delivery).await?;
    let tries = admin.attempts(&actor, account.id.as_str(), &delivery).await?;
    let f = Frame::account(&window, &visitor, &account, "deliveries");
    let tries = tries.into_iter().map(|one| attempt(&f, one)).collect();
    page(&DeliveryPage { row: row(&f, &record), tries, f })
}

fn attempt(f: &Frame, one: Attempt) -> Try {
    let ok = one.reason.is_none() && one.status.is_some_and(|status| (200..300).contains(&status));
    let status = one.status.map(|status| status.to_string()).unwrap_or_default();
    Try {
        number: one.number,
        at: f.locale.wall(one.at),
        took: f.locale.tenths(std::time::Duration::from_micros(one.took_micros).as_secs_f64() * 1_000.0),
        ok,
        came_to: match &one.reason {
            None => format!("HTTP {status}"),
            Some(reason) => told(f.w, reason),
        },
        address: one.address,
        request_line: one.request_line,
        headers: one
            .request_headers
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: String::from_utf8_lossy(&one.request_body).into_owned(),
        answer: String::from_utf8_lossy(&one.response_body).into_owned(),
    }
}

pub(super) async fn again(
    State(window): State<Arc<Window>>,
    Path((account, delivery)): Path<(String, String)>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fail> {
    window.web.admin.send_again(&visitor.actor(), &account, &delivery).await?;
    Ok(back_to(&format!("{}/a/{account}/deliveries/{delivery}", window.web.options.path), "again"))
}

pub(super) async fn cancel(
    State(window): State<Arc<Window>>,
    Path((account, delivery)): Path<(String, String)>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fail> {
    window.web.admin.cancel_delivery(&visitor.actor(), &account, &delivery).await?;
    Ok(back_to(&format!("{}/a/{account}/deliveries/{delivery}", window.web.options.path), "cancelled"))
}

/// Sends all that failed, within what the list is narrowed to, and tells how many went and how many did not.
pub(super) async fn again_all(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "deliveries");
    let filter = narrowed(&f, &account, &fields);
    let all = window.web.admin.send_all_again(&visitor.actor(), account.id.as_str(), filter, None).await?;
    let left: String =
        all.left.iter().map(|(code, count)| format!("&left={count}-{}", code.name())).collect();
    Ok(back_to(&f.to(&format!("deliveries?sent={}{left}", all.sent)), "again_all"))
}

/// What sending all again came to, as the address has it.
fn came_to(f: &Frame, q: &Fields) -> Vec<String> {
    if q.get("done") != "again_all" {
        return Vec::new();
    }
    let number = |text: &str| f.locale.number(text.parse().unwrap_or(0));
    let sent = f.w.with("deliveries.sent", "count", number(q.get("sent")));
    let left = q.all("left").filter_map(|part| {
        let (count, code) = part.split_once('-')?;
        let why = Code::named(code)?.sentence(f.w.0);
        Some(f.w.with("deliveries.left", "count", number(count)).replace("{why}", why))
    });
    std::iter::once(sent).chain(left).collect()
}
