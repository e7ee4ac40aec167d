//! Why there is no page. What is shown instead is `failed`'s.

use admin::{Code, Family, Refusal};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::browser::Taste;

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

    pub(super) fn status(&self) -> StatusCode {
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
