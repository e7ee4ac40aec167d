//! `/welcome`: a person's one-time link, with which they choose their password and are logged in.

use std::sync::Arc;

use admin::{Code, UserLink};
use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::Response;

use super::browser::{Taste, same_site};
use super::frame::page;
use super::visitor::Fields;
use super::{Fail, Frame, Window, login, password};
use crate::peer::Origin;

/// Where a one-time link leads, without the sub-path.
pub fn welcome_path(link: &UserLink) -> String {
    format!("/welcome?key={}", link.key)
}

#[derive(Template)]
#[template(path = "welcome.html")]
struct WelcomePage {
    f: Frame,
    key: String,
    /// Whose password it is; nothing if the link is not good.
    name: Option<String>,
    error: Option<&'static str>,
}

async fn welcome(window: &Window, taste: &Taste, key: &str) -> WelcomePage {
    WelcomePage {
        f: Frame::open(&window.web.options.path, taste),
        key: key.to_owned(),
        name: window.web.admin.link_holder(key).await,
        error: None,
    }
}

pub(super) async fn show(
    State(window): State<Arc<Window>>,
    taste: Taste,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    page(&welcome(&window, &taste, query.get("key")).await)
}

pub(super) async fn choose(
    State(window): State<Arc<Window>>,
    taste: Taste,
    Origin(origin): Origin,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fail> {
    if !same_site(&headers) {
        return Err(Fail::Stale);
    }
    let fields = Fields::read(&body);
    let mut form = welcome(&window, &taste, fields.get("key")).await;
    if form.name.is_none() {
        return page(&form);
    }
    let secret = match password::chosen(&fields) {
        Ok(secret) => secret,
        Err(problem) => {
            form.error = Some(form.f.w.get(problem));
            return page(&form);
        }
    };
    let kept = window.passwords.hash(secret).await.ok_or_else(|| Fail::broken("no random bytes"))?;
    match window.web.admin.choose_password(&form.key, kept.clone(), origin).await {
        Ok(name) => login::open(&window, &name, &kept, "/").await,
        // Somebody else was faster with the same link.
        Err(refusal) if refusal.code == Code::LinkUsed => page(&welcome(&window, &taste, &form.key).await),
        Err(refusal) => Err(refusal.into()),
    }
}
