//! `/operator/users`: everybody who may log in. Nobody types a password for somebody else.

use std::sync::Arc;

use admin::{Expect, Refusal, Role};
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::super::fail::back_to;
use super::super::frame::page;
use super::super::refusal::{Differing, differing, told};
use super::super::users::{self, NewLink, RoleChoice, UserRow};
use super::super::visitor::Fields;
use super::super::{Fail, Frame, Posted, Visitor, Window};

/// So many accounts are a list to choose from; of more the id is typed.
const CHOSEN_FROM: usize = 500;

#[derive(Template)]
#[template(path = "operator_users.html")]
struct UsersPage {
    f: Frame,
    users: Vec<UserRow>,
    users_at: String,
    of_all: bool,
    /// Whether some do not log in by a password.
    has_through: bool,
    error: String,
    differing: Vec<Differing>,
    /// The newest of all settings when the page was made.
    seen: u64,
    accounts: Accounts,
    roles: &'static [RoleChoice],
    /// What was typed and not taken.
    name: String,
    role: String,
    link: Option<NewLink>,
}

/// Accounts to choose from.
pub(super) struct Accounts {
    /// Id and name of each, while they are not too many.
    pub(super) all: Vec<(String, String)>,
    /// Whether there are more, so that the id is typed.
    pub(super) are_many: bool,
    pub(super) chosen: String,
}

impl Accounts {
    pub(super) fn read(window: &Window, visitor: &Visitor, chosen: &str) -> Self {
        let accounts = window.web.admin.accounts(&visitor.actor(), None, CHOSEN_FROM + 1);
        let all = accounts.iter().map(|one| (one.id.to_string(), one.account.name.clone()));
        Self { all: all.collect(), are_many: accounts.len() > CHOSEN_FROM, chosen: chosen.to_owned() }
    }
}

fn build(window: &Window, visitor: &Visitor, fields: &Fields) -> Result<UsersPage, Fail> {
    let all = window.web.admin.users(&visitor.actor())?;
    let f = Frame::operator(window, visitor, "users");
    let users = users::user_rows(window, &f, &all);
    let role = Some(fields.get("scope")).filter(|role| !role.is_empty()).unwrap_or("account");
    Ok(UsersPage {
        has_through: users.iter().any(|row| row.is_vouched),
        users,
        users_at: f.url("/operator/users"),
        of_all: true,
        error: String::new(),
        differing: Vec::new(),
        seen: window.web.admin.revision(),
        accounts: Accounts::read(window, visitor, fields.get("account")),
        roles: users::all_roles(),
        name: fields.get("name").to_owned(),
        role: role.to_owned(),
        link: None,
        f,
    })
}

pub(super) async fn list(State(window): State<Arc<Window>>, visitor: Visitor) -> Result<Response, Fail> {
    page(&build(&window, &visitor, &Fields::default())?)
}

/// The list with what was wrong.
fn refused(window: &Window, visitor: &Visitor, fields: &Fields, refusal: Refusal) -> Result<Response, Fail> {
    let mut form = build(window, visitor, fields)?;
    form.error = told(form.f.w, &refusal);
    form.differing = differing(form.f.w, &refusal);
    let status = Fail::Refused(refusal).status();
    Ok((status, page(&form)?).into_response())
}

fn back(window: &Window, word: &str) -> Response {
    back_to(&format!("{}/operator/users", window.web.options.path), word)
}

pub(super) async fn invite(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.operator()?;
    let role = users::role(&fields);
    let account = Some(fields.get("account")).filter(|account| !account.is_empty() && role != Role::Operator);
    let expect = fields.get("seen").parse().map_or(Expect::Any, Expect::Seen);
    let (admin, actor) = (&window.web.admin, visitor.actor());
    match admin.invite_user(&actor, fields.get("name"), Some(role), account, expect).await {
        Ok(Some(link)) => {
            let mut form = build(&window, &visitor, &Fields::default())?;
            form.link = Some(users::new_link(&window, &form.f, &link));
            page(&form)
        }
        Ok(None) => Ok(back(&window, "saved")),
        Err(refusal) => refused(&window, &visitor, &fields, refusal),
    }
}

/// A new link for somebody who has forgotten their password.
pub(super) async fn link(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.operator()?;
    match window.web.admin.reset_user(&visitor.actor(), fields.get("name")).await {
        Ok(link) => {
            let mut form = build(&window, &visitor, &Fields::default())?;
            form.link = Some(users::new_link(&window, &form.f, &link));
            page(&form)
        }
        Err(refusal) => refused(&window, &visitor, &Fields::default(), refusal),
    }
}

pub(super) async fn remove(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.operator()?;
    match window.web.admin.remove_user(&visitor.actor(), fields.get("name")).await {
        Ok(()) => Ok(back(&window, "removed")),
        Err(refusal) => refused(&window, &visitor, &Fields::default(), refusal),
    }
}
