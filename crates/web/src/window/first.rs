//! `/first`: the one-time link of the first start, which makes the first operator. There is no default
//! password.

use std::sync::Arc;

use admin::kept::settings::Scope;
use admin::{Actor, Admin, Code, LinkState, Refusal};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::browser::{Taste, same_site};
use super::frame::page;
use super::visitor::Fields;
use super::{Fail, Frame, Window, login, password, users};
use crate::peer::Origin;

/// The path of the one-time link, as long as nobody can log in; printed by the program at its start.
///
/// # Errors
/// That its key cannot be kept.
pub async fn first_run_path(admin: &Admin) -> Result<Option<String>, Refusal> {
    Ok(admin.first_key().await?.map(|key| format!("/first?key={key}")))
}

#[derive(Template)]
#[template(path = "first.html")]
struct FirstPage {
    f: Frame,
    key: String,
    name: String,
    error: Option<&'static str>,
    good: bool,
}

fn first(window: &Window, taste: &Taste, key: &str) -> FirstPage {
    FirstPage {
        f: Frame::open(&window.web.options.path, taste),
        key: key.to_owned(),
        name: String::new(),
        error: None,
        good: window.web.admin.is_first_key(key),
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
    Origin(origin): Origin,
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
    let chosen = match users::name_fits(&form.name) {
        true => password::chosen(&fields),
        false => Err("users.name_help"),
    };
    let secret = match chosen {
        Ok(secret) => secret,
        Err(problem) => {
            form.error = Some(form.f.w.get(problem));
            return page(&form);
        }
    };
    let kept = window.passwords.hash(secret).await.ok_or_else(|| Fail::broken("no random bytes"))?;
    let (admin, language) = (&window.web.admin, taste.language.code());
    match admin.make_first_operator(&form.key, &form.name, kept.clone(), language, origin).await {
        Ok(()) => {}
        // Somebody else was faster with the same link.
        Err(refusal) if refusal.code == Code::FirstLinkUsed => {
            return page(&first(&window, &taste, &form.key));
        }
        Err(refusal) => return Err(refusal.into()),
    }
    let operator = Actor::person(&*form.name, Scope::Everything).at(origin);
    let up = admin
        .links(&operator)
        .iter()
        .any(|link| matches!(link.state, LinkState::Up | LinkState::Elsewhere(_)));
    let next = if up { "/operator/accounts?done=welcome_up" } else { "/operator/links?done=welcome" };
    login::open(&window, &form.name, &kept, next).await
}
