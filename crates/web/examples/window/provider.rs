//! An OpenID provider beside the window, whose only person is an administrator of account 1.

use std::sync::Arc;

use calls::AccountId;
use delivery::connect::{ConnectorOptions, FetchOptions, Fetcher};
use delivery::guard::Guard;
use journal::settings::Secret;
use oidc::stage::{CLIENT_ID, CLIENT_SECRET, Stage};
use oidc::{ANSWER_MAX, Fits, Grants, Issuer, PATIENCE, Provider, Roles, Rule, Settings, Whose};

/// Starts it; `public` is where people reach the window.
pub(crate) async fn start(public: &str) -> Result<Arc<Provider>, Box<dyn std::error::Error>> {
    let stage = Stage::start("127.0.0.1:0").await?;
    let guard = Guard::new(vec!["127.0.0.1/32".parse()?]);
    let connector = ConnectorOptions { guard, ..ConnectorOptions::default() };
    let options = FetchOptions { connector, ca_pem: None, limit: PATIENCE, body_max: ANSWER_MAX };
    let grants = Grants::Account { whose: Whose::Account(AccountId::new("1")), read_only: false };
    let settings = Settings {
        issuer: Issuer::parse(&stage.issuer())?,
        client_id: CLIENT_ID.into(),
        client_secret: Some(Secret::new(CLIENT_SECRET)),
        scopes: vec!["profile".into()],
        label: "Nordlys".into(),
        redirect: format!("{public}/login/oidc/back").parse()?,
        after_logout: format!("{public}/login").parse()?,
        roles: Roles {
            claim: "roles".into(),
            rules: vec![Rule { fits: Fits::Value("ringbud-admin".into()), grants }],
        },
    };
    Ok(Arc::new(Provider::new(settings, Fetcher::new(options)?)))
}
