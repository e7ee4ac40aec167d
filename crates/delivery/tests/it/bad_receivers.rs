//! Receivers and name servers that misbehave: what the account sees, and that nobody else suffers.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use calls::EventKind;
use delivery::connect::{ConnectorOptions, Resolve, Resolving};
use delivery::reason::english;
use delivery::sender::SenderOptions;
use journal::memory::Memory;
use journal::settings::Integration;
use journal::{Attempt, DeliveryId};
use rcgen::{CertifiedKey, generate_simple_self_signed};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::support::gateway::{Gateway, delivered, everything_to, options, retrying, url};
use crate::support::receiver::{Receiver, raw, read_request, status};

/// What the history says went wrong.
fn code(attempt: &Attempt) -> &str {
    attempt.reason.as_ref().map_or("", journal::Reason::code)
}

/// The same as the English read it.
fn told(attempt: &Attempt) -> String {
    attempt.reason.as_ref().map(english).unwrap_or_default()
}

/// As in real life, but with less patience: only where that is what it is about.
fn impatient() -> SenderOptions {
    SenderOptions {
        connector: ConnectorOptions { connect_timeout: Duration::from_millis(400), ..options().connector },
        response_timeout: Duration::from_millis(300),
        ..options()
    }
}

async fn gateway(settings: Integration, options: SenderOptions) -> Gateway {
    Gateway::with(Arc::new(Memory::new()), settings, options).await
}

async fn first_attempt(gateway: &Gateway, id: DeliveryId) -> Attempt {
    gateway.reaches(id, |state| retrying(state) || delivered(state)).await;
    gateway.journal.attempts(id).await.expect("attempts").remove(0)
}

/// What comes of one event sent to a receiver that does as it likes with the connection.
async fn fate<F>(options: SenderOptions, serve: impl Fn(TcpStream) -> F + Send + 'static) -> Attempt
where
    F: Future<Output = ()> + Send + 'static,
{
    let address = raw(serve).await;
    let gateway = gateway(everything_to(&url(address)), options).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    first_attempt(&gateway, id).await
}

#[tokio::test]
async fn one_that_accepts_and_never_answers_is_given_up_in_time() {
    let attempt = fate(impatient(), async |stream| {
        let _open = stream;
        std::future::pending::<()>().await;
    })
    .await;
    assert_eq!((attempt.status, code(&attempt)), (None, "answer_timeout"));
}

#[tokio::test]
async fn one_that_answers_a_byte_at_a_time_is_given_up_in_time() {
    let attempt = fate(impatient(), async |mut stream| {
        read_request(&mut stream, 0).await;
        for byte in b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n" {
            let _ = stream.write_all(&[*byte]).await;
            tokio::time::sleep(Duration::from_millis(60)).await;
        }
    })
    .await;
    assert_eq!((attempt.status, code(&attempt)), (None, "answer_timeout"));
}

#[tokio::test]
async fn one_that_answers_with_a_gigabyte_has_taken_it_and_is_cut_off() {
    let written = Arc::new(AtomicUsize::new(0));
    let counted = written.clone();
    let attempt = fate(options(), move |mut stream| {
        let counted = counted.clone();
        async move {
            read_request(&mut stream, 0).await;
            let head = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
            let _ = stream.write_all(head.as_bytes()).await;
            let part = vec![b'x'; 65_536];
            while stream.write_all(&part).await.is_ok() {
                counted.fetch_add(part.len(), Ordering::Relaxed);
            }
        }
    })
    .await;
    assert_eq!((attempt.status, code(&attempt)), (Some(200), ""));
    assert_eq!(attempt.response_body.len(), 4_096);
    assert!(written.load(Ordering::Relaxed) < 64 << 20, "{written:?}");
}

#[tokio::test]
async fn one_whose_answer_crawls_after_its_status_has_taken_it() {
    let attempt = fate(impatient(), async |mut stream| {
        read_request(&mut stream, 0).await;
        let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 100\r\n\r\npart").await;
        std::future::pending::<()>().await;
    })
    .await;
    assert_eq!((attempt.status, code(&attempt)), (Some(202), ""));
    assert_eq!(attempt.response_body, b"part");
}

#[tokio::test]
async fn one_that_closes_in_the_middle_is_tried_again() {
    let attempt = fate(options(), async |mut stream| {
        read_request(&mut stream, 0).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncont").await;
    })
    .await;
    assert_eq!((attempt.status, code(&attempt)), (None, "answer_cut_off"));
}

#[tokio::test]
async fn one_that_sends_garbage_is_tried_again() {
    let attempt = fate(options(), async |mut stream| {
        read_request(&mut stream, 0).await;
        let _ = stream.write_all(b"\x16\x03\x01 what do you want? \r\n\r\n").await;
    })
    .await;
    assert_eq!((attempt.status, code(&attempt)), (None, "answer_unreadable"));
}

#[tokio::test]
async fn one_with_an_endless_head_is_cut_off() {
    let attempt = fate(options(), async |mut stream| {
        read_request(&mut stream, 0).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n").await;
        let line = format!("x-filler: {}\r\n", "y".repeat(1_000));
        while stream.write_all(line.as_bytes()).await.is_ok() {}
    })
    .await;
    assert_eq!(attempt.status, None);
    assert!(attempt.reason.is_some());
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let elsewhere = Receiver::always(200).await;
    let location = url(elsewhere.address);
    let answer = format!("HTTP/1.1 307 Elsewhere\r\nlocation: {location}\r\ncontent-length: 0\r\n\r\n");
    let receiver = Receiver::answering(move |_| answer.clone()).await;
    let gateway = gateway(everything_to(&url(receiver.address)), options()).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    let attempt = first_attempt(&gateway, id).await;
    assert_eq!(attempt.status, Some(307));
    assert!(told(&attempt).contains("not followed"), "{}", told(&attempt));
    assert!(elsewhere.got.is_empty());
}

#[tokio::test]
async fn an_absurd_retry_after_is_bounded() {
    let answer = "HTTP/1.1 429 Slow\r\nretry-after: 99999999999999999999\r\ncontent-length: 0\r\n\r\n";
    let receiver = Receiver::answering(move |_| answer.to_owned()).await;
    let gateway = gateway(everything_to(&url(receiver.address)), options()).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    let record = gateway.reaches(id, retrying).await;
    let journal::DeliveryState::Retrying(at) = record.state else { unreachable!() };
    let in_secs = (at.0 - record.updated_at.0) / 1_000_000;
    assert!((3_590..=3_600).contains(&in_secs), "{in_secs}");
}

#[tokio::test]
async fn any_2xx_is_taken() {
    for code in [200, 201, 202, 204, 299] {
        let receiver = Receiver::always(code).await;
        let gateway = gateway(everything_to(&url(receiver.address)), options()).await;
        let id = gateway.tell_one(EventKind::Ended, "a").await;
        gateway.reaches(id, delivered).await;
    }
}

#[tokio::test]
async fn a_refused_address_is_never_connected_to() {
    let receiver = Receiver::always(200).await;
    let bare = SenderOptions { connector: ConnectorOptions::default(), ..options() };
    let gateway = gateway(everything_to(&url(receiver.address)), bare).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    let attempt = first_attempt(&gateway, id).await;
    assert!(told(&attempt).contains("127.0.0.1 is a loopback address"), "{}", told(&attempt));
    assert!(receiver.got.is_empty());
}

/// A name server that says what a function says.
pub(crate) struct Names<F>(F);

impl<F: Fn() -> std::io::Result<Vec<IpAddr>> + Send + Sync + 'static> Resolve for Names<F> {
    fn resolve<'a>(&'a self, _name: &'a str) -> Resolving<'a> {
        let found = (self.0)();
        Box::pin(async move { found })
    }
}

fn named(options: SenderOptions, resolver: impl Resolve) -> SenderOptions {
    let connector = ConnectorOptions { resolver: Arc::new(resolver), ..options.connector };
    SenderOptions { connector, ..options }
}

#[tokio::test]
async fn a_name_that_answers_with_a_private_address_the_second_time_gains_nothing() {
    let mut receiver = Receiver::answering(|_| {
        "HTTP/1.1 500 No\r\nconnection: close\r\ncontent-length: 0\r\n\r\n".to_owned()
    })
    .await;
    let asked = AtomicUsize::new(0);
    let names = Names(move || {
        let private = asked.fetch_add(1, Ordering::Relaxed) > 0;
        let last = if private { IpAddr::from([10, 0, 0, 1]) } else { IpAddr::from([127, 0, 0, 1]) };
        Ok(vec![last])
    });
    let port = receiver.address.port();
    let gateway =
        gateway(everything_to(&format!("http://crm.example.com:{port}/")), named(options(), names)).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    assert_eq!(receiver.next().await.header("host"), Some(&*format!("crm.example.com:{port}")));
    let second = async {
        loop {
            let attempts = gateway.journal.attempts(id).await.expect("attempts");
            if let Some(second) = attempts.into_iter().nth(1) {
                return second;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let second = tokio::time::timeout(Duration::from_secs(10), second).await.expect("a second attempt");
    assert!(told(&second).contains("10.0.0.1 is a private address"), "{}", told(&second));
}

#[tokio::test]
async fn only_the_addresses_that_pass_are_connected_to() {
    let mut receiver = Receiver::always(200).await;
    let names = Names(|| Ok(vec![IpAddr::from([10, 0, 0, 1]), IpAddr::from([127, 0, 0, 1])]));
    let port = receiver.address.port();
    let gateway =
        gateway(everything_to(&format!("http://crm.example.com:{port}/")), named(options(), names)).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    receiver.next().await;
    let attempt = first_attempt(&gateway, id).await;
    assert_eq!(attempt.address, SocketAddr::from((Ipv4Addr::LOCALHOST, port)).to_string());
}

#[tokio::test]
async fn a_name_that_cannot_be_found_is_tried_again() {
    let names = Names(|| Err(std::io::Error::other("no such name")));
    let gateway = gateway(everything_to("http://crm.example.com/"), named(options(), names)).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    let attempt = first_attempt(&gateway, id).await;
    assert_eq!(told(&attempt), "crm.example.com cannot be found: no such name");
}

struct Silence;

impl Resolve for Silence {
    fn resolve<'a>(&'a self, _name: &'a str) -> Resolving<'a> {
        Box::pin(std::future::pending())
    }
}

#[tokio::test]
async fn a_name_server_that_hangs_is_given_up_in_time() {
    let gateway = gateway(everything_to("http://crm.example.com/"), named(impatient(), Silence)).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    let attempt = first_attempt(&gateway, id).await;
    assert_eq!(told(&attempt), "no connection to crm.example.com within 0.4 s");
}

/// A TLS receiver with a certificate for a name; its CA as PEM.
pub(crate) async fn tls_receiver(name: &str) -> (SocketAddr, String) {
    let (acceptor, pem) = acceptor(name, &[]);
    let address = raw(move |stream| {
        let acceptor = acceptor.clone();
        async move {
            let Ok(mut stream) = acceptor.accept(stream).await else { return };
            let mut bytes = [0; 4_096];
            while stream.read(&mut bytes).await.is_ok_and(|many| many > 0) {
                let _ = stream.write_all(status(200).as_bytes()).await;
            }
        }
    })
    .await;
    (address, pem)
}

fn acceptor(name: &str, protocols: &[&str]) -> (TlsAcceptor, String) {
    let CertifiedKey { cert, signing_key } =
        generate_simple_self_signed(vec![name.to_owned()]).expect("a certificate");
    let key = rustls_pki_types::PrivateKeyDer::try_from(signing_key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .expect("a configuration");
    config.alpn_protocols = protocols.iter().map(|protocol| protocol.as_bytes().to_vec()).collect();
    (TlsAcceptor::from(Arc::new(config)), cert.pem())
}

#[tokio::test]
async fn http_2_is_spoken_where_tls_agrees_on_it() {
    let (acceptor, pem) = acceptor("crm.example.com", &["h2", "http/1.1"]);
    let (tell, mut told) = tokio::sync::mpsc::unbounded_channel();
    let address = raw(move |stream| {
        let (acceptor, tell) = (acceptor.clone(), tell.clone());
        async move {
            let stream = acceptor.accept(stream).await.expect("a handshake");
            let answer = hyper::service::service_fn(move |request: http::Request<hyper::body::Incoming>| {
                let _ = tell.send((request.version(), request.uri().to_string()));
                async { Ok::<_, std::convert::Infallible>(http::Response::new(String::from("thanks"))) }
            });
            let io = hyper_util::rt::TokioIo::new(stream);
            let executor = hyper_util::rt::TokioExecutor::new();
            let _ = hyper::server::conn::http2::Builder::new(executor).serve_connection(io, answer).await;
        }
    })
    .await;
    let base = format!("https://crm.example.com:{}", address.port());
    let settings = Integration { ca_pem: pem, ..everything_to(&format!("{base}/hook?a=1")) };
    let gateway = gateway(settings, named(options(), to_localhost())).await;
    for call in ["a", "b"] {
        let id = gateway.tell_one(EventKind::Ended, call).await;
        let attempt = first_attempt(&gateway, id).await;
        assert_eq!((attempt.status, attempt.response_body.as_slice()), (Some(200), &b"thanks"[..]));
        assert_eq!(told.recv().await, Some((http::Version::HTTP_2, format!("{base}/hook?a=1"))));
    }
}

pub(crate) fn to_localhost() -> Names<impl Fn() -> std::io::Result<Vec<IpAddr>> + Send + Sync + 'static> {
    Names(|| Ok(vec![IpAddr::from([127, 0, 0, 1])]))
}

async fn tls_attempt(cert_for: &str, trusted: bool) -> Attempt {
    let (address, pem) = tls_receiver(cert_for).await;
    let settings = Integration {
        ca_pem: if trusted { pem } else { String::new() },
        ..everything_to(&format!("https://crm.example.com:{}/", address.port()))
    };
    let gateway = gateway(settings, named(options(), to_localhost())).await;
    let id = gateway.tell_one(EventKind::Ended, "a").await;
    first_attempt(&gateway, id).await
}

#[tokio::test]
async fn a_private_ca_of_the_account_is_trusted() {
    let attempt = tls_attempt("crm.example.com", true).await;
    assert_eq!((attempt.status, code(&attempt)), (Some(200), ""));
}

#[tokio::test]
async fn a_certificate_nobody_vouches_for_is_refused() {
    let attempt = tls_attempt("crm.example.com", false).await;
    assert_eq!(attempt.status, None);
    assert!(told(&attempt).starts_with("no TLS with crm.example.com"), "{}", told(&attempt));
}

#[tokio::test]
async fn a_certificate_for_another_name_is_refused() {
    let attempt = tls_attempt("other.example.com", true).await;
    assert_eq!(attempt.status, None);
    assert!(told(&attempt).contains("no TLS with crm.example.com"), "{}", told(&attempt));
}

#[tokio::test]
async fn a_kept_connection_that_was_closed_meanwhile_is_replaced_without_a_failed_attempt() {
    let (close, closed) = (Arc::new(Mutex::new(Vec::new())), Arc::new(AtomicUsize::new(0)));
    let (tell_close, count) = (close.clone(), closed.clone());
    let address = raw(move |mut stream| {
        let (close, closed) = (tell_close.clone(), count.clone());
        async move {
            let (tell, told) = tokio::sync::oneshot::channel::<()>();
            close.lock().expect("the list").push(tell);
            read_request(&mut stream, 0).await;
            let _ = stream.write_all(status(200).as_bytes()).await;
            let _ = told.await;
            drop(stream);
            closed.fetch_add(1, Ordering::SeqCst);
        }
    })
    .await;
    let gateway = gateway(everything_to(&url(address)), options()).await;
    let one = gateway.tell_one(EventKind::Ended, "a").await;
    gateway.reaches(one, delivered).await;
    close.lock().expect("the list").clear();
    while closed.load(Ordering::SeqCst) == 0 {
        tokio::task::yield_now().await;
    }
    let two = gateway.tell_one(EventKind::Ended, "b").await;
    gateway.reaches(two, delivered).await;
    assert_eq!(gateway.journal.attempts(two).await.expect("attempts").len(), 1);
}

#[tokio::test]
async fn connections_are_kept_and_used_again() {
    let mut receiver = Receiver::always(200).await;
    let gateway = gateway(everything_to(&url(receiver.address)), options()).await;
    for call in ["a", "b", "c"] {
        let id = gateway.tell_one(EventKind::Ended, call).await;
        assert_eq!(receiver.next().await.connection, 0);
        gateway.reaches(id, delivered).await;
    }
}
