//! `/operator/…`: accounts, PBX links, health, people, tokens, the audit log.

mod accounts;
mod health;
mod machine;
mod privacy;
mod tokens;
mod users;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};

pub use privacy::kept_to_csv;

use super::{Window, audit};

/// The operator's places.
pub(super) fn pages() -> Router<Arc<Window>> {
    Router::new()
        .route("/accounts", get(accounts::list).post(accounts::make))
        .route("/accounts/remove", post(accounts::remove))
        .route("/links", get(machine::links).post(machine::try_pbx))
        .route("/health", get(health::health))
        .route("/audit", get(audit::all))
        .route("/privacy", get(privacy::show).post(privacy::look))
        .route("/privacy/export", post(privacy::export))
        .route("/privacy/erase", post(privacy::erase))
        .route("/users", get(users::list).post(users::invite))
        .route("/users/link", post(users::link))
        .route("/users/remove", post(users::remove))
        .route("/tokens", get(tokens::list).post(tokens::make))
        .route("/tokens/remove", post(tokens::remove))
}
