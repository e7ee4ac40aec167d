//! `/a/{account}/deliveries`: what went out, what came back, what waits, what is paused.

mod again;
mod day;
mod one;

use std::sync::Arc;

use admin::kept::{DeliveryRecord, DeliveryState, Filter};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use calls::EventKind;

use super::calls::{dot, employees, is_narrowed, narrowed, older, other_number};
use super::frame::page;
use super::reason::{told, told_if};
use super::services::Shown;
use super::visitor::Fields;
use super::{Fail, Frame, Visitor, Window, services};
use crate::{api, clock};
pub(super) use again::{again, again_all, ask_again_all, cancel};
pub(super) use one::one;

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
    /// The other party's.
    pub(crate) number: String,
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
    day: Option<day::Day>,
    states: [&'static str; 7],
    kinds: [EventKind; 4],
    employees: Vec<(String, String)>,
    narrowed: bool,
    /// Whether any web service is entered.
    has_service: bool,
    /// Where all that failed is sent again; empty where nothing did.
    again: String,
    /// What sending all again came to.
    came_to: Vec<String>,
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
    let (actor, id, admin) = (visitor.actor(), account.id.as_str(), &window.web.admin);
    let filter = Filter {
        states: api::state(q.get("state")).into_iter().collect(),
        kind: api::kind(q.get("event")).ok(),
        ..narrowed(&f, &account, &q)
    };
    let answer = q.get("answer").to_lowercase();
    let (found, next) = if answer.is_empty() {
        let mut found = admin.deliveries(&actor, id, Filter { limit: ROWS + 1, ..filter.clone() }).await?;
        let more = found.len() > ROWS;
        found.truncate(ROWS);
        let next = found.last().filter(|_| more).map(DeliveryRecord::cursor);
        (found, next)
    } else {
        let is = |one: &DeliveryRecord| {
            let says = |reason| told(f.w, reason).to_lowercase().contains(&answer);
            one.last.as_ref().is_some_and(says)
        };
        let all = admin.deliveries_answered(&actor, id, Filter { limit: ROWS, ..filter.clone() }, is).await?;
        (all.found, all.next)
    };
    let failed = Filter { limit: 1, before: None, ..filter };
    let again = if f.may_change && !admin.to_send_again(&actor, id, failed).await?.is_empty() {
        again::place(&f, &q)
    } else {
        String::new()
    };
    let older = next.map(|next| older(&f.to("deliveries"), &q, next));
    let narrowed = is_narrowed(&q);
    let rows = found.iter().map(|one| row(&f, one)).collect();
    page(&DeliveriesPage {
        rows,
        older,
        services: services::shown(&f, &f.services),
        day: day::of(&f, &f.services),
        states: STATES,
        kinds: EventKind::ALL,
        employees: employees(&account),
        narrowed,
        has_service: f.services.iter().any(|one| !one.url.is_empty()),
        again,
        came_to: again::came_to(&f, &q),
        q,
        f,
    })
}

fn row(f: &Frame, one: &DeliveryRecord) -> Row {
    let event = &one.event.event;
    let at = one.event.received_at;
    let (next, settled) = match &one.state {
        DeliveryState::Retrying(at) => (f.locale.clock(at.0), false),
        DeliveryState::Waiting | DeliveryState::Paused => (String::new(), false),
        DeliveryState::Delivered
        | DeliveryState::Expired
        | DeliveryState::Failed
        | DeliveryState::Cancelled => (String::new(), true),
    };
    Row {
        id: api::delivery_name(one.id),
        at: f.locale.second(at.0, clock::now().0),
        at_exact: f.locale.wall(at),
        iso: f.locale.iso(at.0),
        kind: event.kind().name(),
        employee: event.phone.employee_number().to_owned(),
        number: other_number(f, event),
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
