//! Filling in what is around a page: who looks, where, and what must be known on every page of an account.

use std::sync::Arc;

use admin::kept::AccountSettings;
use admin::kept::settings::Scope;
use admin::{Link, LinkState};
use axum::extract::State;
use axum::response::{IntoResponse, Redirect, Response};
use calls::AccountId;

use super::frame::{Alert, Step};
use super::{Frame, Visitor, Window, mask, services};
use crate::zone;

impl Frame {
    /// Around an operator's page.
    pub(crate) fn operator(window: &Window, visitor: &Visitor, place: &'static str) -> Self {
        let mut frame = Self::open(&window.web.options.path, &visitor.taste);
        frame.place = place;
        frame.user = visitor.shown.clone();
        frame.csrf = mask::masked(&visitor.csrf);
        frame.operates = visitor.operates();
        frame.may_change = visitor.operates();
        frame.done = frame.w.find(&format!("done.{}", visitor.taste.done));
        let links = window.web.admin.links(&visitor.actor());
        frame.step = step(&frame, &links);
        frame.alerts = machine_alerts(window, &frame, links);
        frame
    }

    /// Around a page of an account.
    pub(crate) fn account(
        window: &Window,
        visitor: &Visitor,
        account: &AccountSettings,
        place: &'static str,
    ) -> Self {
        let mut frame = Self::operator(window, visitor, place);
        frame.account = account.id.to_string();
        frame.account_name = account.account.name.clone();
        frame.may_change = visitor.may_change(&account.id);
        frame.locale.zone = zone::of(account);
        frame.services = window.web.admin.services_of(account);
        let alerts = services::alerts(&frame, &frame.services);
        frame.alerts.extend(alerts);
        frame
    }
}

/// What leads to the first call, by what the links to the PBXs are like. A link that is down is an alert already.
fn step(frame: &Frame, links: &[Link]) -> Option<Step> {
    let up: Vec<&Link> = links.iter().filter(|link| link.state == LinkState::Up).collect();
    let strangers: usize = up.iter().map(|link| link.strangers.len()).sum();
    let names = |links: &[&Link]| {
        let name = |link: &&Link| match &*link.version {
            "" => link.name.clone(),
            version => format!("{} ({version})", link.name),
        };
        links.iter().map(name).collect::<Vec<_>>().join(", ")
    };
    let (text, leads) = match (links.is_empty(), up.is_empty(), frame.operates) {
        (true, _, true) => (frame.w.get("step.no_pbx").to_owned(), true),
        (true, _, false) => (frame.w.get("step.no_pbx_yet").to_owned(), false),
        (false, true, _) => return None,
        (false, false, true) if strangers > 0 => {
            (frame.w.with("step.strangers", "count", strangers).replace("{pbx}", &names(&up)), true)
        }
        (false, false, true) => (frame.w.with("step.ring_at", "pbx", names(&up)), true),
        (false, false, false) => (frame.w.get("step.ring").to_owned(), false),
    };
    let place = if leads { frame.url("/operator/links") } else { String::new() };
    Some(Step { text, place })
}

fn machine_alerts(window: &Window, frame: &Frame, links: Vec<Link>) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let place = if frame.operates { frame.url("/operator/links") } else { String::new() };
    for link in links {
        let LinkState::Down(why) = link.state else { continue };
        let since = link.since.map(|since| frame.locale.wall(since)).unwrap_or_default();
        // Where it is, as whom one logs in and what it said is the operator's: others are told what it means to them.
        let text = if frame.operates {
            let why = why.map(|why| why.told(frame.w.0)).unwrap_or_default();
            frame.w.with("alert.link", "pbx", &link.name).replace("{why}", &why)
        } else {
            frame.w.with("alert.unreachable", "since", since)
        };
        alerts.push(Alert { tone: "failed", text, place: place.clone() });
    }
    if !frame.operates {
        alerts.dedup_by(|one, other| one.text == other.text);
    }
    let readiness = window.web.admin.readiness();
    if !readiness.ready {
        let place = if frame.operates { frame.url("/operator/health") } else { String::new() };
        let why = if frame.operates { readiness.reasons.join("; ") } else { String::new() };
        alerts.push(Alert { tone: "failed", text: frame.w.with("alert.unready", "why", why), place });
    }
    alerts
}

/// `/`: the first place a person has.
pub(super) async fn home(State(window): State<Arc<Window>>, visitor: Visitor) -> Response {
    let accounts = window.web.admin.accounts(&visitor.actor(), None, 2);
    let first = match &visitor.scope {
        Scope::Account(own) | Scope::ReadAccount(own) => Some(own.clone()),
        Scope::Everything => accounts.first().map(|account| account.id.clone()),
    };
    let many = visitor.operates() && accounts.len() != 1;
    let path = match first {
        Some(id) if !many => now_of(&id),
        Some(_) | None => "/operator/accounts".to_owned(),
    };
    Redirect::to(&format!("{}{path}", window.web.options.path)).into_response()
}

fn now_of(id: &AccountId) -> String {
    format!("/a/{id}/now")
}
