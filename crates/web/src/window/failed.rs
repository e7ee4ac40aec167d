//! What is shown instead of a page.

use askama::Template;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{Html, IntoResponse, Redirect, Response};

use super::anchor::anchor;
use super::browser::Taste;
use super::refusal::told;
use super::{Fail, Frame};

impl Fail {
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
