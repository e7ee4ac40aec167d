//! The mail server of a configuration, and how accounts are told.

use delivery::alert::{AlertOptions, MailOptions, Mailer};

use super::{ServeError, connector_options};
use crate::config::{Config, Mail, Place, Problem};

/// One who sends by the configuration's mail server; none where it names none.
pub(crate) fn mailer(config: &Config) -> Result<Option<Mailer>, ServeError> {
    let Some(Mail { host, port, security, username, password, from, ca, line }) = &config.mail else {
        return Ok(None);
    };
    let problem = |what: String| {
        let place = Place { file: config.file.clone(), line: *line, key: "[mail]".to_owned() };
        ServeError::Secrets(vec![Problem { place, what }])
    };
    let password = password.as_ref().map(|source| source.read()).transpose();
    let password = password.map_err(|problem| ServeError::Secrets(vec![problem]))?;
    let ca_pem = ca.as_ref().map(std::fs::read_to_string).transpose();
    let ca_pem = ca_pem.map_err(|error| problem(format!("its ca cannot be read: {error}")))?;
    let login = password.filter(|_| !username.is_empty()).map(|password| (username.clone(), password));
    let options = MailOptions {
        host: host.clone(),
        port: *port,
        security: *security,
        login,
        from: from.clone(),
        ca_pem,
    };
    Ok(Some(Mailer::new(options).map_err(|error| problem(error.to_string()))?))
}

/// How the accounts of a configuration are told.
pub(super) fn alert_options(config: &Config) -> Result<AlertOptions, ServeError> {
    let connector = connector_options(config);
    let limit = config.outgoing.connect_timeout + config.outgoing.response_timeout;
    Ok(AlertOptions { connector, limit, mail: mailer(config)? })
}

/// What of a mail server would be another one.
pub(super) fn told(config: &Config) -> Option<String> {
    let Mail { host, port, security, username, password, from, ca, line: _ } = config.mail.as_ref()?;
    let password = password.as_ref().and_then(|source| source.read().ok());
    let sum = password.map(|password| admin::token_hash(password.expose()));
    Some(format!("{host} {port} {security:?} {username} {sum:?} {from} {ca:?}"))
}
