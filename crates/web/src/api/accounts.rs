//! `/accounts`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use calls::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::{Body, Expected, Path, Tagged};
use super::listing::{MAX_PAGE, query};
use super::{ApiError, ErrorEnvelope};
use crate::wire::{self, AccountInput, AccountView};
use crate::{Web, zone};

/// A page of accounts.
#[derive(Serialize, ToSchema)]
pub(crate) struct AccountPage {
    /// By id.
    accounts: Vec<AccountView>,
    /// `after` of the following page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// The accounts the token may see, by id, each with what happened in it of late.
#[utoipa::path(get, path = "/accounts", tag = "accounts", operation_id = "list_accounts",
    params(("after" = Option<String>, Query, description = "Only accounts after this id"),
        ("limit" = Option<usize>, Query, description = "At most so many, up to 1000; 100 if absent")),
    responses((status = 200, body = AccountPage), (status = 401, body = ErrorEnvelope)))]
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    RawQuery(text): RawQuery,
) -> Result<Json<AccountPage>, ApiError> {
    let (mut after, mut limit) = (None, 100);
    for (name, value) in query(text.as_deref()) {
        match name.as_ref() {
            "after" => after = Some(AccountId::new(value.as_ref())),
            "limit" => limit = super::listing::limit(&value)?,
            _ => return Err(super::listing::unknown(&name)),
        }
    }
    let mut found = web.admin.accounts(&caller.0, after.as_ref(), limit.min(MAX_PAGE) + 1);
    let more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| more).map(|last| last.id.as_str().to_owned());
    let recent = web.admin.recent(&found, zone::today).await?;
    let accounts =
        found.iter().zip(recent).map(|(one, recent)| wire::account_listed_to_json(one, recent)).collect();
    Ok(Json(AccountPage { accounts, next }))
}

/// An account.
#[utoipa::path(get, path = "/accounts/{account}", tag = "accounts", operation_id = "get_account",
    params(("account" = String, Path)),
    responses((status = 200, body = AccountView), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn show(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<Tagged<AccountView>, ApiError> {
    let found = web.admin.account(&caller.0, &account)?;
    Ok(Tagged(found.version, wire::account_to_json(&found.id, &found.account, found.version)))
}

/// Creates or changes an account. Only operators create.
#[utoipa::path(put, path = "/accounts/{account}", tag = "accounts", operation_id = "put_account",
    params(("account" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = AccountInput,
    responses((status = 200, body = AccountView), (status = 201, body = AccountView),
        (status = 400, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope),
        (status = 412, body = ErrorEnvelope)))]
pub(super) async fn set(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    Expected(expected): Expected,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let written =
        web.admin.set_account(&caller.0, &account, wire::account_from_json(&body)?, expected).await?;
    let status = if written.new { StatusCode::CREATED } else { StatusCode::OK };
    let view = wire::account_to_json(&AccountId::new(&*written.key), &written.value, written.version);
    Ok((status, Tagged(written.version, view)).into_response())
}

/// Removes an account with its employees, phones and integration, and the tokens and users that are for it
/// alone; what was kept of its calls stays until it is pruned.
#[utoipa::path(delete, path = "/accounts/{account}", tag = "accounts", operation_id = "delete_account",
    params(("account" = String, Path)),
    responses((status = 204), (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn remove(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<StatusCode, ApiError> {
    web.admin.remove_account(&caller.0, &account).await?;
    Ok(StatusCode::NO_CONTENT)
}
