//! `/search`: a number, an employee, a call's id or a delivery's.

use std::sync::Arc;

use admin::kept::Filter;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};
use calls::LegId;

use super::super::visitor::Fields;
use super::super::{Fail, Visitor, Window};

pub(crate) async fn search(
    State(window): State<Arc<Window>>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let q = Fields::read(query.unwrap_or_default().as_bytes());
    let account = visitor.reads(&window, q.get("account"))?;
    let text = q.get("q");
    let here = format!("{}/a/{}", window.web.options.path, account.id);
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    let leg = Filter {
        account: Some(account.id.clone()),
        leg: Some(LegId::new(text)),
        limit: 1,
        ..Filter::default()
    };
    let to = if !window.web.admin.events(&visitor.actor(), account.id.as_str(), leg).await?.is_empty() {
        format!("{here}/calls/{encoded}")
    } else if let Ok(one) = window.web.admin.delivery(&visitor.actor(), account.id.as_str(), text).await {
        format!("{here}/deliveries/{}", admin::delivery_name(one.id))
    } else if account.employees.contains_key(text) {
        format!("{here}/calls?employee={encoded}")
    } else {
        let named = account.employees.iter().find(|(_, (one, _))| {
            text.chars().count() > 2 && one.name.to_lowercase().contains(&text.to_lowercase())
        });
        named.map_or_else(
            || format!("{here}/calls?number={encoded}"),
            |(number, _)| format!("{here}/calls?employee={number}"),
        )
    };
    Ok(Redirect::to(&to).into_response())
}
