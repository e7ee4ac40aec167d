//! One HTTP request: compiled once per integration and kind, rendered per attempt.
//!
//! Pure. Sending it is left to `sender`, what its parameters are to `payload`.

mod headers;
mod preview;
mod template;
mod text;
mod wire;

use std::ops::Range;

use bytes::Bytes;
use calls::{Event, EventKind};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, HOST, USER_AGENT};
use http::{HeaderMap, HeaderName, HeaderValue, Method};
use journal::settings::{self, BodyFormat, Integration};
use journal::{Headers, WallTime};

pub use headers::{HEADER_VALUE_MAX, HEADERS_MAX, HeaderProblem, check_header};
pub use template::Encoding;
pub use wire::Wire;

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
pub struct Compiled {
    method: Method,
    origin: Origin,
    target: Target,
    fields: Fields,
    shape: Shape,
    headers: HeaderMap,
    /// Those headers as they are sent, each with the end of its line.
    head: String,
    /// Those headers as they are kept.
    shown: Headers,
    keys: Vec<(signing::Key, Option<WallTime>)>,
}

impl std::fmt::Debug for Compiled {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { method, origin, target, fields, shape, shown, .. } = self;
        write!(f, "Compiled {{ {method} {origin} {target:?} {fields:?} {shape:?} {shown:?} }}")
    }
}

/// Where a request says which event it is of.
#[derive(Clone, Debug, Default)]
pub struct Identity {
    id: Range<usize>,
    timestamp: Range<usize>,
    signature: Option<Range<usize>>,
}

/// A request, as it is looked at.
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
            head: headers::block(&headers),
            headers,
            keys,
        })
    }

    /// Where it is connected to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// Writes the request for an event, at a moment of our own clock. What is the same for all events of the kind
    /// was written when this was compiled.
    pub fn render_into(&self, wire: &mut Wire, event: &Event, at: WallTime) -> Identity {
        let (mut body, mut signature) = wire.take_spare();
        if self.fields.encoding() != Encoding::Query {
            self.fields.write(&mut body, &self.shape, event);
        }
        wire.begin(self.method.as_str(), |target| match self.fields.encoding() {
            Encoding::Query => self.target.write_with_query(target, &self.shape, event, &self.fields),
            Encoding::Form | Encoding::Json => self.target.write(target, &self.shape, event),
        });
        wire.headers(&self.head);
        let id = wire.header_of(WEBHOOK_ID.as_str(), |id| id.extend(event.id_chars().map(header_safe)));
        let secs = at.0.div_euclid(1_000_000);
        let timestamp = wire.header_of(WEBHOOK_TIMESTAMP.as_str(), |out| write_secs(out, secs));
        let content = if self.method == Method::GET { wire.target() } else { &body };
        for (key, until) in &self.keys {
            if until.is_none_or(|until| at < until) {
                let (id, timestamp) = (wire.part(id.clone()), wire.part(timestamp.clone()));
                key.sign_into(&mut signature, id, timestamp, content.as_bytes());
            }
        }
        let signed = !signature.is_empty();
        let signature_at =
            signed.then(|| wire.header_of(WEBHOOK_SIGNATURE.as_str(), |out| out.push_str(&signature)));
        wire.end(&body);
        wire.give_spare_back(body, signature);
        Identity { id, timestamp, signature: signature_at }
    }

    /// The request for an event, to be looked at.
    pub fn render(&self, event: &Event, at: WallTime) -> Rendered {
        let mut wire = Wire::default();
        self.render_into(&mut wire, event, at);
        self.rendered(&wire)
    }

    /// A request that was written, to be looked at.
    pub fn rendered(&self, wire: &Wire) -> Rendered {
        let mut headers = wire.header_map().unwrap_or_default();
        headers.remove(CONTENT_LENGTH);
        for (name, value) in &mut headers {
            value.set_sensitive(self.headers.get(name).is_some_and(HeaderValue::is_sensitive));
        }
        Rendered {
            method: self.method.clone(),
            target: Bytes::copy_from_slice(wire.target().as_bytes()),
            headers,
            body: Bytes::copy_from_slice(wire.body().as_bytes()),
        }
    }
}

/// Ids come from a PBX: what no header may hold becomes a dash rather than losing the request.
fn header_safe(c: char) -> char {
    if c.is_ascii_graphic() { c } else { '-' }
}

/// Seconds since the epoch; before it nobody calls.
fn write_secs(out: &mut String, secs: i64) {
    wire::write_digits(out, u64::try_from(secs).unwrap_or(0));
}
