//! The request as it will go out.

use std::collections::BTreeMap;

use admin::kept::AccountSettings;
use askama::Template;
use calls::EventKind;
use delivery::request::{Compiled, NoRequest, Rendered};
use serde_json::{Map, Value};

use super::draft::Checked;
use super::{ORDER, sample};
use crate::clock;
use crate::window::Frame;

/// One event's request.
pub(crate) struct Preview {
    pub(crate) kind: EventKind,
    pub(crate) kinds: [EventKind; 4],
    /// Method, target.
    pub(crate) request_line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    pub(crate) curl: String,
    /// Names and values as a receiver reads them.
    pub(crate) values: Vec<(String, String)>,
    /// Why there is none.
    pub(crate) none: Option<String>,
}

/// The preview with what is wrong and what would change, for a page that is open.
#[derive(Template)]
#[template(path = "integration_part.html")]
pub(crate) struct Part {
    pub(crate) f: Frame,
    pub(crate) preview: Preview,
    pub(crate) errors: BTreeMap<String, String>,
    /// What was probably meant, by field.
    pub(crate) offers: BTreeMap<&'static str, String>,
    pub(crate) changes: Vec<&'static str>,
    /// What the number that is tried would be sent as.
    pub(crate) e164: String,
}

impl Part {
    fn error(&self, field: &str) -> &str {
        self.errors.get(field).map_or("", String::as_str)
    }

    fn fields(&self) -> [&'static str; 4] {
        ORDER.map(super::field)
    }
}

/// Names and values of a request as a receiver reads them.
pub(crate) fn decoded(rendered: &Rendered) -> Vec<(String, String)> {
    if let Ok(values) = serde_json::from_slice::<Map<String, Value>>(&rendered.body) {
        let text = |value: Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        return values.into_iter().map(|(name, value)| (name, text(value))).collect();
    }
    let query = rendered.target.iter().position(|byte| *byte == b'?');
    let query = query.map_or(&[][..], |at| &rendered.target[at + 1..]);
    let encoded = if rendered.body.is_empty() { query } else { &rendered.body };
    url::form_urlencoded::parse(encoded).into_owned().collect()
}

/// The request for a kind.
pub(crate) fn of(f: &Frame, account: &AccountSettings, checked: &Checked, kind: EventKind) -> Preview {
    let empty = |none: String| Preview {
        kind,
        kinds: ORDER,
        request_line: String::new(),
        headers: Vec::new(),
        body: String::new(),
        curl: String::new(),
        values: Vec::new(),
        none: Some(none),
    };
    if let Some(error) = checked.errors.get(super::field(kind)) {
        return empty(error.clone());
    }
    let compiled = match Compiled::new(kind, &checked.integration) {
        Ok(compiled) => compiled,
        Err(NoRequest::SwitchedOff) => return empty(f.w.get("integration.off").to_owned()),
        Err(error) => return empty(error.to_string()),
    };
    let (number, name) = sample::employee(account);
    let now = clock::now();
    let rendered = compiled.render(&sample::event(account, &number, &name, kind, now), now);
    Preview {
        kind,
        kinds: ORDER,
        request_line: rendered.request_line(),
        headers: compiled
            .shown_headers(&rendered)
            .iter()
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect(),
        body: String::from_utf8_lossy(&rendered.body).into_owned(),
        curl: compiled.curl(&rendered),
        values: decoded(&rendered),
        none: None,
    }
}
