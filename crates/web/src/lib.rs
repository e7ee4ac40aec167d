//! The house's door for people and programs: the REST API under `/api/v1` and the window.
//!
//! Owns the shapes on the wire ([`wire`]), who may do what, and how things are shown. What is done and
//! asked goes through [`admin::Admin`]; what is kept, and the running gateway, are out of reach here.

pub mod api;
mod clock;
mod guard;
mod known;
mod peer;
mod state;
mod waiting;
mod window;
pub mod wire;
mod zone;

pub use known::{Known, claims_to_be_known};
pub use state::{Options, Web};
pub use waiting::{Waits, waiting_router};
pub use window::{LOGIN_BACK, first_run_path, kept_to_csv, look_path, welcome_path};

/// Everything that is served over HTTP.
pub fn router(web: Web) -> axum::Router {
    let path = web.options.path.clone();
    let web = std::sync::Arc::new(web);
    let all = api::router(web.clone()).merge(window::router(web));
    let all = if path.is_empty() { all } else { axum::Router::new().nest(&path, all) };
    all.layer(axum::middleware::from_fn(guard::one_host))
}
