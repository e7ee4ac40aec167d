//! What a browser says of itself before anybody is known: its cookies, its language and light, from where it comes.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};

use super::messages::Language;

/// The name of the session's cookie.
pub(crate) const SESSION: &str = "ringbud_session";

/// Whether a request brings a session; which, and whether it is good, is not looked into.
pub(crate) fn has_session(headers: &HeaderMap) -> bool {
    cookie(headers, SESSION).is_some()
}

/// The name of the cookie that holds a chosen language.
pub(crate) const LANGUAGE: &str = "ringbud_language";
/// The name of the cookie that holds a chosen light.
pub(crate) const THEME: &str = "ringbud_theme";

/// How a browser wants to be shown things, logged in or not.
#[derive(Clone, Debug)]
pub(crate) struct Taste {
    pub(crate) language: Language,
    /// `light`, `dark`, or empty for the system's choice.
    pub(crate) theme: &'static str,
    /// Where it is: path and query, without the sub-path.
    pub(crate) here: String,
    /// What was just done, by the name that a redirect gave it: `?done=…`. The visitor's text, to be looked up and
    /// never shown.
    pub(crate) done: String,
    /// Asked by the library for a part of a page.
    pub(crate) partial: bool,
}

impl Taste {
    /// As the outermost layer saw it, where it did: nested routers see less of the path.
    pub(crate) fn of(parts: &Parts) -> Self {
        if let Some(seen) = parts.extensions.get::<Self>() {
            return seen.clone();
        }
        let headers = &parts.headers;
        let accepted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        let chosen = cookie(headers, LANGUAGE).and_then(Language::named);
        Self {
            language: chosen.or_else(|| accepted.and_then(Language::accepted)).unwrap_or_default(),
            theme: match cookie(headers, THEME) {
                Some("dark") => "dark",
                Some("light") => "light",
                Some(_) | None => "",
            },
            here: parts.uri.path_and_query().map_or_else(|| "/".to_owned(), ToString::to_string),
            done: done(parts.uri.query().unwrap_or_default()),
            partial: headers.contains_key("hx-request"),
        }
    }
}

fn done(query: &str) -> String {
    let mut pairs = url::form_urlencoded::parse(query.as_bytes());
    pairs.find(|(name, _)| name == "done").map(|(_, what)| what.into_owned()).unwrap_or_default()
}

impl<S: Send + Sync> FromRequestParts<S> for Taste {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

/// A place of ours that a form or a link names: a path, read as every browser reads it; `/` for anything else.
pub(crate) fn own_place(text: &str) -> &str {
    let own = text.starts_with('/')
        && !text.starts_with("//")
        && !text.contains(|c: char| c == '\\' || c.is_control());
    if own { text } else { "/" }
}

/// Whether a request without a session comes from one of our own pages, as browsers tell.
pub(crate) fn same_site(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    if let Some(site) = site {
        return matches!(site, "same-origin" | "none");
    }
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    match (text(header::ORIGIN), text(header::HOST)) {
        (Some(origin), Some(host)) => origin.split_once("://").is_some_and(|(_, of)| of == host),
        (Some(_), None) => false,
        (None, _) => true,
    }
}

/// A cookie's value.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let cookies = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    cookies.flat_map(|line| line.split(';')).find_map(|pair| {
        let (known, value) = pair.trim().split_once('=')?;
        (known == name && !value.is_empty()).then_some(value)
    })
}
