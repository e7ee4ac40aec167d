//! The HTTP server's sockets: taken, plain or TLS, given a place (`door`, by
//! the rules of `places`) and served (`serving`).

mod door;
mod forwarded;
mod places;
mod serving;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use ipnet::IpNet;
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::config::{Http, TlsFiles};

/// Why the HTTP server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum HttpError {
    /// The address is not free, or not ours.
    #[error("[http] listen = \"{listen}\" cannot be listened on: {why}")]
    Bind {
        /// The address.
        listen: String,
        /// The system's words.
        why: io::Error,
    },
    /// Certificate or key cannot be used.
    #[error("[http] {key} = \"{file}\" cannot be used: {why}")]
    Tls {
        /// The key of the configuration.
        key: &'static str,
        /// The file.
        file: String,
        /// Why.
        why: String,
    },
}

pub(super) struct Bound {
    listener: TcpListener,
    address: SocketAddr,
    tls: Option<TlsAcceptor>,
    trusted_proxies: Arc<[IpNet]>,
}

/// Takes the address, so that a port that is not free is told before anything else happens.
pub(super) async fn bind(http: &Http) -> Result<Bound, HttpError> {
    let error = |why| HttpError::Bind { listen: http.listen.clone(), why };
    let listener = TcpListener::bind(&http.listen).await.map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    let tls = http.tls.as_ref().map(acceptor).transpose()?;
    Ok(Bound { listener, address, tls, trusted_proxies: http.trusted_proxies.as_slice().into() })
}

impl Bound {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

fn acceptor(files: &TlsFiles) -> Result<TlsAcceptor, HttpError> {
    let unusable = |key: &'static str, file: &std::path::Path, why: String| HttpError::Tls {
        key,
        file: file.display().to_string(),
        why,
    };
    let certificate = |why: String| unusable("tls_cert", &files.certificate, why);
    let chain = CertificateDer::pem_file_iter(&files.certificate)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .map_err(|error| certificate(error.to_string()))?;
    let key = PrivateKeyDer::from_pem_file(&files.key)
        .map_err(|error| unusable("tls_key", &files.key, error.to_string()))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| certificate(error.to_string()))?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| certificate(error.to_string()))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(TlsAcceptor::from(Arc::new(config)))
}
