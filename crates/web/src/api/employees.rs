//! `/accounts/{account}/employees`.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use journal::settings::{Setting, SettingKey};
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
    let account = caller.reads(&web, &account)?;
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
    let account = caller.reads(&web, &account)?;
    let (one, version) = account.employees.get(&number).ok_or_else(|| ApiError::not_found("employee"))?;
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
    let account = caller.changes(&web, &account)?;
    let number = wire::local_number("number", &number)?;
    let value = wire::employee_from_json(&body)?;
    let key = SettingKey::Employee(account.id.clone(), number.clone());
    let version = web.cache.put(key, Some(Setting::Employee(value.clone())), expected).await?;
    caller.note(&web, "audit.employee", account.id.as_str(), &number).await;
    let new = !account.employees.contains_key(&number);
    let status = if new { StatusCode::CREATED } else { StatusCode::OK };
    Ok((status, Tagged(version, wire::employee_to_json(&number, &value, version))).into_response())
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
    let account = caller.changes(&web, &account)?;
    if !account.employees.contains_key(&number) {
        return Err(ApiError::not_found("employee"));
    }
    web.cache.put(SettingKey::Employee(account.id.clone(), number.clone()), None, expected).await?;
    caller.note(&web, "audit.employee_removed", account.id.as_str(), &number).await;
    Ok(StatusCode::NO_CONTENT)
}
