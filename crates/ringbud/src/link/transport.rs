//! The connection itself: TCP, and TLS over it where the PBX wants it.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use pbx::{Argument, Code, Kind, Product};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite, ReadHalf, WriteHalf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::config::Pbx;

/// How long a connection may take to come up, TLS included.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Anything that bytes go through.
pub(crate) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// The two directions of a connection.
pub(crate) type Halves = (ReadHalf<Box<dyn Wire>>, WriteHalf<Box<dyn Wire>>);

/// Why there is no connection.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConnectError {
    /// Nothing answers there.
    #[error(
        "{address} cannot be reached: {why}. Is the PBX up, and does it listen there, as {} says?", .product.login_place()
    )]
    Unreachable {
        /// What should be there.
        product: Product,
        /// Host and port.
        address: String,
        /// The system's words.
        why: String,
    },
    /// It took too long.
    #[error("{address} did not answer within {} s; is a firewall in between?", CONNECT_TIMEOUT.as_secs())]
    TimedOut {
        /// Host and port.
        address: String,
    },
    /// TLS was refused by either side.
    #[error("{address} and Ringbud could not agree on TLS: {why}{}", plain_port(*.kind, .why))]
    Tls {
        /// What should be there.
        kind: Kind,
        /// Host and port.
        address: String,
        /// What rustls says.
        why: String,
    },
    /// The file of authorities cannot be used.
    #[error("tls_ca {file} cannot be used: {why}")]
    Authorities {
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
}

impl ConnectError {
    /// All codes.
    pub const CODES: [Code; 4] = ["unreachable", "timed_out", "tls", "tls_authorities"];

    /// Its code: the same in the API, the window and the operator's notices.
    pub const fn code(&self) -> Code {
        match self {
            Self::Unreachable { .. } => "unreachable",
            Self::TimedOut { .. } => "timed_out",
            Self::Tls { .. } => "tls",
            Self::Authorities { .. } => "tls_authorities",
        }
    }

    /// What the sentence of the code speaks of.
    pub fn arguments(&self) -> Vec<Argument> {
        let kind = |kind: Kind| ("kind", kind.name().to_owned());
        match self {
            Self::Unreachable { product, address, why } => {
                let place = ("place", product.login_place().to_owned());
                vec![kind(product.kind()), place, ("address", address.clone()), ("why", why.clone())]
            }
            Self::Tls { kind: of, address, why } => {
                vec![kind(*of), ("address", address.clone()), ("why", why.clone())]
            }
            Self::TimedOut { address } => {
                let seconds = CONNECT_TIMEOUT.as_secs().to_string();
                vec![("address", address.clone()), ("seconds", seconds)]
            }
            Self::Authorities { file, why } => vec![("file", file.clone()), ("why", why.clone())],
        }
    }
}

/// What a port that speaks no TLS answers is no TLS to us.
fn plain_port(kind: Kind, why: &str) -> String {
    if !why.contains("InvalidContentType") {
        return String::new();
    }
    match kind.usual_ports() {
        (_, Some(port)) => format!(". This port speaks plainly; TLS has one of its own, usually {port}"),
        (_, None) => format!(". This port speaks plainly, and {} has no other: leave tls out", kind.name()),
    }
}

/// Whether a host is another machine, as far as its name and addresses tell.
pub(crate) async fn is_far_away(address: &str) -> bool {
    match tokio::net::lookup_host(address).await {
        Ok(found) => found.into_iter().any(|address| !address.ip().is_loopback()),
        Err(_) => false,
    }
}

/// Connects to a PBX.
pub(crate) async fn connect(pbx: &Pbx) -> Result<Halves, ConnectError> {
    let address = pbx.address.clone();
    match tokio::time::timeout(CONNECT_TIMEOUT, wire(pbx)).await {
        Ok(wire) => wire.map(tokio::io::split),
        Err(_) => Err(ConnectError::TimedOut { address }),
    }
}

async fn wire(pbx: &Pbx) -> Result<Box<dyn Wire>, ConnectError> {
    let address = || pbx.address.clone();
    let unreachable = |error: std::io::Error| ConnectError::Unreachable {
        product: pbx.product,
        address: address(),
        why: error.to_string(),
    };
    let tcp = TcpStream::connect(&pbx.address).await.map_err(unreachable)?;
    tcp.set_nodelay(true).map_err(unreachable)?;
    if !pbx.tls {
        return Ok(Box::new(tcp));
    }
    let tls = |why: String| ConnectError::Tls { kind: pbx.kind, address: address(), why };
    let host = pbx.tls_name.as_deref().unwrap_or_else(|| {
        pbx.address.rsplit_once(':').map_or(&*pbx.address, |(host, _)| host).trim_matches(['[', ']'])
    });
    let name = ServerName::try_from(host.to_owned()).map_err(|error| tls(error.to_string()))?;
    let connector = TlsConnector::from(Arc::new(client_config(pbx.kind, pbx.tls_ca.as_deref())?));
    let stream = connector.connect(name, tcp).await.map_err(|error| tls(error.to_string()))?;
    Ok(Box::new(stream))
}

fn client_config(kind: Kind, authorities: Option<&Path>) -> Result<ClientConfig, ConnectError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    if let Some(file) = authorities {
        let unusable = |why: String| ConnectError::Authorities { file: file.display().to_string(), why };
        let certificates =
            CertificateDer::pem_file_iter(file).map_err(|error| unusable(error.to_string()))?;
        for certificate in certificates {
            let certificate = certificate.map_err(|error| unusable(error.to_string()))?;
            roots.add(certificate).map_err(|error| unusable(error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| ConnectError::Tls { kind, address: String::new(), why: error.to_string() })?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}
