//! `/accounts/{account}/phones`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use journal::settings::{Employee, Holder, Setting, SettingKey};
use journal::{AccountSettings, JournalError};
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
    let account = caller.reads(&web, &account)?;
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
    let account = caller.reads(&web, &account)?;
    let (one, version) = account.phones.get(&number).ok_or_else(|| ApiError::not_found("phone"))?;
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
    let account = caller.changes(&web, &account)?;
    let number = wire::local_number("number", &number)?;
    let value = wire::phone_from_json(&body)?;
    employ(&web, &account, &value.holder).await?;
    let key = SettingKey::Phone(account.id.clone(), number.clone());
    let version = web.cache.put(key, Some(Setting::Phone(value.clone())), expected).await?;
    caller.note(&web, "audit.phone", account.id.as_str(), &number).await;
    let new = !account.phones.contains_key(&number);
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Tagged(version, wire::phone_to_json(&number, &value, version))).into_response())
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
    let account = caller.changes(&web, &account)?;
    if !account.phones.contains_key(&number) {
        return Err(ApiError::not_found("phone"));
    }
    web.cache.put(SettingKey::Phone(account.id.clone(), number.clone()), None, expected).await?;
    caller.note(&web, "audit.phone_removed", account.id.as_str(), &number).await;
    Ok(StatusCode::NO_CONTENT)
}

/// An employee who is given a phone comes into being.
pub(crate) async fn employ(
    web: &Web,
    account: &AccountSettings,
    holder: &Holder,
) -> Result<(), JournalError> {
    let Holder::Employee(number) = holder else { return Ok(()) };
    if account.employees.contains_key(number) {
        return Ok(());
    }
    let key = SettingKey::Employee(account.id.clone(), number.clone());
    let nameless = Setting::Employee(Employee { name: String::new() });
    match web.cache.put(key, Some(nameless), Some(0)).await {
        Ok(_) | Err(JournalError::Conflict { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}
