//! `/operator/privacy`: what is kept about a person or a number: told, taken along, erased.
//!
//! Everything by form, so that a number stands in no address.

use std::sync::Arc;

use admin::{Refusal, Whose};
use askama::Template;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::super::frame::page;
use super::super::refusal::told;
use super::super::visitor::Fields;
use super::super::{Fail, Frame, Posted, Visitor, Window, sheet};
use super::users::Accounts;
use crate::api::{kept_to_json, kept_to_rows};

/// So many legs are counted or taken along by the page; the command line has no such bound.
const MOST_LEGS: usize = 20_000;

/// What was found.
struct Found {
    /// In words: how much, from when to when.
    told: String,
    /// That this is not all, and where all of it is.
    more: String,
    /// Whether there is anything.
    any: bool,
}

#[derive(Template)]
#[template(path = "operator_privacy.html")]
struct PrivacyPage {
    f: Frame,
    accounts: Accounts,
    account: String,
    employee: String,
    number: String,
    found: Option<Found>,
    /// What an erasing came to.
    gone: Option<String>,
    error: String,
}

fn build(window: &Window, visitor: &Visitor, fields: &Fields) -> Result<PrivacyPage, Fail> {
    visitor.operator()?;
    let of = |name: &str| fields.get(name).to_owned();
    Ok(PrivacyPage {
        f: Frame::operator(window, visitor, "privacy"),
        accounts: Accounts::read(window, visitor, fields.get("account")),
        account: of("account"),
        employee: of("employee"),
        number: of("number"),
        found: None,
        gone: None,
        error: String::new(),
    })
}

pub(super) async fn show(State(window): State<Arc<Window>>, visitor: Visitor) -> Result<Response, Fail> {
    page(&build(&window, &visitor, &Fields::default())?)
}

/// What is kept, as much as the page takes, and whether there is more.
async fn legs(window: &Window, visitor: &Visitor, fields: &Fields) -> Result<(Vec<Value>, bool), Refusal> {
    let whose = Whose::read(Some(fields.get("employee")), Some(fields.get("number")))?;
    let (admin, actor, account) = (&window.web.admin, visitor.actor(), fields.get("account"));
    let there = admin.account(&actor, account)?;
    let most = window.web.options.most_personal.unwrap_or(MOST_LEGS);
    let (mut legs, mut after) = (Vec::new(), None);
    loop {
        let part = admin.kept_about(&actor, account, &whose, after).await?;
        after = part.next;
        let shown = serde_json::to_value(kept_to_json(&part, &there)).unwrap_or_default();
        if let Some(more) = shown["legs"].as_array() {
            legs.extend(more.iter().cloned());
        }
        if after.is_none() || legs.len() >= most {
            let is_more = after.is_some() || legs.len() > most;
            legs.truncate(most);
            return Ok((legs, is_more));
        }
    }
}

/// Tells how much is kept.
pub(super) async fn look(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let mut form = build(&window, &visitor, &fields)?;
    match legs(&window, &visitor, &fields).await {
        Ok((legs, is_more)) => {
            form.found = Some(found(&form.f, &legs, is_more));
            page(&form)
        }
        Err(refusal) => refused(form, refusal),
    }
}

fn found(f: &Frame, legs: &[Value], is_more: bool) -> Found {
    let day = |leg: Option<&Value>| {
        let at = leg.and_then(|leg| leg["call"]["started_at"].as_str()?.parse::<jiff::Timestamp>().ok());
        at.map(|at| f.locale.wall(admin::kept::WallTime(at.as_microsecond()))).unwrap_or_default()
    };
    let count = f.locale.number(u64::try_from(legs.len()).unwrap_or(u64::MAX));
    let told = match legs.is_empty() {
        true => f.w.get("privacy.nothing").to_owned(),
        false => {
            f.w.with("privacy.found", "count", &count)
                .replace("{from}", &day(legs.first()))
                .replace("{until}", &day(legs.last()))
        }
    };
    let more = if is_more { f.w.with("privacy.most", "count", &count) } else { String::new() };
    Found { told, more, any: !legs.is_empty() }
}

fn refused(mut form: PrivacyPage, refusal: Refusal) -> Result<Response, Fail> {
    form.error = told(form.f.w, &refusal);
    let status = Fail::Refused(refusal).status();
    Ok((status, page(&form)?).into_response())
}

/// As a file: everything as JSON, or a row a leg as CSV.
pub(super) async fn export(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let form = build(&window, &visitor, &fields)?;
    let (legs, is_more) = match legs(&window, &visitor, &fields).await {
        Ok(found) => found,
        Err(refusal) => return refused(form, refusal),
    };
    if fields.get("as") == "csv" {
        return Ok(sheet::download("person.csv", kept_to_csv(&legs)));
    }
    // What is cut says so itself, wherever the file goes.
    let text = format!("{:#}", json!({ "account": form.account, "is_all": !is_more, "legs": legs }));
    let headers = [
        (header::CONTENT_TYPE, "application/json"),
        (header::CONTENT_DISPOSITION, "attachment; filename=\"person.json\""),
    ];
    Ok((headers, text).into_response())
}

/// Erases, once the word was typed.
pub(super) async fn erase(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let mut form = build(&window, &visitor, &fields)?;
    let whose = match Whose::read(Some(fields.get("employee")), Some(fields.get("number"))) {
        Ok(whose) => whose,
        Err(refusal) => return refused(form, refusal),
    };
    if !fields.has("sure") {
        form.error = form.f.w.get("privacy.sure_missing").to_owned();
        form.found = Some(Found { told: String::new(), more: String::new(), any: true });
        return Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response());
    }
    match window.web.admin.erase(&visitor.actor(), fields.get("account"), &whose).await {
        Ok(gone) => {
            let number = |count| form.f.locale.number(count);
            let mut told = form.f.w.with("privacy.gone", "events", number(gone.events));
            told = told.replace("{cancelled}", &number(gone.cancelled));
            if gone.running > 0 {
                told.push(' ');
                told.push_str(&form.f.w.with("privacy.running", "count", number(gone.running)));
            }
            form.gone = Some(told);
            (form.employee, form.number) = (String::new(), String::new());
            page(&form)
        }
        Err(refusal) => refused(form, refusal),
    }
}

/// What is kept as CSV, a row a leg, from the JSON of its legs.
pub fn kept_to_csv(legs: &[Value]) -> String {
    sheet::written(kept_to_rows(legs).iter().map(|row| row.iter().map(String::as_str)))
}
