//! `/operator/links`: how the links to the PBXs do.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::super::frame::page;
use super::super::refusal::told;
use super::super::visitor::Fields;
use super::super::{Fail, Frame, Posted, Visitor, Window, services};
use admin::kept::settings::Secret;
use admin::{Actor, Beside, EarlierCalls, Link, LinkState, PbxTried, PbxWish, Remark, Stranger};

/// So many accounts are looked at for what is done of the first steps.
const FIRST: usize = 20;
/// So many endpoints that no rule takes are shown of a link.
const STRANGERS: usize = 50;

/// A PBX link, as shown.
pub(crate) struct Row {
    pub(crate) name: String,
    pub(crate) address: String,
    /// `up`, `connecting`, `down`.
    pub(crate) state: &'static str,
    pub(crate) why: String,
    pub(crate) since: String,
    pub(crate) lag: String,
    pub(crate) remarks: Vec<String>,
    /// Who listens beside the gateway that has it; nothing is said where gateways do not share the store.
    pub(crate) beside: Option<Vec<String>>,
    pub(crate) strangers: Vec<String>,
    pub(crate) more_strangers: usize,
    pub(crate) version: String,
    pub(crate) channels: String,
    pub(crate) legs: String,
    pub(crate) last_error: String,
}

#[derive(Template)]
#[template(path = "operator_links.html")]
struct LinksPage {
    f: Frame,
    rows: Vec<Row>,
    /// Who has the calls of before the PBXs were shared.
    earlier: Option<String>,
    /// Who waits in queues that are no one account's: PBX, queue, number, since when.
    queued: Vec<(String, String, String, String)>,
    products: Vec<(&'static str, &'static str)>,
    /// What was typed to try a PBX.
    typed: Fields,
    tried: Option<PbxTried>,
    error: String,
    /// The way from here to the first delivery, and which of it is done.
    steps: [(bool, &'static str); 4],
}

fn build(window: &Window, visitor: &Visitor, typed: Fields) -> Result<LinksPage, Fail> {
    visitor.operator()?;
    let (f, admin, actor) = (Frame::operator(window, visitor, "links"), &window.web.admin, visitor.actor());
    let links = admin.links(&actor);
    let follows = links.iter().any(|link| matches!(link.state, LinkState::Up | LinkState::Elsewhere(_)));
    let (phones, service) = first_accounts(window, &actor);
    let delivered = admin.last_day(&actor)?.iter().any(|one| one.delivered > 0);
    let waiting = admin.waiting_elsewhere(&actor)?;
    let queued = waiting.into_iter().map(|one| {
        let withheld = one.number.is_empty();
        let number =
            if withheld { f.w.get("calls.withheld").to_owned() } else { f.locale.phone(&one.number) };
        (one.pbx, one.queue, number, f.locale.clock(one.since.as_micros()))
    });
    Ok(LinksPage {
        rows: links.into_iter().map(|link| row(&f, link)).collect(),
        earlier: admin.earlier_calls(&actor).map(|earlier| has_earlier(&f, earlier)),
        queued: queued.collect(),
        products: admin.products(),
        typed,
        tried: None,
        error: String::new(),
        steps: [
            (follows, f.w.get("links.done_follows")),
            (phones, f.w.get("links.done_phone")),
            (service, f.w.get("links.done_service")),
            (delivered, f.w.get("links.done_delivered")),
        ],
        f,
    })
}

/// Whether any of the first accounts has a phone, and a web service.
fn first_accounts(window: &Window, actor: &Actor) -> (bool, bool) {
    let some = window.web.admin.accounts(actor, None, FIRST);
    let has_service = some.iter().any(|one| services::counts(&window.web.admin.services_of(one)).0 > 0);
    (some.iter().any(|one| !one.phones.is_empty()), has_service)
}

pub(super) async fn links(State(window): State<Arc<Window>>, visitor: Visitor) -> Result<Response, Fail> {
    page(&build(&window, &visitor, Fields::default())?)
}

/// Tries a PBX, and shows what it said and what has to be put where.
pub(super) async fn try_pbx(
    State(window): State<Arc<Window>>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let mut shown = build(&window, &visitor, fields.clone())?;
    let wish = PbxWish {
        product: fields.get("product").to_owned(),
        address: fields.get("address").to_owned(),
        tls: fields.has("tls"),
        username: fields.get("username").to_owned(),
        secret: Secret::new(fields.raw("secret")),
    };
    match window.web.admin.try_pbx(&visitor.actor(), wish).await {
        Ok(tried) => shown.tried = Some(tried),
        Err(refusal) => shown.error = told(shown.f.w, &refusal),
    }
    page(&shown)
}

fn row(f: &Frame, link: Link) -> Row {
    let told = |remark: &Remark| remark.told(f.w.0);
    let state = link.state.name();
    let why = match &link.state {
        LinkState::Down(Some(why)) | LinkState::Elsewhere(why) => told(why),
        LinkState::Down(None) | LinkState::Up | LinkState::Connecting => String::new(),
    };
    let strangers = link.strangers.iter().take(STRANGERS);
    Row {
        name: link.name,
        address: link.address,
        state,
        why,
        since: link.since.map(|at| f.locale.wall(at)).unwrap_or_default(),
        lag: link
            .lag
            .map(|lag| format!("{} ms", f.locale.tenths(lag.as_secs_f64() * 1_000.0)))
            .unwrap_or_default(),
        remarks: link.remarks.iter().map(told).collect(),
        beside: link.beside.as_ref().map(|all| all.iter().map(|one| listens(f, one)).collect()),
        strangers: strangers.map(|one| stranger(f, one)).collect(),
        more_strangers: link.strangers.len().saturating_sub(STRANGERS),
        version: link.version,
        channels: f.locale.number(link.channels),
        legs: f.locale.number(link.legs),
        last_error: link.last_error.as_ref().map(told).unwrap_or_default(),
    }
}

/// A gateway that listens beside, with what it would miss.
fn listens(f: &Frame, one: &Beside) -> String {
    let text = match (&one.lacks, one.since) {
        (None, Some(_)) => "links.beside_ready_since",
        (None, None) => "links.beside_ready",
        (Some(_), _) if one.is_deaf() => "links.beside_deaf",
        (Some(_), _) => "links.beside_not_yet",
    };
    let since = one.since.map(|at| f.locale.wall(at)).unwrap_or_default();
    f.w.with(text, "gateway", &one.gateway).replace("{since}", &since)
}

fn has_earlier(f: &Frame, EarlierCalls { gateway, since }: EarlierCalls) -> String {
    let Some(gateway) = gateway else { return f.w.get("links.earlier_nobody").to_owned() };
    let since = since.map(|at| f.locale.wall(at)).unwrap_or_default();
    let text = if since.is_empty() { "links.earlier_at" } else { "links.earlier_at_since" };
    f.w.with(text, "gateway", gateway).replace("{since}", &since)
}

/// An endpoint that no rule takes, with since when.
fn stranger(f: &Frame, one: &Stranger) -> String {
    let text = if one.is_provider { "links.stranger_provider" } else { "links.stranger" };
    f.w.with(text, "name", &one.endpoint).replace("{since}", &f.locale.wall(one.since))
}
