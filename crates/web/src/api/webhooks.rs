//! `/accounts/{account}/integration/…`: pause, resume, test.

use std::sync::Arc;

use admin::{Code, Refusal, TestAnswer};
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use calls::EventKind;
use delivery::reason::english;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::{Body, Path};
use super::{ApiError, ErrorEnvelope};
use crate::Web;
use crate::wire::{ReasonView, read};

/// Which webhooks to pause.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PauseInput {
    /// The event; absent: all four.
    #[serde(default)]
    #[schema(example = "Ended")]
    event: Option<String>,
}

/// Which webhooks to resume, and how.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResumeInput {
    /// The event; absent: all that are paused.
    #[serde(default)]
    event: Option<String>,
    /// Whether what was kept is sent (`true` if absent) or cancelled.
    #[serde(default)]
    send_kept: Option<bool>,
}

/// Who the test call is for.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct TestInput {
    /// The employee's local number.
    #[schema(example = "101")]
    employee: String,
}

/// What came of a test call.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestReport {
    /// One an event, in the order of a leg's life.
    answers: Vec<TestAnswerView>,
}

/// What came of one event of a test call.
#[derive(Serialize, ToSchema)]
pub(crate) struct TestAnswerView {
    /// The event.
    event: &'static str,
    /// Whether the receiver took it.
    accepted: bool,
    /// Method and target as sent; empty if the event is switched off.
    request_line: String,
    /// The body as sent.
    request_body: String,
    /// The status, if there was an answer.
    status: Option<u16>,
    /// What went wrong, in English; empty on success.
    error: String,
    /// The same for programs; absent on success.
    #[serde(skip_serializing_if = "Option::is_none")]
    error_reason: Option<ReasonView>,
    /// How long it took.
    took_ms: u64,
    /// The first of what was answered.
    response_body: String,
}

/// Reads the name of an event.
pub(crate) fn kind(name: &str) -> Result<EventKind, Refusal> {
    let kind = EventKind::ALL.into_iter().find(|kind| kind.name() == name);
    kind.ok_or_else(|| Refusal::of(Code::EventName, "event"))
}

/// An empty body means `{}`.
fn or_empty(body: &[u8]) -> &[u8] {
    if body.is_empty() { b"{}" } else { body }
}

/// Pauses webhooks, all that are asked for at once: their events are kept.
#[utoipa::path(post, path = "/accounts/{account}/integration/pause", tag = "integration", operation_id = "pause",
    params(("account" = String, Path)), request_body = PauseInput,
    responses((status = 204), (status = 400, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn pause(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    Body(body): Body,
) -> Result<StatusCode, ApiError> {
    web.admin.account_to_change(&caller.0, &account)?;
    let input: PauseInput = read(or_empty(&body))?;
    let kind = input.event.as_deref().map(kind).transpose()?;
    web.admin.pause(&caller.0, &account, kind).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Resumes webhooks.
#[utoipa::path(post, path = "/accounts/{account}/integration/resume", tag = "integration", operation_id = "resume",
    params(("account" = String, Path)), request_body = ResumeInput,
    responses((status = 204), (status = 400, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn resume(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    Body(body): Body,
) -> Result<StatusCode, ApiError> {
    web.admin.account_to_change(&caller.0, &account)?;
    let input: ResumeInput = read(or_empty(&body))?;
    let kind = input.event.as_deref().map(kind).transpose()?;
    web.admin.resume(&caller.0, &account, kind, input.send_kept.unwrap_or(true)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Sends a test call: events with recognisable test values, at once, kept nowhere. A few at once, then a few a
/// minute, for each account and each caller: beyond that 429 with `Retry-After`.
#[utoipa::path(post, path = "/accounts/{account}/integration/test", tag = "integration", operation_id = "test_call",
    params(("account" = String, Path)), request_body = TestInput,
    responses((status = 200, body = TestReport), (status = 400, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn test(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
    Body(body): Body,
) -> Result<Json<TestReport>, ApiError> {
    web.admin.account_to_change(&caller.0, &account)?;
    let input: TestInput = read(&body)?;
    let mut coming = web.admin.test_call(&caller.0, &account, &input.employee).await?;
    let mut answers = Vec::new();
    while let Some(answer) = coming.recv().await {
        answers.push(answer_view(answer));
    }
    Ok(Json(TestReport { answers }))
}

fn answer_view(answer: TestAnswer) -> TestAnswerView {
    TestAnswerView {
        event: answer.kind.name(),
        accepted: answer.accepted(),
        request_line: answer.request_line,
        request_body: answer.request_body,
        status: answer.status,
        error: answer.reason.as_ref().map(english).unwrap_or_default(),
        error_reason: answer.reason.as_ref().map(ReasonView::of),
        took_ms: u64::try_from(answer.took.as_millis()).unwrap_or(u64::MAX),
        response_body: answer.response_body,
    }
}
