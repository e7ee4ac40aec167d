//! `/accounts/{account}/users`: people who log in for one account.

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
use crate::wire::{self, InvitedView, LinkView, UserInput, UserView};

/// The people of an account.
#[derive(Serialize, ToSchema)]
pub(crate) struct UserList {
    /// By name.
    users: Vec<UserView>,
}

/// The people who log in for this account alone.
#[utoipa::path(get, path = "/accounts/{account}/users", tag = "accounts", operation_id = "list_users",
    params(("account" = String, Path)),
    responses((status = 200, body = UserList), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<Json<UserList>, ApiError> {
    let users = web.admin.users_of(&caller.0, &account)?;
    let shown = users.iter().map(|(name, user)| wire::user_to_json(name, user, web.admin.link_until(name)));
    Ok(Json(UserList { users: shown.collect() }))
}

/// Invites a person, or changes what they may do. Who has no password yet gets a one-time link, in the answer and
/// nowhere else: whoever opens it chooses the password.
#[utoipa::path(put, path = "/accounts/{account}/users/{name}", tag = "accounts", operation_id = "put_user",
    params(("account" = String, Path), ("name" = String, Path)), request_body = UserInput,
    responses((status = 200, body = InvitedView), (status = 400, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn set(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, name)): Path<(String, String)>,
    Body(body): Body,
) -> Result<Json<InvitedView>, ApiError> {
    let role = wire::user_from_json(&body)?;
    let (user, link) = web.admin.invite_to(&caller.0, &account, &name, role).await?;
    let about = wire::user_to_json(&name, &user, web.admin.link_until(&name));
    Ok(Json(InvitedView { link: link.map(|link| wire::link_to_json(&web.options.path, &link)), about }))
}

/// Makes a one-time link for a person who has forgotten their password. The old one stays good until the link is used.
#[utoipa::path(post, path = "/accounts/{account}/users/{name}/link", tag = "accounts", operation_id = "reset_user",
    params(("account" = String, Path), ("name" = String, Path)),
    responses((status = 200, body = LinkView), (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope), (status = 409, body = ErrorEnvelope)))]
pub(super) async fn reset(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, name)): Path<(String, String)>,
) -> Result<Json<LinkView>, ApiError> {
    let link = web.admin.reset_user_of(&caller.0, &account, &name).await?;
    Ok(Json(wire::link_to_json(&web.options.path, &link)))
}

/// Removes a person: they are logged out and no longer let in.
#[utoipa::path(delete, path = "/accounts/{account}/users/{name}", tag = "accounts", operation_id = "delete_user",
    params(("account" = String, Path), ("name" = String, Path)),
    responses((status = 204), (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn remove(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, name)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    web.admin.remove_user_of(&caller.0, &account, &name).await?;
    Ok(StatusCode::NO_CONTENT)
}
