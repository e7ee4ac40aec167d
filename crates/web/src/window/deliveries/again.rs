//! Sending again, one or all that failed, and giving one up. How many "all" are is asked before.

use std::collections::BTreeMap;
use std::sync::Arc;

use admin::{Code, Granted};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;

use super::super::calls::narrowed;
use super::super::fail::back_to;
use super::super::frame::page;
use super::super::reason::told_if;
use super::super::visitor::Fields;
use super::super::{Fail, Frame, Posted, Visitor, Window};
use crate::api;

/// What narrows the list, and with it what is sent again.
const NARROWING: [&str; 5] = ["event", "employee", "number", "from", "until"];

#[derive(Template)]
#[template(path = "deliveries_again.html")]
struct AskPage {
    f: Frame,
    fields: Vec<(&'static str, String)>,
    count: String,
    many: usize,
    /// There are more than were counted.
    more: bool,
    /// By event and last answer: how many.
    parts: Vec<(&'static str, String, String)>,
}

/// The page that asks.
pub(super) fn place(f: &Frame, q: &Fields) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in fields(q) {
        query.append_pair(name, &value);
    }
    format!("{}?{}", f.to("deliveries/again"), query.finish())
}

fn fields(q: &Fields) -> Vec<(&'static str, String)> {
    NARROWING
        .iter()
        .map(|name| (*name, q.get(name).to_owned()))
        .filter(|(_, value)| !value.is_empty())
        .collect()
}

/// Asks, and says how many it would be.
pub(crate) async fn ask_again_all(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "deliveries");
    let q = Fields::read(query.unwrap_or_default().as_bytes());
    let mut filter = narrowed(&f, &account, &q);
    filter.kind = api::kind(q.get("event")).ok();
    filter.limit = admin::MOST_COUNTED;
    let found = window.web.admin.to_send_again(&visitor.actor(), account.id.as_str(), filter).await?;
    let mut parts: BTreeMap<(&'static str, String), u64> = BTreeMap::new();
    for one in &found {
        let last = told_if(f.w, one.last.as_ref());
        *parts.entry((one.event.event.kind().name(), last)).or_default() += 1;
    }
    page(&AskPage {
        fields: fields(&q),
        count: f.locale.number(found.len() as u64),
        many: found.len(),
        more: found.len() >= admin::MOST_COUNTED,
        parts: parts.into_iter().map(|((kind, last), many)| (kind, last, f.locale.number(many))).collect(),
        f,
    })
}

/// Sends all that failed, within what the list is narrowed to, and tells how many went and how many did not.
pub(crate) async fn again_all(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "deliveries");
    let mut filter = narrowed(&f, &account, &fields);
    filter.kind = api::kind(fields.get("event")).ok();
    let all = window.web.admin.send_all_again(&visitor.actor(), account.id.as_str(), filter, None).await?;
    let left: String =
        all.left.iter().map(|(code, count)| format!("&left={count}-{}", code.name())).collect();
    Ok(back_to(&f.to(&format!("deliveries?sent={}{left}", all.sent)), "again_all"))
}

/// What sending all again came to, as the address has it.
pub(super) fn came_to(f: &Frame, q: &Fields) -> Vec<String> {
    if q.get("done") != "again_all" {
        return Vec::new();
    }
    let number = |text: &str| f.locale.number(text.parse().unwrap_or(0));
    let sent = f.w.with("deliveries.sent", "count", number(q.get("sent")));
    let left = q.all("left").filter_map(|part| {
        let (count, code) = part.split_once('-')?;
        let why = Code::named(code)?.sentence(f.w.0);
        Some(f.w.with("deliveries.left", "count", number(count)).replace("{why}", &why))
    });
    std::iter::once(sent).chain(left).collect()
}

pub(crate) async fn again(
    State(window): State<Arc<Window>>,
    Path((account, delivery)): Path<(String, String)>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fail> {
    let done = match window.web.admin.send_again(&visitor.actor(), &account, &delivery).await? {
        Granted::Done => "again",
        Granted::Asked => "asked",
    };
    Ok(back_to(&format!("{}/a/{account}/deliveries/{delivery}", window.web.options.path), done))
}

pub(crate) async fn cancel(
    State(window): State<Arc<Window>>,
    Path((account, delivery)): Path<(String, String)>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fail> {
    let done = match window.web.admin.cancel_delivery(&visitor.actor(), &account, &delivery).await? {
        Granted::Done => "cancelled",
        Granted::Asked => "asked",
    };
    Ok(back_to(&format!("{}/a/{account}/deliveries/{delivery}", window.web.options.path), done))
}
