//! The headers an account adds, and which of them are secret.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::header::AUTHORIZATION;
use http::{HeaderMap, HeaderName, HeaderValue};
use journal::Headers;
use journal::settings::{Credentials, Integration};

/// How many fixed headers an integration may have.
pub const HEADERS_MAX: usize = 32;

/// The longest value of a fixed header, in bytes.
pub const HEADER_VALUE_MAX: usize = 4_096;

/// Headers that are Ringbud's own, or the connection's.
const RESERVED: &[&str] = &[
    "host",
    "content-length",
    "content-type",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "proxy-connection",
    "te",
    "trailer",
    "upgrade",
    "expect",
    "webhook-id",
    "webhook-timestamp",
    "webhook-signature",
];

/// Parts of header names whose values are not for other eyes.
const SECRET_PARTS: &[&str] =
    &["auth", "token", "secret", "key", "password", "cookie", "credential", "session"];

/// What stands in the history in place of a secret.
pub(crate) const BLANKED: &str = "•••";

/// A fixed header is not usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum HeaderProblem {
    /// The name has a character no header name has.
    Name(String),
    /// Ringbud or the connection sets it.
    Reserved(String),
    /// The value has a line break or another control character, or is too long.
    Value(String),
    /// Too many.
    TooMany(usize),
}

/// Checks a fixed header, for checks as one types.
pub fn check_header(name: &str, value: &str) -> Result<(), HeaderProblem> {
    parse(name, value).map(drop)
}

fn parse(name: &str, value: &str) -> Result<(HeaderName, HeaderValue), HeaderProblem> {
    let parsed = HeaderName::from_bytes(name.as_bytes()).map_err(|_| HeaderProblem::Name(name.to_owned()))?;
    if RESERVED.contains(&parsed.as_str()) {
        return Err(HeaderProblem::Reserved(parsed.to_string()));
    }
    let bad_value = || HeaderProblem::Value(parsed.to_string());
    if value.len() > HEADER_VALUE_MAX {
        return Err(bad_value());
    }
    let value = HeaderValue::from_str(value).map_err(|_| bad_value())?;
    Ok((parsed, value))
}

pub(super) fn add_account_headers(
    headers: &mut HeaderMap,
    integration: &Integration,
) -> Result<(), HeaderProblem> {
    if let Some(credentials) = &integration.credentials {
        let text = match credentials {
            Credentials::Basic { username, password } => {
                format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.expose())))
            }
            Credentials::Bearer { token } => format!("Bearer {}", token.expose()),
        };
        let mut value =
            HeaderValue::from_str(&text).map_err(|_| HeaderProblem::Value(AUTHORIZATION.to_string()))?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    if integration.headers.len() > HEADERS_MAX {
        return Err(HeaderProblem::TooMany(integration.headers.len()));
    }
    for (name, value) in &integration.headers {
        let (name, mut value) = parse(name, value)?;
        value.set_sensitive(is_secret(&name));
        headers.append(name, value);
    }
    Ok(())
}

fn is_secret(name: &HeaderName) -> bool {
    SECRET_PARTS.iter().any(|part| name.as_str().contains(part))
}

/// The headers as they are kept: secrets blanked.
pub(crate) fn blanked(headers: &HeaderMap) -> Headers {
    let mut shown = Headers::default();
    for (name, value) in headers {
        if value.is_sensitive() {
            shown.push(name.as_str(), &blank(value));
        } else {
            shown.push(name.as_str(), &String::from_utf8_lossy(value.as_bytes()));
        }
    }
    shown
}

/// The headers as they are sent, each with the end of its line.
pub(super) fn block(headers: &HeaderMap) -> String {
    let mut block = String::with_capacity(256);
    for (name, value) in headers {
        // They were made of text.
        let value = value.to_str().unwrap_or_default();
        for part in [name.as_str(), ": ", value, "\r\n"] {
            block.push_str(part);
        }
    }
    block
}

fn blank(secret: &HeaderValue) -> String {
    match secret.as_bytes().split(|byte| *byte == b' ').next() {
        Some(scheme @ (b"Basic" | b"Bearer")) => format!("{} {BLANKED}", String::from_utf8_lossy(scheme)),
        _ => BLANKED.to_owned(),
    }
}
