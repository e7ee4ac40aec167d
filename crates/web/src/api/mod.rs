//! The REST API under `/api/v1`, its description, and what machines ask: health, readiness, metrics.
//!
//! Files, addresses and tests mirror each other. A handler authenticates, parses, delegates, renders.

mod accounts;
mod audit;
mod auth;
mod calls;
mod deliveries;
mod description;
mod employees;
mod envelope;
mod extract;
mod health;
mod integration;
mod links;
mod listing;
mod person;
mod phones;
mod stream;
mod tokens;
mod users;
mod webhooks;

use std::sync::Arc;

use admin::Code;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::get;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::Web;
pub use description::{Described, asyncapi, openapi};
pub use envelope::{ApiError, ChangedView, ErrorBody, ErrorEnvelope, FieldChangeView};
pub(crate) use health::{alive, figures, ready_in_waiting};
pub(crate) use listing::{Listing, delivery_name, state, state_name};
pub use person::{kept_to_json, kept_to_rows};
pub(crate) use webhooks::kind;

#[derive(utoipa::OpenApi)]
#[openapi(
    info(
        title = "Ringbud"
    ),
    components(schemas(ErrorEnvelope)),
    tags(
        (name = "accounts", description = "Accounts, their employees and phones"),
        (name = "integration", description = "The employee integration of an account"),
        (name = "calls", description = "What happened"),
        (name = "deliveries", description = "What was told"),
        (name = "privacy", description = "What is kept about a person: told whole, and erased"),
        (name = "links", description = "The links to the PBXs"),
        (name = "audit", description = "Who did what"),
        (name = "tokens", description = "API tokens: all of them for operators, an account's for its administrator too")
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
            .routes(routes!(stream::follow))
            .routes(routes!(deliveries::list))
            .routes(routes!(deliveries::again_all))
            .routes(routes!(deliveries::attempts))
            .routes(routes!(deliveries::again))
            .routes(routes!(deliveries::cancel))
            .routes(routes!(person::export))
            .routes(routes!(person::erase))
            .routes(routes!(links::list))
            .routes(routes!(audit::of_account))
            .routes(routes!(audit::all))
            .routes(routes!(tokens::list, tokens::make))
            .routes(routes!(tokens::remove))
            .routes(routes!(tokens::list_of, tokens::make_of))
            .routes(routes!(tokens::remove_of))
            .routes(routes!(users::list))
            .routes(routes!(users::set, users::remove))
            .routes(routes!(users::reset)),
    )
}

/// A description, written once.
fn described(
    router: Router<Arc<Web>>,
    path: &str,
    content_type: &'static str,
    description: &impl serde::Serialize,
) -> Router<Arc<Web>> {
    let text = axum::body::Bytes::from(serde_json::to_vec(description).unwrap_or_default());
    router.route(path, get(async move || ([(axum::http::header::CONTENT_TYPE, content_type)], text)))
}

/// API, health and metrics, without a sub-path.
pub(crate) fn router(web: Arc<Web>) -> Router {
    let (api, _) = routes().split_for_parts();
    described(api, "/api/v1/openapi.json", "application/json", &openapi())
        .merge(described(Router::new(), "/api/v1/asyncapi.json", "application/json", &asyncapi()))
        .merge(described(
            Router::new(),
            "/api/v1/events.schema.json",
            "application/schema+json",
            &delivery::payload::schema::json_schema(),
        ))
        .route("/api/v1/{*rest}", axum::routing::any(async || ApiError::from(Code::NoAddress)))
        .route("/healthz", get(health::alive))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(health::metrics))
        .method_not_allowed_fallback(async || ApiError::from(Code::MethodNotAllowed))
        .layer(DefaultBodyLimit::max(extract::MAX_BODY_BYTES))
        .layer(axum::middleware::from_fn(crate::guard::for_machines))
        .with_state(web)
}
