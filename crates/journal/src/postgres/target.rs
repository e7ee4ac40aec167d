//! Where the engine is, and how it is reached: a connection string, and certificates that are always checked.

use std::fmt;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tokio_postgres::Config;
use tokio_postgres::config::{Host, SslMode, TargetSessionAttrs};
use tokio_postgres_rustls::MakeRustlsConnect;

use super::lease::Wakes;
use crate::settings::Secret;

/// How long one server may take to be connected to, where the string does not say.
const CONNECT: Duration = Duration::from_secs(2);
/// How long the network may swallow what was sent.
const UNHEARD: Duration = Duration::from_secs(10);

/// A database, and how it is reached.
#[derive(Clone)]
pub struct Target {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    place: Arc<str>,
    /// Its connections listen, and this is told.
    pub(super) wakes: Option<Wakes>,
}

/// The connection string, or the certificates, cannot be used. Never has the string in it: there may be a password.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NoTarget {
    /// It is no connection string.
    #[error(
        "expected a connection string as PostgreSQL has them, such as postgres://ringbud@db1,db2/ringbud?sslmode=require"
    )]
    Malformed,
    /// It names no database or no server.
    #[error("it names no {0}; expected one, as in postgres://ringbud@db1/ringbud")]
    Lacks(&'static str),
    /// The certificates cannot be had.
    #[error("the certificates of authorities in {place} cannot be used: {why}")]
    Certificates {
        /// Which.
        place: String,
        /// Why.
        why: String,
    },
}

impl Target {
    /// That of a connection string. Authorities are those of a file, or the system's.
    ///
    /// # Errors
    /// [`NoTarget`].
    pub fn new(url: &Secret, ca_file: Option<&Path>) -> Result<Self, NoTarget> {
        // Certificates are always checked, and whose they are: what these ask for is what `require` does here.
        let text = url.expose().replace("sslmode=verify-full", "sslmode=require");
        let text = text.replace("sslmode=verify-ca", "sslmode=require");
        let mut config: Config = text.parse().map_err(|_| NoTarget::Malformed)?;
        if config.get_hosts().is_empty() && config.get_hostaddrs().is_empty() {
            return Err(NoTarget::Lacks("server"));
        }
        let Some(database) = config.get_dbname().map(str::to_owned) else {
            return Err(NoTarget::Lacks("database"));
        };
        if !text.contains("sslmode") && !is_all_near(&config) {
            config.ssl_mode(SslMode::Require);
        }
        if !text.contains("target_session_attrs") {
            config.target_session_attrs(TargetSessionAttrs::ReadWrite);
        }
        if config.get_connect_timeout().is_none() {
            config.connect_timeout(CONNECT);
        }
        if config.get_tcp_user_timeout().is_none() {
            config.tcp_user_timeout(UNHEARD);
        }
        if config.get_application_name().is_none() {
            config.application_name("ringbud");
        }
        config.keepalives_idle(UNHEARD);
        let hosts: Vec<_> = config.get_hosts().iter().map(named).collect();
        let place = format!("{database} on {}", hosts.join(", ")).into();
        Ok(Self { config, tls: MakeRustlsConnect::new(tls(ca_file)?), place, wakes: None })
    }

    /// The same, whose connections listen.
    pub(super) fn listening(&self, wakes: Wakes) -> Self {
        Self { wakes: Some(wakes), ..self.clone() }
    }

    /// Whether what goes there may be read on the way: it leaves the machine, and the string does not insist on
    /// encryption.
    pub fn is_readable_on_the_way(&self) -> bool {
        self.config.get_ssl_mode() != SslMode::Require && !is_all_near(&self.config)
    }

    /// The database in words: never has a password in it.
    pub fn place(&self) -> &Arc<str> {
        &self.place
    }
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Target({})", self.place)
    }
}

fn is_all_near(config: &Config) -> bool {
    // An address is connected to instead of the name beside it.
    let addresses = config.get_hostaddrs();
    if addresses.is_empty() {
        config.get_hosts().iter().all(is_near)
    } else {
        addresses.iter().all(IpAddr::is_loopback)
    }
}

/// Whether what goes there stays within the machine.
fn is_near(host: &Host) -> bool {
    match host {
        Host::Tcp(name) => name == "localhost" || name.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback()),
        #[cfg(unix)]
        Host::Unix(_) => true,
    }
}

fn named(host: &Host) -> String {
    match host {
        Host::Tcp(name) => name.clone(),
        #[cfg(unix)]
        Host::Unix(path) => path.display().to_string(),
    }
}

fn tls(ca_file: Option<&Path>) -> Result<ClientConfig, NoTarget> {
    let mut roots = RootCertStore::empty();
    match ca_file {
        Some(file) => {
            let place = file.display().to_string();
            let failed = |why: String| NoTarget::Certificates { place: place.clone(), why };
            let found = CertificateDer::pem_file_iter(file).map_err(|error| failed(error.to_string()))?;
            for certificate in found {
                let certificate = certificate.map_err(|error| failed(error.to_string()))?;
                roots.add(certificate).map_err(|error| failed(error.to_string()))?;
            }
            if roots.is_empty() {
                return Err(failed("there is no certificate in it".to_owned()));
            }
        }
        None => drop(roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs)),
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let versions = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let certificates =
        |why: rustls::Error| NoTarget::Certificates { place: "the system".to_owned(), why: why.to_string() };
    Ok(versions.map_err(certificates)?.with_root_certificates(roots).with_no_client_auth())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(url: &str) -> Result<Target, NoTarget> {
        Target::new(&Secret::new(url), None)
    }

    #[test]
    fn what_leaves_the_machine_is_encrypted_unless_the_string_says_otherwise() {
        for (url, mode) in [
            ("postgres://ringbud@db1,db2/ringbud", SslMode::Require),
            ("postgres://ringbud@db1/ringbud?sslmode=verify-full", SslMode::Require),
            ("host=127.0.0.1,db1 user=ringbud dbname=ringbud", SslMode::Require),
            ("postgres://ringbud@db1/ringbud?sslmode=disable", SslMode::Disable),
            ("postgres://ringbud@127.0.0.1/ringbud", SslMode::Prefer),
            ("host=/run/postgresql user=ringbud dbname=ringbud", SslMode::Prefer),
        ] {
            assert_eq!(target(url).unwrap().config.get_ssl_mode(), mode, "{url}");
        }
    }

    #[test]
    fn a_way_that_can_be_read_is_known() {
        for (url, is_readable) in [
            ("postgres://ringbud@db1/ringbud?sslmode=disable", true),
            ("postgres://ringbud@db1/ringbud?sslmode=prefer", true),
            ("postgres://ringbud@localhost,db1/ringbud?sslmode=disable", true),
            ("host=localhost hostaddr=192.0.2.7 user=ringbud dbname=ringbud sslmode=disable", true),
            ("host=localhost hostaddr=192.0.2.7 user=ringbud dbname=ringbud", false),
            ("postgres://ringbud@db1/ringbud", false),
            ("postgres://ringbud@localhost/ringbud?sslmode=disable", false),
            ("host=/run/postgresql user=ringbud dbname=ringbud", false),
        ] {
            assert_eq!(target(url).unwrap().is_readable_on_the_way(), is_readable, "{url}");
        }
    }

    #[test]
    fn a_string_that_is_none_is_refused_and_never_told() {
        for url in
            ["", "mysql://x", "postgres://ringbud:hush@db1", "dbname=x", "postgres://u:hush@db1/x?hush=1"]
        {
            let said = target(url).unwrap_err().to_string();
            assert!(!said.contains("hush"), "{said}");
        }
        let place = target("postgres://ringbud:hush@db1,db2/calls").unwrap();
        assert_eq!(&**place.place(), "calls on db1, db2");
        assert!(!format!("{place:?}").contains("hush"));
    }
}
