//! The provider people may log in through, made of the configuration. It is not asked anything yet.

use std::path::Path;

use ::oidc::{ANSWER_MAX, PATIENCE, Provider, Settings};
use delivery::connect::{ConnectorOptions, FetchOptions, Fetcher};
use delivery::guard::Guard;
use url::Url;

use super::{ServeError, connector_options};
use crate::config::{Config, Oidc, Place, Problem};

/// The provider of a configuration, if it names one.
pub(crate) fn provider(config: &Config) -> Result<Option<Provider>, ServeError> {
    let Some(oidc) = &config.oidc else { return Ok(None) };
    let unusable = |problem| ServeError::Secrets(vec![problem]);
    let problem = |key: &str, what: String| {
        let place = Place { file: config.file.clone(), line: oidc.line, key: format!("[oidc] {key}") };
        unusable(Problem { place, what })
    };
    let client_secret =
        oidc.client_secret.as_ref().map(|source| source.read()).transpose().map_err(unusable)?;
    let ca_pem = oidc.ca.as_deref().map(read).transpose().map_err(|what| problem("ca", what))?;
    let options =
        FetchOptions { connector: connector(config, oidc), ca_pem, limit: PATIENCE, body_max: ANSWER_MAX };
    let fetcher = Fetcher::new(options).map_err(|error| problem("ca", error.to_string()))?;
    let here = |path: &str| {
        Url::parse(&format!("{}{path}", oidc.public_url))
            .map_err(|error| problem("issuer", format!("there is no way back from it: {error}")))
    };
    let settings = Settings {
        issuer: oidc.issuer.clone(),
        client_id: oidc.client_id.clone(),
        client_secret,
        scopes: oidc.scopes.clone(),
        label: oidc.label.clone(),
        redirect: here(web::LOGIN_BACK)?,
        after_logout: here("/login")?,
        roles: oidc.roles.clone(),
    };
    Ok(Some(Provider::new(settings, fetcher)))
}

/// As web services are called, and into the networks that are the provider's alone.
fn connector(config: &Config, oidc: &Oidc) -> ConnectorOptions {
    let allow = config.outgoing.allow.iter().chain(&oidc.allow).copied().collect();
    ConnectorOptions { guard: Guard::new(allow), ..connector_options(config) }
}

fn read(file: &Path) -> Result<String, String> {
    std::fs::read_to_string(file)
        .map_err(|error| format!("the file {} cannot be read: {error}", file.display()))
}
