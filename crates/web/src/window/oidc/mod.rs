//! `/login/oidc`, `/login/oidc/back`: logging in through the operator's OpenID provider.
//!
//! What the provider says is the crate `oidc`'s to judge. Here a browser is sent there and comes back, is
//! told in words why not, or gets a session like any other.

mod cookie;
mod offer;
mod person;
mod told;

use std::sync::Arc;

use ::oidc::{Back, Chances, Person, Provider, Refusal};
use admin::{Admission, VouchedPerson};
use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};

pub(super) use offer::{Through, label, leave_there, through};
pub(super) use person::{opened_with, shown};

use super::browser::Taste;
use super::visitor::Fields;
use super::{Fail, Window, login};
use crate::clock;
use crate::peer::{Origin, Peer};

/// Where a provider sends people back to, without the sub-path.
pub const LOGIN_BACK: &str = "/login/oidc/back";

/// Sends a browser to the provider.
pub(super) async fn begin(
    State(window): State<Arc<Window>>,
    taste: Taste,
    peer: Peer,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let provider = window.web.provider.as_deref().ok_or(Fail::Nowhere)?;
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    let (next, now) = (query.get("next"), clock::now());
    let Some(wait) = window.arrivals.lets(peer, "", clock::passed()) else {
        return too_often(&window, &taste, next);
    };
    tokio::time::sleep(wait).await;
    let random = || admin::random_text().map_err(Fail::from);
    let browser = cookie::read(&headers).map_or_else(random, |held| Ok(held.to_owned()))?;
    let chances = Chances { state: random()?, nonce: random()?, verifier: random()? };
    match provider.begin(&browser, next, chances, now).await {
        Ok(url) => {
            let cookie = cookie::write(&browser, &window.web.options);
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(url.as_str())).into_response())
        }
        Err(refusal) => refused(&window, &taste, next, provider, &refusal),
    }
}

/// Takes a browser that comes back.
pub(super) async fn back(
    State(window): State<Arc<Window>>,
    taste: Taste,
    peer: Peer,
    Origin(origin): Origin,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let provider = window.web.provider.as_deref().ok_or(Fail::Nowhere)?;
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    let now = clock::now();
    let attempt = match provider.take(query.get("state"), cookie::read(&headers).unwrap_or_default(), now) {
        Ok(attempt) => attempt,
        Err(refusal) => return refused(&window, &taste, "", provider, &refusal),
    };
    let next = attempt.next.clone();
    let Some(wait) = window.arrivals.lets(peer, "", clock::passed()) else {
        return too_often(&window, &taste, &next);
    };
    tokio::time::sleep(wait).await;
    let of = |name: &str| query.get(name).to_owned();
    let brought = Back { code: of("code"), error: of("error"), issuer: of("iss") };
    let person = match provider.redeem(attempt, brought, now).await {
        Ok(person) => person,
        Err(refusal) => {
            window.arrivals.failed(peer, "", clock::passed());
            return refused(&window, &taste, &next, provider, &refusal);
        }
    };
    let (admin, w, label) = (&window.web.admin, super::Messages(taste.language), provider.label());
    let Person { issuer, subject, name, scope } = person;
    let person = VouchedPerson { issuer, subject, name };
    let text = match admin.admit(&person, scope, label, taste.language.code(), origin).await? {
        Admission::In(key, user) => return login::open(&window, &key, &opened_with(&user), &next).await,
        Admission::NoRole => told::no_role(w, label, &person.name),
        Admission::NoAccount(account) => told::no_account(w, label, account.as_str()),
    };
    login::refuse(&window, &taste, &next, StatusCode::FORBIDDEN, text)
}

fn refused(
    window: &Window,
    taste: &Taste,
    next: &str,
    provider: &Provider,
    refusal: &Refusal,
) -> Result<Response, Fail> {
    tracing::warn!(%refusal, "a login through the OpenID provider came to nothing");
    let (status, text) = told::refusal(super::Messages(taste.language), provider.label(), refusal);
    login::refuse(window, taste, next, status, text)
}

fn too_often(window: &Window, taste: &Taste, next: &str) -> Result<Response, Fail> {
    let text = super::Messages(taste.language).get("login.too_often").to_owned();
    login::refuse(window, taste, next, StatusCode::TOO_MANY_REQUESTS, text)
}
