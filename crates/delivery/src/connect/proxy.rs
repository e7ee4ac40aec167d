//! Through an HTTP proxy: a tunnel (`CONNECT`) to an address that the guard let pass.
//!
//! The name is resolved here and the proxy is given the address, so that the guard holds behind a proxy too.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// No answer of a proxy is longer.
const MAX_ANSWER_BYTES: usize = 8 * 1024;

/// A connection to `target` by way of `proxy` (host and port).
pub(super) async fn tunnel(proxy: &str, target: SocketAddr) -> io::Result<TcpStream> {
    let through = |why: String| io::Error::other(format!("through the proxy {proxy}: {why}"));
    let mut stream = TcpStream::connect(proxy).await.map_err(|error| through(error.to_string()))?;
    let request = format!("CONNECT {target} HTTP/1.1\r\nHost: {target}\r\n\r\n");
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::with_capacity(256);
    // Byte by byte: what follows the blank line belongs to the one behind the proxy.
    while !answer.ends_with(b"\r\n\r\n") {
        if answer.len() >= MAX_ANSWER_BYTES {
            return Err(through("its answer has no end".to_owned()));
        }
        answer.push(stream.read_u8().await.map_err(|_| through("it closed the connection".to_owned()))?);
    }
    let text = String::from_utf8_lossy(&answer);
    let status = text.lines().next().unwrap_or_default().to_owned();
    let accepted = status.split(' ').nth(1).is_some_and(|code| code.len() == 3 && code.starts_with('2'));
    if status.starts_with("HTTP/1.") && accepted {
        Ok(stream)
    } else {
        Err(through(format!("it said {status:?}")))
    }
}

#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "a test's tasks are its own")]
mod tests {
    use tokio::net::TcpListener;

    use super::*;

    async fn proxy_that_says(answer: &'static str) -> (String, tokio::task::JoinHandle<String>) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("bound").to_string();
        let asked = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("a client");
            let mut asked = Vec::new();
            while !asked.ends_with(b"\r\n\r\n") {
                asked.push(stream.read_u8().await.expect("a request"));
            }
            stream.write_all(answer.as_bytes()).await.expect("a listener");
            String::from_utf8(asked).expect("text")
        });
        (address, asked)
    }

    #[tokio::test]
    async fn the_proxy_is_asked_for_the_address_and_what_comes_after_is_the_other_end() {
        let (proxy, asked) =
            proxy_that_says("HTTP/1.1 200 Connection established\r\nVia: x\r\n\r\nhello").await;
        let target = SocketAddr::from(([192, 0, 2, 7], 443));
        let mut stream = tunnel(&proxy, target).await.expect("a tunnel");
        let mut rest = String::new();
        stream.read_to_string(&mut rest).await.expect("the rest");
        assert_eq!(rest, "hello");
        assert!(asked.await.expect("a proxy").starts_with("CONNECT 192.0.2.7:443 HTTP/1.1\r\n"));
    }

    #[tokio::test]
    async fn a_proxy_that_refuses_is_told_in_its_words() {
        let (proxy, _asked) = proxy_that_says("HTTP/1.1 403 Not for you\r\n\r\n").await;
        let error = tunnel(&proxy, SocketAddr::from(([192, 0, 2, 7], 443))).await.expect_err("refused");
        assert!(error.to_string().contains("403 Not for you"), "{error}");
    }
}
