//! Who asks: the token a request came with.

use std::sync::Arc;

use admin::{Actor, Code};
use axum::extract::FromRequestParts;
use axum::http::HeaderValue;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::ApiError;
use crate::peer::Origin;
use crate::{Known, Web};

/// Who asks. What they may is judged where it is done.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Actor);

/// The token in a header.
pub(super) fn bearer(header: Option<&HeaderValue>) -> Option<&str> {
    let (scheme, token) = header?.to_str().ok()?.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
}

impl FromRequestParts<Arc<Web>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, ApiError> {
        let token = bearer(parts.headers.get(AUTHORIZATION));
        let actor = web.admin.bearer(token.ok_or(Code::NoToken)?).await?;
        Known::note(parts);
        Ok(Self(actor.at(Origin::of(parts).0)))
    }
}
