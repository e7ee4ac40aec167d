//! What is shown instead of a page.

use admin::{Code, Family, Refusal};
use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::Frame;
use super::help::anchor;
use super::refusal::told;
use super::visitor::Taste;

/// Why there is no page. Rendered where the sub-path is known, by [`Fail::page`].
#[derive(Clone, Debug)]
pub(crate) enum Fail {
    /// Nobody is logged in.
    Enter { taste: Taste },
    /// Not there, or not theirs: no hint which.
    Nowhere,
    /// They may look, not change.
    MayNot,
    /// A form that was not from the page that is open, or from a session that is over.
    Stale,
    /// A form that was too large.
    TooLarge,
    /// It was refused: for a person, and mended by a person.
    Refused(Refusal),
    /// Something did not work; for a person.
    Broken { why: String },
}

impl Fail {
    /// Something of our own did not work.
    pub(crate) fn broken(why: impl Into<String>) -> Self {
        Self::Broken { why: why.into() }
    }

    pub(crate) fn status(&self) -> StatusCode {
        match self {
            Self::Enter { .. } => StatusCode::UNAUTHORIZED,
            Self::Nowhere => StatusCode::NOT_FOUND,
            Self::MayNot | Self::Stale => StatusCode::FORBIDDEN,
            Self::TooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            // A form has no header to ask about: to a browser all conflicts are one.
            Self::Refused(refusal) => match refusal.family() {
                Family::ChangedMeanwhile => StatusCode::CONFLICT,
                family => StatusCode::from_u16(family.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            },
            Self::Broken { .. } => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// The part of the manual that tells why, or its beginning.
    fn manual(&self, f: &Frame) -> String {
        match self {
            Self::Nowhere | Self::MayNot => f.url(&format!("/help#{}", anchor(f.w.get("fail.rights")))),
            Self::Enter { .. } | Self::Stale | Self::TooLarge | Self::Refused(_) | Self::Broken { .. } => {
                f.url("/help")
            }
        }
    }

    /// The page instead.
    pub(crate) fn page(&self, base: &str, taste: &Taste) -> Response {
        let (title, text) = match self {
            Self::Enter { taste } => return enter(base, taste),
            Self::Nowhere => ("fail.nowhere", "fail.nowhere_text"),
            Self::MayNot => ("fail.may_not", "fail.may_not_text"),
            Self::Stale => ("fail.stale", "fail.stale_text"),
            Self::TooLarge => ("fail.too_large", "fail.too_large_text"),
            Self::Refused(_) => ("fail.refused", "fail.refused_text"),
            Self::Broken { .. } => ("fail.broken", "fail.broken_text"),
        };
        let frame = Frame::open(base, taste);
        let (title, text) = (frame.w.get(title), frame.w.get(text));
        let (text, detail) = match self {
            Self::Broken { why } => (text.to_owned(), why.clone()),
            Self::Refused(refusal) => (told(frame.w, refusal), text.to_owned()),
            _ => (text.to_owned(), String::new()),
        };
        let after = match self {
            Self::Refused(refusal) => refusal.retry_after,
            _ => None,
        };
        let page = FailPage { manual: self.manual(&frame), f: frame, title, text, detail };
        let mut response = (self.status(), Html(page.render().unwrap_or_default())).into_response();
        if let Some(after) = after {
            response.headers_mut().insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}

/// To the login, and back afterwards.
fn enter(base: &str, taste: &Taste) -> Response {
    let next: String = url::form_urlencoded::byte_serialize(taste.here.as_bytes()).collect();
    let to = format!("{base}/login?next={next}");
    if taste.partial {
        let mut response = StatusCode::NO_CONTENT.into_response();
        if let Ok(to) = HeaderValue::from_str(&to) {
            response.headers_mut().insert("hx-redirect", to);
        }
        return response;
    }
    Redirect::to(&to).into_response()
}

#[derive(Template)]
#[template(path = "fail.html")]
struct FailPage {
    f: Frame,
    title: &'static str,
    text: String,
    detail: String,
    manual: String,
}

impl IntoResponse for Fail {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

impl From<Refusal> for Fail {
    fn from(refusal: Refusal) -> Self {
        match (refusal.code, refusal.family()) {
            // What is not theirs is as if it were not there.
            (Code::OperatorsOnly, _) | (_, Family::NotFound) => Self::Nowhere,
            (Code::ReadOnly, _) => Self::MayNot,
            (_, Family::Unavailable | Family::Internal) => Self::Broken { why: String::new() },
            _ => Self::Refused(refusal),
        }
    }
}

/// Any other address.
pub(super) async fn nowhere() -> Fail {
    Fail::Nowhere
}

/// The way back to a page after a form, with a word of what was done.
pub(crate) fn back_to(url: &str, done: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    let join = if url.contains('?') { '&' } else { '?' };
    if let Ok(to) = HeaderValue::from_str(&format!("{url}{join}done={done}")) {
        response.headers_mut().insert(header::LOCATION, to);
    }
    response
}
