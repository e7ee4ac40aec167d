//! What handlers take out of a request: each refuses in the envelope.

use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use axum::response::{IntoResponse, Response};
use axum::{Json, body::Bytes};
use serde::Serialize;
use serde::de::DeserializeOwned;

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
                Err(ApiError::too_large(MAX_BODY_BYTES))
            }
            Err(_) => Err(ApiError::broken_body()),
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
            Err(_) => Err(ApiError::not_found("address")),
        }
    }
}

/// The version the caller expects, from `If-Match` or `If-None-Match: *`.
pub(crate) struct Expected(pub(crate) Option<u64>);

impl<S: Send + Sync> FromRequestParts<S> for Expected {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        expected(&parts.headers).map(Self)
    }
}

fn expected(headers: &HeaderMap) -> Result<Option<u64>, ApiError> {
    let text = |name: HeaderName| headers.get(name).map(|value| value.to_str().unwrap_or_default().trim());
    if text(header::IF_NONE_MATCH) == Some("*") {
        return Ok(Some(0));
    }
    match text(header::IF_MATCH) {
        None | Some("*") => Ok(None),
        Some(tag) => {
            let number = tag.trim_start_matches("W/").trim_matches('"').parse();
            number.map(Some).map_err(|_| {
                ApiError::invalid("If-Match", "expected the ETag as it was given, like \"3\" with its quotes")
            })
        }
    }
}

/// A thing with its version as `ETag`.
pub(crate) struct Tagged<T>(pub(crate) u64, pub(crate) T);

impl<T: Serialize> IntoResponse for Tagged<T> {
    fn into_response(self) -> Response {
        ([(header::ETAG, format!("\"{}\"", self.0))], Json(self.1)).into_response()
    }
}
