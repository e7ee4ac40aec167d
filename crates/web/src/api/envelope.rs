//! How the API says no: a problem of RFC 9457, with a stable code and a sentence for a person.

use admin::{Code, GatewayError, Refusal};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use crate::wire::ReasonView;

/// The kind of content of every refusal.
pub(crate) const PROBLEM: &str = "application/problem+json";

/// A problem, as RFC 9457 has it.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorEnvelope {
    /// The kind of problem: `urn:ringbud:problem:` and `error.reason`.
    #[serde(rename = "type")]
    #[schema(example = "urn:ringbud:problem:webhook_paused")]
    pub kind: String,
    /// The status in words.
    #[schema(example = "Conflict")]
    pub title: &'static str,
    /// The status.
    #[schema(example = 409)]
    pub status: u16,
    /// For a person: the same as `error.message`.
    pub detail: String,
    /// What went wrong.
    pub error: ErrorBody,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// Stable, for programs: `invalid`, `not_json`, `unauthorized`, `forbidden`, `not_found`,
    /// `method_not_allowed`, `too_large`, `changed_meanwhile`, `refused`, `too_many`, `unavailable`, `internal`.
    #[schema(example = "invalid")]
    pub code: &'static str,
    /// For a person: what is wrong and how to mend it.
    pub message: String,
    /// The field it is about, if it is about one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// The same for programs, more exactly.
    pub reason: ReasonView,
    /// What somebody else changed meanwhile.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed: Option<ChangedView>,
}

/// What somebody else changed meanwhile.
#[derive(Debug, Serialize, ToSchema)]
pub struct ChangedView {
    /// The version that is there, for `If-Match`; 0 if it was removed.
    pub version: u64,
    /// The fields somebody else changed; where nobody remembers what was, those that differ from what was asked for.
    pub fields: Vec<FieldChangeView>,
}

/// A field that differs.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldChangeView {
    /// Its name.
    #[schema(example = "name")]
    pub field: &'static str,
    /// What it was at the version that was given; absent where nobody remembers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<String>,
    /// What it is now; empty where it was removed.
    pub now: String,
    /// What was asked for; absent where it was to be removed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yours: Option<String>,
}

/// A request that was not done.
#[derive(Clone, Debug)]
pub struct ApiError(pub(crate) Refusal);

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        Self(refusal)
    }
}

impl From<Code> for ApiError {
    fn from(code: Code) -> Self {
        Self(Refusal::new(code))
    }
}

impl From<GatewayError> for ApiError {
    fn from(error: GatewayError) -> Self {
        Self(error.into())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let Self(refusal) = self;
        let family = refusal.family();
        let status = StatusCode::from_u16(family.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let message = refusal.message();
        let reason = ReasonView::of_refusal(&refusal);
        let changed = refusal.changed.map(|changed| ChangedView {
            version: changed.version,
            fields: changed
                .fields
                .into_iter()
                .map(|admin::FieldChange { field, was, now, yours }| FieldChangeView {
                    field,
                    was,
                    now,
                    yours,
                })
                .collect(),
        });
        let problem = ErrorEnvelope {
            kind: format!("urn:ringbud:problem:{}", refusal.code.name()),
            title: status.canonical_reason().unwrap_or_default(),
            status: status.as_u16(),
            detail: message.clone(),
            error: ErrorBody { code: family.name(), message, reason, field: refusal.field, changed },
        };
        let body = serde_json::to_vec(&problem).unwrap_or_default();
        let mut response = (status, [(header::CONTENT_TYPE, PROBLEM)], body).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(after) = refusal.retry_after {
            headers.insert(header::RETRY_AFTER, HeaderValue::from(after.as_secs().max(1)));
        }
        response
    }
}
