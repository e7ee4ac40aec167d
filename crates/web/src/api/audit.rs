//! `/audit` and `/accounts/{account}/audit`: who did what.

use std::sync::Arc;

use admin::kept::{ActorKind, AuditEntry, AuditFilter};
use admin::{Actor, Code, Refusal};
use axum::Json;
use axum::extract::{RawQuery, State};
use calls::AccountId;
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::Path;
use super::listing::{PAGE, limit, place, query, unknown};
use super::{ApiError, ErrorEnvelope};
use crate::Web;
use crate::wire;

/// A page of the audit log.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditPage {
    /// Newest first.
    entries: Vec<AuditView>,
    /// `before` of the following page; absent on the last.
    #[serde(skip_serializing_if = "Option::is_none")]
    next: Option<String>,
}

/// Something that was done.
#[derive(Serialize, ToSchema)]
pub(crate) struct AuditView {
    /// When.
    at: String,
    /// Who: a person's name, a token's, or that of a user of the machine.
    #[schema(example = "olga")]
    actor: String,
    /// What they are: `person`, `token`, or `cli` for the command line.
    #[schema(example = "person")]
    kind: &'static str,
    /// From which address, where it is known and the token may know it: behind a trusted proxy the one it forwards for.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(example = "192.0.2.7")]
    address: Option<String>,
    /// The account it was done to; absent where it was done to the gateway.
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    /// What was done.
    #[schema(example = "phone")]
    what: String,
    /// To which one: an employee's number, a token's name; may be empty.
    #[schema(example = "201")]
    subject: String,
    /// More of it; may be empty.
    detail: String,
}

const fn kind_name(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Person => "person",
        ActorKind::Token => "token",
        ActorKind::Cli => "cli",
    }
}

fn kind(name: &str) -> Result<ActorKind, ApiError> {
    let all = [ActorKind::Person, ActorKind::Token, ActorKind::Cli];
    let found = all.into_iter().find(|kind| kind_name(*kind) == name);
    found.ok_or_else(|| Refusal::of(Code::ActorKind, "kind").into())
}

fn view(entry: AuditEntry) -> AuditView {
    AuditView {
        at: wire::moment(entry.at),
        kind: kind_name(entry.kind),
        actor: entry.actor,
        address: entry.address.map(|address| address.to_string()),
        account: entry.account.map(|account| account.to_string()),
        // As the catalogue of texts has it.
        what: entry.what.strip_prefix("audit.").unwrap_or(&entry.what).to_owned(),
        subject: entry.subject,
        detail: entry.detail,
    }
}

/// What was done, to any account and to the gateway itself. For operators.
#[utoipa::path(get, path = "/audit", tag = "audit", operation_id = "list_audit",
    params(("before" = Option<String>, Query), ("limit" = Option<usize>, Query),
        ("account" = Option<String>, Query), ("actor" = Option<String>, Query, description = "Their name, exactly"),
        ("kind" = Option<String>, Query, description = "person, token or cli")),
    responses((status = 200, body = AuditPage), (status = 400, body = ErrorEnvelope), (status = 403, body = ErrorEnvelope)))]
pub(super) async fn all(
    State(web): State<Arc<Web>>,
    Caller(actor): Caller,
    RawQuery(text): RawQuery,
) -> Result<Json<AuditPage>, ApiError> {
    page(&web, &actor, None, text.as_deref()).await
}

/// What was done to an account. For those who may change it.
#[utoipa::path(get, path = "/accounts/{account}/audit", tag = "audit", operation_id = "list_account_audit",
    params(("account" = String, Path), ("before" = Option<String>, Query), ("limit" = Option<usize>, Query),
        ("actor" = Option<String>, Query, description = "Their name, exactly"),
        ("kind" = Option<String>, Query, description = "person, token or cli")),
    responses((status = 200, body = AuditPage), (status = 400, body = ErrorEnvelope),
        (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn of_account(
    State(web): State<Arc<Web>>,
    Caller(actor): Caller,
    Path(account): Path<String>,
    RawQuery(text): RawQuery,
) -> Result<Json<AuditPage>, ApiError> {
    let account = web.admin.account_to_change(&actor, &account)?.id.clone();
    page(&web, &actor, Some(account), text.as_deref()).await
}

async fn page(
    web: &Web,
    actor: &Actor,
    account: Option<AccountId>,
    text: Option<&str>,
) -> Result<Json<AuditPage>, ApiError> {
    let of_all = account.is_none();
    let mut filter = AuditFilter { account, limit: PAGE, ..AuditFilter::default() };
    for (name, value) in query(text) {
        let value = value.as_ref();
        match name.as_ref() {
            "before" => filter.after = Some(place("before", value)?),
            "limit" => filter.limit = limit(value)?,
            "account" if of_all => filter.account = Some(AccountId::new(value)),
            "actor" => filter.actor = Some(value.to_owned()),
            "kind" => filter.kind = Some(kind(value)?),
            _ => return Err(unknown(&name)),
        }
    }
    let found = web.admin.audit(actor, filter).await?;
    let entries = found.entries.into_iter().map(view).collect();
    Ok(Json(AuditPage { entries, next: found.next.map(|next| next.to_string()) }))
}
