//! A code for a token.

use std::collections::HashMap;

use axum::http::{HeaderMap, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{Algorithm, CLIENT_ID, CLIENT_SECRET, Given, House, Key, SUBJECT, changed};

/// How tokens are signed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Signing {
    /// With the provider's key.
    #[default]
    Well,
    /// Not at all (`alg` is `none`).
    None,
    /// With what the client proves itself with (`HS256`).
    ByTheSecret,
    /// With a key of the same id that is not the provider's.
    ByAnother,
    /// With a key whose id is not among the provider's keys.
    ByNobodys,
    /// Well, and one letter of the claims changed afterwards.
    Broken,
}

impl House {
    /// Status and answer for a code that is brought.
    pub(super) fn redeem(
        &mut self,
        headers: &HeaderMap,
        form: &HashMap<String, String>,
    ) -> (StatusCode, Value) {
        let of = |name: &str| form.get(name).map_or("", |value| value);
        let refused = |why: &str| (StatusCode::BAD_REQUEST, json!({ "error": why }));
        if !is_the_client(headers) {
            return (StatusCode::UNAUTHORIZED, json!({ "error": "invalid_client" }));
        }
        let Some(given) = self.codes.remove(of("code")) else { return refused("invalid_grant") };
        let shown = URL_SAFE_NO_PAD.encode(Sha256::digest(of("code_verifier").as_bytes()));
        let fits = of("grant_type") == "authorization_code"
            && of("redirect_uri") == given.redirect
            && shown == given.challenge;
        if !fits {
            return refused("invalid_grant");
        }
        let mut answer = json!({ "access_token": "not for us", "token_type": "Bearer", "expires_in": 300 });
        if !self.script.without_token {
            answer["id_token"] = json!(self.token(&given));
        }
        (StatusCode::OK, answer)
    }

    fn token(&self, given: &Given) -> String {
        let now = now_secs();
        let usual = json!({
            "iss": self.issuer, "sub": SUBJECT, "aud": CLIENT_ID, "nonce": given.nonce,
            "iat": now, "exp": now + 300, "typ": "ID",
            "name": "Mette Holm", "preferred_username": "mette", "email": "mette@example.com",
            "roles": ["ringbud-admin"],
        });
        let claims = changed(usual, &self.script.claims);
        self.signed(&claims)
    }

    fn signed(&self, claims: &Value) -> String {
        let coded = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = |algorithm: &str, id: &str| {
            let head = json!({ "alg": algorithm, "typ": "JWT", "kid": id });
            format!("{}.{}", coded(&head), coded(claims))
        };
        let by = |key: &Key, id: &str| {
            let text = text(key.algorithm(), id);
            format!("{text}.{}", URL_SAFE_NO_PAD.encode(key.sign(&text)))
        };
        match self.script.signing {
            Signing::Well => by(&self.key, self.key.id()),
            Signing::ByAnother => by(&Key::make(Algorithm::Es256, "another"), self.key.id()),
            Signing::ByNobodys => by(&Key::make(Algorithm::Es256, "nobodys"), "nobodys"),
            Signing::None => format!("{}.", text("none", self.key.id())),
            Signing::ByTheSecret => {
                let text = text("HS256", self.key.id());
                let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, CLIENT_SECRET.as_bytes());
                let tag = ring::hmac::sign(&key, text.as_bytes());
                format!("{text}.{}", URL_SAFE_NO_PAD.encode(tag.as_ref()))
            }
            Signing::Broken => {
                let whole = by(&self.key, self.key.id());
                let mut parts = whole.split('.');
                let head = parts.next().unwrap_or_default();
                let signature = parts.nth(1).unwrap_or_default();
                let other = changed(claims.clone(), &json!({ "roles": ["ringbud-operator"] }));
                format!("{head}.{}.{signature}", coded(&other))
            }
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "a provider has a clock of its own")]
fn now_secs() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

/// Whether the header says id and secret, each encoded as a form's value.
fn is_the_client(headers: &HeaderMap) -> bool {
    let said = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    let coded = |text: &str| url::form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let due = STANDARD.encode(format!("{}:{}", coded(CLIENT_ID), coded(CLIENT_SECRET)));
    said.and_then(|said| said.strip_prefix("Basic ")) == Some(&due)
}
