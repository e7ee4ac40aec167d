//! The certificate of the program's own HTTP server, taken up when its files change.

use std::sync::Arc;

use rustls::pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::bed::{Bed, Gateway, Signal, patiently};
use crate::secure;

/// Makes a certificate and puts it where the configuration says; the certificate.
fn put(bed: &Bed) -> String {
    let (certificate, key, _) = secure::certificate("localhost");
    std::fs::write(bed.folder.path().join("key.pem"), key).unwrap();
    std::fs::write(bed.folder.path().join("cert.pem"), &certificate).unwrap();
    certificate
}

/// Has the bed's gateway speak TLS; with which certificate.
pub(crate) fn configure(bed: &Bed) -> String {
    let certificate = put(bed);
    let tls = "[http]\ntls_cert = \"cert.pem\"\ntls_key = \"key.pem\"\n";
    bed.write(&bed.sound().replace("[http]\n", tls));
    certificate
}

/// Asks for a page, believing in this certificate alone; the answer, if the server has it.
async fn ask(gateway: &Gateway, path: &str, believes: &str) -> Option<String> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(believes.as_bytes()).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let stream = TcpStream::connect(&gateway.address).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let mut stream = TlsConnector::from(Arc::new(config)).connect(name, stream).await.ok()?;
    let ask = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
    stream.write_all(ask.as_bytes()).await.unwrap();
    let mut answer = String::new();
    // A connection that is closed without a word of TLS is closed all the same.
    let _ = patiently("an answer", stream.read_to_string(&mut answer)).await;
    Some(answer)
}

#[tokio::test]
async fn a_renewed_certificate_is_shown_from_then_on_and_a_broken_one_is_not() {
    let bed = Bed::new().await;
    let first = configure(&bed);
    let mut gateway = bed.serve().await;
    let figures = ask(&gateway, "/metrics", &first).await.unwrap();
    let figure =
        figures.lines().find_map(|line| line.strip_prefix("ringbud_certificate_good_until_seconds "));
    assert!(figure.unwrap().parse::<f64>().unwrap() > 1_795_000_000.0, "{figure:?}");

    // Without a word from anybody.
    let second = put(&bed);
    gateway.says("the certificate has changed and is used from now on").await;
    assert!(ask(&gateway, "/healthz", &first).await.is_none());
    assert!(ask(&gateway, "/healthz", &second).await.unwrap().ends_with("ok\n"));

    std::fs::write(bed.folder.path().join("cert.pem"), "not a certificate").unwrap();
    gateway.signal(Signal::HUP);
    let said = gateway.says("the new configuration is not taken up").await;
    assert!(said["message"].as_str().unwrap().contains("cert.pem"), "{said}");
    assert!(ask(&gateway, "/healthz", &second).await.is_some(), "the one before stays");

    let third = put(&bed);
    gateway.signal(Signal::HUP);
    patiently("the third", async {
        while ask(&gateway, "/healthz", &third).await.is_none() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    gateway.stop().await;
}
