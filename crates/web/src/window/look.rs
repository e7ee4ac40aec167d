//! `/look`: the demo's way in. Its key, printed in the terminal, opens a board where something moves, without a
//! question. Only [`look_path`] makes such a key, and only the demo asks for it: a store that is kept has none.

use std::sync::Arc;

use admin::{Admin, Refusal};
use axum::extract::{RawQuery, State};
use axum::response::Response;
use calls::AccountId;

use super::browser::Taste;
use super::visitor::Fields;
use super::{Fail, Window, login};

/// The path of a link that logs in whoever has it, as often as they like, and opens this account's board. For a
/// demo on a loopback address: there is nothing in it that is anybody's.
///
/// # Errors
/// That its key cannot be kept.
pub async fn look_path(admin: &Admin, account: &AccountId) -> Result<String, Refusal> {
    Ok(format!("/look?key={}", admin.make_look_key(account).await?))
}

pub(super) async fn enter(
    State(window): State<Arc<Window>>,
    taste: Taste,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    let looks = window.web.admin.look(query.get("key"), taste.language.code()).await?;
    let (visitor, account) = looks.ok_or(Fail::Nowhere)?;
    login::open(&window, visitor, "", &format!("/a/{account}/now")).await
}
