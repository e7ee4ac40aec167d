//! A receiver to try against that needs none: the four requests of a test call, shown as a receiver would get them.
//! Nothing is sent and no socket is opened; what is shown is made by what makes the real ones.

use std::sync::Arc;

use admin::kept::AccountSettings;
use admin::kept::settings::{Integration, Method};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use calls::EventKind;
use delivery::request::Compiled;
use delivery::signing::{Key, verify};

use super::super::frame::page;
use super::super::visitor::Fields;
use super::super::{Fail, Frame, Visitor, Window};
use super::preview::decoded;
use super::{present, sample};
use crate::clock;

/// Where it would go if there were a web service already.
const NOWHERE: &str = "https://receiver.example/";
/// The order of a day: a call that rings, is taken and ends, and one that is made.
const LIFE: [EventKind; 4] =
    [EventKind::Incoming, EventKind::Answered, EventKind::Ended, EventKind::Outgoing];

/// A request that came in, as it were.
pub(crate) struct Came {
    pub(crate) kind: &'static str,
    pub(crate) request_line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// Names and values as a receiver reads them.
    pub(crate) values: Vec<(String, String)>,
    /// `Some(true)`: signed, and the signature is right.
    pub(crate) signature: Option<bool>,
    /// No web service is entered for it: the address is made up.
    pub(crate) made_up: bool,
    /// Why there is none.
    pub(crate) none: String,
}

#[derive(Template)]
#[template(path = "sink.html")]
struct SinkPage {
    f: Frame,
    employees: Vec<(String, String)>,
    chosen: String,
    came: Vec<Came>,
}

pub(crate) async fn sink(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "integration");
    let asked = Fields::read(query.unwrap_or_default().as_bytes());
    let employees: Vec<_> =
        account.employees.iter().map(|(number, (one, _))| (number.clone(), one.name.clone())).collect();
    let (number, name) = employees
        .iter()
        .find(|(number, _)| *number == asked.get("employee"))
        .cloned()
        .unwrap_or_else(|| sample::employee(&account));
    let (integration, _) = present(&account);
    let came = LIFE.map(|kind| came(&account, &integration, kind, &number, &name)).into();
    page(&SinkPage { f, employees, chosen: number, came })
}

fn came(
    account: &AccountSettings,
    integration: &Integration,
    kind: EventKind,
    number: &str,
    name: &str,
) -> Came {
    let made_up = integration.url(kind).is_none_or(str::is_empty);
    let mut integration = integration.clone();
    if made_up {
        let url = Some(format!("{NOWHERE}{}", kind.name().to_lowercase()));
        match kind {
            EventKind::Incoming => integration.incoming_url = url,
            EventKind::Answered => integration.answered_url = url,
            EventKind::Outgoing => integration.outgoing_url = url,
            EventKind::Ended => integration.ended_url = url,
        }
    }
    let kind_name = kind.name();
    let compiled = match Compiled::new(kind, &integration) {
        Ok(compiled) => compiled,
        Err(error) => {
            let (request_line, headers, body, values) = Default::default();
            let none = error.to_string();
            return Came {
                kind: kind_name,
                request_line,
                headers,
                body,
                values,
                signature: None,
                made_up,
                none,
            };
        }
    };
    let now = clock::now();
    let event = sample::event(account, number, name, kind, now);
    let rendered = compiled.render(&event, now);
    let signed: &[u8] = if integration.method == Method::Get { &rendered.target } else { &rendered.body };
    let text = |name: &str| rendered.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or("");
    let keys: Vec<Key> =
        integration.secrets.iter().filter_map(|one| Key::parse(one.secret.expose()).ok()).collect();
    let signature = (!keys.is_empty()).then(|| {
        let (id, at, given) = (text("webhook-id"), text("webhook-timestamp"), text("webhook-signature"));
        verify(&keys, id, at, given, signed, now.0.div_euclid(1_000_000)).is_ok()
    });
    let shown = compiled.shown_headers(&rendered);
    Came {
        kind: kind_name,
        request_line: rendered.request_line(),
        headers: shown.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect(),
        body: String::from_utf8_lossy(&rendered.body).into_owned(),
        values: decoded(&rendered),
        signature,
        made_up,
        none: String::new(),
    }
}
