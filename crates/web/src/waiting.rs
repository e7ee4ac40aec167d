//! What is served while a gateway waits for its turn: health and figures for machines, and to everybody else who has
//! the store.

use std::sync::Arc;

use admin::Readiness;
use axum::Router;
use axum::extract::Request;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;

use crate::{api, guard};

/// What is known of the wait.
pub struct Waits {
    /// Why it is not ready.
    pub readiness: Box<dyn Fn() -> Readiness + Send + Sync>,
    /// The figures, where they are open: who has a token is not known yet.
    pub metrics: Option<Box<dyn Fn() -> String + Send + Sync>>,
}

/// Everything that is served over HTTP until [`crate::router`] can be.
pub fn waiting_router(path: &str, waits: Waits) -> Router {
    let waits = Arc::new(waits);
    let (asked, figures) = (waits.clone(), waits.clone());
    let all = Router::new()
        .route("/healthz", get(api::alive))
        .route(
            "/readyz",
            get(move |request: Request| {
                let answer = api::ready_in_waiting(&(asked.readiness)(), &request);
                async move { answer }
            }),
        )
        .route(
            "/metrics",
            get(move || {
                let answer = figures.metrics.as_ref().map(|figures| api::figures(figures()));
                let answer = answer.unwrap_or_else(|| not_yet(&figures));
                async move { answer }
            }),
        )
        .fallback(move || {
            let answer = not_yet(&waits);
            async move { answer }
        })
        .layer(axum::middleware::from_fn(guard::for_machines));
    let all = if path.is_empty() { all } else { Router::new().nest(path, all) };
    all.layer(axum::middleware::from_fn(guard::one_host))
}

/// Come again: it may be this gateway's turn then.
fn not_yet(waits: &Waits) -> Response {
    let said = (waits.readiness)().reasons.join("\n") + "\n";
    (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "5")], said).into_response()
}
