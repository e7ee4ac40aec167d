//! `/first`: the one-time link of the first start, which makes the first operator. There is no default
//! password.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;
use journal::settings::{Scope, Secret, Setting, SettingKey, User};
use journal::{JournalError, Put, SettingsCache};
use subtle::ConstantTimeEq;

use super::frame::page;
use super::visitor::{Fields, Taste, same_site};
use super::{Fail, Frame, Window, audit, login, password, session, users};
use crate::LinkState;
use crate::peer::Peer;

/// Where the key is kept until somebody used it.
const KEY: &str = "first-run";

/// The path of the one-time link, as long as nobody can log in; printed by the program at its start.
///
/// # Errors
/// What the journal says.
pub async fn first_run_path(cache: &SettingsCache) -> Result<Option<String>, JournalError> {
    if !users::nobody_yet(cache) {
        return Ok(None);
    }
    if let Some((key, _)) = cache.system(KEY) {
        return Ok(Some(format!("/first?key={}", key.expose())));
    }
    let Some(key) = session::random() else { return Ok(None) };
    let setting = Setting::System(Secret::new(key.clone()));
    cache.put(SettingKey::System(KEY.to_owned()), Some(setting), None).await?;
    Ok(Some(format!("/first?key={key}")))
}

#[derive(Template)]
#[template(path = "first.html")]
struct FirstPage {
    f: Frame,
    key: String,
    name: String,
    error: Option<&'static str>,
    good: bool,
    /// Which key it was good for.
    version: u64,
}

fn first(window: &Window, taste: &Taste, key: &str) -> FirstPage {
    let kept = window.web.cache.system(KEY);
    let version = kept.as_ref().map_or(0, |(_, version)| *version);
    let same = kept.is_some_and(|(kept, _)| bool::from(kept.expose().as_bytes().ct_eq(key.as_bytes())));
    FirstPage {
        f: Frame::open(&window.web.options.path, taste),
        key: key.to_owned(),
        name: String::new(),
        error: None,
        good: same && users::nobody_yet(&window.web.cache),
        version,
    }
}

pub(super) async fn show(
    State(window): State<Arc<Window>>,
    taste: Taste,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    page(&first(&window, &taste, query.get("key")))
}

pub(super) async fn make(
    State(window): State<Arc<Window>>,
    taste: Taste,
    peer: Peer,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fail> {
    let fields = Fields::read(&body);
    if !same_site(&headers) {
        return Err(Fail::Stale);
    }
    let mut form = first(&window, &taste, fields.get("key"));
    if !form.good {
        return page(&form);
    }
    form.name = fields.get("name").to_owned();
    let secret = fields.raw("password").to_owned();
    let problem = if !users::name_fits(&form.name) {
        Some("users.name_help")
    } else if !password::fits(&secret) {
        Some("users.password_help")
    } else if secret != fields.raw("again") {
        Some("users.not_the_same")
    } else {
        None
    };
    if let Some(problem) = problem {
        form.error = Some(form.f.w.get(problem));
        return page(&form);
    }
    let kept = window.passwords.hash(secret).await.ok_or_else(|| Fail::broken("no random bytes"))?;
    let user = User {
        password_hash: kept.clone(),
        scope: Scope::Everything,
        language: taste.language.code().to_owned(),
        vouched: None,
    };
    // One write: of those who use the link at once one finds the key in the version they saw.
    let puts = vec![
        Put { key: SettingKey::System(KEY.to_owned()), value: None, expected: Some(form.version) },
        Put { key: SettingKey::User(form.name.clone()), value: Some(Setting::User(user)), expected: Some(0) },
    ];
    match window.web.cache.put_all(puts, Vec::new()).await {
        Ok(_) => {}
        Err(JournalError::Conflict { .. }) => {
            window.web.cache.refresh().await?;
            return page(&first(&window, &taste, fields.get("key")));
        }
        Err(error) => return Err(error.into()),
    }
    audit::note(&window.web.cache, &form.name, "audit.first", "", &peer.to_string()).await;
    let up = window.web.gateway.links().iter().any(|link| link.state == LinkState::Up);
    let next = if up { "/operator/accounts?done=welcome_up" } else { "/operator/links?done=welcome" };
    login::open(&window, &form.name, &kept, next)
}
