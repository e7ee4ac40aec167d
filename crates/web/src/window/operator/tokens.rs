//! `/operator/tokens`: API tokens; the text of one is shown once.

use std::sync::Arc;

use admin::{Family, Role, TokenWish};
use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};

use super::super::fail::back_to;
use super::super::frame::page;
use super::super::refusal::told;
use super::super::{Fail, Frame, Posted, Visitor, Window, users};
use super::users::{accounts, scope_key};
use crate::wire::scope_parts;

#[derive(Template)]
#[template(path = "operator_tokens.html")]
struct TokensPage {
    f: Frame,
    /// Name, scope's key, account, made.
    rows: Vec<(String, &'static str, String, String)>,
    error: String,
    /// Accounts there are, of which one is chosen.
    accounts: Vec<(String, String)>,
    made: Option<String>,
}

fn build(window: &Window, visitor: &Visitor) -> Result<TokensPage, Fail> {
    let f = Frame::operator(window, visitor, "tokens");
    let all = window.web.admin.tokens(&visitor.actor())?;
    let rows = all.iter().map(|(name, token)| {
        let (scope, account) = scope_parts(&token.scope);
        let account = account.map(ToString::to_string).unwrap_or_default();
        (name.clone(), scope_key(scope), account, f.locale.wall(token.created_at))
    });
    let accounts = accounts(window, visitor);
    Ok(TokensPage { rows: rows.collect(), error: String::new(), accounts, made: None, f })
}

pub(super) async fn list(State(window): State<Arc<Window>>, visitor: Visitor) -> Result<Response, Fail> {
    page(&build(&window, &visitor)?)
}

pub(super) async fn make(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let role = users::role(&fields);
    let account = Some(fields.get("account")).filter(|account| !account.is_empty() && role != Role::Operator);
    let wish = TokenWish {
        name: fields.get("name").to_owned(),
        role: Some(role),
        account: account.map(str::to_owned),
    };
    match window.web.admin.make_token(&visitor.actor(), &wish).await {
        Ok(made) => {
            let mut form = build(&window, &visitor)?;
            form.made = Some(made.text);
            page(&form)
        }
        Err(refusal) if refusal.family() == Family::Invalid => {
            let mut form = build(&window, &visitor)?;
            form.error = told(form.f.w, &refusal);
            Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

pub(super) async fn remove(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    window.web.admin.remove_token(&visitor.actor(), fields.get("name")).await?;
    Ok(back_to(&format!("{}/operator/tokens", window.web.options.path), "removed"))
}
