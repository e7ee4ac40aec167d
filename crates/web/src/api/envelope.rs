//! How the API says no: one envelope, a stable code, a sentence for a person.

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use delivery::reason::english;
use journal::{JournalError, Reason};
use serde::Serialize;
use utoipa::ToSchema;

use crate::GatewayError;
use crate::wire::{ReasonView, Refusal};

/// The envelope.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorEnvelope {
    /// What is inside.
    pub error: ErrorBody,
}

/// What went wrong.
#[derive(Debug, Serialize, ToSchema)]
pub struct ErrorBody {
    /// Stable, for programs: `invalid`, `not_json`, `unauthorized`, `forbidden`, `not_found`,
    /// `method_not_allowed`, `too_large`, `changed_meanwhile`, `refused`, `unavailable`, `internal`.
    #[schema(example = "invalid")]
    pub code: &'static str,
    /// For a person: what is wrong and how to mend it.
    pub message: String,
    /// The field it is about, if it is about one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub field: String,
    /// Why, for programs, where it has a code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<ReasonView>,
}

/// A request that was not done.
#[derive(Clone, Debug)]
pub struct ApiError {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    pub(crate) field: String,
    pub(crate) reason: Option<Reason>,
}

impl ApiError {
    fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self { status, code, message: message.into(), field: String::new(), reason: None }
    }

    pub(crate) fn invalid(field: &str, message: impl Into<String>) -> Self {
        Refusal::new(field, message).into()
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            "an API token is needed, as `Authorization: Bearer …`; `ringbud token create` makes one",
        )
    }

    pub(crate) fn forbidden(message: &str) -> Self {
        Self::new(StatusCode::FORBIDDEN, "forbidden", message)
    }

    pub(crate) fn not_found(what: &str) -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", format!("there is no such {what}"))
    }

    pub(crate) fn method_not_allowed() -> Self {
        Self::new(
            StatusCode::METHOD_NOT_ALLOWED,
            "method_not_allowed",
            "this method is not for this address; the header Allow lists those that are",
        )
    }

    pub(crate) fn too_large(limit: usize) -> Self {
        Self::new(
            StatusCode::PAYLOAD_TOO_LARGE,
            "too_large",
            format!("the body is larger than {} KB", limit / 1024),
        )
    }

    pub(crate) fn broken_body() -> Self {
        Self::new(StatusCode::BAD_REQUEST, "invalid", "the body broke off")
    }

    pub(crate) fn refused(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "refused", message)
    }
}

impl From<Refusal> for ApiError {
    fn from(Refusal { field, message, reason }: Refusal) -> Self {
        let code = if field.is_empty() { "not_json" } else { "invalid" };
        Self { status: StatusCode::BAD_REQUEST, code, message, field, reason }
    }
}

impl From<JournalError> for ApiError {
    fn from(error: JournalError) -> Self {
        match error {
            JournalError::Conflict { .. } => {
                Self::new(StatusCode::PRECONDITION_FAILED, "changed_meanwhile", error.to_string())
            }
            JournalError::Unwritable { .. } | JournalError::Unknown { .. } | JournalError::Closed => {
                tracing::error!(%error, "a request could not be done");
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", UNWRITABLE)
            }
            _ => {
                tracing::error!(%error, "a request could not be done");
                Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", UNWRITABLE)
            }
        }
    }
}

/// Paths of the machine are the operator's, so that the sentence has none.
const UNWRITABLE: &str = "the journal cannot be used right now; what was asked was not done and may be asked again. The operator finds the reason in the log";

impl From<GatewayError> for ApiError {
    fn from(error: GatewayError) -> Self {
        match error {
            GatewayError::Gone => Self::not_found("delivery, integration or employee"),
            GatewayError::Refused(why) => Self { reason: Some(why.clone()), ..Self::refused(english(&why)) },
            GatewayError::Unavailable(why) => Self::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", why),
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let reason = self.reason.as_ref().map(ReasonView::of);
        let body = ErrorBody { code: self.code, message: self.message, field: self.field, reason };
        let mut response = (self.status, Json(ErrorEnvelope { error: body })).into_response();
        if self.status == StatusCode::UNAUTHORIZED {
            let value = axum::http::HeaderValue::from_static("Bearer");
            response.headers_mut().insert(axum::http::header::WWW_AUTHENTICATE, value);
        }
        response
    }
}
