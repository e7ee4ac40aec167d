//! The request as it will go out.

use std::collections::BTreeMap;

use admin::kept::AccountSettings;
use askama::Template;
use calls::EventKind;
use delivery::request::{Compiled, NoRequest};

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
    pub(crate) changes: Vec<&'static str>,
}

impl Part {
    fn error(&self, field: &str) -> &str {
        self.errors.get(field).map_or("", String::as_str)
    }

    fn fields(&self) -> [&'static str; 4] {
        ORDER.map(super::field)
    }
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
        none: None,
    }
}
