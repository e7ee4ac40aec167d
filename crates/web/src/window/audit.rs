//! `/operator/audit` and `/a/{account}/audit`: who did what, and from where.

use std::sync::Arc;

use admin::audit::{meant, told, who};
use admin::kept::{ActorKind, AuditEntry, AuditFilter};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use calls::AccountId;

use super::frame::page;
use super::visitor::Fields;
use super::{Fail, Frame, Visitor, Window};

/// Entries of a page.
const ENTRIES: usize = 100;

/// Something that was done, as shown.
pub(crate) struct Row {
    pub(crate) at: String,
    pub(crate) who: String,
    /// From which address; empty where none is known, or is not the reader's to know.
    pub(crate) address: String,
    pub(crate) what: &'static str,
    pub(crate) account: String,
    pub(crate) told: String,
}

impl Row {
    pub(super) fn of(f: &Frame, entry: &AuditEntry) -> Self {
        Self {
            at: f.locale.wall(entry.at),
            who: who(entry),
            address: entry.address.map(|address| address.to_string()).unwrap_or_default(),
            what: f.w.get(&entry.what),
            account: entry.account.as_ref().map(ToString::to_string).unwrap_or_default(),
            told: told(entry),
        }
    }
}

#[derive(Template)]
#[template(path = "audit.html")]
struct AuditPage {
    f: Frame,
    rows: Vec<Row>,
    /// Where the page is, without a question.
    place: String,
    /// What was asked for.
    account: String,
    who: String,
    kind: String,
    /// Where the older ones begin.
    older: Option<String>,
    /// Whether accounts are asked for and shown.
    of_all: bool,
}

impl AuditPage {
    /// The page of one who did things, or of one account.
    fn only(&self, name: &str, value: &str) -> String {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair(name, value);
        format!("{}?{}", self.place, query.finish())
    }
}

/// What people, programs or the machine did.
fn kind(name: &str) -> Option<ActorKind> {
    match name {
        "person" => Some(ActorKind::Person),
        "token" => Some(ActorKind::Token),
        "cli" => Some(ActorKind::Cli),
        _ => None,
    }
}

/// All of it, or one account's, for operators.
pub(super) async fn all(
    State(window): State<Arc<Window>>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    visitor.operator()?;
    let f = Frame::operator(&window, &visitor, "audit");
    let place = f.url("/operator/audit");
    show(&window, &visitor, f, place, None, query).await
}

/// An account's, for those who administer it.
pub(super) async fn of_account(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "audit");
    let place = f.to("audit");
    show(&window, &visitor, f, place, Some(account.id.clone()), query).await
}

async fn show(
    window: &Window,
    visitor: &Visitor,
    f: Frame,
    place: String,
    account: Option<AccountId>,
    query: Option<String>,
) -> Result<Response, Fail> {
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    let of = |name: &str| Some(query.get(name)).filter(|text| !text.is_empty());
    let (meant_kind, actor) = of("who").map_or((None, None), |text| {
        let (kind, name) = meant(text);
        (kind, Some(name.to_owned()))
    });
    let of_all = account.is_none();
    let filter = AuditFilter {
        account: account.or_else(|| of("account").map(AccountId::new)),
        actor,
        kind: meant_kind.or_else(|| kind(query.get("kind"))),
        after: of("after").and_then(|text| text.parse().ok()),
        limit: ENTRIES,
    };
    let found = window.web.admin.audit(&visitor.actor(), filter).await?;
    let rows = found.entries.iter().map(|entry| Row::of(&f, entry)).collect();
    let older = found.next.map(|next| {
        let mut asked = url::form_urlencoded::Serializer::new(String::new());
        for name in ["account", "who", "kind"] {
            if let Some(text) = of(name) {
                asked.append_pair(name, text);
            }
        }
        asked.append_pair("after", &next.to_string());
        format!("{place}?{}", asked.finish())
    });
    let [account, who, kind] = ["account", "who", "kind"].map(|name| query.get(name).to_owned());
    page(&AuditPage { f, rows, place, account, who, kind, older, of_all })
}
