//! `/login`, `/logout`.

use std::sync::Arc;

use askama::Template;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::browser::{SESSION, Taste, cookie, own_place, same_site};
use super::frame::page;
use super::oidc::{Through, leave_there, through};
use super::visitor::Fields;
use super::{Fail, Frame, Posted, Window};
use crate::clock;
use crate::peer::{Origin, Peer};

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    f: Frame,
    next: String,
    name: String,
    error: Option<String>,
    /// The way through a provider.
    through: Option<Through>,
    /// Who has just left, and is still logged in at the provider: where to log out there.
    leave_there: Option<String>,
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
        through: through(window, next),
        leave_there: None,
        resumed: !matches!(next, "" | "/"),
        nobody_yet: window.web.admin.nobody_yet(),
    }
}

pub(super) async fn show(
    State(window): State<Arc<Window>>,
    taste: Taste,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    let mut form = login(&window, &taste, query.get("next"));
    if query.has("left") {
        form.leave_there = leave_there(&window);
    }
    page(&form)
}

/// The form again, with why nobody is logged in.
pub(super) fn refuse(
    window: &Window,
    taste: &Taste,
    next: &str,
    status: StatusCode,
    error: String,
) -> Result<Response, Fail> {
    // Whoever changes the language here comes back to the form, not to an address that is used up.
    let back: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    let taste = Taste { here: format!("/login?next={back}"), ..taste.clone() };
    let form = LoginPage { error: Some(error), resumed: false, ..login(window, &taste, next) };
    Ok((status, page(&form)?).into_response())
}

pub(super) async fn enter(
    State(window): State<Arc<Window>>,
    taste: Taste,
    peer: Peer,
    Origin(origin): Origin,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Fail> {
    if !same_site(&headers) {
        return Err(Fail::Stale);
    }
    let fields = Fields::read(&body);
    let (name, now) = (fields.get("name").to_owned(), clock::passed());
    let refuse = |status: StatusCode, error: &'static str| {
        let mut form = login(&window, &taste, fields.get("next"));
        form.error = Some(form.f.w.get(error).to_owned());
        form.name = name.clone();
        Ok((status, page(&form)?).into_response())
    };
    let Some(wait) = window.throttle.lets(peer, &name, now) else {
        return refuse(StatusCode::TOO_MANY_REQUESTS, "login.too_often");
    };
    tokio::time::sleep(wait).await;
    let person = window.web.admin.person(&name);
    let kept = person.as_ref().map(|user| user.password_hash.clone()).unwrap_or_default();
    let right = window.passwords.verify(fields.raw("password").to_owned(), kept.clone()).await;
    let Some(user) = person.filter(|_| right) else {
        window.throttle.failed(peer, &name, now);
        tracing::warn!(user = name, %peer, "a login was refused");
        return refuse(StatusCode::UNAUTHORIZED, "login.wrong");
    };
    window.web.admin.note_login(&name, &user, origin).await;
    open(&window, &name, &kept, fields.get("next")).await
}

/// Opens a session and goes where the person wanted to.
pub(super) async fn open(window: &Window, name: &str, kept: &str, next: &str) -> Result<Response, Fail> {
    let cookie = window.sessions.open(&window.web.admin, name, kept, clock::now()).await?;
    let secure = if window.web.options.secure { "; Secure" } else { "" };
    let base = &window.web.options.path;
    let cookie = format!("{SESSION}={cookie}; Path={base}/; HttpOnly; SameSite=Lax{secure}");
    let to = format!("{base}{}", own_place(next));
    Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&to)).into_response())
}

pub(super) async fn leave(State(window): State<Arc<Window>>, headers: HeaderMap, posted: Posted) -> Response {
    if let Some(cookie) = cookie(&headers, SESSION) {
        window.sessions.close(&window.web.admin, cookie).await;
    }
    window.web.admin.note_logout(&posted.visitor.actor()).await;
    let base = &window.web.options.path;
    let gone = format!("{SESSION}=; Path={base}/; Max-Age=0; HttpOnly; SameSite=Lax");
    // Not straight to the provider: after a form the policy lets a browser go to our own pages only.
    let left = if posted.visitor.vouched { "?left" } else { "" };
    ([(header::SET_COOKIE, gone)], Redirect::to(&format!("{base}/login{left}"))).into_response()
}
