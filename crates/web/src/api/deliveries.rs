//! `/accounts/{account}/deliveries`.

use std::sync::Arc;

use admin::kept::{Attempt, DeliveryRecord, DeliveryState};
use admin::{Service, WaitsFor};
use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use delivery::reason::english;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::Path;
use super::listing::{Kind, delivery_name, next, state_name};
use super::{ApiError, ErrorEnvelope, Listing};
use crate::wire::ReasonView;
use crate::{Web, wire};

/// A page of deliveries.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryPage {
    /// Newest first.
    deliveries: Vec<DeliveryView>,
    /// `before` of the following page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// An event on its way to a webhook.
#[derive(Serialize, ToSchema)]
pub(crate) struct DeliveryView {
    /// Its id.
    #[schema(example = "4711-1")]
    id: String,
    /// The kind of event.
    event: &'static str,
    /// The event's id: the `webhook-id`.
    event_id: String,
    /// `UniqueCallId`.
    unique_call_id: String,
    /// The employee's local number.
    employee: String,
    /// `waiting`, `retrying`, `paused`, `delivered`, `expired`, `failed` or `cancelled`.
    state: &'static str,
    /// When it is tried next, while it is retrying.
    #[serde(skip_serializing_if = "Option::is_none")]
    next_at: Option<String>,
    /// What it waits for besides its own next attempt: `web_service_fails`, `earlier_delivery`, `rate`,
    /// `web_service_paused` or `web_service_off`; absent otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<&'static str>,
    /// What its web service answered last, where that is why it waits.
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_reason: Option<ReasonView>,
    /// Attempts so far.
    attempts: u16,
    /// The last status or error, in English.
    last: String,
    /// The same for programs; absent before the first attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    last_reason: Option<ReasonView>,
    /// When it was settled or last tried.
    updated_at: String,
}

/// The attempts of a delivery.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptList {
    /// Oldest first.
    attempts: Vec<AttemptView>,
}

/// One HTTP request that was made.
#[derive(Serialize, ToSchema)]
pub(crate) struct AttemptView {
    /// 1 for the first.
    number: u16,
    /// When it began.
    at: String,
    /// How long it took.
    took_ms: f64,
    /// The address that was connected to; empty if none was.
    address: String,
    /// Method, path and query as sent.
    request_line: String,
    /// As sent, secrets blanked.
    request_headers: Vec<(String, String)>,
    /// As sent.
    request_body: String,
    /// The status, if there was an answer.
    status: Option<u16>,
    /// What went wrong, in English; empty on success.
    error: String,
    /// The same for programs; absent on success.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_reason: Option<ReasonView>,
    /// The answer's first 4 KB.
    response_body: String,
}

/// What sending many again came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct AgainReport {
    /// So many are sent again.
    again: usize,
    /// So many are not.
    not: usize,
    /// Why, each with how many.
    reasons: Vec<LeftView>,
}

/// Why some were not sent again.
#[derive(Serialize, ToSchema)]
pub(crate) struct LeftView {
    /// A code of the table.
    #[schema(example = "webhook_paused")]
    code: &'static str,
    /// For a person.
    message: String,
    /// How many.
    count: usize,
}

/// Deliveries with where they stand.
#[utoipa::path(get, path = "/accounts/{account}/deliveries", tag = "deliveries", operation_id = "list_deliveries",
    params(("account" = String, Path), ("before" = Option<String>, Query), ("limit" = Option<usize>, Query),
        ("state" = Option<String>, Query, description = "May be given several times"),
        ("event" = Option<String>, Query), ("employee" = Option<String>, Query),
        ("number" = Option<String>, Query), ("from" = Option<String>, Query), ("until" = Option<String>, Query),
        ("unique_call_id" = Option<String>, Query), ("call_id" = Option<String>, Query)),
    responses((status = 200, body = DeliveryPage), (status = 400, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Json<DeliveryPage>, ApiError> {
    let id = web.admin.account(&caller.0, &account)?.id.clone();
    let filter = Listing::read(&id, text.as_deref(), Kind::Deliveries)?.filter;
    let limit = filter.limit;
    let mut found = web.admin.deliveries(&caller.0, &account, filter).await?;
    let services = web.admin.services(&caller.0, &account)?;
    let next = next(&mut found, limit, DeliveryRecord::cursor);
    Ok(Json(DeliveryPage {
        deliveries: found.iter().map(|one| waiting(delivery_view(one), one, &services)).collect(),
        next,
    }))
}

/// The attempts of a delivery.
#[utoipa::path(get, path = "/accounts/{account}/deliveries/{delivery}/attempts", tag = "deliveries",
    operation_id = "list_attempts", params(("account" = String, Path), ("delivery" = String, Path)),
    responses((status = 200, body = AttemptList), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn attempts(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, delivery)): Path<(String, String)>,
) -> Result<Json<AttemptList>, ApiError> {
    let attempts = web.admin.attempts(&caller.0, &account, &delivery).await?;
    Ok(Json(AttemptList { attempts: attempts.into_iter().map(attempt_view).collect() }))
}

/// Sends a delivery again, now. Where gateways share a store, the one that has its PBX is asked, and does it as soon as it
/// can.
#[utoipa::path(post, path = "/accounts/{account}/deliveries/{delivery}/again", tag = "deliveries",
    operation_id = "send_again", params(("account" = String, Path), ("delivery" = String, Path)),
    responses((status = 202), (status = 404, body = ErrorEnvelope), (status = 409, body = ErrorEnvelope)))]
pub(super) async fn again(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, delivery)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    web.admin.send_again(&caller.0, &account, &delivery).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Gives a waiting delivery up; where gateways share a store, as soon as the one that has its PBX can.
#[utoipa::path(post, path = "/accounts/{account}/deliveries/{delivery}/cancel", tag = "deliveries",
    operation_id = "cancel", params(("account" = String, Path), ("delivery" = String, Path)),
    responses((status = 202), (status = 404, body = ErrorEnvelope), (status = 409, body = ErrorEnvelope)))]
pub(super) async fn cancel(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, delivery)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    web.admin.cancel_delivery(&caller.0, &account, &delivery).await?;
    Ok(StatusCode::ACCEPTED)
}

/// Sends all failed and expired deliveries again, oldest first; the query narrows it as in the list, `limit` to
/// so many. One that is refused (its webhook is paused, say) stops nothing else: the answer counts both.
#[utoipa::path(post, path = "/accounts/{account}/deliveries/again", tag = "deliveries", operation_id = "send_all_again",
    params(("account" = String, Path), ("from" = Option<String>, Query), ("until" = Option<String>, Query),
        ("event" = Option<String>, Query), ("employee" = Option<String>, Query), ("limit" = Option<usize>, Query),
        ("state" = Option<String>, Query, description = "`failed` and `expired` if absent")),
    responses((status = 202, body = AgainReport), (status = 400, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn again_all(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<(StatusCode, Json<AgainReport>), ApiError> {
    let id = web.admin.account_to_change(&caller.0, &account)?.id.clone();
    let listing = Listing::read(&id, text.as_deref(), Kind::Deliveries)?;
    let all = web.admin.send_all_again(&caller.0, &account, listing.filter, listing.limit).await?;
    let reasons = all.left.iter().map(|(code, count)| LeftView {
        code: code.name(),
        message: code.sentence(admin::Language::English),
        count: *count,
    });
    let report = AgainReport { again: all.sent, not: all.left_in_all(), reasons: reasons.collect() };
    Ok((StatusCode::ACCEPTED, Json(report)))
}

/// With what it waits for, by how the web services are doing.
fn waiting(view: DeliveryView, one: &DeliveryRecord, services: &[Service]) -> DeliveryView {
    let waits = WaitsFor::of(services, one.event.event.kind(), &one.state);
    let waits_reason = match &waits {
        Some(WaitsFor::Failing(Some(why))) => Some(ReasonView::of(why)),
        _ => None,
    };
    DeliveryView { waits_for: waits.as_ref().map(WaitsFor::name), waits_reason, ..view }
}

pub(super) fn delivery_view(one: &DeliveryRecord) -> DeliveryView {
    let event = &one.event.event;
    DeliveryView {
        id: delivery_name(one.id),
        event: event.kind().name(),
        event_id: event.id().to_string(),
        unique_call_id: event.leg.to_string(),
        employee: event.phone.employee_number().to_owned(),
        state: state_name(&one.state),
        next_at: match one.state {
            DeliveryState::Retrying(at) => Some(wire::moment(at)),
            DeliveryState::Waiting
            | DeliveryState::Paused
            | DeliveryState::Delivered
            | DeliveryState::Expired
            | DeliveryState::Failed
            | DeliveryState::Cancelled => None,
        },
        waits_for: None,
        waits_reason: None,
        attempts: one.attempts,
        last: one.last.as_ref().map(english).unwrap_or_default(),
        last_reason: one.last.as_ref().map(ReasonView::of),
        updated_at: wire::moment(one.updated_at),
    }
}

pub(super) fn attempt_view(attempt: Attempt) -> AttemptView {
    AttemptView {
        number: attempt.number,
        at: wire::moment(attempt.at),
        took_ms: std::time::Duration::from_micros(attempt.took_micros).as_secs_f64() * 1_000.0,
        address: attempt.address,
        request_line: attempt.request_line,
        request_headers: attempt
            .request_headers
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        request_body: String::from_utf8_lossy(&attempt.request_body).into_owned(),
        status: attempt.status,
        error: attempt.reason.as_ref().map(english).unwrap_or_default(),
        error_reason: attempt.reason.as_ref().map(ReasonView::of),
        response_body: String::from_utf8_lossy(&attempt.response_body).into_owned(),
    }
}
