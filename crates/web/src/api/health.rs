//! `/healthz`, `/readyz`, `/metrics`: for machines.

use std::sync::Arc;

use axum::Json;
use axum::extract::FromRequestParts;
use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;

use super::ApiError;
use super::auth::Caller;
use crate::Web;

/// The process is there.
pub(super) async fn alive() -> &'static str {
    "ok\n"
}

/// It does its work; 503 and why if not.
pub(super) async fn ready(State(web): State<Arc<Web>>) -> Response {
    let readiness = web.admin.readiness();
    let status = if readiness.ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(json!({ "ready": readiness.ready, "reasons": readiness.reasons }))).into_response()
}

/// Prometheus' text format.
pub(super) async fn metrics(State(web): State<Arc<Web>>, request: Request) -> Result<Response, ApiError> {
    let caller = if web.options.metrics_need_token {
        let (mut parts, _) = request.into_parts();
        Some(Caller::from_request_parts(&mut parts, &web).await?)
    } else {
        None
    };
    let figures = web.admin.metrics(caller.as_ref().map(|Caller(actor)| actor))?;
    Ok(([(header::CONTENT_TYPE, "text/plain; version=0.0.4")], figures).into_response())
}
