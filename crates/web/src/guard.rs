//! What every request has to be, and every answer for machines carries.

use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// A request that names two hosts means one thing to a proxy and another to us: RFC 9112 wants it refused.
pub(crate) async fn one_host(request: Request, next: Next) -> Response {
    if request.headers().get_all(header::HOST).iter().count() > 1 {
        return (StatusCode::BAD_REQUEST, "a request names one Host\n").into_response();
    }
    next.run(request).await
}

/// Nothing is taken for what it does not say it is, and what accounts are told of is kept by no cache.
pub(crate) async fn for_machines(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut put = |name: HeaderName, value| headers.insert(name, HeaderValue::from_static(value));
    put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    put(header::CACHE_CONTROL, "no-store");
    response
}
