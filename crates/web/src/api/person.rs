//! `/accounts/{account}/export` and `/accounts/{account}/erase`: what is kept about a person or a number.
//!
//! Asked by `POST`, so that a number stands in no log of addresses.

use std::sync::Arc;

use admin::kept::AccountSettings;
use admin::kept::settings::Integration;
use admin::{KeptLeg, KeptPart, Whose};
use axum::Json;
use axum::extract::State;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Caller;
use super::calls::{CallView, EventView, call_view, event_view};
use super::deliveries::{AttemptView, DeliveryView, attempt_view, delivery_view};
use super::extract::{Body, Path};
use super::listing::place;
use super::{ApiError, ErrorEnvelope};
use crate::{Web, wire};

/// Whose calls are meant: one of the two.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WhoseInput {
    /// An employee's local number: the employee's own legs.
    #[serde(default)]
    #[schema(example = "101")]
    employee: Option<String>,
    /// A number, as it was told: every leg in which it took part.
    #[serde(default)]
    #[schema(example = "+4511223344")]
    number: Option<String>,
    /// The `next` of the part before; for an export only.
    #[serde(default)]
    after: Option<String>,
}

/// What an erasing came to.
#[derive(Serialize, ToSchema)]
pub(crate) struct GoneView {
    /// Events that are gone, with their deliveries, attempts, notes and what lists find them by.
    events: u64,
    /// Deliveries that waited and are not sent any more.
    cancelled: u64,
    /// Legs that have not ended: they stay, and can be erased when they have.
    running: u64,
}

/// A part of what is kept, oldest first.
#[derive(Serialize, ToSchema)]
pub struct KeptView {
    /// The legs.
    legs: Vec<KeptLegView>,
    /// `after` of the part that follows; absent in the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// All that is kept of one leg.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeptLegView {
    /// As the list of calls has it.
    call: CallView,
    /// Oldest first.
    events: Vec<EventView>,
    /// What was sent of it.
    deliveries: Vec<KeptDeliveryView>,
}

/// A delivery with its requests.
#[derive(Serialize, ToSchema)]
pub(crate) struct KeptDeliveryView {
    /// As the list of deliveries has it.
    #[serde(flatten)]
    delivery: DeliveryView,
    /// The requests that were made, oldest first.
    requests: Vec<AttemptView>,
}

fn whose(body: &[u8]) -> Result<(Whose, Option<String>), ApiError> {
    let WhoseInput { employee, number, after } = wire::read(body)?;
    Ok((Whose::read(employee.as_deref(), number.as_deref())?, after))
}

/// All that is kept about a person: legs with their events, deliveries and requests, part by part. For those who
/// administer the account. The audit log says that it was asked, not about whom.
#[utoipa::path(post, path = "/accounts/{account}/export", tag = "privacy", operation_id = "export_person",
    params(("account" = String, Path)), request_body = WhoseInput,
    responses((status = 200, body = KeptView), (status = 400, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn export(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    Body(body): Body,
) -> Result<Json<KeptView>, ApiError> {
    let (whose, after) = whose(&body)?;
    let after = after.map(|after| place("after", &after)).transpose()?;
    let account = web.admin.account(&caller.0, &account)?;
    let part = web.admin.kept_about(&caller.0, account.id.as_str(), &whose, after).await?;
    Ok(Json(kept_to_json(&part, &account)))
}

/// Erases what is kept about a person: legs that have ended, whole. What waits of them is not sent any more; sums stay.
/// Only operators erase. The audit log says that it was done, not about whom; backups that were made before still have it.
#[utoipa::path(post, path = "/accounts/{account}/erase", tag = "privacy", operation_id = "erase_person",
    params(("account" = String, Path)), request_body = WhoseInput,
    responses((status = 200, body = GoneView), (status = 400, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn erase(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    Body(body): Body,
) -> Result<Json<GoneView>, ApiError> {
    let (whose, _) = whose(&body)?;
    let gone = web.admin.erase(&caller.0, &account, &whose).await?;
    Ok(Json(GoneView { events: gone.events, cancelled: gone.cancelled, running: gone.running }))
}

/// What is kept, as the API, the window and the command line all write it.
pub fn kept_to_json(part: &KeptPart, account: &AccountSettings) -> KeptView {
    let none = Integration::default();
    let integration = account.integration().map_or(&none, |(_, integration, _)| integration);
    let leg = |leg: &KeptLeg| KeptLegView {
        call: call_view(&leg.leg),
        events: leg.events.iter().map(|kept| event_view(kept, integration)).collect(),
        deliveries: leg
            .deliveries
            .iter()
            .map(|(delivery, attempts)| KeptDeliveryView {
                delivery: delivery_view(delivery),
                requests: attempts.iter().cloned().map(attempt_view).collect(),
            })
            .collect(),
    };
    KeptView { legs: part.legs.iter().map(leg).collect(), next: part.next.map(|next| next.to_string()) }
}

/// The columns of [`kept_to_rows`].
const COLUMNS: [&str; 14] = [
    "unique_call_id",
    "call_id",
    "direction",
    "started_at",
    "answered_at",
    "ended_at",
    "duration_secs",
    "employee",
    "employee_name",
    "phone",
    "a_number",
    "b_number",
    "end_reason",
    "requests",
];

/// The same as a table, a row a leg, from the JSON of its legs; the first row names the columns.
pub fn kept_to_rows(legs: &[serde_json::Value]) -> Vec<Vec<String>> {
    let text = |value: &serde_json::Value| match value {
        serde_json::Value::Null => String::new(),
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    };
    let row = |leg: &serde_json::Value| {
        let requests = leg["deliveries"].as_array().into_iter().flatten();
        let requests: usize = requests.map(|one| one["requests"].as_array().map_or(0, Vec::len)).sum();
        let (last, columns) = (requests.to_string(), &COLUMNS[..COLUMNS.len() - 1]);
        columns.iter().map(|column| text(&leg["call"][*column])).chain([last]).collect()
    };
    let head = COLUMNS.map(str::to_owned).to_vec();
    std::iter::once(head).chain(legs.iter().map(row)).collect()
}
