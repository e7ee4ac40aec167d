//! A request as it was received, and what can be read from it.

use bytes::Bytes;
use http::{HeaderMap, Method, StatusCode, Uri, header};
use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::signature::Signature;

/// One request, and what was answered.
#[derive(Clone, Debug)]
pub struct Received {
    /// When it had come in whole.
    pub at: Timestamp,
    /// The method.
    pub method: Method,
    /// Path and query, as sent.
    pub target: Uri,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub body: Bytes,
    /// The decoded parameters of query and body, in the order sent.
    pub parameters: Vec<(String, String)>,
    /// What the signature is worth.
    pub signature: Signature,
    /// What was answered.
    pub status: StatusCode,
}

impl Received {
    /// A parameter's value, by its name with or without blanks (`Unique CallId`); empty if it is not there.
    pub fn parameter(&self, name: &str) -> &str {
        let same = |given: &str| given.chars().filter(|c| *c != ' ').eq(name.chars());
        self.parameters.iter().find(|(given, _)| same(given)).map_or("", |(_, value)| value)
    }

    /// A header's value as text; empty if it is not there.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// Which of the four events it tells: by the parameter `Event`, else by the words of the path, else by
    /// the parameters that only one event has.
    pub fn event(&self) -> Option<&'static str> {
        const EVENTS: [&str; 4] = ["Incoming", "Answered", "Outgoing", "Ended"];
        let path = self.target.path().to_ascii_lowercase();
        let named = |event: &&str| self.parameter("Event") == *event;
        let in_path = |event: &&str| path.contains(&event.to_ascii_lowercase());
        let has = |name| self.parameters.iter().any(|(given, _)| given == name);
        let by_parameters = || match () {
            () if has("CallDirection") => Some("Ended"),
            () if has("PhoneLocalNumber") || has("BNumber") => Some("Outgoing"),
            () if has("Calledphone") => Some("Incoming"),
            () if has("EmployeeLocalNumber") => Some("Answered"),
            () => None,
        };
        let find = |what: &dyn Fn(&&str) -> bool| EVENTS.iter().copied().find(|event| what(event));
        find(&named).or_else(|| find(&in_path)).or_else(by_parameters)
    }

    /// One JSON object.
    pub fn to_json(&self) -> Value {
        let mut headers = Map::new();
        for (name, value) in &self.headers {
            headers.insert(name.as_str().to_owned(), String::from_utf8_lossy(value.as_bytes()).into());
        }
        let parameters: Map<String, Value> =
            self.parameters.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect();
        json!({
            "at": self.at.to_string(),
            "method": self.method.as_str(),
            "path": self.target.path(),
            "query": self.target.query().unwrap_or_default(),
            "headers": headers,
            "body": String::from_utf8_lossy(&self.body),
            "parameters": parameters,
            "signature": self.signature.word(),
            "status": self.status.as_u16(),
        })
    }
}

/// The parameters of query and body. A body that is neither a form nor a flat JSON object has none.
pub(super) fn parameters(target: &Uri, headers: &HeaderMap, body: &[u8]) -> Vec<(String, String)> {
    let form = |text: &[u8]| url::form_urlencoded::parse(text).into_owned().collect::<Vec<_>>();
    let mut all = form(target.query().unwrap_or_default().as_bytes());
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    if kind.starts_with("application/json") {
        if let Ok(Value::Object(object)) = serde_json::from_slice(body) {
            all.extend(object.into_iter().map(|(name, value)| match value {
                Value::String(text) => (name, text),
                other => (name, other.to_string()),
            }));
        }
    } else if kind.starts_with("application/x-www-form-urlencoded") {
        all.extend(form(body));
    }
    all
}
