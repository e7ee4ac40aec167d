//! Clients that mean no good.

#![allow(clippy::disallowed_methods, reason = "a test's tasks are its own")]

use std::time::Duration;

use axum::Router;
use axum::routing::post;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::bind;
use super::serving::Bounds;
use crate::config::Http;
use crate::stop::{Stopper, stop};

const SOON: Duration = Duration::from_millis(100);
const NEVER: Duration = Duration::from_secs(3_600);
const WHOLE: &str = "POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 4\r\n\r\nring";

/// A server that answers with what it was sent.
async fn server(bounds: Bounds) -> (std::net::SocketAddr, Stopper) {
    let bound = bind(&Http { listen: "127.0.0.1:0".to_owned(), ..Http::default() }).await.unwrap();
    let (address, (stopper, heard)) = (bound.address(), stop());
    let echo = Router::new().route("/", post(|body: String| async move { body }));
    tokio::spawn(bound.serve_within(echo, heard, bounds));
    (address, stopper)
}

async fn send(address: std::net::SocketAddr, text: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    stream
}

/// Everything it says until it closes the connection; fails if it never does.
async fn said(mut stream: TcpStream) -> String {
    let mut answer = String::new();
    let read = tokio::time::timeout(Duration::from_secs(30), stream.read_to_string(&mut answer)).await;
    read.expect("the server lets go").unwrap();
    answer
}

#[tokio::test]
async fn who_sends_one_byte_and_stops_is_let_go() {
    let (address, _stop) = server(Bounds { connections: 8, head: SOON, answer: NEVER }).await;
    for beginning in ["", "P", "POST / HTTP/1.1\r\nHost:"] {
        let answer = said(send(address, beginning).await).await;
        assert!(!answer.contains("200"), "{answer}");
    }
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let (address, _stop) = server(Bounds { connections: 8, head: NEVER, answer: SOON }).await;
    let answer = said(send(address, WHOLE.trim_end_matches("ing")).await).await;
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
}

#[tokio::test]
async fn connections_are_bounded_and_the_silent_make_room() {
    let (address, _stop) = server(Bounds { connections: 2, head: NEVER, answer: NEVER }).await;
    let _silent = [send(address, "P").await, send(address, "").await];
    for _ in 0..3 {
        let answer = said(send(address, WHOLE).await).await;
        assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with("ring"), "{answer}");
    }
}

#[tokio::test]
async fn a_stop_waits_for_the_answer_and_not_for_the_silent() {
    let bound = bind(&Http { listen: "127.0.0.1:0".to_owned(), ..Http::default() }).await.unwrap();
    let (address, (stopper, heard)) = (bound.address(), stop());
    let slow = Router::new().route(
        "/",
        post(|body: String| async move {
            tokio::task::yield_now().await;
            body
        }),
    );
    let bounds = Bounds { connections: 8, head: NEVER, answer: NEVER };
    let serving = tokio::spawn(bound.serve_within(slow, heard, bounds));
    let _silent = send(address, "").await;
    assert!(said(send(address, WHOLE).await).await.ends_with("ring"));
    stopper.stop();
    tokio::time::timeout(Duration::from_secs(30), serving).await.expect("it ends").unwrap();
    assert!(TcpStream::connect(address).await.is_err());
}
