//! `/healthz`, `/readyz`, `/metrics`: for machines.

use std::net::SocketAddr;
use std::sync::Arc;

use admin::{Readiness, ReadyDetail};
use axum::Json;
use axum::extract::{ConnectInfo, FromRequestParts, Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::ApiError;
use super::auth::Caller;
use crate::Web;

/// The process is there.
pub(crate) async fn alive() -> &'static str {
    "ok\n"
}

/// It does its work; 503 and why if not. `?strict`: 503 as well while a PBX is not followed. `?verbose`: each thing
/// that is wrong with its code, for operators and for this machine.
pub(super) async fn ready(State(web): State<Arc<Web>>, request: Request) -> Result<Response, ApiError> {
    let asked = Asked::of(&request);
    let caller = if asked.is_verbose && !is_of_this_machine(&request) {
        let (mut parts, _) = request.into_parts();
        Some(Caller::from_request_parts(&mut parts, &web).await?)
    } else {
        None
    };
    let readiness = web.admin.readiness_in_detail(caller.as_ref().map(|Caller(actor)| actor))?;
    Ok(asked.answer(&readiness))
}

/// The same of a gateway that waits for the store: who has a token is not known yet, so details are for this machine.
pub(crate) fn ready_in_waiting(readiness: &Readiness, request: &Request) -> Response {
    let mut asked = Asked::of(request);
    asked.is_verbose &= is_of_this_machine(request);
    asked.answer(readiness)
}

/// What is asked of the readiness.
struct Asked {
    is_strict: bool,
    is_verbose: bool,
}

impl Asked {
    fn of(request: &Request) -> Self {
        let query = request.uri().query().unwrap_or_default();
        let wants = |what: &str| query.split('&').any(|word| word.split('=').next() == Some(what));
        Self { is_strict: wants("strict"), is_verbose: wants("verbose") }
    }

    fn answer(&self, readiness: &Readiness) -> Response {
        let is_well = if self.is_strict { readiness.follows_all() } else { readiness.ready };
        let status = if is_well { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
        let mut body = json!({ "ready": is_well, "reasons": readiness.reasons });
        if self.is_verbose {
            body["details"] = readiness.details.iter().map(shown).collect();
        }
        (status, Json(body)).into_response()
    }
}

fn shown(detail: &ReadyDetail) -> serde_json::Value {
    let since = detail.since.and_then(|since| jiff::Timestamp::from_microsecond(since.0).ok());
    json!({
        "code": detail.code,
        "pbx": detail.pbx,
        "what": detail.what,
        "since": since.map(|since| since.to_string()),
        "unready": detail.unready,
        "unfollowed": detail.unfollowed,
    })
}

/// Whether somebody on this machine asks, and not a proxy on it for somebody else.
fn is_of_this_machine(request: &Request) -> bool {
    let from = request.extensions().get::<ConnectInfo<SocketAddr>>();
    let is_local = from.is_some_and(|ConnectInfo(address)| address.ip().to_canonical().is_loopback());
    let forwarded = ["x-forwarded-for", "forwarded", "x-real-ip", "via"];
    is_local && !forwarded.iter().any(|name| request.headers().contains_key(*name))
}

/// Prometheus' text format.
pub(super) async fn metrics(State(web): State<Arc<Web>>, request: Request) -> Result<Response, ApiError> {
    let caller = if web.options.metrics_need_token {
        let (mut parts, _) = request.into_parts();
        Some(Caller::from_request_parts(&mut parts, &web).await?)
    } else {
        None
    };
    Ok(figures(web.admin.metrics(caller.as_ref().map(|Caller(actor)| actor))?))
}

/// The same, as it goes out.
pub(crate) fn figures(text: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], text).into_response()
}
