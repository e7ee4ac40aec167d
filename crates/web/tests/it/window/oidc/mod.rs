//! Logging in through an OpenID provider, from the button to the session's end.

mod people;
mod refusals;
mod way;

use std::sync::Arc;
use std::time::Duration;

use ::oidc::stage::{CLIENT_ID, CLIENT_SECRET, Stage};
use ::oidc::{Fits, Grants, Issuer, Provider, Roles, Rule, Settings, Whose};
use axum::body::Body;
use axum::http::{Request, header};
use calls::AccountId;
use delivery::connect::{ConnectorOptions, FetchOptions, Fetcher};
use delivery::guard::Guard;
use journal::settings::Secret;
use serde_json::json;
use web::Options;

use crate::rig::{Reply, Rig};

/// A house and a provider.
struct Bed {
    stage: Stage,
    rig: Rig,
}

impl Bed {
    async fn new() -> Self {
        Self::with(Options::default()).await
    }

    async fn with(options: Options) -> Self {
        let stage = Stage::start("127.0.0.1:0").await.unwrap();
        let provider = provider(&stage.issuer(), &options.path);
        Self { rig: Rig::through(options, Some(Arc::new(provider))).await, stage }
    }

    /// What the provider says of the person from now on.
    fn has_roles(&self, roles: &[&str]) {
        self.stage.play(|script| script.claims = json!({ "roles": roles }));
    }
}

fn provider(issuer: &str, path: &str) -> Provider {
    let guard = Guard::new(vec!["127.0.0.0/8".parse().unwrap()]);
    let connector = ConnectorOptions { guard, ..ConnectorOptions::default() };
    let limit = Duration::from_secs(5);
    let options = FetchOptions { connector, ca_pem: None, limit, body_max: ::oidc::ANSWER_MAX };
    let account =
        |id: &str, read_only| Grants::Account { whose: Whose::Account(AccountId::new(id)), read_only };
    let rule = |value: &str, grants| Rule { fits: Fits::Value(value.into()), grants };
    let settings = Settings {
        issuer: Issuer::parse(issuer).unwrap(),
        client_id: CLIENT_ID.into(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        scopes: Vec::new(),
        label: "Nordlys & Co".into(),
        redirect: format!("https://calls.example.com{path}/login/oidc/back").parse().unwrap(),
        after_logout: format!("https://calls.example.com{path}/login").parse().unwrap(),
        roles: Roles {
            claim: "roles".into(),
            rules: vec![
                rule("ringbud-operator", Grants::Operator),
                rule("ringbud-admin", account("1", false)),
                rule("ringbud-reader", account("1", true)),
                rule("ringbud-moon", account("moon", false)),
            ],
        },
    };
    Provider::new(settings, Fetcher::new(options).unwrap())
}

/// A browser with all its cookies.
struct Person<'a> {
    bed: &'a Bed,
    cookies: Vec<(String, String)>,
    language: &'static str,
}

impl<'a> Person<'a> {
    fn new(bed: &'a Bed) -> Self {
        Self { bed, cookies: Vec::new(), language: "en" }
    }

    async fn get(&mut self, path: &str) -> Reply {
        self.send(Request::get(path), Body::empty()).await
    }

    async fn post(&mut self, path: &str, fields: &[(&str, &str)]) -> Reply {
        let page = self.get("/a/1/settings").await.text;
        let csrf = page
            .split_once("name=\"_csrf\" value=\"")
            .map_or("", |(_, rest)| rest.split('"').next().unwrap());
        let mut form = url::form_urlencoded::Serializer::new(String::new());
        let body = form.extend_pairs(fields).append_pair("_csrf", csrf).finish();
        self.send(Request::post(path), Body::from(body)).await
    }

    async fn send(&mut self, request: axum::http::request::Builder, body: Body) -> Reply {
        let held: Vec<_> = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let request = request.header("accept-language", self.language).header("cookie", held.join("; "));
        let reply = self.bed.rig.send(request.body(body).unwrap()).await;
        for line in reply.headers.get_all(header::SET_COOKIE) {
            let (name, value) = line.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.retain(|(known, _)| known != name);
            self.cookies.push((name.into(), value.into()));
        }
        reply
    }

    /// Presses the button; where the browser is sent.
    async fn leaves(&mut self, next: &str) -> String {
        let reply = self.get(&format!("/login/oidc?next={next}")).await;
        assert_eq!(reply.status, 303, "{}", reply.text);
        reply.headers["location"].to_str().unwrap().to_owned()
    }

    /// The whole way; what comes back at its end.
    async fn logs_in(&mut self) -> Reply {
        let there = self.leaves("").await;
        let (code, state) = self.bed.stage.approve(&there);
        self.get(&format!("/login/oidc/back?code={code}&state={state}")).await
    }

    fn cookie(&self, name: &str) -> Option<&str> {
        self.cookies.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }
}

fn says(reply: &Reply, words: &str) {
    assert!(reply.text.contains(words), "{words}: {}", reply.text);
    assert!(reply.text.contains("name=\"password\""), "a password still works");
}
