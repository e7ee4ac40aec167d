//! The house's door for people and programs: the REST API under `/api/v1` and the window.
//!
//! Owns the shapes on the wire ([`wire`]), who may do what, and how things are shown. What is kept is the
//! journal's, what a delivery is made of is `delivery`'s, and the running gateway is asked through
//! [`Gateway`].

pub mod api;
mod clock;
mod guard;
mod peer;
mod state;
mod window;
pub mod wire;

pub use admin::audit;
pub use admin::{Answer, Gateway, GatewayError, Link, LinkState, LiveLeg, Readiness, TestAnswer, TestCall};
pub use state::{Options, Web};
pub use window::{LOGIN_BACK, first_run_path, look_path};

/// Everything that is served over HTTP.
pub fn router(web: Web) -> axum::Router {
    let path = web.options.path.clone();
    let web = std::sync::Arc::new(web);
    let all = api::router(web.clone()).merge(window::router(web));
    let all = if path.is_empty() { all } else { axum::Router::new().nest(&path, all) };
    all.layer(axum::middleware::from_fn(guard::one_host))
}
