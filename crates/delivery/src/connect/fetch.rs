//! A question to a web service of the operator's own choosing, and its whole answer.
//!
//! Each on a new connection, past the guard like everything that goes out; never redirected; bounded in size
//! and, from the look-up of the name to the last byte, in time.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{HOST, HeaderValue, USER_AGENT};
use http::{Request, Response, Uri};
use http_body_util::Full;
use rustls::ClientConfig;

use super::answer::{Bounds, Lost, NoAnswer};
use super::by_hyper;
use super::dial::{ConnectError, Connector, ConnectorOptions};
use super::tls::{BadCa, Trust, only};
use crate::guard::{UrlProblem, WebhookUrl};
use crate::request::AGENT;

/// How questions are asked.
pub struct FetchOptions {
    /// How connections are made, and where they may go.
    pub connector: ConnectorOptions,
    /// PEM of a private CA to trust besides the public ones.
    pub ca_pem: Option<String>,
    /// For everything, from looking up the name to the end of the answer.
    pub limit: Duration,
    /// The longest body taken, in bytes.
    pub body_max: usize,
}

/// Asks.
pub struct Fetcher {
    connector: Connector,
    tls: Arc<ClientConfig>,
    limit: Duration,
    body_max: usize,
}

/// There is no answer.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// The URL is not one that can be asked.
    #[error(transparent)]
    Url(#[from] UrlProblem),
    /// Nothing was sent.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// Something may have been sent.
    #[error("{host}: {why}")]
    NoAnswer {
        /// Who was asked.
        host: String,
        /// What went wrong.
        why: Lost,
    },
    /// The time was up.
    #[error("no whole answer from {host} within {} s", .limit.as_secs_f32())]
    TimedOut {
        /// Who was asked.
        host: String,
        /// The limit.
        limit: Duration,
    },
    /// The answer has no end in sight.
    #[error("the answer of {host} is longer than {max} bytes")]
    TooLong {
        /// Who was asked.
        host: String,
        /// The limit.
        max: usize,
    },
}

impl Fetcher {
    /// One who asks.
    ///
    /// # Errors
    /// When the private CA cannot be used.
    pub fn new(options: FetchOptions) -> Result<Self, BadCa> {
        let trust = Trust::of_the_machine();
        let tls = match &options.ca_pem {
            None => trust.public(),
            Some(pem) => trust.with_ca(pem)?,
        };
        Ok(Self::with(options, tls))
    }

    /// One who believes in one certificate alone, the first of a chain in PEM, whatever name it is for.
    ///
    /// # Errors
    /// When there is no certificate in it.
    pub fn believing_only(options: FetchOptions, chain_pem: &str) -> Result<Self, BadCa> {
        let tls = only(chain_pem)?;
        Ok(Self::with(options, tls))
    }

    fn with(options: FetchOptions, tls: Arc<ClientConfig>) -> Self {
        let connector = Connector::new(options.connector);
        Self { connector, tls, limit: options.limit, body_max: options.body_max }
    }

    /// Asks once; any status is an answer.
    ///
    /// # Errors
    /// When there is no whole answer.
    pub async fn fetch(&self, request: Request<Vec<u8>>) -> Result<Response<Vec<u8>>, FetchError> {
        let url = WebhookUrl::parse(&request.uri().to_string())?;
        let host = url.origin().host.clone();
        let timed_out = FetchError::TimedOut { host, limit: self.limit };
        tokio::time::timeout(self.limit, self.ask(&url, request)).await.unwrap_or(Err(timed_out))
    }

    async fn ask(
        &self,
        url: &WebhookUrl,
        request: Request<Vec<u8>>,
    ) -> Result<Response<Vec<u8>>, FetchError> {
        let host = || url.origin().host.clone();
        let no_answer = |why: Lost| FetchError::NoAnswer { host: host(), why };
        let tls = url.origin().tls.then_some(&self.tls);
        let dialled = self.connector.dial(url.origin(), tls).await?;
        let (mut parts, body) = request.into_parts();
        let unusable = |error: http::Error| no_answer(Lost::Other(error.to_string()));
        parts.uri = target(url).map_err(unusable)?;
        let own = HeaderValue::from_str(&url.host_header()).map_err(|error| unusable(error.into()))?;
        parts.headers.insert(HOST, own);
        parts.headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let request = Request::from_parts(parts, Full::new(Bytes::from(body)));
        let bounds = Bounds { limit: self.limit, kept: self.body_max, read: self.body_max };
        let asked = by_hyper::ask_once(dialled, request, bounds).await;
        let (head, body, whole) = asked.map_err(|error| match error {
            NoAnswer::NotSent => no_answer(Lost::Closed),
            NoAnswer::Lost(why) => no_answer(why),
            NoAnswer::TimedOut => FetchError::TimedOut { host: host(), limit: self.limit },
        })?;
        if !whole && body.len() >= self.body_max {
            return Err(FetchError::TooLong { host: host(), max: self.body_max });
        }
        if !whole {
            return Err(no_answer(Lost::Closed));
        }
        Ok(Response::from_parts(head, body))
    }
}

/// What is asked for there.
fn target(url: &WebhookUrl) -> Result<Uri, http::Error> {
    let target = match url.query() {
        "" => url.path().to_owned(),
        query => format!("{}?{query}", url.path()),
    };
    Ok(target.parse::<Uri>()?)
}
