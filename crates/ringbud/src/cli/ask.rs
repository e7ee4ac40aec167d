//! One request to the API of the gateway on this machine.

use std::time::Duration;

use delivery::connect::{ConnectorOptions, FetchOptions, Fetcher};
use delivery::guard::Guard;
use http::Request;
use http::header::{AUTHORIZATION, CONTENT_TYPE};
use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use serde_json::Value;

use crate::cli::Failure;
use crate::cli::settings::Desk;
use crate::config::Config;

/// How long an answer may take; a test call waits for four web services.
const PATIENCE: Duration = Duration::from_secs(120);
/// No answer is longer.
const MAX_ANSWER_BYTES: usize = 64 << 20;

pub(crate) struct Api {
    /// How and where it is asked: scheme, host, port, and the path in front of all of its own.
    base: String,
    fetcher: Fetcher,
    token: String,
    /// The token's name.
    name: String,
}

impl Api {
    /// Makes a token for this one command.
    pub(crate) async fn enter(desk: &Desk) -> Result<Self, Failure> {
        let config = &desk.config;
        let (fetcher, base) = (fetcher(config)?, base(config));
        let (text, name) = desk.admin.lend_token(&desk.actor, std::process::id()).await?;
        Ok(Self { base, fetcher, token: text, name })
    }

    /// Removes it.
    pub(crate) async fn leave(self, desk: &Desk) -> Result<(), Failure> {
        Ok(desk.admin.take_back_token(&self.name).await?)
    }

    pub(crate) async fn get(&self, account: &str, what: &str) -> Result<Value, Failure> {
        self.ask("GET", account, what, "").await
    }

    pub(crate) async fn post(&self, account: &str, what: &str, body: &Value) -> Result<Value, Failure> {
        self.ask("POST", account, what, &body.to_string()).await
    }

    async fn ask(&self, method: &str, account: &str, what: &str, body: &str) -> Result<Value, Failure> {
        let Self { base, token, .. } = self;
        let gone = |why: String| {
            Failure::new(format!(
                "no gateway answers at {base} ({why}): start it with ringbud serve, or name its port in [http] listen"
            ))
        };
        let request = Request::builder()
            .method(method)
            .uri(format!("{base}/api/v1/accounts/{}/{what}", encoded(account)))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(CONTENT_TYPE, "application/json")
            .body(body.as_bytes().to_vec())
            .map_err(|error| gone(error.to_string()))?;
        let answer = self.fetcher.fetch(request).await.map_err(|error| gone(error.to_string()))?;
        read(answer.status().as_u16(), answer.body())
            .ok_or_else(|| gone("what answers is no ringbud".to_owned()))?
    }
}

/// Where the gateway of this machine is, from this machine.
fn base(config: &Config) -> String {
    let http = &config.http;
    let address = http.listen.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
    format!("{}://{address}{}", if http.tls.is_some() { "https" } else { "http" }, http.path)
}

/// What asks this machine: no address is none of its business. Over TLS the gateway is who shows the certificate that
/// the configuration names; what name that is for does not matter here.
fn fetcher(config: &Config) -> Result<Fetcher, Failure> {
    let everywhere = [IpNet::from(Ipv4Net::default()), IpNet::from(Ipv6Net::default())];
    let connector =
        ConnectorOptions { guard: Guard::new(everywhere.to_vec()), ..ConnectorOptions::default() };
    let options = FetchOptions { connector, ca_pem: None, limit: PATIENCE, body_max: MAX_ANSWER_BYTES };
    let Some(files) = &config.http.tls else {
        return Fetcher::new(options).map_err(|error| Failure::new(error.to_string()));
    };
    let file = files.certificate.display();
    let unusable = |why: String| Failure::new(format!("[http] tls_cert: {file}: {why}"));
    let chain = std::fs::read_to_string(&files.certificate).map_err(|error| unusable(error.to_string()))?;
    Fetcher::believing_only(options, &chain).map_err(|error| unusable(error.to_string()))
}

/// What was wanted, or the API's own sentence.
fn read(status: u16, body: &[u8]) -> Option<Result<Value, Failure>> {
    let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_slice(body).ok()? };
    Some(match status {
        200..=299 => Ok(body),
        _ => Err(Failure::new(body["error"]["message"].as_str().unwrap_or("it was refused"))),
    })
}

/// Text as a part of a path or query.
pub(crate) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
