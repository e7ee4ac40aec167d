//! `/a/{account}/access`: people and tokens of one account, for those who administer it.

use std::sync::Arc;

use admin::{Refusal, Role, UserLink};
use askama::Template;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};

use super::fail::back_to;
use super::frame::page;
use super::refusal::told;
use super::users::{self, NewLink, RoleChoice, TokenRow, UserRow};
use super::visitor::Fields;
use super::{Fail, Frame, Posted, Visitor, Window};

#[derive(Template)]
#[template(path = "access.html")]
struct AccessPage {
    f: Frame,
    users: Vec<UserRow>,
    tokens: Vec<TokenRow>,
    /// Where their forms go.
    users_at: String,
    tokens_at: String,
    /// Whether they are of several accounts.
    of_all: bool,
    roles: &'static [RoleChoice],
    /// What was typed and not taken.
    name: String,
    token_name: String,
    role: &'static str,
    link: Option<NewLink>,
    made: Option<String>,
    error: String,
}

fn build(window: &Window, visitor: &Visitor, account: &str) -> Result<AccessPage, Fail> {
    let account = visitor.changes(window, account)?;
    let f = Frame::account(window, visitor, &account, "access");
    let (actor, id) = (visitor.actor(), account.id.as_str());
    let people = window.web.admin.users_of(&actor, id)?;
    let programs = window.web.admin.tokens_of(&actor, id)?;
    Ok(AccessPage {
        users: users::user_rows(window, &f, &people),
        tokens: users::token_rows(&f, &programs),
        users_at: f.to("access/users"),
        tokens_at: f.to("access/tokens"),
        of_all: false,
        roles: users::account_roles(),
        name: String::new(),
        token_name: String::new(),
        role: "account",
        link: None,
        made: None,
        error: String::new(),
        f,
    })
}

/// What a form of the page came to.
enum Came {
    /// A one-time link, shown once.
    Link(UserLink),
    /// A token's text, shown once.
    Token(String),
    /// Nothing to show.
    Saved,
}

/// Which of the two forms kept what was typed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    People,
    Programs,
}

/// The page after one of its forms: with what is shown once, or with what was wrong and what was typed.
fn after(
    window: &Window,
    visitor: &Visitor,
    account: &str,
    (form, fields): (Form, &Fields),
    came: Result<Came, Refusal>,
) -> Result<Response, Fail> {
    let mut shown = build(window, visitor, account)?;
    match came {
        Ok(Came::Link(link)) => shown.link = Some(users::new_link(window, &shown.f, &link)),
        Ok(Came::Token(text)) => shown.made = Some(text),
        Ok(Came::Saved) => return Ok(back_to(&shown.f.to("access"), "saved")),
        Err(refusal) => {
            let typed = if form == Form::People { &mut shown.name } else { &mut shown.token_name };
            fields.get("name").clone_into(typed);
            shown.role = if users::role(fields) == Role::Account { "account" } else { "read-only" };
            shown.error = told(shown.f.w, &refusal);
            return Ok((Fail::Refused(refusal).status(), page(&shown)?).into_response());
        }
    }
    page(&shown)
}

pub(super) async fn show(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
) -> Result<Response, Fail> {
    page(&build(&window, &visitor, &account)?)
}

pub(super) async fn invite(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.changes(&window, &account)?;
    let (name, role) = (fields.get("name"), users::role(&fields));
    let invited = window.web.admin.invite_to(&visitor.actor(), &account, name, role).await;
    let came = invited.map(|(_, link)| link.map_or(Came::Saved, Came::Link));
    after(&window, &visitor, &account, (Form::People, &fields), came)
}

/// A new link for somebody who has forgotten their password.
pub(super) async fn link(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let made = window.web.admin.reset_user_of(&visitor.actor(), &account, fields.get("name")).await?;
    after(&window, &visitor, &account, (Form::People, &fields), Ok(Came::Link(made)))
}

pub(super) async fn remove(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    window.web.admin.remove_user_of(&visitor.actor(), &account, fields.get("name")).await?;
    // Who removed themselves has nowhere to go back to.
    if fields.get("name") == visitor.key {
        return Err(Fail::Enter { taste: visitor.taste });
    }
    Ok(back_to(&format!("{}/a/{account}/access", window.web.options.path), "removed"))
}

pub(super) async fn make_token(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.changes(&window, &account)?;
    let (name, role) = (fields.get("name"), users::role(&fields));
    let made = window.web.admin.make_token_of(&visitor.actor(), &account, name, role).await;
    after(&window, &visitor, &account, (Form::Programs, &fields), made.map(|made| Came::Token(made.text)))
}

pub(super) async fn remove_token(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    window.web.admin.remove_token_of(&visitor.actor(), &account, fields.get("name")).await?;
    Ok(back_to(&format!("{}/a/{account}/access", window.web.options.path), "removed"))
}
