//! The form of a webhook's URL, with words that help whoever typed it.

use std::fmt;

use url::{Host, Url};

use super::address::Refused;

/// The longest URL taken, in bytes.
pub const URL_MAX: usize = 2_048;

/// What is wrong with a URL.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum UrlProblem {
    /// Blanks or control characters.
    Blank,
    /// Too long.
    TooLong(usize),
    /// No scheme, or another than http and https.
    Scheme,
    /// No host.
    NoHost,
    /// A user name or password.
    Credentials,
    /// Port 0.
    PortZero,
    /// A placeholder where none may be.
    PlaceholderInHost,
    /// A placeholder that is no parameter's name.
    Placeholder(String),
    /// An address that may not be connected to.
    Address(Refused),
    /// Anything else.
    Form(String),
}

/// Where a request is connected to.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    /// Whether by TLS.
    pub tls: bool,
    /// The host: a name in ASCII, or an address without brackets.
    pub host: String,
    /// The port.
    pub port: u16,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let scheme = if self.tls { "https" } else { "http" };
        if self.host.contains(':') {
            write!(f, "{scheme}://[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{scheme}://{}:{}", self.host, self.port)
        }
    }
}

/// A URL of the right form. Whether its address may be connected to is another question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebhookUrl {
    url: Url,
    origin: Origin,
}

impl WebhookUrl {
    /// Checks the form.
    pub fn parse(text: &str) -> Result<Self, UrlProblem> {
        if text.len() > URL_MAX {
            return Err(UrlProblem::TooLong(text.len()));
        }
        if text.chars().any(|c| c.is_whitespace() || c.is_control()) {
            return Err(UrlProblem::Blank);
        }
        let after_scheme = strip_scheme(text).ok_or(UrlProblem::Scheme)?;
        let authority = after_scheme.split(['/', '?', '#', '\\']).next().unwrap_or("");
        if authority.is_empty() || authority.starts_with(':') {
            return Err(UrlProblem::NoHost);
        }
        if authority.contains('@') {
            return Err(UrlProblem::Credentials);
        }
        if authority.contains(['{', '}']) {
            return Err(UrlProblem::PlaceholderInHost);
        }
        let url = Url::parse(text).map_err(|error| match error {
            url::ParseError::EmptyHost => UrlProblem::NoHost,
            other => UrlProblem::Form(other.to_string()),
        })?;
        let host = match url.host() {
            None => return Err(UrlProblem::NoHost),
            Some(Host::Domain(name)) => name.to_owned(),
            Some(Host::Ipv4(address)) => address.to_string(),
            Some(Host::Ipv6(address)) => address.to_string(),
        };
        let port = url.port_or_known_default().ok_or(UrlProblem::Scheme)?;
        if port == 0 {
            return Err(UrlProblem::PortZero);
        }
        let origin = Origin { tls: url.scheme() == "https", host, port };
        Ok(Self { url, origin })
    }

    /// Where it is connected to.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The value of the `Host` header: without the port where it is the scheme's own.
    pub fn host_header(&self) -> String {
        let host = self.url.host_str().unwrap_or_default();
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        }
    }

    /// The path, percent-encoded.
    pub fn path(&self) -> &str {
        self.url.path()
    }

    /// The query without its question mark, percent-encoded; empty for none.
    pub fn query(&self) -> &str {
        self.url.query().unwrap_or("")
    }
}

fn strip_scheme(text: &str) -> Option<&str> {
    let (scheme, rest) = text.split_once("://")?;
    (scheme.eq_ignore_ascii_case("http") || scheme.eq_ignore_ascii_case("https")).then_some(rest)
}
