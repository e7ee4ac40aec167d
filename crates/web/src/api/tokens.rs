//! `/tokens`: for operators; `/accounts/{account}/tokens`: for the account's administrator too.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::{Body, Path};
use super::{ApiError, ErrorEnvelope};
use crate::Web;
use crate::wire::{self, AccountTokenInput, MadeToken, TokenInput, TokenView};

/// The API tokens.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenList {
    /// By name, without their text.
    tokens: Vec<TokenView>,
}

/// The API tokens, without their text.
#[utoipa::path(get, path = "/tokens", tag = "tokens", operation_id = "list_tokens",
    responses((status = 200, body = TokenList), (status = 403, body = ErrorEnvelope)))]
pub(super) async fn list(State(web): State<Arc<Web>>, caller: Caller) -> Result<Json<TokenList>, ApiError> {
    let tokens = web.admin.tokens(&caller.0)?;
    Ok(Json(TokenList { tokens: tokens.iter().map(|(name, one)| wire::token_to_json(name, one)).collect() }))
}

/// Makes a token. Its text is in the answer and nowhere else.
#[utoipa::path(post, path = "/tokens", tag = "tokens", operation_id = "make_token", request_body = TokenInput,
    responses((status = 201, body = MadeToken), (status = 400, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope)))]
pub(super) async fn make(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Body(body): Body,
) -> Result<(StatusCode, Json<MadeToken>), ApiError> {
    let made = web.admin.make_token(&caller.0, &wire::token_from_json(&body)?).await?;
    let about = wire::token_to_json(&made.name, &made.token);
    Ok((StatusCode::CREATED, Json(MadeToken { token: made.text, about })))
}

/// Removes a token: whoever has it is no longer let in.
#[utoipa::path(delete, path = "/tokens/{name}", tag = "tokens", operation_id = "delete_token",
    params(("name" = String, Path)),
    responses((status = 204), (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn remove(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    web.admin.remove_token(&caller.0, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// The API tokens that are for this account alone, without their text.
#[utoipa::path(get, path = "/accounts/{account}/tokens", tag = "tokens", operation_id = "list_account_tokens",
    params(("account" = String, Path)),
    responses((status = 200, body = TokenList), (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope)))]
pub(super) async fn list_of(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<Json<TokenList>, ApiError> {
    let tokens = web.admin.tokens_of(&caller.0, &account)?;
    Ok(Json(TokenList { tokens: tokens.iter().map(|(name, one)| wire::token_to_json(name, one)).collect() }))
}

/// Makes a token for this account alone. Its text is in the answer and nowhere else.
#[utoipa::path(post, path = "/accounts/{account}/tokens", tag = "tokens", operation_id = "make_account_token",
    params(("account" = String, Path)), request_body = AccountTokenInput,
    responses((status = 201, body = MadeToken), (status = 400, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn make_of(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    Body(body): Body,
) -> Result<(StatusCode, Json<MadeToken>), ApiError> {
    let (name, role) = wire::account_token_from_json(&body)?;
    let made = web.admin.make_token_of(&caller.0, &account, &name, role).await?;
    let about = wire::token_to_json(&made.name, &made.token);
    Ok((StatusCode::CREATED, Json(MadeToken { token: made.text, about })))
}

/// Removes a token of this account: whoever has it is no longer let in.
#[utoipa::path(delete, path = "/accounts/{account}/tokens/{name}", tag = "tokens",
    operation_id = "delete_account_token", params(("account" = String, Path), ("name" = String, Path)),
    responses((status = 204), (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn remove_of(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, name)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    web.admin.remove_token_of(&caller.0, &account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
