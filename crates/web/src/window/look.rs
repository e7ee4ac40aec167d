//! `/look`: the demo's way in. Its key, printed in the terminal, opens a board where something moves, without a
//! question. Only [`look_path`] makes such a key, and only the demo asks for it: a store that is kept has none.

use std::sync::Arc;

use axum::extract::{RawQuery, State};
use axum::response::Response;
use calls::AccountId;
use journal::settings::{Scope, Secret, Setting, SettingKey, User};
use journal::{JournalError, SettingsCache};
use subtle::ConstantTimeEq;

use super::visitor::{Fields, Taste};
use super::{Fail, Window, login, session};

/// Where the key is kept; what it opens is behind the blank.
const KEY: &str = "look";
/// Who looks. Without a password nobody comes in by this name elsewhere.
const VISITOR: &str = "demo";

/// The path of a link that logs in whoever has it, as often as they like, and opens this account's board. For a
/// demo on a loopback address: there is nothing in it that is anybody's.
///
/// # Errors
/// What the journal says.
pub async fn look_path(cache: &SettingsCache, account: &AccountId) -> Result<Option<String>, JournalError> {
    let Some(key) = session::random() else { return Ok(None) };
    let setting = Setting::System(Secret::new(format!("{key} {account}")));
    cache.put(SettingKey::System(KEY.to_owned()), Some(setting), None).await?;
    Ok(Some(format!("/look?key={key}")))
}

pub(super) async fn enter(
    State(window): State<Arc<Window>>,
    taste: Taste,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    let kept = window.web.cache.system(KEY);
    let opens = kept.as_ref().and_then(|(kept, _)| kept.expose().split_once(' '));
    let Some((_, account)) =
        opens.filter(|(key, _)| bool::from(key.as_bytes().ct_eq(query.get("key").as_bytes())))
    else {
        return Err(Fail::Nowhere);
    };
    if window.web.cache.user(VISITOR).is_none() {
        let language = taste.language.code().to_owned();
        let user = User { password_hash: String::new(), scope: Scope::Everything, language, vouched: None };
        window.web.cache.put(SettingKey::User(VISITOR.to_owned()), Some(Setting::User(user)), None).await?;
    }
    login::open(&window, VISITOR, "", &format!("/a/{account}/now"))
}
