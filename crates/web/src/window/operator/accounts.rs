//! `/operator/accounts`.

use std::sync::Arc;

use admin::kept::{AccountSettings, Recent};
use admin::{AccountWish, Code, Family, Refusal};
use askama::Template;
use axum::extract::{RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use calls::{AccountId, PbxTime};

use super::super::fail::back_to;
use super::super::frame::page;
use super::super::refusal::told;
use super::super::visitor::Fields;
use super::super::{Fail, Frame, Posted, Visitor, Window, services};
use crate::{clock, zone};

/// Rows of a page.
const ROWS: usize = 100;

/// An account in the list.
pub(crate) struct Row {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) employees: String,
    pub(crate) phones: String,
    /// How many calls its people had today, by its own day.
    pub(crate) today: String,
    /// When the newest call began, for people and for machines; empty where there is none.
    pub(crate) last: String,
    pub(crate) last_iso: String,
    /// How many of the four web services are on, and how many of them fail and are paused.
    pub(crate) on: usize,
    pub(crate) failing: usize,
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

async fn build(window: &Window, visitor: &Visitor, after: &str) -> Result<AccountsPage, Fail> {
    let actor = visitor.actor();
    let many = window.web.admin.account_count(&actor)?;
    let f = Frame::operator(window, visitor, "accounts");
    let after = Some(AccountId::new(after)).filter(|after| !after.as_str().is_empty());
    let mut found = window.web.admin.accounts(&actor, after.as_ref(), ROWS + 1);
    let more = found.len() > ROWS;
    found.truncate(ROWS);
    let next =
        found.last().filter(|_| more).map(|last| f.url(&format!("/operator/accounts?after={}", last.id)));
    let recent = window.web.admin.recent(&found, zone::today).await?;
    let now = clock::now().0;
    let row = |(one, recent): (&Arc<AccountSettings>, Recent)| {
        let last = recent.newest_begun_at.map(PbxTime::as_micros);
        let (on, failing, paused) = services::counts(&window.web.admin.services_of(one));
        Row {
            id: one.id.to_string(),
            name: one.account.name.clone(),
            employees: f.locale.number(u64::try_from(one.employees.len()).unwrap_or(0)),
            phones: f.locale.number(u64::try_from(one.phones.len()).unwrap_or(0)),
            today: f.locale.number(recent.calls),
            last: last.map(|at| f.locale.lately(at, now)).unwrap_or_default(),
            last_iso: last.map(|at| f.locale.iso(at)).unwrap_or_default(),
            on,
            failing,
            paused,
        }
    };
    let count = f.locale.number(u64::try_from(many).unwrap_or(0));
    let rows = found.iter().zip(recent).map(row).collect();
    Ok(AccountsPage { rows, next, count, error: String::new(), f })
}

pub(super) async fn list(
    State(window): State<Arc<Window>>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    page(&build(&window, &visitor, query.get("after")).await?)
}

/// The list with what was wrong.
async fn refused(window: &Window, visitor: &Visitor, refusal: Refusal) -> Result<Response, Fail> {
    if refusal.family() != Family::Invalid {
        return Err(refusal.into());
    }
    let mut form = build(window, visitor, "").await?;
    form.error = told(form.f.w, &refusal);
    Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response())
}

pub(super) async fn make(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let wish = AccountWish { name: Some(fields.get("name").to_owned()), ..AccountWish::default() };
    match window.web.admin.make_account(&visitor.actor(), fields.get("account"), wish).await {
        Ok(made) => {
            let base = &window.web.options.path;
            Ok(back_to(&format!("{base}/a/{}/integration", made.key), "account"))
        }
        Err(refusal) => refused(&window, &visitor, refusal).await,
    }
}

/// Removes an account whose id was typed again.
pub(super) async fn remove(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.operator()?;
    let account = fields.get("account");
    if account != fields.get("again") {
        return refused(&window, &visitor, Refusal::of(Code::NotTheSame, "again")).await;
    }
    match window.web.admin.remove_account(&visitor.actor(), account).await {
        Ok(()) => Ok(back_to(&format!("{}/operator/accounts", window.web.options.path), "removed")),
        Err(refusal) if refusal.code == Code::NoAccount => {
            let unknown = Refusal::of(Code::NoSuchAccount, "account").with("account", account);
            refused(&window, &visitor, unknown).await
        }
        Err(refusal) => refused(&window, &visitor, refusal).await,
    }
}
