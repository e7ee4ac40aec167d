//! `/help`: the window's manual, from `docs/`, so that it is read offline too. It has a section for each
//! place, named as the place is: that is where the page's own link goes.

use std::sync::Arc;

use admin::kept::settings::Scope;
use askama::Template;
use axum::extract::{Path, State};
use axum::response::Response;
use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

use super::anchor::anchor;
use super::browser::Taste;
use super::frame::page;
use super::messages::Language;
use super::{Fail, Frame, Visitor, Window, assets};

const DANISH: &str = include_str!("../../../../docs/da/vindue.md");
const ENGLISH: &str = include_str!("../../../../docs/window.md");
/// What an integrator reads, in the one language it is written in.
const RECEIVE: &str = include_str!("../../../../docs/receive.md");
const EVENTS: &str = include_str!("../../../../docs/events.md");

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage {
    f: Frame,
    manual: String,
}

/// Anybody may read it; who is logged in has their places beside it.
pub(super) async fn show(
    State(window): State<Arc<Window>>,
    taste: Taste,
    visitor: Result<Visitor, Fail>,
) -> Result<Response, Fail> {
    let f = around(&window, &taste, visitor)?;
    let text = match f.w.0 {
        Language::Danish => DANISH,
        Language::English => ENGLISH,
    };
    page(&HelpPage { manual: manual(&f, text), f })
}

/// `/help/receive` and `/help/events`: what one needs to know to receive.
pub(super) async fn other(
    State(window): State<Arc<Window>>,
    Path(name): Path<String>,
    taste: Taste,
    visitor: Result<Visitor, Fail>,
) -> Result<Response, Fail> {
    let text = match &*name {
        "receive" => RECEIVE,
        "events" => EVENTS,
        _ => return Err(Fail::Nowhere),
    };
    let f = around(&window, &taste, visitor)?;
    page(&HelpPage { manual: manual(&f, text), f })
}

/// The frame for whoever reads.
fn around(window: &Window, taste: &Taste, visitor: Result<Visitor, Fail>) -> Result<Frame, Fail> {
    Ok(match visitor {
        Ok(visitor) => match &visitor.scope {
            Scope::Everything => Frame::operator(window, &visitor, "help"),
            Scope::Account(own) | Scope::ReadAccount(own) => {
                let account = visitor.reads(window, own.as_str())?;
                Frame::account(window, &visitor, &account, "help")
            }
        },
        Err(_) => Frame::open(&window.web.options.path, taste),
    })
}

/// A page of the manual as HTML: headings have names to link to, pictures are ours.
fn manual(f: &Frame, text: &str) -> String {
    let mut events: Vec<Event<'_>> = Parser::new_ext(text, Options::ENABLE_TABLES).collect();
    for at in 0..events.len() {
        let title = title_after(&events, at);
        match &mut events[at] {
            Event::Start(Tag::Heading { id, .. }) => *id = Some(CowStr::from(anchor(&title))),
            Event::Start(Tag::Image { dest_url, .. }) => {
                let name = dest_url.rsplit('/').next().unwrap_or_default();
                let ours = assets::picture(name).unwrap_or_default();
                *dest_url = CowStr::from(f.url(&format!("/assets/{ours}")));
            }
            _ => {}
        }
    }
    let mut manual = String::new();
    html::push_html(&mut manual, without_ways_out(events).into_iter());
    framed(f, &manual)
}

/// Each table in a place of its own: one that is wider than a phone is pushed in there, by keyboard too.
fn framed(f: &Frame, manual: &str) -> String {
    let mut parts = manual.split("<table>");
    let mut framed = parts.next().unwrap_or_default().to_owned();
    for (part, number) in parts.zip(1..) {
        let label = format!("{} {number}", f.w.get("frame.table"));
        framed.push_str(&format!(
            "<div class=\"wide\" tabindex=\"0\" role=\"region\" aria-label=\"{label}\"><table>"
        ));
        // The corner above the first column is no head of anything.
        framed.push_str(&part.replace("</table>", "</table></div>").replace("<th></th>", "<td></td>"));
    }
    framed
}

/// Other documents lie beside the manual in the repository, not here: their words stay, without a link.
fn without_ways_out(events: Vec<Event<'_>>) -> Vec<Event<'_>> {
    let leads_nowhere = |url: &str| !url.starts_with('#') && !url.contains("://");
    let mut within = false;
    let keep = |event: &Event<'_>| match event {
        Event::Start(Tag::Link { dest_url, .. }) => {
            within = leads_nowhere(dest_url);
            !within
        }
        Event::End(TagEnd::Link) => !std::mem::take(&mut within),
        _ => true,
    };
    events.into_iter().filter(keep).collect()
}

/// The words of the heading that begins here.
fn title_after(events: &[Event<'_>], at: usize) -> String {
    let inside = events.iter().skip(at).take_while(|event| !matches!(event, Event::End(TagEnd::Heading(_))));
    let words = inside.filter_map(|event| match event {
        Event::Text(text) | Event::Code(text) => Some(text.as_ref()),
        _ => None,
    });
    match events.get(at) {
        Some(Event::Start(Tag::Heading { .. })) => words.collect(),
        _ => String::new(),
    }
}
