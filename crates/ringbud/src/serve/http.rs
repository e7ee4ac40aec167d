//! The HTTP server's sockets: plain or TLS, and a stop that lets requests finish.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::{Listener, ListenerExt};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::config::{Http, TlsFiles};
use crate::stop::Stop;

/// How long a stop waits for requests that are being answered.
const LAST_ANSWERS: Duration = Duration::from_secs(5);
/// How long a client may take to agree on TLS.
const HANDSHAKE_TIMEOUT: Duration = Duration::from_secs(10);
/// So many clients may be about to agree on TLS.
const MAX_HANDSHAKES: usize = 256;

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
}

/// Takes the address, so that a port that is not free is told before anything else happens.
pub(super) async fn bind(http: &Http) -> Result<Bound, HttpError> {
    let error = |why| HttpError::Bind { listen: http.listen.clone(), why };
    let listener = TcpListener::bind(&http.listen).await.map_err(error)?;
    let address = listener.local_addr().map_err(error)?;
    let tls = http.tls.as_ref().map(acceptor).transpose()?;
    Ok(Bound { listener, address, tls })
}

impl Bound {
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Serves until it is told to stop, and then until what was asked is answered.
    pub(super) async fn serve(self, router: axum::Router, mut stop: Stop) {
        let app = router.into_make_service_with_connect_info::<SocketAddr>();
        let mut heard = stop.clone();
        let until = async move { heard.called().await };
        let serving = match self.tls {
            None => {
                let listener = self.listener.tap_io(without_delay);
                tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(until).await })
            }
            Some(acceptor) => {
                let listener = TlsListener::start(self.listener, acceptor, self.address).tap_io(|_| {});
                tokio::spawn(async move { axum::serve(listener, app).with_graceful_shutdown(until).await })
            }
        };
        let abort = serving.abort_handle();
        stop.called().await;
        if tokio::time::timeout(LAST_ANSWERS, serving).await.is_err() {
            abort.abort();
        }
    }
}

fn without_delay(stream: &mut TcpStream) {
    // Only slower if it fails.
    let _ = stream.set_nodelay(true);
}

/// Accepts, and hands out who has agreed on TLS; who takes long at it keeps nobody waiting.
struct TlsListener {
    agreed: mpsc::Receiver<(TlsStream<TcpStream>, SocketAddr)>,
    address: SocketAddr,
}

impl TlsListener {
    fn start(mut listener: TcpListener, acceptor: TlsAcceptor, address: SocketAddr) -> Self {
        let (sender, agreed) = mpsc::channel(MAX_HANDSHAKES);
        tokio::spawn(async move {
            let room = Arc::new(Semaphore::new(MAX_HANDSHAKES));
            while let Ok(permit) = room.clone().acquire_owned().await {
                let (mut stream, peer) = tokio::select! {
                    accepted = Listener::accept(&mut listener) => accepted,
                    () = sender.closed() => return,
                };
                without_delay(&mut stream);
                let (acceptor, sender) = (acceptor.clone(), sender.clone());
                tokio::spawn(async move {
                    let handshake = tokio::time::timeout(HANDSHAKE_TIMEOUT, acceptor.accept(stream)).await;
                    drop(permit);
                    if let Ok(Ok(stream)) = handshake {
                        let _ = sender.send((stream, peer)).await;
                    }
                });
            }
        });
        Self { agreed, address }
    }
}

impl Listener for TlsListener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        match self.agreed.recv().await {
            Some(agreed) => agreed,
            None => std::future::pending().await,
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        Ok(self.address)
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
