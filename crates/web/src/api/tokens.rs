//! `/tokens`: for operators.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use journal::JournalError;
use journal::settings::{Setting, SettingKey};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::{Body, Path};
use super::{ApiError, ErrorEnvelope};
use crate::wire::{self, MadeToken, TokenInput, TokenView};
use crate::{Web, clock};

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
    caller.operates()?;
    let tokens = web.cache.tokens();
    Ok(Json(TokenList {
        tokens: tokens.iter().map(|(name, (one, _))| wire::token_to_json(name, one)).collect(),
    }))
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
    caller.operates()?;
    let (name, scope) = wire::token_from_json(&body)?;
    let (text, token) = wire::make_token(scope, clock::now())?;
    let kept =
        web.cache.put(SettingKey::Token(name.clone()), Some(Setting::Token(token.clone())), Some(0)).await;
    if let Err(JournalError::Conflict { .. }) = kept {
        return Err(ApiError::invalid(
            "name",
            "there is a token of this name: remove it first, or choose another",
        ));
    }
    kept?;
    caller.note(&web, "audit.token", "", &name).await;
    Ok((StatusCode::CREATED, Json(MadeToken { token: text, about: wire::token_to_json(&name, &token) })))
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
    caller.operates()?;
    if !web.cache.tokens().contains_key(&name) {
        return Err(ApiError::not_found("token"));
    }
    web.cache.put(SettingKey::Token(name.clone()), None, None).await?;
    caller.note(&web, "audit.token_removed", "", &name).await;
    Ok(StatusCode::NO_CONTENT)
}
