//! Who asks: the token a request came with.

use std::sync::Arc;

use admin::{Actor, Code};
use axum::extract::FromRequestParts;
use axum::http::header::AUTHORIZATION;
use axum::http::request::Parts;

use super::ApiError;
use crate::peer::Origin;
use crate::{Known, Web};

/// Who asks. What they may is judged where it is done.
#[derive(Clone, Debug)]
pub(crate) struct Caller(pub(crate) Actor);

impl FromRequestParts<Arc<Web>> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, web: &Arc<Web>) -> Result<Self, ApiError> {
        let header = parts.headers.get(AUTHORIZATION).and_then(|value| value.to_str().ok());
        let token = header.and_then(|value| {
            let (scheme, token) = value.split_once(' ')?;
            scheme.eq_ignore_ascii_case("bearer").then_some(token.trim())
        });
        let actor = web.admin.bearer(token.ok_or(Code::NoToken)?).await?;
        Known::note(parts);
        Ok(Self(actor.at(Origin::of(parts).0)))
    }
}
