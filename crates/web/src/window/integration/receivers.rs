//! `/a/{account}/integration/receivers`: a receiver in five languages, made from the account's own settings.

use std::sync::Arc;

use admin::kept::AccountSettings;
use admin::kept::settings::{BodyFormat, Integration, Method};
use askama::Template;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use calls::EventKind;
use delivery::payload::{Parameter, Shape};
use delivery::request::Compiled;

use super::super::frame::page;
use super::super::visitor::Fields;
use super::super::{Fail, Frame, Visitor, Window};
use super::{ORDER, present, sample};
use crate::clock;

/// The languages, with the name of the file and what a person calls it.
const LANGUAGES: [(&str, &str, &str); 5] = [
    ("curl", "ringbud.sh", "curl"),
    ("python", "receiver.py", "Python"),
    ("node", "receiver.mjs", "Node.js"),
    ("php", "receiver.php", "PHP"),
    ("csharp", "Program.cs", "C#"),
];

/// What of the settings a receiver depends on.
struct Settings {
    account: String,
    get: bool,
    json: bool,
    signed: bool,
    /// Names on the wire.
    employee: String,
    caller: String,
    called: String,
    call: String,
    call_ended: String,
    duration: String,
}

impl Settings {
    fn of(account: &str, integration: &Integration, language: &str) -> Self {
        let get = integration.method == Method::Get;
        let named = |kind: EventKind, parameter: Parameter| {
            let shape = Shape::of(kind, integration);
            let found = shape.columns().iter().find(|column| column.parameter == parameter);
            literal(found.map_or(parameter.name(), |column| &column.name), language)
        };
        Self {
            account: account.to_owned(),
            get,
            json: !get && integration.body_format == BodyFormat::Json,
            signed: !integration.secrets.is_empty(),
            employee: named(EventKind::Incoming, Parameter::EmployeeLocalNumber),
            caller: named(EventKind::Incoming, Parameter::ANumber),
            called: named(EventKind::Outgoing, Parameter::BNumber),
            call: named(EventKind::Answered, Parameter::UniqueCallId),
            // As printed, it has another name than in the other three.
            call_ended: named(EventKind::Ended, Parameter::UniqueCallId),
            duration: named(EventKind::Ended, Parameter::Duration),
        }
    }
}

/// A name as it stands between quotes in a language: PHP's are single, in which a double one is only itself.
fn literal(name: &str, language: &str) -> String {
    let escaped = name.replace('\\', r"\\").replace('\'', r"\'");
    if language == "php" { escaped } else { escaped.replace('"', "\\\"") }
}

#[derive(Template)]
#[template(path = "receivers/python.txt", escape = "none")]
struct Python<'a> {
    s: &'a Settings,
}

#[derive(Template)]
#[template(path = "receivers/node.txt", escape = "none")]
struct Node<'a> {
    s: &'a Settings,
}

#[derive(Template)]
#[template(path = "receivers/php.txt", escape = "none")]
struct Php<'a> {
    s: &'a Settings,
}

#[derive(Template)]
#[template(path = "receivers/csharp.txt", escape = "none")]
struct CSharp<'a> {
    s: &'a Settings,
}

#[derive(Template)]
#[template(path = "receivers.html")]
struct ReceiversPage {
    f: Frame,
    languages: [(&'static str, &'static str, &'static str); 5],
    chosen: (&'static str, &'static str, &'static str),
    code: String,
    signed: bool,
}

pub(crate) async fn receivers(
    State(window): State<Arc<Window>>,
    Path(account): Path<String>,
    visitor: Visitor,
    RawQuery(query): RawQuery,
) -> Result<Response, Fail> {
    let account = visitor.reads(&window, &account)?;
    let f = Frame::account(&window, &visitor, &account, "integration");
    let asked = Fields::read(query.unwrap_or_default().as_bytes());
    let chosen = LANGUAGES.into_iter().find(|one| one.0 == asked.get("as")).unwrap_or(LANGUAGES[0]);
    let (integration, _) = present(&account);
    let code = match chosen.0 {
        "curl" => curl(&account, &integration),
        language => code(language, account.id.as_str(), &integration),
    };
    let signed = !integration.secrets.is_empty();
    page(&ReceiversPage { f, languages: LANGUAGES, chosen, code, signed })
}

/// A whole receiver, filled in.
fn code(language: &str, account: &str, integration: &Integration) -> String {
    let s = &Settings::of(account, integration, language);
    let code = match language {
        "python" => Python { s }.render(),
        "node" => Node { s }.render(),
        "php" => Php { s }.render(),
        _ => CSharp { s }.render(),
    };
    code.unwrap_or_default()
}

/// The four requests as lines for a shell: those that are on.
fn curl(account: &AccountSettings, integration: &Integration) -> String {
    let (number, name) = sample::employee(account);
    let now = clock::now();
    let line = |kind: EventKind| {
        let compiled = Compiled::new(kind, integration).ok()?;
        let event = sample::event(account, &number, &name, kind, now);
        let told = compiled.curl(&compiled.render(&event, now));
        Some(format!("# {}\n{told}\n", kind.name()))
    };
    ORDER.into_iter().filter_map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_end_its_quotes() {
        assert_eq!(literal(r#"a"b'c\d"#, "node"), r#"a\"b\'c\\d"#);
        assert_eq!(literal(r#"a"b'c\d"#, "php"), r#"a"b\'c\\d"#);
    }
}
