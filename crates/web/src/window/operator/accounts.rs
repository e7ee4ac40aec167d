//! `/operator/accounts`.

use std::sync::Arc;

use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use calls::AccountId;
use journal::settings::{Account, Setting, SettingKey};

use super::super::fail::back_to;
use super::super::frame::page;
use super::super::refusal::told;
use super::super::visitor::Fields;
use super::super::{Fail, Frame, Posted, Visitor, Window, audit};
use crate::wire;

/// Rows of a page.
const ROWS: usize = 100;

/// An account in the list.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) employees: String,
    pub(crate) phones: String,
    /// How many of the four web services are on, and how many of them are paused.
    pub(crate) on: usize,
    pub(crate) paused: usize,
}

#[derive(Template)]
#[template(path = "operator_accounts.html")]
struct AccountsPage {
    f: Frame,
    rows: Vec<Row>,
    next: Option<String>,
    count: String,
    error: String,
}

fn build(window: &Window, visitor: &Visitor, after: &str) -> AccountsPage {
    let f = Frame::operator(window, visitor, "accounts");
    let after = Some(AccountId::new(after)).filter(|after| !after.as_str().is_empty());
    let mut found = window.web.cache.accounts(after.as_ref(), ROWS + 1);
    let more = found.len() > ROWS;
    found.truncate(ROWS);
    let next =
        found.last().filter(|_| more).map(|last| f.url(&format!("/operator/accounts?after={}", last.id)));
    let row = |one: &Arc<journal::AccountSettings>| {
        let integration = one.integration().map(|(_, integration, _)| integration.clone());
        let on = calls::EventKind::ALL
            .iter()
            .filter(|kind| integration.as_ref().is_some_and(|integration| integration.url(**kind).is_some()));
        Row {
            id: one.id.to_string(),
            name: one.account.name.clone(),
            employees: f.locale.number(u64::try_from(one.employees.len()).unwrap_or(0)),
            phones: f.locale.number(u64::try_from(one.phones.len()).unwrap_or(0)),
            on: on.count(),
            paused: integration.map_or(0, |integration| integration.paused.len()),
        }
    };
    let count = f.locale.number(u64::try_from(window.web.cache.account_count()).unwrap_or(0));
    AccountsPage { rows: found.iter().map(row).collect(), next, count, error: String::new(), f }
}

pub(super) async fn list(
    State(window): State<Arc<Window>>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    visitor.operator()?;
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    page(&build(&window, &visitor, query.get("after")))
}

pub(super) async fn make(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.operator()?;
    let read = || Ok((wire::account_id(fields.get("account"))?, wire::name("name", fields.get("name"))?));
    let refusal: wire::Refusal = match read() {
        Ok((id, name)) => {
            let setting = Setting::Account(Account::named(name.clone()));
            match window.web.cache.put(SettingKey::Account(id.clone()), Some(setting), Some(0)).await {
                Ok(_) => {
                    audit::note(&window.web.cache, &visitor.name, "audit.account_made", id.as_str(), &name)
                        .await;
                    let f = Frame::operator(&window, &visitor, "accounts");
                    return Ok(back_to(&f.url(&format!("/a/{id}/integration")), "account"));
                }
                Err(journal::JournalError::Conflict { .. }) => wire::Refusal::new(
                    "account",
                    Frame::operator(&window, &visitor, "").w.get("accounts.there"),
                ),
                Err(error) => return Err(error.into()),
            }
        }
        Err(refusal) => refusal,
    };
    let mut form = build(&window, &visitor, "");
    form.error = told(form.f.w, &refusal);
    Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response())
}

/// Removes an account whose id was typed again.
pub(super) async fn remove(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.operator()?;
    if fields.get("account") != fields.get("again") {
        let mut form = build(&window, &visitor, "");
        form.error = form.f.w.get("accounts.not_the_same").to_owned();
        return Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response());
    }
    window.web.cache.remove_account(&AccountId::new(fields.get("account"))).await?;
    audit::note(&window.web.cache, &visitor.name, "audit.account_removed", "", fields.get("account")).await;
    Ok(back_to(&Frame::operator(&window, &visitor, "").url("/operator/accounts"), "removed"))
}
