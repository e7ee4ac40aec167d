//! A small mail server: plain, with STARTTLS, or over TLS from the first byte; it takes what it is told to take.

use std::net::SocketAddr;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{CertifiedKey, generate_simple_self_signed};
use rustls::ServerConfig;
use rustls_pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::io::{AsyncBufReadExt as _, AsyncRead, AsyncWrite, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

/// How it speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Speaks {
    Plain,
    StartTls,
    Tls,
}

/// A mail it took.
#[derive(Clone, Debug)]
pub(crate) struct Mail {
    pub(crate) from: String,
    pub(crate) to: String,
    pub(crate) text: String,
    /// Whether it came over TLS.
    pub(crate) is_secret: bool,
}

pub(crate) struct Smtp {
    pub(crate) port: u16,
    /// Its certificate, which nobody has signed.
    pub(crate) ca_pem: String,
    mails: mpsc::UnboundedReceiver<Mail>,
    task: JoinHandle<()>,
}

impl Drop for Smtp {
    fn drop(&mut self) {
        self.task.abort();
    }
}

#[derive(Clone)]
struct House {
    speaks: Speaks,
    login: Option<(&'static str, &'static str)>,
    tls: TlsAcceptor,
    took: mpsc::UnboundedSender<Mail>,
}

impl Smtp {
    /// Lets in whoever logs in so; anybody where there is no login. Nobody at `full.example` gets mail.
    pub(crate) async fn start(speaks: Speaks, login: Option<(&'static str, &'static str)>) -> Self {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(signing_key.serialize_der()));
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![cert.der().clone()], key)
            .expect("a server");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address: SocketAddr = listener.local_addr().expect("its address");
        let (took, mails) = mpsc::unbounded_channel();
        let house = House { speaks, login, tls: TlsAcceptor::from(Arc::new(config)), took };
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let house = house.clone();
                tokio::spawn(async move {
                    if house.speaks == Speaks::Tls {
                        let Ok(stream) = house.tls.accept(stream).await else { return };
                        let _ = house.talk(stream, true, true).await;
                    } else if let Some(stream) = house.talk(stream, false, true).await {
                        let Ok(stream) = house.tls.accept(stream).await else { return };
                        let _ = house.talk(stream, true, false).await;
                    }
                });
            }
        });
        Self { port: address.port(), ca_pem: cert.pem(), mails, task }
    }

    /// The next mail.
    pub(crate) async fn next(&mut self) -> Mail {
        let next = tokio::time::timeout(std::time::Duration::from_secs(20), self.mails.recv()).await;
        next.expect("a mail in time").expect("a mail")
    }
}

impl House {
    /// One conversation; the stream, if it is to go on over TLS.
    async fn talk<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: S,
        is_secret: bool,
        greets: bool,
    ) -> Option<S> {
        let mut stream = BufReader::new(stream);
        if greets {
            stream.write_all(b"220 mail.example ready\r\n").await.ok()?;
        }
        let (mut from, mut to, mut is_in) = (String::new(), String::new(), self.login.is_none());
        loop {
            let mut line = String::new();
            if stream.read_line(&mut line).await.ok()? == 0 {
                return None;
            }
            let line = line.trim_end();
            let answer = if line.starts_with("EHLO") {
                let starttls =
                    if self.speaks == Speaks::StartTls && !is_secret { "250-STARTTLS\r\n" } else { "" };
                format!("250-mail.example\r\n{starttls}250 AUTH PLAIN LOGIN\r\n")
            } else if line == "STARTTLS" && self.speaks == Speaks::StartTls {
                stream.write_all(b"220 go ahead\r\n").await.ok()?;
                return Some(stream.into_inner());
            } else if let Some(said) = line.strip_prefix("AUTH PLAIN ") {
                let (name, password) = self.login.unwrap_or_default();
                is_in = STANDARD.decode(said).ok()? == format!("\0{name}\0{password}").as_bytes();
                if is_in { "235 welcome\r\n".to_owned() } else { "535 5.7.8 no such login\r\n".to_owned() }
            } else if !is_in {
                "530 log in first\r\n".to_owned()
            } else if let Some(sender) = line.strip_prefix("MAIL FROM:") {
                from = sender.to_owned();
                "250 ok\r\n".to_owned()
            } else if let Some(recipient) = line.strip_prefix("RCPT TO:") {
                to = recipient.to_owned();
                if to.contains("@full.example") { "550 5.1.1 nobody here\r\n" } else { "250 ok\r\n" }
                    .to_owned()
            } else if line == "DATA" {
                stream.write_all(b"354 go ahead\r\n").await.ok()?;
                let mut text = String::new();
                while !text.ends_with("\r\n.\r\n") {
                    if stream.read_line(&mut text).await.ok()? == 0 {
                        return None;
                    }
                }
                let _ = self.took.send(Mail { from: from.clone(), to: to.clone(), text, is_secret });
                "250 taken\r\n".to_owned()
            } else if line == "QUIT" {
                stream.write_all(b"221 bye\r\n").await.ok()?;
                return None;
            } else {
                "250 ok\r\n".to_owned()
            };
            stream.write_all(answer.as_bytes()).await.ok()?;
        }
    }
}
