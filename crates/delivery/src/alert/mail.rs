//! Mail, by SMTP: over TLS from the first byte, or from STARTTLS on.
//!
//! The server is the operator's, named in the configuration and nowhere else, so it may lie in the operator's own
//! network: its connection is made by a [`Connector`] as every other is, with a guard that lets every address pass. No
//! account names a server; what an account names is a recipient, which goes into one place of the protocol and is
//! checked before. Name and password of the login are said over TLS alone.

use std::fmt;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, UNIX_EPOCH};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use journal::WallTime;
use journal::settings::Secret;
use lettre::message::header::{ContentType, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{AsyncSmtpConnection, AsyncTokioStream, Certificate, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::{Address, error::Error as MessageError};
use rustls::ClientConfig;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::connect::{ConnectError, Connector, ConnectorOptions, Link, Trust};
use crate::guard::{Guard, Origin};

/// For everything, from looking up the name to the server's last word.
const LIMIT: Duration = Duration::from_secs(30);

/// How a connection is encrypted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Plain at first, and not a word of substance before STARTTLS.
    StartTls,
    /// From the first byte.
    Tls,
    /// Never: for a server on this machine. Nobody logs in over it.
    Never,
}

/// The operator's mail server.
pub struct MailOptions {
    /// Its host.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: Security,
    /// As whom to log in, if at all.
    pub login: Option<(String, Secret)>,
    /// Who writes: `Ringbud <ringbud@example.com>`, or the address alone.
    pub from: String,
    /// An authority to trust besides the machine's, as PEM.
    pub ca_pem: Option<String>,
}

/// Mail could not be sent.
#[derive(Debug, thiserror::Error)]
pub enum MailError {
    /// What the configuration says cannot be.
    #[error("{0}")]
    Options(String),
    /// An address nobody can have.
    #[error("{0} is no mail address")]
    Address(String),
    /// The server could not be connected to.
    #[error("the mail server: {0}")]
    Connect(#[from] ConnectError),
    /// It has no STARTTLS, and nothing is told in clear.
    #[error(
        "the mail server offers no STARTTLS: security = \"tls\" is for the port that speaks TLS from the first byte, usually 465"
    )]
    NoStartTls,
    /// It did not let us in.
    #[error("the mail server refused the login: {0}")]
    Login(String),
    /// It said no, or broke off.
    #[error("the mail server: {said}")]
    Server {
        /// Its words.
        said: String,
        /// Whether asking again is of no use.
        for_good: bool,
    },
    /// The time was up.
    #[error("the mail server was not done within {} s", LIMIT.as_secs())]
    TimedOut,
}

impl MailError {
    /// Whether asking again is of no use.
    pub const fn is_for_good(&self) -> bool {
        match self {
            Self::Options(_) | Self::Address(_) => true,
            Self::Server { for_good, .. } => *for_good,
            // What an operator mends meanwhile.
            Self::Connect(_) | Self::NoStartTls | Self::Login(_) | Self::TimedOut => false,
        }
    }
}

/// Sends mail.
pub struct Mailer {
    origin: Origin,
    security: Security,
    login: Option<Credentials>,
    from: Mailbox,
    connector: Connector,
    /// For a connection that is encrypted from the first byte.
    tls: Arc<ClientConfig>,
    /// For one that becomes so.
    start_tls: Option<TlsParameters>,
}

impl fmt::Debug for Mailer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mailer({}:{})", self.origin.host, self.origin.port)
    }
}

fn broken(error: &lettre::transport::smtp::Error) -> MailError {
    let mut said = error.to_string();
    let mut source = std::error::Error::source(error);
    while let Some(why) = source {
        said = format!("{said}: {why}");
        source = why.source();
    }
    MailError::Server { said, for_good: error.is_permanent() }
}

impl Mailer {
    /// One who sends through this server.
    ///
    /// # Errors
    /// When what is said of it cannot be.
    pub fn new(options: MailOptions) -> Result<Self, MailError> {
        let MailOptions { host, port, security, login, from, ca_pem } = options;
        let wrong = MailError::Options;
        if login.is_some() && security == Security::Never {
            return Err(wrong(
                "a login needs security = \"starttls\" or \"tls\": a password is never told in clear"
                    .to_owned(),
            ));
        }
        let from = from.parse().map_err(|_| MailError::Address(from.clone()))?;
        let trust = Trust::of_the_machine();
        let unusable = |why: String| wrong(format!("its CA cannot be used: {why}"));
        let tls = match &ca_pem {
            None => trust.public(),
            Some(pem) => trust.with_ca(pem).map_err(|bad| unusable(format!("{bad:?}")))?,
        };
        let mut tls = ClientConfig::clone(&tls);
        tls.alpn_protocols.clear();
        let start_tls = match security {
            Security::Tls | Security::Never => None,
            Security::StartTls => {
                let mut builder = TlsParameters::builder(host.clone());
                if let Some(pem) = &ca_pem {
                    let certificate = Certificate::from_pem(pem.as_bytes());
                    builder = builder
                        .add_root_certificate(certificate.map_err(|error| unusable(error.to_string()))?);
                }
                Some(builder.build_rustls().map_err(|error| unusable(error.to_string()))?)
            }
        };
        let everywhere = [IpNet::from(Ipv4Net::default()), IpNet::from(Ipv6Net::default())];
        let guard = Guard::new(everywhere.to_vec());
        let connector = Connector::new(ConnectorOptions { guard, ..ConnectorOptions::default() });
        let login = login.map(|(name, secret)| Credentials::new(name, secret.expose().to_owned()));
        let origin = Origin { tls: security == Security::Tls, host, port };
        Ok(Self { origin, security, login, from, connector, tls: Arc::new(tls), start_tls })
    }

    /// Sends one mail.
    ///
    /// # Errors
    /// When the server did not take it.
    pub async fn send(
        &self,
        to: &str,
        subject: &str,
        text: &str,
        id: &str,
        at: WallTime,
    ) -> Result<(), MailError> {
        let message = self.message(to, subject, text, id, at)?;
        tokio::time::timeout(LIMIT, self.hand_over(&message)).await.unwrap_or(Err(MailError::TimedOut))
    }

    /// Connects, logs in and leaves: whether mail would go.
    ///
    /// # Errors
    /// When it would not.
    pub async fn look(&self) -> Result<(), MailError> {
        let looked = async {
            let mut connection = self.connect().await?;
            let _ = connection.quit().await;
            Ok(())
        };
        tokio::time::timeout(LIMIT, looked).await.unwrap_or(Err(MailError::TimedOut))
    }

    fn message(
        &self,
        to: &str,
        subject: &str,
        text: &str,
        id: &str,
        at: WallTime,
    ) -> Result<Message, MailError> {
        let address: Address = to.parse().map_err(|_| MailError::Address(to.to_owned()))?;
        let unsent = |error: MessageError| MailError::Options(error.to_string());
        let since = Duration::from_micros(u64::try_from(at.0).unwrap_or(0));
        let mut message = Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(None, address))
            .date(UNIX_EPOCH + since)
            .message_id(Some(format!("<{id}@{}>", self.from.email.domain())))
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text.to_owned())
            .map_err(unsent)?;
        // So that no holiday notice answers.
        let automatic = HeaderName::new_from_ascii_str("Auto-Submitted");
        message.headers_mut().insert_raw(HeaderValue::new(automatic, "auto-generated".to_owned()));
        Ok(message)
    }

    async fn hand_over(&self, message: &Message) -> Result<(), MailError> {
        let mut connection = self.connect().await?;
        let sent = connection.send(message.envelope(), &message.formatted()).await;
        if let Err(error) = sent {
            connection.abort().await;
            return Err(broken(&error));
        }
        // It has taken it; how it says goodbye is its own affair.
        let _ = connection.quit().await;
        Ok(())
    }

    /// A connection that is encrypted, where it is to be, and let in.
    async fn connect(&self) -> Result<AsyncSmtpConnection, MailError> {
        let tls = (self.security == Security::Tls).then_some(&self.tls);
        let (link, address) = self.connector.open(&self.origin, tls).await?;
        let hello = ClientId::Domain(self.from.email.domain().to_owned());
        let wire = Box::new(Wire { link, address });
        let connected = AsyncSmtpConnection::connect_with_transport(wire, &hello).await;
        let mut connection = connected.map_err(|error| broken(&error))?;
        if let Some(parameters) = &self.start_tls {
            if !connection.can_starttls() {
                connection.abort().await;
                return Err(MailError::NoStartTls);
            }
            connection.starttls(parameters.clone(), &hello).await.map_err(|error| broken(&error))?;
        }
        if let Some(login) = &self.login {
            let mechanisms = [Mechanism::Plain, Mechanism::Login];
            if let Err(error) = connection.auth(&mechanisms, login).await {
                connection.abort().await;
                return Err(MailError::Login(error.to_string()));
            }
        }
        Ok(connection)
    }
}

/// A connection of ours as lettre takes it.
#[derive(Debug)]
struct Wire {
    link: Link,
    address: SocketAddr,
}

impl AsyncTokioStream for Wire {
    fn peer_addr(&self) -> std::io::Result<SocketAddr> {
        Ok(self.address)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().link).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        Pin::new(&mut self.get_mut().link).poll_write(cx, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().link).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.get_mut().link).poll_shutdown(cx)
    }
}
