//! One request to the API of the gateway on this machine.

use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::cli::Failure;
use crate::cli::settings::Desk;

/// How long an answer may take; a test call waits for four web services.
const PATIENCE: Duration = Duration::from_secs(120);
/// No answer is longer.
const MAX_ANSWER_BYTES: u64 = 64 << 20;

pub(super) struct Api {
    address: String,
    path: String,
    token: String,
    /// The token's name.
    name: String,
}

impl Api {
    /// Makes a token for this one command.
    pub(super) async fn enter(desk: &Desk) -> Result<Self, Failure> {
        let config = &desk.config;
        if config.http.tls.is_some() {
            return Err(Failure::new(
                "the gateway speaks HTTPS, which this command does not: use the window, or the API with a token",
            ));
        }
        let address = config.http.listen.replace("0.0.0.0:", "127.0.0.1:").replace("[::]:", "[::1]:");
        let (text, name) = desk.admin.lend_token(&desk.actor, std::process::id()).await?;
        Ok(Self { address, path: config.http.path.clone(), token: text, name })
    }

    /// Removes it.
    pub(super) async fn leave(self, desk: &Desk) -> Result<(), Failure> {
        Ok(desk.admin.take_back_token(&self.name).await?)
    }

    pub(super) async fn get(&self, account: &str, what: &str) -> Result<Value, Failure> {
        self.ask("GET", account, what, "").await
    }

    pub(super) async fn post(&self, account: &str, what: &str, body: &Value) -> Result<Value, Failure> {
        self.ask("POST", account, what, &body.to_string()).await
    }

    async fn ask(&self, method: &str, account: &str, what: &str, body: &str) -> Result<Value, Failure> {
        let Self { address, path, token, .. } = self;
        let request = format!(
            "{method} {path}/api/v1/accounts/{}/{what} HTTP/1.0\r\nHost: {address}\r\nAuthorization: Bearer {token}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            encoded(account),
            body.len()
        );
        let exchange = async {
            let mut stream = TcpStream::connect(address).await?;
            stream.write_all(request.as_bytes()).await?;
            let mut answer = String::new();
            stream.take(MAX_ANSWER_BYTES).read_to_string(&mut answer).await?;
            Ok::<_, std::io::Error>(answer)
        };
        let gone = |why: String| {
            Failure::new(format!(
                "no gateway answers at {address} ({why}): start it with ringbud serve, or name its port in [http] listen"
            ))
        };
        let answer = tokio::time::timeout(PATIENCE, exchange)
            .await
            .map_err(|_| gone("no answer in time".to_owned()))?
            .map_err(|error| gone(error.to_string()))?;
        read(&answer).ok_or_else(|| gone("what answers is no ringbud".to_owned()))?
    }
}

/// Status and body of an answer: what was wanted, or the API's own sentence.
fn read(answer: &str) -> Option<Result<Value, Failure>> {
    let (head, body) = answer.split_once("\r\n\r\n")?;
    let status: u16 = head.split(' ').nth(1)?.parse().ok()?;
    let body: Value = if body.is_empty() { Value::Null } else { serde_json::from_str(body).ok()? };
    Some(match status {
        200..=299 => Ok(body),
        _ => Err(Failure::new(body["error"]["message"].as_str().unwrap_or("it was refused"))),
    })
}

/// Text as a part of a path or query.
pub(super) fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(&byte);
    text.bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}
