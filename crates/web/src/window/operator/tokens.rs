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
use super::super::users::{self, RoleChoice, TokenRow};
use super::super::visitor::Fields;
use super::super::{Fail, Frame, Posted, Visitor, Window};
use super::users::Accounts;

#[derive(Template)]
#[template(path = "operator_tokens.html")]
struct TokensPage {
    f: Frame,
    tokens: Vec<TokenRow>,
    tokens_at: String,
    of_all: bool,
    error: String,
    accounts: Accounts,
    roles: &'static [RoleChoice],
    /// What was typed and not taken.
    token_name: String,
    role: String,
    made: Option<String>,
}

fn build(window: &Window, visitor: &Visitor, fields: &Fields) -> Result<TokensPage, Fail> {
    let f = Frame::operator(window, visitor, "tokens");
    let all = window.web.admin.tokens(&visitor.actor())?;
    let role = Some(fields.get("scope")).filter(|role| !role.is_empty()).unwrap_or("account");
    Ok(TokensPage {
        tokens: users::token_rows(&f, &all),
        tokens_at: f.url("/operator/tokens"),
        of_all: true,
        error: String::new(),
        accounts: Accounts::read(window, visitor, fields.get("account")),
        roles: users::all_roles(),
        token_name: fields.get("name").to_owned(),
        role: role.to_owned(),
        made: None,
        f,
    })
}

pub(super) async fn list(State(window): State<Arc<Window>>, visitor: Visitor) -> Result<Response, Fail> {
    page(&build(&window, &visitor, &Fields::default())?)
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
            let mut form = build(&window, &visitor, &Fields::default())?;
            form.made = Some(made.text);
            page(&form)
        }
        Err(refusal) if refusal.family() == Family::Invalid => {
            let mut form = build(&window, &visitor, &fields)?;
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
