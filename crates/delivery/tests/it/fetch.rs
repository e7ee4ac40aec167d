//! A question and its whole answer: bounded, never redirected, past the guard.

use std::time::Duration;

use delivery::connect::{
    CertificateFault, ConnectError, ConnectorOptions, FetchError, FetchOptions, Fetcher,
};
use delivery::guard::Guard;
use http::Request;
use tokio::io::AsyncWriteExt as _;

use crate::bad_receivers::{tls_receiver, to_localhost};
use crate::support::receiver::{Receiver, raw, read_request};

const BODY_MAX: usize = 10_000;

fn fetcher(allow: &[&str], limit: Duration) -> Fetcher {
    let guard = Guard::new(allow.iter().map(|net| net.parse().expect("a network")).collect());
    let connector = ConnectorOptions { guard, ..ConnectorOptions::default() };
    Fetcher::new(FetchOptions { connector, ca_pem: None, limit, body_max: BODY_MAX }).expect("no CA is bad")
}

fn patient() -> Fetcher {
    fetcher(&["127.0.0.0/8"], Duration::from_secs(20))
}

fn post(url: &str, body: &str) -> Request<Vec<u8>> {
    Request::post(url).header("accept", "application/json").body(body.into()).expect("a request")
}

#[tokio::test]
async fn the_whole_answer_comes_back_and_the_request_went_as_it_was() {
    let body = "x".repeat(BODY_MAX);
    let long = format!("HTTP/1.1 418 Said\r\ncontent-type: a/b\r\ncontent-length: {BODY_MAX}\r\n\r\n{body}");
    let mut receiver = Receiver::answering(move |_| long.clone()).await;
    let url = format!("http://{}/token?a=b", receiver.address);
    let answer = patient().fetch(post(&url, "code=1")).await.expect("an answer");
    assert_eq!(answer.status(), 418);
    assert_eq!(answer.headers()["content-type"], "a/b");
    assert_eq!(answer.body().len(), BODY_MAX);
    let got = receiver.next().await;
    assert_eq!(got.line, "POST /token?a=b HTTP/1.1");
    assert_eq!(got.header("host"), Some(receiver.address.to_string().as_str()));
    assert_eq!(got.header("accept"), Some("application/json"));
    assert_eq!(got.body, "code=1");
}

#[tokio::test]
async fn a_redirect_is_an_answer_and_is_not_followed() {
    let mut elsewhere = Receiver::always(200).await;
    let to =
        format!("HTTP/1.1 302 Go\r\nlocation: http://{}/\r\ncontent-length: 0\r\n\r\n", elsewhere.address);
    let receiver = Receiver::answering(move |_| to.clone()).await;
    let answer =
        patient().fetch(post(&format!("http://{}/", receiver.address), "")).await.expect("an answer");
    assert_eq!(answer.status(), 302);
    assert!(elsewhere.got.try_recv().is_err(), "nobody came");
}

#[tokio::test]
async fn an_answer_without_an_end_is_given_up() {
    let address = raw(|mut stream| async move {
        read_request(&mut stream, 0).await;
        let head = "HTTP/1.1 200 OK\r\ncontent-length: 1073741824\r\n\r\n";
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(&[b'x'; 4_096]).await.is_ok() {}
    })
    .await;
    let error = patient().fetch(post(&format!("http://{address}/"), "")).await.expect_err("too long");
    assert!(matches!(error, FetchError::TooLong { max: BODY_MAX, .. }), "{error}");
}

#[tokio::test]
async fn one_that_never_answers_or_never_ends_is_not_waited_for() {
    for begins in [false, true] {
        let address = raw(move |mut stream| async move {
            read_request(&mut stream, 0).await;
            if begins {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nx").await;
            }
            std::future::pending::<()>().await;
        })
        .await;
        let hasty = fetcher(&["127.0.0.0/8"], Duration::from_millis(300));
        let error = hasty.fetch(post(&format!("http://{address}/"), "")).await.expect_err("no end");
        assert!(!matches!(error, FetchError::TooLong { .. }), "{error}");
    }
}

#[tokio::test]
async fn a_private_ca_is_trusted_where_it_is_given() {
    let (address, pem) = tls_receiver("login.example.com").await;
    let url = format!("https://login.example.com:{}/", address.port());
    for (ca_pem, trusted) in [(Some(pem), true), (None, false)] {
        let guard = Guard::new(vec!["127.0.0.0/8".parse().expect("a network")]);
        let resolver = std::sync::Arc::new(to_localhost());
        let connector = ConnectorOptions { guard, resolver, ..ConnectorOptions::default() };
        let limit = Duration::from_secs(20);
        let fetcher = Fetcher::new(FetchOptions { connector, ca_pem, limit, body_max: BODY_MAX });
        let answer = fetcher.expect("a CA").fetch(post(&url, "")).await;
        match answer {
            Ok(answer) => assert!(trusted && answer.status() == 200),
            Err(FetchError::Connect(ConnectError::Certificate { fault, .. })) => {
                assert!(!trusted && fault == CertificateFault::Issuer);
            }
            Err(error) => panic!("{error}"),
        }
    }
    let options = FetchOptions {
        connector: ConnectorOptions::default(),
        ca_pem: Some("not a certificate".into()),
        limit: Duration::from_secs(1),
        body_max: BODY_MAX,
    };
    assert!(Fetcher::new(options).is_err());
}

#[tokio::test]
async fn who_believes_in_one_certificate_alone_believes_it_under_any_name_and_no_other() {
    let (address, pem) = tls_receiver("login.example.com").await;
    let (_, other) = tls_receiver("login.example.com").await;
    let url = format!("https://{address}/");
    for (believed, is_it) in [(&pem, true), (&other, false)] {
        let guard = Guard::new(vec!["127.0.0.0/8".parse().expect("a network")]);
        let connector = ConnectorOptions { guard, ..ConnectorOptions::default() };
        let limit = Duration::from_secs(20);
        let options = FetchOptions { connector, ca_pem: None, limit, body_max: BODY_MAX };
        let fetcher = Fetcher::believing_only(options, believed).expect("a certificate");
        match fetcher.fetch(post(&url, "")).await {
            Ok(answer) => assert!(is_it && answer.status() == 200),
            Err(FetchError::Connect(ConnectError::Certificate { .. })) => assert!(!is_it),
            Err(error) => panic!("{error}"),
        }
    }
}

#[tokio::test]
async fn an_address_of_ones_own_is_refused_unless_it_is_allowed() {
    let receiver = Receiver::always(200).await;
    let url = format!("http://{}/", receiver.address);
    let strict = fetcher(&["10.0.0.0/8"], Duration::from_secs(20));
    let error = strict.fetch(post(&url, "")).await.expect_err("refused");
    assert!(matches!(error, FetchError::Connect(ConnectError::Refused(_))), "{error}");
    assert_eq!(patient().fetch(post(&url, "")).await.expect("allowed").status(), 200);
}
