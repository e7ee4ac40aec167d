//! An OpenID provider to log in through, for tests and for the window's example: it signs for real, redeems
//! a code once and for its verifier only, and misbehaves in whatever way it is told.

mod keys;
mod token;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use axum::Router;
use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::{StatusCode, header};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use url::Url;

pub use keys::{Algorithm, Key};
pub use token::Signing;

/// What an endpoint answers.
#[derive(Clone, Debug, Default)]
pub enum Manner {
    /// As it should.
    #[default]
    Well,
    /// This status, and a word.
    Status(u16),
    /// Somewhere else.
    Redirect(String),
    /// What is not JSON.
    Garbage,
    /// JSON of another kind.
    Nonsense,
    /// Without an end.
    Endless,
    /// Never.
    Never,
}

/// How the provider behaves; tests change it.
#[derive(Clone, Debug, Default)]
pub struct Script {
    /// When it is asked who it is.
    pub discovery: Manner,
    /// When it is asked for its keys.
    pub keys: Manner,
    /// When a code is brought.
    pub token: Manner,
    /// What is said of itself differently: a value, or `null` for nothing.
    pub metadata: Value,
    /// What is said of the person, over the usual claims: a value, or `null` for nothing.
    pub claims: Value,
    /// How tokens are signed.
    pub signing: Signing,
    /// Whether there is no ID token at all.
    pub without_token: bool,
}

/// A code that was given out.
#[derive(Clone, Debug)]
struct Given {
    nonce: String,
    challenge: String,
    redirect: String,
}

/// What the provider remembers.
struct House {
    issuer: String,
    script: Script,
    key: Key,
    codes: HashMap<String, Given>,
    asked: Vec<String>,
}

/// A provider on this machine.
#[derive(Clone)]
pub struct Stage(Arc<Mutex<House>>);

/// What it calls the client.
pub const CLIENT_ID: &str = "ringbud";
/// What the client proves itself with; it has what has to be encoded.
pub const CLIENT_SECRET: &str = "a secret/with: +ä%";
/// What it calls the usual person.
pub const SUBJECT: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

impl Stage {
    /// Begins to listen on an address of this machine, `127.0.0.1:0` for any port.
    ///
    /// # Errors
    /// When it cannot.
    pub async fn start(listen: &str) -> std::io::Result<Self> {
        let listener = TcpListener::bind(listen).await?;
        let issuer = format!("http://{}/realms/company", listener.local_addr()?);
        let house = House {
            issuer,
            script: Script::default(),
            key: Key::make(Algorithm::Es256, "first"),
            codes: HashMap::new(),
            asked: Vec::new(),
        };
        let stage = Self(Arc::new(Mutex::new(house)));
        let routes = Router::new()
            .route("/realms/company/.well-known/openid-configuration", get(discovery))
            .route("/realms/company/keys", get(keys))
            .route("/realms/company/authorize", get(authorize))
            .route("/realms/company/token", post(token))
            .route("/realms/company/logout", get(logout))
            .with_state(stage.clone());
        #[expect(clippy::disallowed_methods, reason = "a stage for tests")]
        tokio::spawn(async move { drop(axum::serve(listener, routes).await) });
        Ok(stage)
    }

    /// Its own name.
    pub fn issuer(&self) -> String {
        self.house().issuer.clone()
    }

    /// Behaves otherwise from now on.
    pub fn play(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.house().script);
    }

    /// Signs with another key from now on.
    pub fn rotate(&self, algorithm: Algorithm, id: &str) {
        self.house().key = Key::make(algorithm, id);
    }

    /// What it was asked for since it was asked this last: paths, in order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.house().asked)
    }

    /// What a browser comes back with when its person says yes: code and state.
    pub fn approve(&self, sent_to: &str) -> (String, String) {
        let back = self.house().approve(&pairs(sent_to));
        let part =
            |name: &str| back.query_pairs().find(|(key, _)| key == name).map(|(_, value)| value.into_owned());
        (part("code").unwrap_or_default(), part("state").unwrap_or_default())
    }

    fn house(&self) -> MutexGuard<'_, House> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes that it was asked, and what to do about it.
    fn asked_for(&self, what: &str, manner: impl FnOnce(&Script) -> Manner) -> Manner {
        let mut house = self.house();
        house.asked.push(what.to_owned());
        manner(&house.script)
    }
}

impl House {
    fn approve(&mut self, asked: &HashMap<String, String>) -> Url {
        let of = |name: &str| asked.get(name).cloned().unwrap_or_default();
        let code = format!("code-{}", self.codes.len() + 1);
        let given =
            Given { nonce: of("nonce"), challenge: of("code_challenge"), redirect: of("redirect_uri") };
        let mut back = Url::parse(&given.redirect).unwrap_or_else(|_| self.issuer.parse().expect("a URL"));
        back.query_pairs_mut()
            .append_pair("code", &code)
            .append_pair("state", &of("state"))
            .append_pair("iss", &self.issuer);
        self.codes.insert(code, given);
        back
    }
}

fn pairs(url: &str) -> HashMap<String, String> {
    Url::parse(url).map(|url| url.query_pairs().into_owned().collect()).unwrap_or_default()
}

/// The usual answer with changes: a value, or `null` for nothing.
fn changed(mut usual: Value, changes: &Value) -> Value {
    if let (Some(usual), Some(changes)) = (usual.as_object_mut(), changes.as_object()) {
        for (name, value) in changes {
            if value.is_null() {
                usual.remove(name);
            } else {
                usual.insert(name.clone(), value.clone());
            }
        }
    }
    usual
}

async fn discovery(State(stage): State<Stage>) -> Response {
    let manner = stage.asked_for("discovery", |script| script.discovery.clone());
    let (issuer, changes) = {
        let house = stage.house();
        (house.issuer.clone(), house.script.metadata.clone())
    };
    let usual = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"),
        "jwks_uri": format!("{issuer}/keys"),
        "end_session_endpoint": format!("{issuer}/logout"),
        "response_types_supported": ["code"],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256", "ES256", "none", "HS256"],
    });
    behave(manner, move || changed(usual, &changes)).await
}

async fn keys(State(stage): State<Stage>) -> Response {
    let manner = stage.asked_for("keys", |script| script.keys.clone());
    let key = stage.house().key.public();
    // One of a kind nobody here knows, as real ones have.
    let strange = json!({ "kty": "strange", "kid": "strange", "use": "sig" });
    behave(manner, move || json!({ "keys": [strange, key] })).await
}

/// What a person sees there: a page of the provider's, with a link back for each answer.
async fn authorize(State(stage): State<Stage>, Query(asked): Query<HashMap<String, String>>) -> Html<String> {
    let mut house = stage.house();
    house.asked.push("authorize".to_owned());
    let back = house.approve(&asked);
    let mut no = Url::parse(back.as_str()).expect("a URL");
    let state = asked.get("state").cloned().unwrap_or_default();
    no.query_pairs_mut().clear().append_pair("error", "access_denied").append_pair("state", &state);
    let escaped = |url: &Url| url.as_str().replace('&', "&amp;");
    Html(format!(
        "<!doctype html><html lang=en><link rel=icon href=data:,><title>The company's login</title><h1>The company's login</h1>\
        <p><a id=yes href=\"{}\">Go on as Mette Holm</a> <a id=no href=\"{}\">No</a>",
        escaped(&back),
        escaped(&no)
    ))
}

async fn token(State(stage): State<Stage>, headers: axum::http::HeaderMap, body: String) -> Response {
    let manner = stage.asked_for("token", |script| script.token.clone());
    if !matches!(manner, Manner::Well) {
        return behave(manner, || json!({})).await;
    }
    let form: HashMap<String, String> = url::form_urlencoded::parse(body.as_bytes()).into_owned().collect();
    let (status, answer) = stage.house().redeem(&headers, &form);
    (status, [(header::CONTENT_TYPE, "application/json")], answer.to_string()).into_response()
}

async fn logout(State(stage): State<Stage>) -> Html<&'static str> {
    stage.house().asked.push("logout".to_owned());
    Html(
        "<!doctype html><html lang=en><link rel=icon href=data:,><title>Logged out</title><h1>Logged out of the company</h1>",
    )
}

async fn behave(manner: Manner, well: impl FnOnce() -> Value) -> Response {
    let json = [(header::CONTENT_TYPE, "application/json")];
    match manner {
        Manner::Well => (json, well().to_string()).into_response(),
        Manner::Status(code) => {
            (StatusCode::from_u16(code).unwrap_or_default(), json, "{\"error\":\"said\"}").into_response()
        }
        Manner::Redirect(to) => (StatusCode::FOUND, [(header::LOCATION, to)]).into_response(),
        Manner::Garbage => (json, "\u{0}not JSON at all").into_response(),
        Manner::Nonsense => (json, "[1, 2, 3]").into_response(),
        Manner::Endless => (json, Body::from_stream(Endless)).into_response(),
        Manner::Never => std::future::pending().await,
    }
}

/// Blanks, for ever.
struct Endless;

impl futures_util::Stream for Endless {
    type Item = Result<axum::body::Bytes, std::convert::Infallible>;

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Self::Item>> {
        std::task::Poll::Ready(Some(Ok(axum::body::Bytes::from_static(&[b' '; 4_096]))))
    }
}
