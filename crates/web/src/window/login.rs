//! `/login`, `/logout`.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::frame::page;
use super::visitor::{Fields, SESSION, Taste, cookie, same_site};
use super::{Fail, Frame, Posted, Window, audit};
use crate::clock;

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    f: Frame,
    next: String,
    name: String,
    error: Option<&'static str>,
    /// The session ended in the middle of something.
    resumed: bool,
    nobody_yet: bool,
}

fn login(window: &Window, taste: &Taste, next: &str) -> LoginPage {
    LoginPage {
        f: Frame::open(&window.web.options.path, taste),
        next: next.to_owned(),
        name: String::new(),
        error: None,
        resumed: !matches!(next, "" | "/"),
        nobody_yet: window.web.book.users().is_empty(),
    }
}

pub(super) async fn show(
    State(window): State<Arc<Window>>,
    taste: Taste,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let next = Fields::read(query.unwrap_or_default().as_bytes());
    page(&login(&window, &taste, next.get("next")))
}

pub(super) async fn enter(
    State(window): State<Arc<Window>>,
    taste: Taste,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fail> {
    if !same_site(&headers) {
        return Err(Fail::Stale);
    }
    let fields = Fields::read(&body);
    let (name, now) = (fields.get("name").to_owned(), clock::now());
    let refuse = |status: StatusCode, error: &'static str| {
        let mut form = login(&window, &taste, fields.get("next"));
        form.error = Some(form.f.w.get(error));
        form.name = name.clone();
        Ok((status, page(&form)?).into_response())
    };
    if !window.throttle.lets(&name, now) {
        return refuse(StatusCode::TOO_MANY_REQUESTS, "login.too_often");
    }
    let kept = window.web.book.user(&name).map(|(user, _)| user.password_hash).unwrap_or_default();
    if !window.passwords.verify(fields.raw("password").to_owned(), kept.clone()).await {
        window.throttle.failed(&name, now);
        tracing::warn!(user = name, "a login was refused");
        return refuse(StatusCode::UNAUTHORIZED, "login.wrong");
    }
    audit::note(&window.web.book, &name, "audit.login", "", "").await;
    open(&window, &name, &kept, fields.get("next"))
}

/// Opens a session and goes where the person wanted to.
pub(super) fn open(window: &Window, name: &str, kept: &str, next: &str) -> Result<Response, Fail> {
    let cookie =
        window.sessions.open(name, kept, clock::now()).ok_or_else(|| Fail::broken("no random bytes"))?;
    let secure = if window.web.options.secure { "; Secure" } else { "" };
    let base = &window.web.options.path;
    let cookie = format!("{SESSION}={cookie}; Path={base}/; HttpOnly; SameSite=Lax{secure}");
    let own = next.starts_with('/') && !next.starts_with("//") && !next.contains('\\');
    let to = format!("{base}{}", if own { next } else { "/" });
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response())
}

pub(super) async fn leave(State(window): State<Arc<Window>>, headers: HeaderMap, posted: Posted) -> Response {
    if let Some(cookie) = cookie(&headers, SESSION) {
        window.sessions.close(cookie);
    }
    audit::note(&window.web.book, &posted.visitor.name, "audit.logout", "", "").await;
    let base = &window.web.options.path;
    let gone = format!("{SESSION}=; Path={base}/; Max-Age=0; HttpOnly; SameSite=Lax");
    ([(header::SET_COOKIE, gone)], Redirect::to(&format!("{base}/login"))).into_response()
}
