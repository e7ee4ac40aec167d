//! Whom to trust: the public CAs, and a private one where an account has it; or one certificate alone.

use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{self, CryptoProvider};
use rustls::{
    CertificateError, ClientConfig, ConfigBuilder, DigitallySignedStruct, Error, RootCertStore,
    SignatureScheme, WantsVerifier,
};
use rustls_pki_types::pem::PemObject as _;
use rustls_pki_types::{CertificateDer, ServerName, UnixTime};

/// The longest PEM of a private CA, in bytes.
pub(crate) const CA_PEM_MAX: usize = 64 * 1_024;

/// A private CA is not usable.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadCa {
    /// No certificate in it.
    Empty,
    /// Too long.
    TooLong(usize),
    /// A certificate cannot be read.
    Unreadable(String),
}

/// The roots every destination is trusted by.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    public: RootCertStore,
    config: Arc<ClientConfig>,
}

impl Trust {
    /// The machine's own roots; where it has none, those of the Mozilla list.
    pub(crate) fn of_the_machine() -> Self {
        let mut public = RootCertStore::empty();
        let found = rustls_native_certs::load_native_certs();
        public.add_parsable_certificates(found.certs);
        if public.is_empty() {
            public.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
        }
        let config = config(public.clone());
        Self { public, config }
    }

    pub(crate) fn public(&self) -> Arc<ClientConfig> {
        self.config.clone()
    }

    /// The public roots and a private one.
    pub(crate) fn with_ca(&self, pem: &str) -> Result<Arc<ClientConfig>, BadCa> {
        let mut roots = self.public.clone();
        for certificate in parse(pem)? {
            roots.add(certificate).map_err(|error| BadCa::Unreadable(error.to_string()))?;
        }
        Ok(config(roots))
    }
}

/// Reads the certificates of a private CA.
pub(crate) fn parse(pem: &str) -> Result<Vec<CertificateDer<'static>>, BadCa> {
    if pem.len() > CA_PEM_MAX {
        return Err(BadCa::TooLong(pem.len()));
    }
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem.as_bytes()).collect();
    let all = all.map_err(|error| BadCa::Unreadable(error.to_string()))?;
    if all.is_empty() { Err(BadCa::Empty) } else { Ok(all) }
}

fn config(roots: RootCertStore) -> Arc<ClientConfig> {
    of(builder(&Arc::new(crypto::ring::default_provider()))
        .with_root_certificates(roots)
        .with_no_client_auth())
}

/// Trust in the first certificate of a chain and in no other, whoever signed it and whatever name it is for.
pub(super) fn only(chain_pem: &str) -> Result<Arc<ClientConfig>, BadCa> {
    let leaf = parse(chain_pem)?.swap_remove(0);
    let provider = Arc::new(crypto::ring::default_provider());
    let verifier = Arc::new(Only { leaf, provider: provider.clone() });
    Ok(of(builder(&provider).dangerous().with_custom_certificate_verifier(verifier).with_no_client_auth()))
}

fn builder(provider: &Arc<CryptoProvider>) -> ConfigBuilder<ClientConfig, WantsVerifier> {
    let versions =
        ClientConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    // ring has every suite of both versions: this cannot fail.
    versions.unwrap_or_else(|_| ClientConfig::builder())
}

fn of(mut config: ClientConfig) -> Arc<ClientConfig> {
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Arc::new(config)
}

/// Believes in one certificate. That the other side has its key is proven as ever.
#[derive(Debug)]
struct Only {
    leaf: CertificateDer<'static>,
    provider: Arc<CryptoProvider>,
}

impl ServerCertVerifier for Only {
    fn verify_server_cert(
        &self,
        shown: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match *shown == self.leaf {
            true => Ok(ServerCertVerified::assertion()),
            false => Err(CertificateError::UnknownIssuer.into()),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let by = &self.provider.signature_verification_algorithms;
        crypto::verify_tls12_signature(message, leaf, signature, by)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        leaf: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let by = &self.provider.signature_verification_algorithms;
        crypto::verify_tls13_signature(message, leaf, signature, by)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.provider.signature_verification_algorithms.supported_schemes()
    }
}
