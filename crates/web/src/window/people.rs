//! `/a/{account}/people`: employees and phones, and who has which.

mod table;

use std::sync::Arc;

use admin::kept::AccountSettings;
use admin::kept::settings::Holder;
use admin::{Code, EmployeeWish, Expect, Family, PhoneWish, Refusal};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::fail::back_to;
use super::frame::page;
use super::refusal::{self, Differing};
use super::visitor::Fields;
use super::{Fail, Frame, Posted, Visitor, Window};
pub(super) use table::{csv, import};

/// Rows of each list.
const ROWS: usize = 28;
/// So many employees are suggested where one is asked for.
const SUGGESTED: usize = 300;

/// An employee with the phones they have.
pub(crate) struct Person {
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) version: u64,
    pub(crate) phones: Vec<String>,
}

/// A phone.
pub(crate) struct Device {
    pub(crate) number: String,
    pub(crate) name: String,
    pub(crate) version: u64,
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
    /// What somebody else changed meanwhile.
    differing: Vec<Differing>,
    /// The newest of all settings when the page was made.
    seen: u64,
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
    let people = people.map(|(number, (employee, version))| Person {
        number: number.clone(),
        name: employee.name.clone(),
        version: *version,
        phones: account
            .phones
            .iter()
            .filter(|(phone, (one, _))| has(phone, &one.holder).as_ref() == Some(number))
            .map(|(phone, _)| phone.clone())
            .collect(),
    });
    let devices = account.phones.iter().filter(|(number, _)| from_there(number)).take(ROWS);
    let devices = devices.map(|(number, (phone, version))| Device {
        number: number.clone(),
        name: phone.name.clone(),
        version: *version,
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
        differing: Vec::new(),
        seen: window.web.admin.revision(),
        pasted: String::new(),
        f,
    }
}

/// The page again, with what was wrong.
fn refused(
    window: &Window,
    visitor: &Visitor,
    account: &str,
    refusal: Refusal,
    pasted: &str,
) -> Result<Response, Fail> {
    let status = match refusal.family() {
        Family::Invalid => StatusCode::BAD_REQUEST,
        Family::ChangedMeanwhile => StatusCode::CONFLICT,
        _ => return Err(refusal.into()),
    };
    let account = visitor.reads(window, account)?;
    let mut form = build(window, visitor, &account, "");
    form.error = refusal::told(form.f.w, &refusal);
    form.differing = refusal::differing(form.f.w, &refusal);
    form.pasted = pasted.to_owned();
    Ok((status, page(&form)?).into_response())
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

/// Back to the list, or the list with what was wrong.
fn done<T>(
    window: &Window,
    visitor: &Visitor,
    account: &str,
    came_to: Result<T, Refusal>,
    word: &str,
) -> Result<Response, Fail> {
    let back = || Ok(back_to(&format!("{}/a/{account}/people", window.web.options.path), word));
    match came_to {
        Ok(_) => back(),
        // Somebody else removed it already: it is as it was wanted.
        Err(Refusal { code: Code::NoEmployee | Code::NoPhone, .. }) => back(),
        Err(refusal) => refused(window, visitor, account, refusal, ""),
    }
}

/// The version a form was made with; one without is for what is not there yet.
fn expected(fields: &Fields) -> Expect {
    Expect::version(Some(fields.get("version").parse().unwrap_or(0)))
}

pub(super) async fn employee(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let wish = EmployeeWish { name: Some(fields.get("name").to_owned()) };
    let (actor, number) = (visitor.actor(), fields.get("number"));
    let set = window.web.admin.set_employee(&actor, &account, number, wish, expected(&fields)).await;
    done(&window, &visitor, &account, set, "saved")
}

pub(super) async fn remove_employee(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let (actor, number) = (visitor.actor(), fields.get("number"));
    let gone = window.web.admin.remove_employee(&actor, &account, number, expected(&fields)).await;
    done(&window, &visitor, &account, gone, "removed")
}

pub(super) async fn phone(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let holder = match fields.get("holder") {
        "" => Holder::SameNumber,
        "-" => Holder::Nobody,
        employee => Holder::Employee(employee.to_owned()),
    };
    let wish = PhoneWish { name: Some(fields.get("name").to_owned()), holder: Some(holder) };
    let (actor, number) = (visitor.actor(), fields.get("number"));
    let set = window.web.admin.set_phone(&actor, &account, number, wish, expected(&fields)).await;
    done(&window, &visitor, &account, set, "saved")
}

pub(super) async fn remove_phone(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let (actor, number) = (visitor.actor(), fields.get("number"));
    let gone = window.web.admin.remove_phone(&actor, &account, number, expected(&fields)).await;
    done(&window, &visitor, &account, gone, "removed")
}
