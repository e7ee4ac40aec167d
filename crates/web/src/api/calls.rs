//! `/accounts/{account}/calls` and `/accounts/{account}/events`.

use std::collections::BTreeMap;
use std::sync::Arc;

use admin::kept::settings::Integration;
use admin::kept::{Kept, LegRecord};
use axum::Json;
use axum::extract::{RawQuery, State};
use calls::{Direction, EndReason, Ended, What};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::Path;
use super::listing::{Kind, next};
use super::{ApiError, ErrorEnvelope, Listing};
use crate::Web;
use crate::wire;

/// A page of calls.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallPage {
    /// Newest first; one a leg: one phone's part in a call.
    calls: Vec<CallView>,
    /// `before` of the following page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// One phone's part in a call.
#[derive(Serialize, ToSchema)]
pub(crate) struct CallView {
    /// `UniqueCallId`.
    unique_call_id: String,
    /// The same for all legs of a call.
    call_id: String,
    /// The employee's local number; the phone's own where it has no employee.
    employee: String,
    /// Empty where none is known.
    employee_name: String,
    /// The phone's local number.
    phone: String,
    /// `Incoming` or `Outgoing`.
    direction: &'static str,
    /// The calling party's number; empty when withheld.
    a_number: String,
    /// The number dialled, on outgoing calls.
    b_number: String,
    /// When it rang or dialled.
    started_at: String,
    /// When it was answered, if it was.
    answered_at: Option<String>,
    /// When it ended, if it has.
    ended_at: Option<String>,
    /// Whole seconds of conversation, once it has ended.
    duration_secs: Option<u64>,
    /// Why it ended.
    end_reason: Option<&'static str>,
    /// Whether the call was transferred, once it has ended.
    transfer: Option<bool>,
    /// Whether anything had to be assumed because the link to the PBX was down.
    assumed: bool,
}

/// A page of events.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventPage {
    /// Newest first; oldest first with `after`.
    events: Vec<EventView>,
    /// `before` (or `after`) of the following page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// A kept event.
#[derive(Serialize, ToSchema)]
pub(crate) struct EventView {
    /// Its place; grows with every event.
    seq: i64,
    /// Its id: the `webhook-id`.
    id: String,
    /// The kind.
    event: &'static str,
    /// When it reached Ringbud.
    received_at: String,
    /// The PBX it came from.
    pbx: String,
    /// Every parameter and extra, by its default name.
    parameters: BTreeMap<String, String>,
}

/// Which employee took which call, and for how long.
#[utoipa::path(get, path = "/accounts/{account}/calls", tag = "calls", operation_id = "list_calls",
    params(("account" = String, Path), ("before" = Option<String>, Query), ("limit" = Option<usize>, Query),
        ("from" = Option<String>, Query), ("until" = Option<String>, Query),
        ("employee" = Option<String>, Query), ("number" = Option<String>, Query, description = "A part of a number"),
        ("outcome" = Option<String>, Query, description = "running, answered, missed, elsewhere, busy or unanswered"),
        ("unique_call_id" = Option<String>, Query), ("call_id" = Option<String>, Query)),
    responses((status = 200, body = CallPage), (status = 400, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Json<CallPage>, ApiError> {
    let account = web.admin.account(&caller.0, &account)?;
    let filter = Listing::read(&account.id, text.as_deref(), Kind::Calls)?.filter;
    let limit = filter.limit;
    let mut found = web.admin.legs(&caller.0, account.id.as_str(), filter).await?;
    let next = next(&mut found, limit, LegRecord::cursor);
    Ok(Json(CallPage { calls: found.iter().map(call_view).collect(), next }))
}

/// What was told, or would have been.
#[utoipa::path(get, path = "/accounts/{account}/events", tag = "calls", operation_id = "list_events",
    params(("account" = String, Path), ("before" = Option<String>, Query),
        ("after" = Option<String>, Query, description = "Only what is newer, oldest first: for following"),
        ("limit" = Option<usize>, Query), ("event" = Option<String>, Query),
        ("from" = Option<String>, Query), ("until" = Option<String>, Query),
        ("employee" = Option<String>, Query), ("number" = Option<String>, Query),
        ("unique_call_id" = Option<String>, Query), ("call_id" = Option<String>, Query)),
    responses((status = 200, body = EventPage), (status = 400, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn events(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Json<EventPage>, ApiError> {
    let account = web.admin.account(&caller.0, &account)?;
    let filter = Listing::read(&account.id, text.as_deref(), Kind::Events)?.filter;
    let limit = filter.limit;
    let mut found = web.admin.events(&caller.0, account.id.as_str(), filter).await?;
    let next = next(&mut found, limit, |kept| kept.cursor());
    let none = Integration::default();
    let integration = account.integration().map_or(&none, |(_, integration, _)| integration);
    Ok(Json(EventPage { events: found.iter().map(|kept| event_view(kept, integration)).collect(), next }))
}

pub(super) fn call_view(leg: &LegRecord) -> CallView {
    let LegRecord { begun, answered_at, ended, direction, .. } = leg;
    let end = ended.as_ref().and_then(|event| match &event.what {
        What::Ended(end) => Some(end),
        What::Incoming | What::Answered | What::Outgoing => None,
    });
    CallView {
        unique_call_id: begun.leg.to_string(),
        call_id: begun.call.to_string(),
        employee: begun.phone.employee_number().to_owned(),
        employee_name: begun.phone.employee.as_ref().map(|one| one.name.to_string()).unwrap_or_default(),
        phone: begun.phone.number.to_string(),
        direction: match direction {
            Direction::Incoming => "Incoming",
            Direction::Outgoing => "Outgoing",
        },
        a_number: begun.a_number.to_string(),
        b_number: begun.b_number.to_string(),
        started_at: wire::micros(begun.at.as_micros()),
        answered_at: answered_at.map(|at| wire::micros(at.as_micros())),
        ended_at: ended.as_ref().map(|event| wire::micros(event.at.as_micros())),
        duration_secs: ended.as_ref().map(|event| event.duration().as_secs()),
        end_reason: end.map(|Ended { reason, .. }| EndReason::name(*reason)),
        transfer: end.map(|Ended { transfer, .. }| transfer.is_some()),
        assumed: begun.assumed || ended.as_ref().is_some_and(|event| event.assumed),
    }
}

pub(super) fn event_view(kept: &Kept, integration: &Integration) -> EventView {
    EventView {
        seq: kept.seq.0,
        id: kept.event.id().to_string(),
        event: kept.event.kind().name(),
        received_at: wire::moment(kept.received_at),
        pbx: kept.pbx.to_string(),
        parameters: delivery::payload::all_parameters(&kept.event, integration).into_iter().collect(),
    }
}
