//! `/operator/links`: how the links to the PBXs do.

use std::sync::Arc;

use askama::Template;
use axum::extract::State;
use axum::response::Response;

use super::super::frame::page;
use super::super::{Fail, Frame, Visitor, Window};
use admin::{Link, LinkState, Remark, Stranger};

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
    /// Who waits in queues that are no one account's: PBX, queue, number, since when.
    queued: Vec<(String, String, String, String)>,
}

pub(super) async fn links(State(window): State<Arc<Window>>, visitor: Visitor) -> Result<Response, Fail> {
    visitor.operator()?;
    let f = Frame::operator(&window, &visitor, "links");
    let rows = window.web.admin.links(&visitor.actor()).into_iter().map(|link| row(&f, link)).collect();
    let waiting = window.web.admin.waiting_elsewhere(&visitor.actor())?;
    let queued = waiting.into_iter().map(|one| {
        let withheld = one.number.is_empty();
        let number =
            if withheld { f.w.get("calls.withheld").to_owned() } else { f.locale.phone(&one.number) };
        (one.pbx, one.queue, number, f.locale.clock(one.since.as_micros()))
    });
    page(&LinksPage { rows, queued: queued.collect(), f })
}

fn row(f: &Frame, link: Link) -> Row {
    let told = |remark: &Remark| remark.told(f.w.0);
    let state = link.state.name();
    let why = match &link.state {
        LinkState::Down(Some(why)) => told(why),
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
        strangers: strangers.map(|one| stranger(f, one)).collect(),
        more_strangers: link.strangers.len().saturating_sub(STRANGERS),
        version: link.version,
        channels: f.locale.number(link.channels),
        legs: f.locale.number(link.legs),
        last_error: link.last_error.as_ref().map(told).unwrap_or_default(),
    }
}

/// An endpoint that no rule takes, with since when.
fn stranger(f: &Frame, one: &Stranger) -> String {
    let text = if one.is_provider { "links.stranger_provider" } else { "links.stranger" };
    f.w.with(text, "name", &one.endpoint).replace("{since}", &f.locale.wall(one.since))
}
