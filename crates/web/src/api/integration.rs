//! `/accounts/{account}/integration`.

use std::sync::Arc;

use admin::kept::settings::Integration;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::auth::Caller;
use super::extract::{Body, Expected, Path, Tagged};
use super::{ApiError, ErrorEnvelope};
use crate::Web;
use crate::wire::{self, IntegrationInput, IntegrationView};

/// The employee integration; with everything off and version 0 where none was set.
#[utoipa::path(get, path = "/accounts/{account}/integration", tag = "integration", operation_id = "get_integration",
    params(("account" = String, Path)),
    responses((status = 200, body = IntegrationView), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn show(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<Tagged<IntegrationView>, ApiError> {
    let account = web.admin.account(&caller.0, &account)?;
    let may_change = caller.0.may_change(&account.id);
    Ok(match account.integration() {
        Some((_, integration, version)) => {
            Tagged(version, wire::integration_to_json(integration, version, may_change))
        }
        None => Tagged(0, wire::integration_to_json(&Integration::default(), 0, may_change)),
    })
}

/// Sets the employee integration as a whole. What is left out has its default; `secret`, `credentials`'
/// secret part and hidden header values stay as they were.
#[utoipa::path(put, path = "/accounts/{account}/integration", tag = "integration", operation_id = "put_integration",
    params(("account" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = IntegrationInput,
    responses((status = 200, body = IntegrationView), (status = 201, body = IntegrationView),
        (status = 400, body = ErrorEnvelope), (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope), (status = 412, body = ErrorEnvelope)))]
pub(super) async fn set(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    Expected(expected): Expected,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let wish = wire::integration_from_json(&body)?;
    let written = web.admin.set_integration(&caller.0, &account, wish, expected, "").await?;
    let status = if written.new { StatusCode::CREATED } else { StatusCode::OK };
    let view = wire::integration_to_json(&written.value, written.version, true);
    Ok((status, Tagged(written.version, view)).into_response())
}
