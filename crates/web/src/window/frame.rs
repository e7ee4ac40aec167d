//! What is around every page: who, where, and what must be known on every page of an account.

use std::sync::Arc;

use admin::kept::AccountSettings;
use admin::kept::settings::Scope;
use admin::{LinkState, Service};
use askama::Template;
use axum::extract::State;
use axum::response::{Html, IntoResponse, Redirect, Response};
use calls::AccountId;
use jiff::tz::TimeZone;

use super::messages::{Language, Messages};
use super::visitor::{Taste, Visitor};
use super::{Fail, Locale, Window, assets, help, mask, services};

/// Zone of what belongs to no account.
const ZONE: &str = "Europe/Copenhagen";

/// Something to be known on every page.
pub(crate) struct Alert {
    /// `failed`, `waiting`.
    pub(crate) tone: &'static str,
    pub(crate) text: String,
    /// Where to do something about it, without the sub-path; empty for nowhere.
    pub(crate) place: String,
}

/// What is around a page.
pub(crate) struct Frame {
    pub(crate) w: Messages,
    pub(crate) locale: Locale,
    pub(crate) base: String,
    pub(crate) theme: &'static str,
    pub(crate) here: String,
    /// The place that is marked: `now`, `calls`, ….
    pub(crate) place: &'static str,
    /// Empty when nobody is logged in.
    pub(crate) user: String,
    pub(crate) csrf: String,
    pub(crate) operates: bool,
    pub(crate) may_change: bool,
    /// The account's id; empty for none.
    pub(crate) account: String,
    pub(crate) account_name: String,
    pub(crate) alerts: Vec<Alert>,
    /// How the account's web services are doing.
    pub(crate) services: Vec<Service>,
    /// What was just done, in words.
    pub(crate) done: Option<&'static str>,
    pub(crate) partial: bool,
}

impl Frame {
    /// Around a page for nobody in particular.
    pub(crate) fn open(base: &str, taste: &Taste) -> Self {
        Self {
            w: Messages(taste.language),
            locale: Locale { language: taste.language, zone: zone(ZONE) },
            base: base.to_owned(),
            theme: taste.theme,
            here: taste.here.clone(),
            place: "",
            user: String::new(),
            csrf: String::new(),
            operates: false,
            may_change: false,
            account: String::new(),
            account_name: String::new(),
            alerts: Vec::new(),
            services: Vec::new(),
            done: None,
            partial: taste.partial,
        }
    }

    /// Around an operator's page.
    pub(crate) fn operator(window: &Window, visitor: &Visitor, place: &'static str) -> Self {
        let mut frame = Self::open(&window.web.options.path, &visitor.taste);
        frame.place = place;
        frame.user = visitor.shown.clone();
        frame.csrf = mask::masked(&visitor.csrf);
        frame.operates = visitor.operates();
        frame.may_change = visitor.operates();
        frame.done = done(&frame.w, &visitor.taste.here);
        frame.alerts = machine_alerts(window, visitor, &frame);
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
        frame.locale.zone = zone_of(account);
        frame.services = window.web.admin.services_of(account);
        let alerts = services::alerts(&frame, &frame.services);
        frame.alerts.extend(alerts);
        frame
    }

    /// An address of this site, with the sub-path.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.base)
    }

    /// A place of the account, with the sub-path.
    pub(crate) fn to(&self, place: &str) -> String {
        format!("{}/a/{}/{place}", self.base, self.account)
    }

    /// The part of the manual that tells of this place.
    pub(crate) fn help(&self) -> String {
        let section = match self.place {
            "" => self.w.get("login.title"),
            place => self.w.find(&format!("place.{place}")).unwrap_or_default(),
        };
        self.url(&format!("/help#{}", help::anchor(section)))
    }

    /// An asset, by its plain name.
    pub(crate) fn asset(&self, name: &str) -> String {
        let names = assets::names();
        let name = match name {
            "css" => &names.css,
            "js" => &names.js,
            "htmx" => &names.htmx,
            "sse" => &names.sse,
            _ => &names.icon,
        };
        self.url(&format!("/assets/{name}"))
    }

    /// `page` for the place that is marked.
    pub(crate) fn current(&self, place: &str) -> &'static str {
        if self.place == place { "page" } else { "false" }
    }

    /// The account's name, or its id where it has none.
    pub(crate) fn account_title(&self) -> &str {
        if self.account_name.is_empty() { &self.account } else { &self.account_name }
    }

    /// The code of the language.
    pub(crate) fn language(&self) -> &'static str {
        self.w.0.code()
    }

    /// The code of the language to change to.
    pub(crate) fn other_language(&self) -> &'static str {
        match self.w.0 {
            Language::Danish => "en",
            Language::English => "da",
        }
    }
}

/// An account's zone.
pub(crate) fn zone_of(account: &AccountSettings) -> TimeZone {
    zone(account.integration().map_or(ZONE, |(_, integration, _)| integration.time_zone.as_str()))
}

/// A zone that was checked when it was set.
pub(crate) fn zone(name: &str) -> TimeZone {
    TimeZone::get(name).unwrap_or(TimeZone::UTC)
}

/// The text for `?done=…`.
fn done(words: &Messages, here: &str) -> Option<&'static str> {
    let (_, query) = here.split_once('?')?;
    let (_, what) = url::form_urlencoded::parse(query.as_bytes()).find(|(name, _)| name == "done")?;
    words.find(&format!("done.{what}"))
}

fn machine_alerts(window: &Window, visitor: &Visitor, frame: &Frame) -> Vec<Alert> {
    let mut alerts = Vec::new();
    let place = if frame.operates { frame.url("/operator/links") } else { String::new() };
    for link in window.web.admin.links(&visitor.actor()) {
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

/// Renders a page.
pub(crate) fn page(template: &impl Template) -> Result<Response, Fail> {
    match template.render() {
        Ok(text) => Ok(Html(text).into_response()),
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            Err(Fail::broken("render"))
        }
    }
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
