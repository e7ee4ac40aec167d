//! A bare AMI client: sends actions, reads messages.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

pub(crate) struct Client {
    stream: TcpStream,
    unread: Vec<u8>,
}

pub(crate) const LOGIN: &str = "Action: Login\r\nUsername: ringbud\r\nSecret: ringbud";

impl Client {
    /// Connects and reads the greeting.
    pub(crate) async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the PBX listens");
        let mut client = Self { stream, unread: Vec::new() };
        let greeting = client.until(b"\r\n").await.expect("a greeting");
        assert!(greeting.starts_with("Asterisk Call Manager/"), "{greeting}");
        client
    }

    /// Connects and logs in as the manual's user; reads up to `FullyBooted`.
    pub(crate) async fn log_in(address: SocketAddr) -> Self {
        let mut client = Self::connect(address).await;
        let answer = client.ask(LOGIN).await;
        assert!(answer.contains("Authentication accepted"), "{answer}");
        let booted = client.message().await.expect("a message");
        assert!(booted.contains("FullyBooted"), "{booted}");
        client
    }

    pub(crate) async fn send(&mut self, action: &str) {
        self.stream.write_all(format!("{action}\r\n\r\n").as_bytes()).await.expect("the PBX reads");
    }

    /// Sends an action and reads the next message.
    pub(crate) async fn ask(&mut self, action: &str) -> String {
        self.send(action).await;
        self.message().await.expect("an answer")
    }

    /// Sends an action that gives a list, and reads it to its end.
    pub(crate) async fn list(&mut self, action: &str) -> Vec<String> {
        self.send(action).await;
        let mut messages = Vec::new();
        loop {
            let message = self.message().await.expect("a list");
            let end = message.contains("EventList: Complete");
            messages.push(message);
            if end {
                return messages;
            }
        }
    }

    /// The next message, or `None` when the PBX has closed the connection.
    pub(crate) async fn message(&mut self) -> Option<String> {
        self.until(b"\r\n\r\n").await
    }

    async fn until(&mut self, end: &[u8]) -> Option<String> {
        loop {
            if let Some(at) = self.unread.windows(end.len()).position(|window| window == end) {
                let message: Vec<u8> = self.unread.drain(..at + end.len()).collect();
                return Some(String::from_utf8_lossy(&message).into_owned());
            }
            if self.some().await == 0 {
                return None;
            }
        }
    }

    /// Reads what is there; how many bytes.
    pub(crate) async fn some(&mut self) -> usize {
        let mut buffer = vec![0; 65536];
        let length = self.stream.read(&mut buffer).await.unwrap_or(0);
        self.unread.extend_from_slice(&buffer[..length]);
        length
    }

    pub(crate) fn unread(&self) -> &[u8] {
        &self.unread
    }
}
