//! `/accounts/{account}/employees`.

use std::sync::Arc;

use admin::Code;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use utoipa::ToSchema;

use super::auth::Caller;
use super::extract::{Body, Expected, Path, Tagged};
use super::{ApiError, ErrorEnvelope};
use crate::Web;
use crate::wire::{self, EmployeeInput, EmployeeView};

/// The employees of an account.
#[derive(Serialize, ToSchema)]
pub(crate) struct EmployeeList {
    /// By local number.
    employees: Vec<EmployeeView>,
}

/// The employees of an account, by local number.
#[utoipa::path(get, path = "/accounts/{account}/employees", tag = "accounts", operation_id = "list_employees",
    params(("account" = String, Path)),
    responses((status = 200, body = EmployeeList), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn list(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path(account): Path<String>,
) -> Result<Json<EmployeeList>, ApiError> {
    let account = web.admin.account(&caller.0, &account)?;
    let employees = account.employees.iter();
    let employees = employees.map(|(number, (one, version))| wire::employee_to_json(number, one, *version));
    Ok(Json(EmployeeList { employees: employees.collect() }))
}

/// An employee.
#[utoipa::path(get, path = "/accounts/{account}/employees/{number}", tag = "accounts", operation_id = "get_employee",
    params(("account" = String, Path), ("number" = String, Path)),
    responses((status = 200, body = EmployeeView), (status = 404, body = ErrorEnvelope)))]
pub(super) async fn show(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, number)): Path<(String, String)>,
) -> Result<Tagged<EmployeeView>, ApiError> {
    let account = web.admin.account(&caller.0, &account)?;
    let (one, version) = account.employees.get(&number).ok_or(Code::NoEmployee)?;
    Ok(Tagged(*version, wire::employee_to_json(&number, one, *version)))
}

/// Creates or changes an employee.
#[utoipa::path(put, path = "/accounts/{account}/employees/{number}", tag = "accounts", operation_id = "put_employee",
    params(("account" = String, Path), ("number" = String, Path), ("If-Match" = Option<String>, Header)),
    request_body = EmployeeInput,
    responses((status = 200, body = EmployeeView), (status = 201, body = EmployeeView),
        (status = 400, body = ErrorEnvelope), (status = 403, body = ErrorEnvelope),
        (status = 404, body = ErrorEnvelope), (status = 412, body = ErrorEnvelope)))]
pub(super) async fn set(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, number)): Path<(String, String)>,
    Expected(expected): Expected,
    Body(body): Body,
) -> Result<Response, ApiError> {
    let wish = wire::employee_from_json(&body)?;
    let written = web.admin.set_employee(&caller.0, &account, &number, wish, expected).await?;
    let status = if written.new { StatusCode::CREATED } else { StatusCode::OK };
    let view = wire::employee_to_json(&written.key, &written.value, written.version);
    Ok((status, Tagged(written.version, view)).into_response())
}

/// Removes an employee.
#[utoipa::path(delete, path = "/accounts/{account}/employees/{number}", tag = "accounts", operation_id = "delete_employee",
    params(("account" = String, Path), ("number" = String, Path), ("If-Match" = Option<String>, Header)),
    responses((status = 204), (status = 403, body = ErrorEnvelope), (status = 404, body = ErrorEnvelope),
        (status = 412, body = ErrorEnvelope)))]
pub(super) async fn remove(
    State(web): State<Arc<Web>>,
    caller: Caller,
    Path((account, number)): Path<(String, String)>,
    Expected(expected): Expected,
) -> Result<StatusCode, ApiError> {
    web.admin.remove_employee(&caller.0, &account, &number, expected).await?;
    Ok(StatusCode::NO_CONTENT)
}
