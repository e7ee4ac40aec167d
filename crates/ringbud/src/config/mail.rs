//! `[mail]`: the operator's mail server, by which accounts are told.

use std::path::PathBuf;

use delivery::alert::Security;

use super::section::Section;
use super::{SecretSource, secret};

/// The operator's mail server.
#[derive(Clone, Debug)]
pub struct Mail {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
    /// As whom to log in; nobody where it is empty.
    pub username: String,
    /// With what password.
    pub password: Option<SecretSource>,
    /// Who writes.
    pub from: String,
    /// An authority to trust besides the machine's, as PEM.
    pub ca: Option<PathBuf>,
    /// Where it stands in the file.
    pub line: usize,
}

pub(super) fn read(root: &Section<'_>) -> Option<Mail> {
    let section = root.section("mail")?;
    let security = section.parsed("security", "\"starttls\", \"tls\" or \"none\"", |text| match text {
        "starttls" => Ok(Security::StartTls),
        "tls" => Ok(Security::Tls),
        "none" => Ok(Security::Never),
        _ => Err(""),
    });
    let security = security.map_or(Security::StartTls, |found| found.value);
    let usual = match security {
        Security::StartTls => 587,
        Security::Tls => 465,
        Security::Never => 25,
    };
    let server =
        section.parsed("server", "a host, perhaps with a port, such as \"smtp.example.com:587\"", |text| {
            let with_port = match text.rsplit_once(':') {
                Some(_) => text.to_owned(),
                None => format!("{text}:{usual}"),
            };
            let whole = super::addresses::host_and_port(&with_port)?;
            let (host, port) = whole.rsplit_once(':').ok_or("")?;
            Ok::<_, &str>((host.trim_matches(['[', ']']).to_owned(), port.parse::<u16>().map_err(|_| "")?))
        });
    let from = section.text("from");
    let username = section.text("username").map(|found| found.value).unwrap_or_default();
    let password = secret::optional(&section, "password");
    let ca = section.path("ca");
    section.missing("server", "the mail server, such as server = \"smtp.example.com\"");
    section.missing("from", "who writes, such as from = \"Ringbud <ringbud@example.com>\"");
    if !username.is_empty() && password.is_none() {
        section.missing("password", "the password of that user, or password_file or password_env");
    }
    let line = section.here().line;
    section.finish();
    let ((host, port), from) = (server?.value, from?.value);
    Some(Mail { host, port, security, username, password, from, ca, line })
}
