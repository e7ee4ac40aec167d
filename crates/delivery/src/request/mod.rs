//! One HTTP request: compiled once per integration and kind, rendered per attempt.
//!
//! Pure. Sending it is left to `sender`, what its parameters are to `payload`.

mod headers;
mod preview;
mod template;

use bytes::Bytes;
use calls::{Event, EventKind};
use http::header::{CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use journal::settings::{self, BodyFormat, Integration};
use journal::{Headers, WallTime};

pub use headers::{HEADER_VALUE_MAX, HEADERS_MAX, HeaderProblem, check_header};
pub use template::Encoding;

use crate::guard::{Origin, UrlProblem, WebhookUrl};
use crate::payload::Shape;
use crate::signing;
use template::{Fields, Target};

const WEBHOOK_ID: HeaderName = HeaderName::from_static("webhook-id");
const WEBHOOK_TIMESTAMP: HeaderName = HeaderName::from_static("webhook-timestamp");
const WEBHOOK_SIGNATURE: HeaderName = HeaderName::from_static("webhook-signature");

/// What Ringbud calls itself.
pub const AGENT: &str = concat!("Ringbud/", env!("CARGO_PKG_VERSION"));

/// An integration cannot be turned into requests.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoRequest {
    /// There is no URL for this kind: it is switched off.
    SwitchedOff,
    /// The URL is not usable.
    Url(UrlProblem),
    /// A signing secret is not usable.
    Secret(signing::BadSecret),
    /// A fixed header is not usable.
    Header(HeaderProblem),
}

impl From<UrlProblem> for NoRequest {
    fn from(problem: UrlProblem) -> Self {
        Self::Url(problem)
    }
}

impl From<signing::BadSecret> for NoRequest {
    fn from(problem: signing::BadSecret) -> Self {
        Self::Secret(problem)
    }
}

impl From<HeaderProblem> for NoRequest {
    fn from(problem: HeaderProblem) -> Self {
        Self::Header(problem)
    }
}

/// The requests of one kind of event to one integration.
#[derive(Debug)]
pub struct Compiled {
    method: Method,
    origin: Origin,
    target: Target,
    fields: Fields,
    shape: Shape,
    headers: HeaderMap,
    /// Those headers as they are kept.
    shown: Headers,
    keys: Vec<(signing::Key, Option<WallTime>)>,
}

/// A request, ready to be sent.
#[derive(Debug)]
pub struct Rendered {
    /// The method.
    pub method: Method,
    /// Path and query, as they go on the request line.
    pub target: Bytes,
    /// The headers, `Host` among them.
    pub headers: HeaderMap,
    /// The body; empty for a `GET`.
    pub body: Bytes,
}

impl Compiled {
    /// Compiles what an integration wants for a kind.
    pub fn new(kind: EventKind, integration: &Integration) -> Result<Self, NoRequest> {
        let text = integration.url(kind).filter(|url| !url.is_empty()).ok_or(NoRequest::SwitchedOff)?;
        let url = WebhookUrl::parse(text)?;
        let shape = Shape::of(kind, integration);
        let (method, encoding) = match (integration.method, integration.body_format) {
            (settings::Method::Get, _) => (Method::GET, Encoding::Query),
            (settings::Method::Post, BodyFormat::Form) => (Method::POST, Encoding::Form),
            (settings::Method::Post, BodyFormat::Json) => (Method::POST, Encoding::Json),
        };
        let keys = integration
            .secrets
            .iter()
            .map(|secret| Ok((signing::Key::parse(secret.secret.expose())?, secret.until)))
            .collect::<Result<_, signing::BadSecret>>()?;
        let mut headers = HeaderMap::with_capacity(12);
        let host = HeaderValue::from_str(&url.host_header());
        headers.insert(HOST, host.map_err(|error| UrlProblem::Form(error.to_string()))?);
        headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        if let Some(content_type) = encoding.content_type() {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
        }
        headers::add_account_headers(&mut headers, integration)?;
        Ok(Self {
            method,
            origin: url.origin().clone(),
            target: Target::of(&url),
            fields: Fields::of(&shape, encoding),
            shape,
            shown: headers::blanked(&headers),
            headers,
            keys,
        })
    }

    /// Where it is connected to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The request for an event, at a moment of our own clock.
    pub fn render(&self, event: &Event, at: WallTime) -> Rendered {
        let (target, body) = match self.fields.encoding() {
            Encoding::Query => (self.target.with_query(&self.shape, event, &self.fields), Bytes::new()),
            Encoding::Form | Encoding::Json => {
                (self.target.plain(&self.shape, event), self.fields.body(&self.shape, event))
            }
        };
        let mut headers = self.headers.clone();
        self.add_identity(&mut headers, event, at, &target, &body);
        Rendered { method: self.method.clone(), target, headers, body }
    }

    fn add_identity(&self, headers: &mut HeaderMap, event: &Event, at: WallTime, target: &[u8], body: &[u8]) {
        let id = header_safe(event.id().as_str());
        let timestamp = at.0.div_euclid(1_000_000).to_string();
        if !self.keys.is_empty() {
            let content = if self.method == Method::GET { target } else { body };
            let mut signature = String::with_capacity(48);
            for (key, until) in &self.keys {
                if until.is_none_or(|until| at < until) {
                    key.sign_into(&mut signature, &id, &timestamp, content);
                }
            }
            if !signature.is_empty() {
                insert_text(headers, WEBHOOK_SIGNATURE, signature);
            }
        }
        insert_text(headers, WEBHOOK_ID, id);
        insert_text(headers, WEBHOOK_TIMESTAMP, timestamp);
    }
}

/// Ids come from a PBX: what no header may hold becomes a dash rather than losing the request.
fn header_safe(id: &str) -> String {
    id.chars().map(|c| if c.is_ascii_graphic() { c } else { '-' }).collect()
}

fn insert_text(headers: &mut HeaderMap, name: HeaderName, text: String) {
    if let Ok(value) = HeaderValue::from_maybe_shared(Bytes::from(text)) {
        headers.insert(name, value);
    }
}
