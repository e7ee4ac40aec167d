//! `/operator/users`.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::fail::back_to;
use super::super::frame::page;
use super::super::{Fail, Frame, Posted, Visitor, Window, audit, oidc, users};
use crate::wire::{ScopeWire, scope_parts};

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

fn build(window: &Window, visitor: &Visitor) -> UsersPage {
    let all = window.web.cache.users();
    let f = Frame::operator(window, visitor, "users");
    let rows = all.iter().map(|(name, (user, _))| {
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
    UsersPage { rows, has_through, error: String::new(), name: String::new(), f }
}

pub(super) async fn list(State(window): State<Arc<Window>>, visitor: Visitor) -> Result<Response, Fail> {
    visitor.operator()?;
    page(&build(&window, &visitor))
}

pub(super) async fn save(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.operator()?;
    let mut form = build(&window, &visitor);
    match users::save(&window, form.f.w, &fields).await? {
        Ok(name) => {
            audit::note(&window.web.cache, &visitor.name, "audit.user", fields.get("account"), &name).await;
            Ok(back_to(&form.f.url("/operator/users"), "saved"))
        }
        Err(problem) => {
            form.error = problem;
            fields.get("name").clone_into(&mut form.name);
            Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response())
        }
    }
}

pub(super) async fn remove(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.operator()?;
    let mut form = build(&window, &visitor);
    match users::remove(&window, form.f.w, fields.get("name")).await? {
        Ok(()) => {
            audit::note(&window.web.cache, &visitor.name, "audit.user_removed", "", fields.get("name")).await;
            Ok(back_to(&form.f.url("/operator/users"), "removed"))
        }
        Err(problem) => {
            form.error = problem;
            Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response())
        }
    }
}
