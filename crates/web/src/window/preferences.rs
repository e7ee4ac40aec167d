//! `/preferences`: language and light, kept in the browser.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};

use super::Window;
use super::browser::{LANGUAGE, THEME, own_place, same_site};
use super::visitor::Fields;

pub(super) async fn set(State(window): State<Arc<Window>>, headers: HeaderMap, body: Bytes) -> Response {
    let fields = Fields::read(&body);
    let base = &window.web.options.path;
    let mut response = Redirect::to(&format!("{base}{}", own_place(fields.get("back")))).into_response();
    if !same_site(&headers) {
        return response;
    }
    let mut keep = |name: &str, value: &str| {
        let cookie = format!("{name}={value}; Path={base}/; Max-Age=31536000; SameSite=Lax");
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    };
    if let language @ ("da" | "en") = fields.get("language") {
        keep(LANGUAGE, language);
    }
    if let theme @ ("light" | "dark" | "system") = fields.get("theme") {
        keep(THEME, theme);
    }
    response
}
