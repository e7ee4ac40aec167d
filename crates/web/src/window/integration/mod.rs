//! `/a/{account}/integration`: the window of the source text.

mod draft;
mod e164;
mod preview;
mod receivers;
mod sample;
mod sink;
mod test;

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use admin::kept::AccountSettings;
use admin::kept::settings::Integration;
use admin::{Expect, Family, Granted};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use calls::EventKind;
use delivery::payload::{Parameter, Shape};

use super::fail::back_to;
use super::frame::page;
use super::refusal::{Differing, differing};
use super::visitor::Fields;
use super::{Fail, Frame, Posted, Visitor, Window};
use crate::clock;
use preview::Preview;
pub(super) use receivers::receivers;
pub(super) use sink::sink;
use test::TestPanel;
pub(super) use test::{Running, answers, test};

/// The events in the source text's order.
pub(super) const ORDER: [EventKind; 4] =
    [EventKind::Answered, EventKind::Ended, EventKind::Outgoing, EventKind::Incoming];

/// One of the four web services.
pub(crate) struct Service {
    pub(crate) kind: EventKind,
    /// The name of its field.
    pub(crate) field: &'static str,
    pub(crate) paused: bool,
}

/// A parameter: which of the four events have it, under which name, with an example.
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) sent: [bool; 4],
    pub(crate) example: String,
    /// Key of its help.
    pub(crate) help: String,
}

#[derive(Template)]
#[template(path = "integration.html")]
struct IntegrationPage {
    f: Frame,
    d: Fields,
    version: u64,
    services: Vec<Service>,
    parameters: Vec<Line>,
    errors: BTreeMap<String, String>,
    /// What was probably meant, by field.
    offers: BTreeMap<&'static str, String>,
    zones: &'static [String],
    units: [(u32, &'static str); 4],
    conflict: bool,
    differing: Vec<Differing>,
    preview: Preview,
    test: TestPanel,
    extras: Vec<&'static str>,
    secret_set: bool,
    old_secret_until: Option<String>,
    credential_set: bool,
    new_secret: Option<String>,
    /// The number that is tried, and what is made of it.
    tried: &'static str,
    e164: String,
}

impl IntegrationPage {
    fn error(&self, field: &str) -> &str {
        let exact = self.errors.get(field);
        let inside =
            || self.errors.iter().find(|(of, _)| of.split('.').next() == Some(field)).map(|(_, text)| text);
        exact.or_else(inside).map_or("", String::as_str)
    }

    /// Whether the zone is none of the list: what was typed, or what an older list had, stays.
    fn has_own_zone(&self) -> bool {
        let zone = self.d.get("time_zone");
        !zone.is_empty() && !self.zones.iter().any(|known| known == zone)
    }

    /// The unit a length of time is in.
    fn unit(&self, of: &str) -> u32 {
        self.d.get(&format!("{of}_unit")).parse().unwrap_or(1)
    }

    fn extra(&self, name: &str) -> bool {
        self.d.all("extra").any(|one| one == name)
    }
}

/// The time zones there are, those of the neighbourhood first.
fn zones() -> &'static [String] {
    static ZONES: LazyLock<Vec<String>> = LazyLock::new(|| {
        let near =
            ["Europe/Copenhagen", "Europe/Berlin", "Europe/London", "Europe/Oslo", "Europe/Stockholm", "UTC"];
        let mut all: Vec<String> = near.iter().map(ToString::to_string).collect();
        let is_place =
            |name: &str| name.contains('/') && !name.starts_with("Etc/") && !name.starts_with("posix");
        let mut known: Vec<String> =
            jiff::tz::db().available().map(|zone| zone.to_string()).filter(|name| is_place(name)).collect();
        known.sort();
        all.extend(known.into_iter().filter(|name| !near.contains(&&**name)));
        all
    });
    &ZONES
}

/// What the account has, or would have.
pub(super) fn present(account: &AccountSettings) -> (Integration, u64) {
    account
        .integration()
        .map_or_else(|| (Integration::default(), 0), |(_, one, version)| ((**one).clone(), version))
}

/// The name of an event's field.
pub(super) const fn field(kind: EventKind) -> &'static str {
    match kind {
        EventKind::Incoming => "incoming_url",
        EventKind::Answered => "answered_url",
        EventKind::Outgoing => "outgoing_url",
        EventKind::Ended => "ended_url",
    }
}

fn build(
    window: &Window,
    visitor: &Visitor,
    account: &AccountSettings,
    d: Fields,
    focus: EventKind,
) -> IntegrationPage {
    let f = Frame::account(window, visitor, account, "integration");
    let (kept, version) = present(account);
    let checked = draft::checked(window, visitor, account, f.w, &d);
    let service =
        |kind: EventKind| Service { kind, field: field(kind), paused: kept.paused.contains_key(&kind) };
    let extras =
        Parameter::ALL.iter().map(|parameter| parameter.name()).filter(|name| Parameter::is_extra(name));
    IntegrationPage {
        services: ORDER.into_iter().map(service).collect(),
        parameters: lines(account, &checked.integration),
        preview: preview::of(&f, account, &checked, focus),
        test: TestPanel::idle(&f, account),
        extras: extras.collect(),
        secret_set: !kept.secrets.is_empty(),
        old_secret_until: kept.secrets.iter().find_map(|secret| secret.until).map(|at| f.locale.wall(at)),
        credential_set: kept.credentials.is_some(),
        new_secret: None,
        tried: e164::EXAMPLE,
        e164: e164::told(&f, &d),
        errors: BTreeMap::new(),
        offers: BTreeMap::new(),
        zones: zones(),
        units: draft::UNITS,
        conflict: false,
        differing: Vec::new(),
        version,
        d,
        f,
    }
}

/// The parameters of all four events in one table, in the order of the contract.
fn lines(account: &AccountSettings, integration: &Integration) -> Vec<Line> {
    let (employee, name) = sample::employee(account);
    let mut lines: Vec<(Parameter, Line)> = Vec::new();
    for (at, kind) in ORDER.into_iter().enumerate() {
        let event = sample::event(account, &employee, &name, kind, clock::now());
        let shape = Shape::of(kind, integration);
        for (column, (name, value)) in shape.columns().iter().zip(shape.values(&event)) {
            let same = |(of, line): &&mut (Parameter, Line)| *of == column.parameter && line.name == name;
            match lines.iter_mut().find(same) {
                Some((_, line)) => {
                    line.sent[at] = true;
                    if line.example.is_empty() {
                        line.example = value.into_owned();
                    }
                }
                None => {
                    let mut sent = [false; 4];
                    sent[at] = true;
                    let help = format!("param.{}", column.parameter.name());
                    let line = Line { name: name.to_owned(), sent, example: value.into_owned(), help };
                    lines.push((column.parameter, line));
                }
            }
        }
    }
    lines.into_iter().map(|(_, line)| line).collect()
}

pub(super) fn focus(name: &str) -> EventKind {
    EventKind::ALL.into_iter().find(|kind| kind.name() == name).unwrap_or(EventKind::Answered)
}

pub(super) async fn show(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let query = Fields::read(query.unwrap_or_default().as_bytes());
    let d = draft::of(&present(&account).0, visitor.may_change(&account.id));
    page(&build(&window, &visitor, &account, d, focus(query.get("event"))))
}

pub(super) async fn save(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.changes(&window, &account)?;
    let (before, version) = present(&account);
    let mut form = build(&window, &visitor, &account, fields.clone(), focus(fields.get("focus")));
    let checked = draft::checked(&window, &visitor, &account, form.f.w, &fields);
    if !checked.errors.is_empty() {
        form.errors = checked.errors.clone();
        form.offers = checked.offers;
        return Ok((StatusCode::BAD_REQUEST, page(&form)?).into_response());
    }
    let expect = Expect::version(Some(fields.get("version").parse().unwrap_or(version)));
    let changed = draft::changes(&form.f.w, &before, &checked.integration).join(", ");
    let (actor, admin) = (visitor.actor(), &window.web.admin);
    match admin.set_integration(&actor, account.id.as_str(), checked.wish, expect, &changed).await {
        Ok(_) => Ok(back_to(&form.f.to("integration"), "saved")),
        Err(refusal) if refusal.family() == Family::ChangedMeanwhile => {
            form.conflict = true;
            form.differing = differing(form.f.w, &refusal);
            Ok((StatusCode::CONFLICT, page(&form)?).into_response())
        }
        Err(refusal) => Err(refusal.into()),
    }
}

pub(super) async fn preview(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "integration");
    let (kept, _) = present(&account);
    let checked = draft::checked(&window, &visitor, &account, f.w, &fields);
    let changes = draft::changes(&f.w, &kept, &checked.integration);
    let preview = preview::of(&f, &account, &checked, focus(fields.get("focus")));
    let e164 = e164::told(&f, &fields);
    page(&preview::Part { f, preview, errors: checked.errors, offers: checked.offers, changes, e164 })
}

pub(super) async fn new_secret(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, .. }: Posted,
) -> Result<Response, Fail> {
    let secret = window.web.admin.new_signing_secret(&visitor.actor(), &account).await?;
    let account = visitor.changes(&window, &account)?;
    let d = draft::of(&present(&account).0, true);
    let mut form = build(&window, &visitor, &account, d, EventKind::Answered);
    form.new_secret = Some(secret);
    page(&form)
}

/// Pauses a webhook; the way to undo it is beside it afterwards.
pub(super) async fn pause(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let kind = focus(fields.get("event"));
    window.web.admin.pause(&visitor.actor(), &account, Some(kind)).await?;
    Ok(back_to(&format!("{}/a/{account}/deliveries", window.web.options.path), "paused"))
}

pub(super) async fn resume(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    Posted { visitor, fields }: Posted,
) -> Result<Response, Fail> {
    let (kind, send_kept) = (focus(fields.get("event")), fields.get("kept") != "drop");
    let done = match window.web.admin.resume(&visitor.actor(), &account, Some(kind), send_kept).await? {
        Granted::Done => "resumed",
        Granted::Asked => "resumed_asked",
    };
    Ok(back_to(&format!("{}/a/{account}/deliveries", window.web.options.path), done))
}
