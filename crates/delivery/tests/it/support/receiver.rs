//! Receivers: a well-behaved one that answers as told, and raw ones that do what they like.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

/// One request as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Got {
    pub(crate) line: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
    /// The number of the connection it came on.
    pub(crate) connection: usize,
}

impl Got {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(of, _)| of.eq_ignore_ascii_case(name)).map(|(_, value)| &**value)
    }
}

/// Answers each request with what a function makes of it: a whole HTTP/1.1 answer.
pub(crate) struct Receiver {
    pub(crate) address: SocketAddr,
    pub(crate) got: mpsc::UnboundedReceiver<Got>,
    task: JoinHandle<()>,
}

impl Drop for Receiver {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// An answer with a status and no body.
pub(crate) fn status(status: u16) -> String {
    format!("HTTP/1.1 {status} Said\r\ncontent-length: 0\r\n\r\n")
}

impl Receiver {
    pub(crate) async fn always(code: u16) -> Self {
        Self::answering(move |_| status(code)).await
    }

    pub(crate) async fn answering(answer: impl FnMut(&Got) -> String + Send + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its address");
        let (tell, got) = mpsc::unbounded_channel();
        let answer = Arc::new(Mutex::new(answer));
        let task = tokio::spawn(async move {
            for connection in 0.. {
                let Ok((stream, _)) = listener.accept().await else { return };
                tokio::spawn(serve(stream, connection, answer.clone(), tell.clone()));
            }
        });
        Self { address, got, task }
    }

    /// The next request.
    pub(crate) async fn next(&mut self) -> Got {
        let next = tokio::time::timeout(std::time::Duration::from_secs(20), self.got.recv()).await;
        next.expect("a request in time").expect("a request")
    }
}

async fn serve(
    mut stream: TcpStream,
    connection: usize,
    answer: Arc<Mutex<impl FnMut(&Got) -> String>>,
    tell: mpsc::UnboundedSender<Got>,
) {
    while let Some(got) = read_request(&mut stream, connection).await {
        let text = (answer.lock().expect("the answer"))(&got);
        let _ = tell.send(got);
        if stream.write_all(text.as_bytes()).await.is_err() {
            return;
        }
    }
}

/// Reads one request; none at the end of the connection.
pub(crate) async fn read_request(stream: &mut TcpStream, connection: usize) -> Option<Got> {
    let mut bytes = Vec::new();
    let head = loop {
        if let Some(at) = bytes.windows(4).position(|four| four == b"\r\n\r\n") {
            break at;
        }
        let mut more = [0; 4_096];
        let many = stream.read(&mut more).await.ok().filter(|many| *many > 0)?;
        bytes.extend_from_slice(&more[..many]);
    };
    let text = String::from_utf8_lossy(&bytes[..head]).into_owned();
    let mut lines = text.split("\r\n");
    let line = lines.next().unwrap_or_default().to_owned();
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map_or(0, |(_, value)| value.parse().expect("a length"));
    let mut body = bytes.split_off(head + 4);
    while body.len() < length {
        let mut more = [0; 4_096];
        let many = stream.read(&mut more).await.ok().filter(|many| *many > 0)?;
        body.extend_from_slice(&more[..many]);
    }
    Some(Got { line, headers, body: String::from_utf8_lossy(&body).into_owned(), connection })
}

/// A receiver that does with each connection what a function says.
pub(crate) async fn raw<F>(serve: impl Fn(TcpStream) -> F + Send + 'static) -> SocketAddr
where
    F: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve(stream));
        }
    });
    address
}
