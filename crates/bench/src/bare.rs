//! The raw limit: a bare hyper client with nothing behind it.

use std::net::Ipv4Addr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::client::conn::http1::SendRequest;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use crate::clock;
use crate::receiver::{Receiver, Report};

/// Connections, each with one request at a time.
pub(crate) const CONNECTIONS: usize = 64;
/// As long as a webhook's body.
const BODY_BYTES: usize = 300;

type Connection = SendRequest<Full<Bytes>>;

async fn connect(port: u16) -> anyhow::Result<Connection> {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    stream.set_nodelay(true)?;
    let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    Ok(sender)
}

async fn post(connection: &mut Connection, path: &'static str, body: Bytes) -> anyhow::Result<()> {
    let request = hyper::Request::post(path)
        .header("host", "127.0.0.1")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(Full::new(body))?;
    connection.ready().await?;
    let response = connection.send_request(request).await?;
    response.into_body().collect().await?;
    Ok(())
}

/// As many requests a second as it can.
pub(crate) async fn flat_out(receiver: &Receiver, requests: usize) -> anyhow::Result<f64> {
    receiver.reset().await?;
    let mut connections = Vec::new();
    for _ in 0..CONNECTIONS {
        connections.push(connect(receiver.port).await?);
    }
    let began_us = clock::now_us();
    let mut tasks = Vec::new();
    for mut connection in connections {
        tasks.push(tokio::spawn(async move {
            let body = Bytes::from(vec![b'x'; BODY_BYTES]);
            for _ in 0..requests / CONNECTIONS {
                post(&mut connection, "/hook", body.clone()).await?;
            }
            anyhow::Ok(())
        }));
    }
    for task in tasks {
        task.await??;
    }
    Ok(receiver.report().await?.rate_since(began_us))
}

/// So many requests a second, each with the moment at which it was made.
pub(crate) async fn paced(receiver: &Receiver, requests: usize, a_second: f64) -> anyhow::Result<Report> {
    receiver.reset().await?;
    let mut connection = connect(receiver.port).await?;
    let began = tokio::time::Instant::now();
    for request in 0..requests {
        tokio::time::sleep_until(began + Duration::from_secs_f64(request as f64 / a_second)).await;
        let stamped = format!("ANumber={}&Filler={:x>BODY_BYTES$}", clock::now_us(), "");
        post(&mut connection, "/timed/direct", stamped.into()).await?;
    }
    receiver.report().await
}
