//! `/accounts/{account}/phones`.

use std::sync::Arc;

use admin::Code;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::{Body, Expected, Path, Tagged};
use super::{ApiError, ErrorEnvelope};
use crate::Web;
use crate::wire::{self, PhoneInput, PhoneView};

/// The phones of an account.
#[derive(Serialize, ToSchema)]
pub(crate) struct PhoneList {
    /// By local number.
    phones: Vec<PhoneView>,
}

/// The phones of an account, by local number.
#[utoipa::path(get, path = "/accounts/{account}/phones", tag = "accounts", operation_id = "list_phones",
    params(("account" = String, Path)),
    responses((status = 200, body = PhoneList), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<Json<PhoneList>, ApiError> {
    let account = web.admin.account(&caller.0, &account)?;
    let phones = account.phones.iter();
    let phones = phones.map(|(number, (one, version))| wire::phone_to_json(number, one, *version));
    Ok(Json(PhoneList { phones: phones.collect() }))
}

/// A phone.
#[utoipa::path(get, path = "/accounts/{account}/phones/{number}", tag = "accounts", operation_id = "get_phone",
    params(("account" = String, Path), ("number" = String, Path)),
    responses((status = 200, body = PhoneView), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn show(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, number)): Path<(String, String)>,
) -> Result<Tagged<PhoneView>, ApiError> {
    let account = web.admin.account(&caller.0, &account)?;
    let (one, version) = account.phones.get(&number).ok_or(Code::NoPhone)?;
    Ok(Tagged(*version, wire::phone_to_json(&number, one, *version)))
}

/// Creates or changes a phone. An employee it is given to comes into being.
#[utoipa::path(put, path = "/accounts/{account}/phones/{number}", tag = "accounts", operation_id = "put_phone",
    params(("account" = String, Path), ("number" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = PhoneInput,
    responses((status = 200, body = PhoneView), (status = 201, body = PhoneView),
        (status = 400, body = ErrorEnvelope), (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope), (status = 412, body = ErrorEnvelope)))]
pub(super) async fn set(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, number)): Path<(String, String)>,
    Expected(expected): Expected,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let wish = wire::phone_from_json(&body)?;
    let written = web.admin.set_phone(&caller.0, &account, &number, wish, expected).await?;
    let status = if written.new { StatusCode::CREATED } else { StatusCode::OK };
    let view = wire::phone_to_json(&written.key, &written.value, written.version);
    Ok((status, Tagged(written.version, view)).into_response())
}

/// Removes a phone.
#[utoipa::path(delete, path = "/accounts/{account}/phones/{number}", tag = "accounts", operation_id = "delete_phone",
    params(("account" = String, Path), ("number" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope),
        (status = 412, body = ErrorEnvelope)))]
pub(super) async fn remove(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, number)): Path<(String, String)>,
    Expected(expected): Expected,
) -> Result<StatusCode, ApiError> {
    web.admin.remove_phone(&caller.0, &account, &number, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
