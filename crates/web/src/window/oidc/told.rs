//! Why somebody is not logged in, for that person. The reason itself is in the log.

use ::oidc::Refusal;
use axum::http::StatusCode;

use super::super::Messages;

pub(super) fn refusal(w: Messages, label: &str, refusal: &Refusal) -> (StatusCode, String) {
    let (status, key) = match refusal {
        Refusal::Unreachable(_) => (StatusCode::SERVICE_UNAVAILABLE, "login.oidc_down"),
        Refusal::Untrusted(_) => (StatusCode::BAD_GATEWAY, "login.oidc_untrusted"),
        Refusal::Denied(_) => (StatusCode::FORBIDDEN, "login.oidc_denied"),
        Refusal::Stale => (StatusCode::BAD_REQUEST, "login.oidc_stale"),
        Refusal::Busy => (StatusCode::SERVICE_UNAVAILABLE, "login.oidc_busy"),
    };
    (status, w.with(key, "label", label))
}

pub(super) fn no_role(w: Messages, label: &str, name: &str) -> String {
    w.with("login.oidc_no_role", "label", label).replace("{name}", name)
}

pub(super) fn no_account(w: Messages, label: &str, account: &str) -> String {
    w.with("login.oidc_no_account", "label", label).replace("{account}", account)
}
