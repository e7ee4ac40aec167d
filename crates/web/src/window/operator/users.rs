//! `/operator/users`.

use std::sync::Arc;

use admin::Expect;
use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse, Response};

use super::super::fail::back_to;
use super::super::frame::page;
use super::super::refusal::{Differing, differing, told};
use super::super::{Fail, Frame, Posted, Visitor, Window, oidc, users};
use crate::wire::{ScopeWire, scope_parts};

/// So many accounts are suggested.
const SUGGESTED: usize = 500;

struct Row {
    /// The name among the users.
    key: String,
    shown: String,
    /// The scope's key.
    scope: &'static str,
    account: String,
    /// How they log in, where that is not by a password.
    through: String,
}

#[derive(Template)]
#[template(path = "operator_users.html")]
struct UsersPage {
    f: Frame,
    rows: Vec<Row>,
    /// Whether some do not log in by a password.
    has_through: bool,
    error: String,
    differing: Vec<Differing>,
    /// The newest of all settings when the page was made.
    seen: u64,
    /// Accounts there are, of which one is chosen.
    accounts: Vec<(String, String)>,
    name: String,
}

/// The key of a scope's name.
pub(super) fn scope_key(scope: ScopeWire) -> &'static str {
    match scope {
        ScopeWire::Operator => "scope.operator",
        ScopeWire::Account => "scope.account",
        ScopeWire::ReadOnly => "scope.read-only",
    }
}

fn build(window: &Window, visitor: &Visitor) -> Result<UsersPage, Fail> {
    let all = window.web.admin.users(&visitor.actor())?;
    let f = Frame::operator(window, visitor, "users");
    let rows = all.iter().map(|(name, user)| {
        let (scope, account) = scope_parts(&user.scope);
        let through = user.vouched.as_ref().map(|vouched| {
            let label = oidc::label(window, name);
            f.w.with("users.through", "label", label).replace("{seen}", &f.locale.wall(vouched.seen_at))
        });
        Row {
            key: name.clone(),
            shown: oidc::shown(name, user).to_owned(),
            scope: scope_key(scope),
            account: account.map(ToString::to_string).unwrap_or_default(),
            through: through.unwrap_or_default(),
        }
    });
    let rows: Vec<_> = rows.collect();
    let has_through = rows.iter().any(|row| !row.through.is_empty());
    Ok(UsersPage {
        rows,
        has_through,
        error: String::new(),
        differing: Vec::new(),
        seen: window.web.admin.revision(),
        accounts: accounts(window, visitor),
        name: String::new(),
        f,
    })
}

/// The accounts to choose from, with their names.
pub(super) fn accounts(window: &Window, visitor: &Visitor) -> Vec<(String, String)> {
    let accounts = window.web.admin.accounts(&visitor.actor(), None, SUGGESTED);
    accounts.iter().map(|one| (one.id.to_string(), one.account.name.clone())).collect()
}

pub(super) async fn list(State(window): State<Arc<Window>>, visitor: Visitor) -> Result<Response, Fail> {
    page(&build(&window, &visitor)?)
}

/// Back to the list, or the list with what was wrong.
fn done(
    window: &Window,
    visitor: &Visitor,
    name: &str,
    came_to: Result<(), Fail>,
    word: &str,
) -> Result<Response, Fail> {
    let refusal = match came_to {
        Ok(()) => {
            return Ok(back_to(&format!("{}/operator/users", window.web.options.path), word));
        }
        Err(Fail::Refused(refusal)) => refusal,
        Err(fail) => return Err(fail),
    };
    let mut form = build(window, visitor)?;
    form.error = told(form.f.w, &refusal);
    form.differing = differing(form.f.w, &refusal);
    name.clone_into(&mut form.name);
    let status = Fail::Refused(refusal).status();
    Ok((status, page(&form)?).into_response())
}

pub(super) async fn save(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.operator()?;
    let name = fields.get("name");
    let expect = fields.get("seen").parse().map_or(Expect::Any, Expect::Seen);
    let came_to = match users::wish(&window, &fields).await {
        Ok(wish) => {
            window.web.admin.set_user(&visitor.actor(), name, &wish, expect).await.map_err(Fail::from)
        }
        Err(fail) => Err(fail),
    };
    done(&window, &visitor, name, came_to, "saved")
}

pub(super) async fn remove(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let gone = window.web.admin.remove_user(&visitor.actor(), fields.get("name")).await;
    done(&window, &visitor, "", gone.map_err(Fail::from), "removed")
}
