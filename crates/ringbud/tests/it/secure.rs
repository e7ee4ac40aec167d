//! A web service with TLS and HTTP/2, under a name, with a certificate of its own making.

use std::convert::Infallible;
use std::path::Path;
use std::sync::Arc;

use axum::body::Body;
use hyper::server::conn::http2;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::pki_types::PrivateKeyDer;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;

pub(crate) struct Service {
    pub(crate) url: String,
    /// The file of the authority that vouches for it.
    pub(crate) roots: String,
    /// A word for each request.
    pub(crate) taken: mpsc::UnboundedReceiver<()>,
}

/// A certificate for a name, and its key, as PEM.
pub(crate) fn certificate(name: &str) -> (String, String, rustls::ServerConfig) {
    let CertifiedKey { cert, signing_key } = generate_simple_self_signed(vec![name.to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    (cert.pem(), signing_key.serialize_pem(), config)
}

pub(crate) async fn start(folder: &Path) -> Service {
    let (pem, _, mut config) = certificate("localhost");
    config.alpn_protocols = vec![b"h2".to_vec()];
    let roots = folder.join("roots.pem");
    std::fs::write(&roots, pem).unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://localhost:{}/hook", listener.local_addr().unwrap().port());
    let (told, taken) = mpsc::unbounded_channel();
    tokio::spawn(serve(listener, TlsAcceptor::from(Arc::new(config)), told));
    Service { url, roots: roots.display().to_string(), taken }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, told: mpsc::UnboundedSender<()>) {
    while let Ok((stream, _)) = listener.accept().await {
        let (tls, told) = (tls.clone(), told.clone());
        tokio::spawn(async move {
            let Ok(stream) = tls.accept(stream).await else { return };
            let service = service_fn(move |_| {
                let _ = told.send(());
                async { Ok::<_, Infallible>(axum::response::Response::new(Body::empty())) }
            });
            let _ = http2::Builder::new(TokioExecutor::new())
                .serve_connection(TokioIo::new(stream), service)
                .await;
        });
    }
}
