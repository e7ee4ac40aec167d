//! The certificate TLS is spoken with: read at the start, and again when its files change.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::HttpError;
use crate::config::TlsFiles;

/// How often the files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// The certificate of this moment.
pub(in crate::serve) struct Certificates(Mutex<Read>);

/// A certificate, read and found good.
pub(in crate::serve) struct Read {
    files: TlsFiles,
    acceptor: TlsAcceptor,
    /// What the first of the chain is.
    leaf: Vec<u8>,
    /// Seconds since the epoch until which it is good, if it says so in a way that is understood.
    good_until: Option<i64>,
    /// By what a change of the files is noticed.
    stamp: Stamp,
}

/// Length and time of change of both files.
type Stamp = [Option<(u64, SystemTime)>; 2];

impl Certificates {
    pub(super) fn of(files: &TlsFiles) -> Result<Self, HttpError> {
        let read = Read::of(files)?;
        read.tell();
        Ok(Self(Mutex::new(read)))
    }

    /// For the next connection.
    pub(super) fn acceptor(&self) -> TlsAcceptor {
        self.lock().acceptor.clone()
    }

    /// Reads a certificate, which is not used yet.
    #[expect(clippy::unused_self, reason = "only who speaks TLS reads certificates")]
    pub(in crate::serve) fn read(&self, files: &TlsFiles) -> Result<Read, HttpError> {
        Read::of(files)
    }

    /// From now on this one is shown; whether it is another.
    pub(in crate::serve) fn take_up(&self, read: Read) -> bool {
        read.tell();
        let is_other = self.lock().leaf != read.leaf;
        *self.lock() = read;
        is_other
    }

    /// Takes up what changes in the files, for as long as the program runs. What cannot be used is told once, and the
    /// one before stays.
    pub(in crate::serve) async fn watch(self: Arc<Self>) {
        let mut told = None;
        loop {
            tokio::time::sleep(LOOK_EVERY).await;
            let (files, before) = {
                let now = self.lock();
                (now.files.clone(), now.stamp)
            };
            let stamp = stamp(&files);
            if stamp == before || told == Some(stamp) {
                continue;
            }
            match Read::of(&files) {
                Ok(read) => {
                    if self.take_up(read) {
                        tracing::info!(file = %files.certificate.display(), "the certificate has changed and is used from now on");
                    }
                    told = None;
                }
                Err(error) => {
                    tracing::error!(%error, "the certificate has changed and cannot be used; the one before stays");
                    told = Some(stamp);
                }
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Read> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Read {
    fn of(files: &TlsFiles) -> Result<Self, HttpError> {
        let unusable = |key: &'static str, file: &Path, why: String| HttpError::Tls {
            key,
            file: file.display().to_string(),
            why,
        };
        // Looked at first: what changes while it is read is read again.
        let stamp = stamp(files);
        let certificate = |why: String| unusable("tls_cert", &files.certificate, why);
        let chain = CertificateDer::pem_file_iter(&files.certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| certificate(error.to_string()))?;
        let key = PrivateKeyDer::from_pem_file(&files.key)
            .map_err(|error| unusable("tls_key", &files.key, error.to_string()))?;
        let leaf = chain.first().map(|first| first.to_vec()).unwrap_or_default();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .map_err(|error| certificate(error.to_string()))?
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .map_err(|error| certificate(error.to_string()))?;
        config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let good_until = good_until(&leaf);
        Ok(Self { files: files.clone(), acceptor, leaf, good_until, stamp })
    }

    fn tell(&self) {
        if let Some(good_until) = self.good_until {
            // Seconds fit a floating-point number for the next hundred million years.
            #[expect(clippy::cast_precision_loss, reason = "figures are floating-point numbers")]
            metrics::gauge!("ringbud_certificate_good_until_seconds").set(good_until as f64);
        }
    }
}

/// Until when it is good.
fn good_until(leaf: &[u8]) -> Option<i64> {
    let (_, certificate) = X509Certificate::from_der(leaf).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

fn stamp(files: &TlsFiles) -> Stamp {
    let of = |file: &PathBuf| {
        let meta = std::fs::metadata(file).ok()?;
        Some((meta.len(), meta.modified().ok()?))
    };
    [of(&files.certificate), of(&files.key)]
}
