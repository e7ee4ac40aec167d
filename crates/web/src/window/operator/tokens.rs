//! `/operator/tokens`: API tokens; the text of one is shown once.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use journal::settings::{Setting, SettingKey};
use serde_json::{Map, json};

use super::super::fail::back_to;
use super::super::frame::page;
use super::super::{Fail, Frame, Posted, Visitor, Window, audit};
use super::users::scope_key;
use crate::clock;
use crate::wire::{self, scope_parts};

#[derive(Template)]
#[template(path = "operator_tokens.html")]
struct TokensPage {
    f: Frame,
    /// Name, scope's key, account, made.
    rows: Vec<(String, &'static str, String, String)>,
    error: String,
    made: Option<String>,
}

fn build(window: &Window, visitor: &Visitor) -> TokensPage {
    let f = Frame::operator(window, visitor, "tokens");
    let all = window.web.cache.tokens();
    let rows = all.iter().map(|(name, (token, _))| {
        let (scope, account) = scope_parts(&token.scope);
        let account = account.map(ToString::to_string).unwrap_or_default();
        (name.clone(), scope_key(scope), account, f.locale.wall(token.created_at))
    });
    TokensPage { rows: rows.collect(), error: String::new(), made: None, f }
}

pub(super) async fn list(State(window): State<Arc<Window>>, visitor: Visitor) -> Result<Response, Fail> {
    visitor.operator()?;
    page(&build(&window, &visitor))
}

pub(super) async fn make(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.operator()?;
    let mut input = Map::new();
    input.insert("name".into(), json!(fields.get("name")));
    input.insert("scope".into(), json!(fields.get("scope")));
    if fields.get("scope") != "operator" && !fields.get("account").is_empty() {
        input.insert("account".into(), json!(fields.get("account")));
    }
    let wanted = wire::token_from_json(serde_json::Value::Object(input).to_string().as_bytes());
    let made = wanted.and_then(|(name, scope)| Ok((name, wire::make_token(scope, clock::now())?)));
    let (name, (text, token)) = match made {
        Ok(made) => made,
        Err(refusal) => return refused(&window, &visitor, refusal.message),
    };
    match window.web.cache.put(SettingKey::Token(name.clone()), Some(Setting::Token(token)), Some(0)).await {
        Ok(_) => {}
        Err(journal::JournalError::Conflict { .. }) => {
            let messages = Frame::operator(&window, &visitor, "").w;
            return refused(&window, &visitor, messages.get("tokens.there").to_owned());
        }
        Err(error) => return Err(error.into()),
    }
    audit::note(&window.web.cache, &visitor.name, "audit.token", fields.get("account"), &name).await;
    let mut form = build(&window, &visitor);
    form.made = Some(text);
    page(&form)
}

fn refused(window: &Window, visitor: &Visitor, message: String) -> Result<Response, Fail> {
    let mut form = build(window, visitor);
    form.error = message;
    Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response())
}

pub(super) async fn remove(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    visitor.operator()?;
    window.web.cache.put(SettingKey::Token(fields.get("name").to_owned()), None, None).await?;
    audit::note(&window.web.cache, &visitor.name, "audit.token_removed", "", fields.get("name")).await;
    Ok(back_to(&Frame::operator(&window, &visitor, "").url("/operator/tokens"), "removed"))
}
