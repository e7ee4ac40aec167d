//! The configuration file: what belongs to the machine, in one TOML file.
//!
//! Owns reading and judging it: every complaint names file, line and key, and what was expected. What
//! belongs to customers (accounts, phones, web services) is not here but in the store. Secrets that live
//! in files or the environment are read when a command needs them, not before, so that a support person
//! can replay a recording with a customer's configuration and without the customer's secrets.

mod addresses;
mod http;
mod journal;
mod mail;
mod oidc;
mod operator;
mod outgoing;
mod pbx;
mod phones;
mod problem;
mod secret;
mod section;

use std::path::{Path, PathBuf};

pub use self::journal::OnPostgres;
pub use self::pbx::Pbx;
pub use http::{Http, TlsFiles};
pub use mail::Mail;
pub use oidc::Oidc;
pub use operator::Operator;
pub use outgoing::{Keep, Log, LogFormat, Outgoing};
pub use phones::{Listed, PhoneRule, Ready, Takes};
pub use problem::{ConfigError, Place, Problem};
pub use secret::SecretSource;

use section::{Section, Source};

/// No configuration file is larger than this.
const MAX_FILE_BYTES: u64 = 1 << 20;

/// What a command needs the configuration for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// To connect to the PBXs or work with the store: everything has to be there.
    Work,
    /// To read recordings: addresses, logins and the data folder may be missing.
    Replay,
}

/// The configuration, read and found sound.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where it was read from.
    pub file: PathBuf,
    /// The folder of the store; missing only when read for [`Purpose::Replay`].
    pub data_dir: Option<PathBuf>,
    /// The key that secrets in the store are encrypted with; by default a generated file in `data_dir`.
    pub secret_key: Option<SecretSource>,
    /// A store on PostgreSQL; without it the store is in `data_dir`.
    pub journal: Option<OnPostgres>,
    /// The HTTP server.
    pub http: Http,
    /// The PBXs, in the order of the file.
    pub pbxs: Vec<Pbx>,
    /// How web services are called.
    pub outgoing: Outgoing,
    /// Whom Ringbud tells what happens to itself.
    pub operator: Option<Operator>,
    /// The mail server by which accounts are told.
    pub mail: Option<Mail>,
    /// The provider people may log in through.
    pub oidc: Option<Oidc>,
    /// The program's own log.
    pub log: Log,
    /// How long what happened is kept.
    pub keep: Keep,
}

impl Config {
    /// Reads the file.
    ///
    /// # Errors
    /// When it cannot be read, or anything in it is wrong: all problems at once.
    pub fn load(file: &Path, purpose: Purpose) -> Result<Self, ConfigError> {
        Self::parse(file, &read(file)?, purpose)
    }

    /// Reads text as if it stood in `file`.
    ///
    /// # Errors
    /// When anything in it is wrong: all problems at once.
    pub fn parse(file: &Path, text: &str, purpose: Purpose) -> Result<Self, ConfigError> {
        let document = toml_edit::Document::parse(text).map_err(|error| {
            let line = error.span().map_or(1, |span| problem::line_of(text, span.start));
            let what = format!("this is not TOML: {}", error.message().replace('\n', "; "));
            ConfigError::Invalid(vec![Problem {
                place: Place { file: file.into(), line, key: String::new() },
                what,
            }])
        })?;
        if document.as_table().is_empty() {
            return Err(ConfigError::Empty { file: file.into() });
        }
        let source = Source::new(file, text, purpose);
        let config = Self::from_section(&Section::root(&source, document.as_table()));
        source.verdict().map(|()| config)
    }

    fn from_section(root: &Section<'_>) -> Self {
        let data_dir = root.path("data_dir");
        if data_dir.is_none() {
            root.missing(
                "data_dir",
                "the folder Ringbud keeps its data in, such as data_dir = \"/var/lib/ringbud\"",
            );
        }
        let secret_key = secret::optional(root, "secret_key");
        let http = http::read(root);
        let config = Self {
            file: root.source().file().into(),
            data_dir,
            journal: self::journal::read(root, secret_key.as_ref()),
            secret_key,
            pbxs: self::pbx::read_all(root),
            outgoing: outgoing::read_outgoing(root),
            operator: operator::read(root),
            mail: mail::read(root),
            oidc: oidc::read(root, &http),
            http,
            log: outgoing::read_log(root),
            keep: outgoing::read_keep(root),
        };
        root.finish();
        config
    }
}

fn read(file: &Path) -> Result<String, ConfigError> {
    let unreadable = |why: String| ConfigError::Unreadable { file: file.into(), why };
    let meta = std::fs::metadata(file).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => ConfigError::Missing { file: file.into() },
        _ => unreadable(error.to_string()),
    })?;
    if meta.is_dir() {
        return Err(unreadable("it is a folder".to_owned()));
    }
    if meta.len() > MAX_FILE_BYTES {
        return Err(unreadable(format!("it is larger than {MAX_FILE_BYTES} bytes")));
    }
    let bytes = std::fs::read(file).map_err(|error| unreadable(error.to_string()))?;
    if bytes.contains(&0) {
        return Err(ConfigError::NotText { file: file.into(), line: None });
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let line = error.as_bytes()[..valid].iter().filter(|byte| **byte == b'\n').count() + 1;
        ConfigError::NotText { file: file.into(), line: Some(line) }
    })
}

#[cfg(test)]
mod tests;
