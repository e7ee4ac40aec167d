//! What handlers take out of a request: each refuses in the envelope.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Bytes};
use serde::Serialize;
use serde::de::DeserializeOwned;

use admin::{Code, Expect, Refusal};

use super::ApiError;

/// The largest body taken.
pub(crate) const MAX_BODY_BYTES: usize = 256 * 1024;

/// The body, not larger than allowed.
pub(crate) struct Body(pub(crate) Bytes);

impl<S: Send + Sync> FromRequest<S> for Body {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        match Bytes::from_request(request, state).await {
            Ok(bytes) => Ok(Self(bytes)),
            Err(BytesRejection::FailedToBufferBody(error)) if error.status().as_u16() == 413 => {
                Err(Refusal::new(Code::TooLarge).with("most", MAX_BODY_BYTES / 1024).into())
            }
            Err(_) => Err(Code::BodyBroken.into()),
        }
    }
}

/// The parts of the path that are names.
pub(crate) struct Path<T>(pub(crate) T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(axum::extract::Path(names)) => Ok(Self(names)),
            Err(_) => Err(Code::NoAddress.into()),
        }
    }
}

/// The version the caller expects, from `If-Match` or `If-None-Match: *`.
pub(crate) struct Expected(pub(crate) Expect);

impl<S: Send + Sync> FromRequestParts<S> for Expected {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        expected(&parts.headers).map(Self)
    }
}

fn expected(headers: &HeaderMap) -> Result<Expect, ApiError> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
    if text(header::IF_NONE_MATCH) == Some("*") {
        return Ok(Expect::New);
    }
    match text(header::IF_MATCH) {
        None | Some("*") => Ok(Expect::Any),
        Some(tag) => match tag.trim_start_matches("W/").trim_matches('"').parse() {
            Ok(version) => Ok(Expect::version(Some(version))),
            Err(_) => Err(Refusal::of(Code::IfMatch, "If-Match").into()),
        },
    }
}

/// A thing with its version as `ETag`.
pub(crate) struct Tagged<T>(pub(crate) u64, pub(crate) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        ([(header::ETAG, format!("\"{}\"", self.0))], Json(self.1)).into_response()
    }
}
