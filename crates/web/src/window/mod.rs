//! The window: what people see in a browser. Rendered here, made lively by a small library.
//!
//! Owns sessions, words and pages. A handler authenticates, parses, delegates, renders; what is read from
//! forms goes through [`crate::wire`], so that window, API and command line refuse with the same words.

mod access;
mod anchor;
mod around;
mod assets;
mod audit;
mod browser;
mod calls;
mod deliveries;
mod fail;
mod failed;
mod first;
mod frame;
mod help;
mod integration;
mod live;
mod locale;
mod login;
mod look;
mod mask;
mod messages;
mod now;
mod oidc;
mod operator;
mod password;
mod people;
mod preferences;
mod reason;
mod refusal;
mod report;
mod services;
mod session;
mod settings;
mod sheet;
mod throttle;
mod users;
mod visitor;
mod welcome;

use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderName, HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};

pub(crate) use browser::has_session;
pub(crate) use fail::Fail;
pub use first::first_run_path;
pub(crate) use frame::Frame;
pub(crate) use locale::Locale;
pub use look::look_path;
pub(crate) use messages::Messages;
pub use oidc::LOGIN_BACK;
pub use operator::kept_to_csv;
pub(crate) use visitor::{Posted, Visitor};
pub use welcome::welcome_path;

use crate::Web;
/// The largest form taken.
const MAX_FORM_BYTES: usize = 1024 * 1024;

/// What the window has at hand besides what the program gives.
pub(crate) struct Window {
    pub(crate) web: Arc<Web>,
    pub(crate) sessions: session::Sessions,
    pub(crate) throttle: throttle::Throttle,
    /// The same for logins through a provider.
    pub(crate) arrivals: throttle::Throttle,
    pub(crate) passwords: password::Passwords,
    /// Places at the live boards.
    pub(crate) seats: now::Seats,
    pub(crate) boards: now::Boards,
    /// What pages that ask by themselves were answered just now.
    pub(crate) live: live::Live,
    /// Test calls that run.
    pub(crate) tests: integration::Running,
}

/// The window's pages, without a sub-path.
pub(crate) fn router(web: Arc<Web>) -> Router {
    let window = Arc::new(Window {
        web,
        sessions: session::Sessions::default(),
        throttle: throttle::Throttle::of_passwords(),
        arrivals: throttle::Throttle::of_arrivals(),
        passwords: password::Passwords::default(),
        seats: now::Seats::default(),
        boards: now::Boards::default(),
        live: live::Live::default(),
        tests: integration::Running::default(),
    });
    Router::new()
        .route("/", get(around::home))
        .route("/login", get(login::show).post(login::enter))
        .route("/login/oidc", get(oidc::begin))
        .route("/login/oidc/back", get(oidc::back))
        .route("/logout", post(login::leave))
        .route("/first", get(first::show).post(first::make))
        .route("/welcome", get(welcome::show).post(welcome::choose))
        .route("/look", get(look::enter))
        .route("/preferences", post(preferences::set))
        .route("/search", get(calls::search))
        .route("/help", get(help::show))
        .route("/help/{page}", get(help::other))
        .route("/assets/{name}", get(assets::serve))
        .nest("/a/{account}", account_pages())
        .nest("/operator", operator::pages())
        .fallback(fail::nowhere)
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(middleware::from_fn_with_state(window.clone(), live::share))
        .layer(middleware::from_fn_with_state(window.clone(), armour))
        .with_state(window)
}

fn account_pages() -> Router<Arc<Window>> {
    Router::new()
        .route("/now", get(now::show))
        .route("/now/stream", get(now::stream))
        .route("/calls", get(calls::list))
        .route("/calls/{leg}", get(calls::story))
        .route("/report", get(report::show))
        .route("/report.csv", get(report::csv))
        .route("/report.xlsx", get(report::xlsx))
        .route("/integration", get(integration::show).post(integration::save))
        .route("/integration/preview", post(integration::preview))
        .route("/integration/test", post(integration::test))
        .route("/integration/test/{call}", get(integration::answers))
        .route("/integration/receivers", get(integration::receivers))
        .route("/integration/sink", get(integration::sink))
        .route("/integration/secret", post(integration::new_secret))
        .route("/integration/pause", post(integration::pause))
        .route("/integration/resume", post(integration::resume))
        .route("/deliveries", get(deliveries::list))
        .route("/deliveries/again", get(deliveries::ask_again_all).post(deliveries::again_all))
        .route("/deliveries/{delivery}", get(deliveries::one))
        .route("/deliveries/{delivery}/again", post(deliveries::again))
        .route("/deliveries/{delivery}/cancel", post(deliveries::cancel))
        .route("/people", get(people::show))
        .route("/people/employee", post(people::employee))
        .route("/people/employee/remove", post(people::remove_employee))
        .route("/people/phone", post(people::phone))
        .route("/people/phone/remove", post(people::remove_phone))
        .route("/people.csv", get(people::csv))
        .route("/people/import", post(people::import))
        .route("/audit", get(audit::of_account))
        .route("/access", get(access::show))
        .route("/access/users", post(access::invite))
        .route("/access/users/link", post(access::link))
        .route("/access/users/remove", post(access::remove))
        .route("/access/tokens", post(access::make_token))
        .route("/access/tokens/remove", post(access::remove_token))
        .route("/settings", get(settings::show).post(settings::save))
        .route("/settings/password", post(settings::password))
}

/// Headers every page carries: no script but ours, no frame around it, nothing told to other sites.
async fn armour(State(window): State<Arc<Window>>, request: Request, next: Next) -> Response {
    let cached = request.uri().path().contains("/assets/");
    let (mut parts, body) = request.into_parts();
    let is_asked_for = parts.method == Method::GET && !shows_secrets(parts.uri.path());
    let packs = is_asked_for && assets::reads_gzip(&parts.headers);
    let mut taste = browser::Taste::of(&parts);
    if is_integration(parts.uri.path()) {
        taste.here = parts.uri.path().to_owned();
    }
    parts.extensions.insert(taste.clone());
    let mut response = next.run(Request::from_parts(parts, body)).await;
    if let Some(fail) = response.extensions_mut().remove::<Fail>() {
        response = fail.page(&window.web.options.path, &taste);
    }
    if packs {
        response = assets::pack_page(response).await;
    }
    let headers = response.headers_mut();
    let mut put =
        |name: HeaderName, value: &'static str| headers.insert(name, HeaderValue::from_static(value));
    put(header::CONTENT_SECURITY_POLICY, POLICY);
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::REFERRER_POLICY, "same-origin");
    put(header::X_FRAME_OPTIONS, "DENY");
    put(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if window.web.options.secure {
        put(header::STRICT_TRANSPORT_SECURITY, "max-age=31536000");
    }
    if !cached {
        put(header::CACHE_CONTROL, "no-store");
    }
    response
}

/// Pages with secrets in them besides the form's are sent as they are: header values, new keys, one-time links. So is
/// what a form answers.
fn shows_secrets(path: &str) -> bool {
    let shows =
        ["/integration", "/tokens", "/first", "/welcome", "/login"].iter().any(|page| path.contains(page));
    shows && !is_integration(path)
}

/// The page of an account's integration, which is large. Nothing of what a visitor may have been given to type, the
/// query of a link, stands on it beside its secrets: it can be compressed.
fn is_integration(path: &str) -> bool {
    path.ends_with("/integration")
}

const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
