//! The HTTP server's sockets: taken, plain or TLS, given a place (`door`, by
//! the rules of `places`) and served (`serving`), with certificates that are taken up when they change.

mod certificates;
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
use tokio::net::TcpListener;

pub(super) use certificates::Certificates;

use crate::config::Http;

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
    tls: Option<Arc<Certificates>>,
    trusted_proxies: Arc<[IpNet]>,
}

/// Takes the address, so that a port that is not free is told before anything else happens.
pub(super) async fn bind(http: &Http) -> Result<Bound, HttpError> {
    let error = |why| HttpError::Bind { listen: http.listen.clone(), why };
    let listener = TcpListener::bind(&http.listen).await.map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    let tls = http.tls.as_ref().map(Certificates::of).transpose()?.map(Arc::new);
    Ok(Bound { listener, address, tls, trusted_proxies: http.trusted_proxies.as_slice().into() })
}

impl Bound {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// What TLS is spoken with, if it is.
    pub(super) fn certificates(&self) -> Option<Arc<Certificates>> {
        self.tls.clone()
    }
}
