//! `/a/{account}/people`: employees and phones, and who has which.

mod table;

use std::sync::Arc;

use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use journal::AccountSettings;
use journal::settings::{Employee, Holder, Phone, Setting, SettingKey};

use super::fail::back_to;
use super::frame::page;
use super::visitor::Fields;
use super::{Fail, Frame, Posted, Visitor, Window, audit, refusal};
use crate::{api, wire};
pub(super) use table::quoted;
pub(super) use table::{csv, import};

/// Rows of each list.
const ROWS: usize = 30;
/// So many employees are suggested where one is asked for.
const SUGGESTED: usize = 300;

/// An employee with the phones they have.
pub(crate) struct Person {
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) phones: Vec<String>,
}

/// A phone.
pub(crate) struct Device {
    pub(crate) number: String,
    pub(crate) name: String,
    /// The value of the choice: empty for the same number, `-` for nobody.
    pub(crate) holder: String,
    /// Nobody has it as things are.
    pub(crate) free: bool,
}

#[derive(Template)]
#[template(path = "people.html")]
struct PeoplePage {
    f: Frame,
    people: Vec<Person>,
    devices: Vec<Device>,
    suggested: Vec<(String, String)>,
    /// The number both lists begin at; empty for the first.
    from: String,
    /// Where they go on, if they do.
    next: Option<String>,
    error: String,
    /// What was pasted for import, if it could not be taken.
    pasted: String,
}

fn build(window: &Window, visitor: &Visitor, account: &AccountSettings, from: &str) -> PeoplePage {
    let f = Frame::account(window, visitor, account, "people");
    let has = |phone: &str, holder: &Holder| match holder {
        Holder::SameNumber => account.employees.contains_key(phone).then(|| phone.to_owned()),
        Holder::Employee(number) => Some(number.clone()),
        Holder::Nobody => None,
    };
    let from_there = |number: &str| number >= from;
    let people = account.employees.iter().filter(|(number, _)| from_there(number)).take(ROWS);
    let people = people.map(|(number, (employee, _))| Person {
        number: number.clone(),
        name: employee.name.clone(),
        phones: account
            .phones
            .iter()
            .filter(|(phone, (one, _))| has(phone, &one.holder).as_ref() == Some(number))
            .map(|(phone, _)| phone.clone())
            .collect(),
    });
    let devices = account.phones.iter().filter(|(number, _)| from_there(number)).take(ROWS);
    let devices = devices.map(|(number, (phone, _))| Device {
        number: number.clone(),
        name: phone.name.clone(),
        holder: match &phone.holder {
            Holder::SameNumber => String::new(),
            Holder::Nobody => "-".to_owned(),
            Holder::Employee(number) => number.clone(),
        },
        free: has(number, &phone.holder).is_none(),
    });
    let suggested = account.employees.iter().take(SUGGESTED);
    let next_person = account.employees.keys().filter(|number| from_there(number)).nth(ROWS);
    let next_device = account.phones.keys().filter(|number| from_there(number)).nth(ROWS);
    PeoplePage {
        people: people.collect(),
        devices: devices.collect(),
        // The nearer of both: what the other list has shown by then is shown once more, and nothing is left out.
        next: next_person.into_iter().chain(next_device).min().cloned(),
        suggested: suggested.map(|(number, (one, _))| (number.clone(), one.name.clone())).collect(),
        from: from.to_owned(),
        error: String::new(),
        pasted: String::new(),
        f,
    }
}

/// The page again, with what was wrong.
fn refused(
    window: &Window,
    visitor: &Visitor,
    account: &AccountSettings,
    refusal: &wire::Refusal,
    pasted: &str,
) -> Result<Response, Fail> {
    let mut form = build(window, visitor, account, "");
    form.error = refusal::told(form.f.w, refusal);
    form.pasted = pasted.to_owned();
    Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response())
}

pub(super) async fn show(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    page(&build(&window, &visitor, &account, query.get("from")))
}

pub(super) async fn employee(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let number = wire::local_number("number", fields.get("number"));
    let (number, name) = match number.and_then(|number| Ok((number, wire::name("name", fields.get("name"))?)))
    {
        Ok(both) => both,
        Err(refusal) => return refused(&window, &visitor, &account, &refusal, ""),
    };
    let key = SettingKey::Employee(account.id.clone(), number.clone());
    window.web.cache.put(key, Some(Setting::Employee(Employee { name })), None).await?;
    done(&window, &visitor, &account, "audit.employee", &number, "saved").await
}

pub(super) async fn remove_employee(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let number = fields.get("number");
    window.web.cache.put(SettingKey::Employee(account.id.clone(), number.to_owned()), None, None).await?;
    done(&window, &visitor, &account, "audit.employee_removed", number, "removed").await
}

pub(super) async fn phone(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let read = || {
        let number = wire::local_number("number", fields.get("number"))?;
        let holder = match fields.get("holder") {
            "" => Holder::SameNumber,
            "-" => Holder::Nobody,
            employee => Holder::Employee(wire::local_number("employee", employee)?),
        };
        Ok((number, Phone { holder, name: wire::name("name", fields.get("name"))? }))
    };
    let (number, phone) = match read() {
        Ok(both) => both,
        Err(refusal) => return refused(&window, &visitor, &account, &refusal, ""),
    };
    api::employ(&window.web, &account, &phone.holder).await?;
    window
        .web
        .cache
        .put(SettingKey::Phone(account.id.clone(), number.clone()), Some(Setting::Phone(phone)), None)
        .await?;
    done(&window, &visitor, &account, "audit.phone", &number, "saved").await
}

pub(super) async fn remove_phone(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let number = fields.get("number");
    window.web.cache.put(SettingKey::Phone(account.id.clone(), number.to_owned()), None, None).await?;
    done(&window, &visitor, &account, "audit.phone_removed", number, "removed").await
}

async fn done(
    window: &Window,
    visitor: &Visitor,
    account: &AccountSettings,
    what: &'static str,
    detail: &str,
    word: &str,
) -> Result<Response, Fail> {
    audit::note(&window.web.cache, &visitor.name, what, account.id.as_str(), detail).await;
    let f = Frame::account(window, visitor, account, "people");
    Ok(back_to(&f.to("people"), word))
}
