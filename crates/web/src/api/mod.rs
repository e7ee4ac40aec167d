//! The REST API under `/api/v1`, its description, and what machines ask: health, readiness, metrics.
//!
//! Files, addresses and tests mirror each other. A handler authenticates, parses, delegates, renders.

mod accounts;
mod auth;
mod calls;
mod deliveries;
mod employees;
mod envelope;
mod extract;
mod health;
mod integration;
mod listing;
mod phones;
mod tokens;
mod webhooks;

use std::sync::Arc;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi, SecurityRequirement};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Web;
pub(crate) use deliveries::{owned, send_all};
pub use envelope::{ApiError, ErrorBody, ErrorEnvelope};
pub(crate) use listing::{Listing, delivery_name, state, state_name};
pub(crate) use phones::employ;
pub(crate) use webhooks::kinds;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Ringbud",
        description = "Employee integration of a PBX: accounts, employees, phones, webhooks, calls and \
            deliveries. Every error has the same envelope, with a stable code and a sentence for a person. \
            Settings carry a version as `ETag`; with `If-Match` a lost update is refused (412), with \
            `If-None-Match: *` only a new thing is written. Lists are newest first; `next` of one page is \
            `before` of the following."
    ),
    components(schemas(ErrorEnvelope)),
    tags(
        (name = "accounts", description = "Accounts, their employees and phones"),
        (name = "integration", description = "The employee integration of an account"),
        (name = "calls", description = "What happened"),
        (name = "deliveries", description = "What was told"),
        (name = "tokens", description = "API tokens; for operators")
    )
)]
struct Description;

fn routes() -> OpenApiRouter<Arc<Web>> {
    OpenApiRouter::with_openapi(<Description as utoipa::OpenApi>::openapi()).nest(
        "/api/v1",
        OpenApiRouter::new()
            .routes(routes!(accounts::list))
            .routes(routes!(accounts::show, accounts::set, accounts::remove))
            .routes(routes!(employees::list))
            .routes(routes!(employees::show, employees::set, employees::remove))
            .routes(routes!(phones::list))
            .routes(routes!(phones::show, phones::set, phones::remove))
            .routes(routes!(integration::show, integration::set))
            .routes(routes!(webhooks::pause))
            .routes(routes!(webhooks::resume))
            .routes(routes!(webhooks::test))
            .routes(routes!(calls::list))
            .routes(routes!(calls::events))
            .routes(routes!(deliveries::list))
            .routes(routes!(deliveries::again_all))
            .routes(routes!(deliveries::attempts))
            .routes(routes!(deliveries::again))
            .routes(routes!(deliveries::cancel))
            .routes(routes!(tokens::list, tokens::make))
            .routes(routes!(tokens::remove)),
    )
}

/// The description of the API, generated from its code.
pub fn openapi() -> OpenApi {
    let mut description = routes().into_openapi();
    let bearer = SecurityScheme::Http(HttpBuilder::new().scheme(HttpAuthScheme::Bearer).build());
    if let Some(components) = description.components.as_mut() {
        components.add_security_scheme("token", bearer);
    }
    description.security = Some(vec![SecurityRequirement::new("token", Vec::<String>::new())]);
    description
}

/// API, health and metrics, without a sub-path.
pub(crate) fn router(web: Arc<Web>) -> Router {
    let (api, _) = routes().split_for_parts();
    let description = openapi().to_json().unwrap_or_default();
    let description = axum::body::Bytes::from(description);
    api.route(
        "/api/v1/openapi.json",
        get(async move || ([(axum::http::header::CONTENT_TYPE, "application/json")], description)),
    )
    .route("/api/v1/{*rest}", axum::routing::any(async || ApiError::not_found("address")))
    .route("/healthz", get(health::alive))
    .route("/readyz", get(health::ready))
    .route("/metrics", get(health::metrics))
    .method_not_allowed_fallback(async || ApiError::method_not_allowed())
    .layer(DefaultBodyLimit::max(extract::MAX_BODY_BYTES))
    .with_state(web)
}
