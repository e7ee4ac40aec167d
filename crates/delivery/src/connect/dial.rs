//! One new connection.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::ClientConfig;
use rustls_pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};
use tokio_rustls::TlsConnector;

use super::link::Link;
use super::proxy::tunnel;
use super::resolve::{Resolve, SystemResolver};
use crate::guard::{Guard, Origin, Refused};

/// How long resolving, connecting and the TLS handshake may take together.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// How long one address may take while there are others to try.
const ADDRESS_TIMEOUT: Duration = Duration::from_millis(1_500);

/// A destination cannot be connected to. Nothing of a request was sent.
#[derive(Debug)]
pub enum ConnectError {
    /// The name could not be looked up.
    NoSuchName {
        /// The name.
        host: String,
        /// The resolver's words.
        why: String,
    },
    /// The name has no address.
    NoAddress {
        /// The name.
        host: String,
    },
    /// All its addresses are refused by the guard.
    Refused(Refused),
    /// Nobody listens there.
    Rejected {
        /// The last address tried.
        address: SocketAddr,
    },
    /// Nobody answers there.
    Unanswered {
        /// The last address tried.
        address: SocketAddr,
    },
    /// There is no way there.
    Unreachable {
        /// The last address tried.
        address: SocketAddr,
    },
    /// Anything else.
    NotConnected {
        /// The last address tried.
        address: SocketAddr,
        /// The system's words.
        why: String,
    },
    /// The certificate is not one to trust.
    Certificate {
        /// The name the certificate should be for.
        host: String,
        /// Where.
        address: SocketAddr,
        /// What is wrong with it.
        fault: CertificateFault,
    },
    /// The TLS handshake failed otherwise.
    Tls {
        /// The name the certificate should be for.
        host: String,
        /// Where.
        address: SocketAddr,
        /// What was wrong.
        why: String,
    },
    /// The time was up.
    TimedOut {
        /// The host.
        host: String,
        /// The limit.
        limit: Duration,
    },
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateFault {
    /// It was valid once.
    Expired,
    /// It will be valid.
    NotYet,
    /// Nobody known has signed it.
    Issuer,
    /// It is for another name.
    Name,
}

impl CertificateFault {
    /// The code it is told as.
    pub(crate) const fn code(self) -> &'static str {
        match self {
            Self::Expired => "certificate_expired",
            Self::NotYet => "certificate_not_yet",
            Self::Issuer => "certificate_issuer",
            Self::Name => "certificate_name",
        }
    }

    fn of(error: &io::Error) -> Option<Self> {
        use rustls::CertificateError as Bad;
        match error.get_ref()?.downcast_ref::<rustls::Error>()? {
            rustls::Error::InvalidCertificate(bad) => match bad {
                Bad::Expired | Bad::ExpiredContext { .. } => Some(Self::Expired),
                Bad::NotValidYet | Bad::NotValidYetContext { .. } => Some(Self::NotYet),
                Bad::UnknownIssuer => Some(Self::Issuer),
                Bad::NotValidForName | Bad::NotValidForNameContext { .. } => Some(Self::Name),
                _ => None,
            },
            _ => None,
        }
    }
}

impl ConnectError {
    /// Of an address that could not be connected to.
    fn at(address: SocketAddr, error: &io::Error) -> Self {
        use io::ErrorKind as Kind;
        match error.kind() {
            Kind::ConnectionRefused => Self::Rejected { address },
            Kind::HostUnreachable | Kind::NetworkUnreachable => Self::Unreachable { address },
            Kind::TimedOut => Self::Unanswered { address },
            _ => Self::NotConnected { address, why: error.to_string() },
        }
    }
}

impl From<Refused> for ConnectError {
    fn from(refused: Refused) -> Self {
        Self::Refused(refused)
    }
}

/// How connections are made.
#[derive(Clone)]
pub struct ConnectorOptions {
    /// What an operator allows.
    pub guard: Guard,
    /// Names to addresses.
    pub resolver: Arc<dyn Resolve>,
    /// For everything until a request can be sent.
    pub connect_timeout: Duration,
    /// Host and port of an HTTP proxy to go through.
    pub proxy: Option<Arc<str>>,
}

impl Default for ConnectorOptions {
    fn default() -> Self {
        Self {
            guard: Guard::default(),
            resolver: Arc::new(SystemResolver::default()),
            connect_timeout: CONNECT_TIMEOUT,
            proxy: None,
        }
    }
}

/// Makes connections, none past the guard. Clones are the same connector.
#[derive(Clone)]
pub struct Connector {
    /// How connections are made now.
    options: Arc<RwLock<ConnectorOptions>>,
    /// How often that was changed.
    generation: Arc<AtomicU64>,
}

/// A new connection.
#[derive(Debug)]
pub(super) struct Dialled {
    pub(super) link: Link,
    pub(super) address: SocketAddr,
    pub(super) speaks_h2: bool,
}

impl Connector {
    /// A connector.
    pub fn new(options: ConnectorOptions) -> Self {
        Self { options: Arc::new(RwLock::new(options)), generation: Arc::default() }
    }

    /// From now on connections are made so, and those that are kept from before are used no more.
    pub fn change(&self, options: ConnectorOptions) {
        *self.options.write().unwrap_or_else(PoisonError::into_inner) = options;
        self.generation.fetch_add(1, Ordering::Release);
    }

    /// How often it was changed.
    pub(super) fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    fn options(&self) -> ConnectorOptions {
        self.options.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The addresses of an origin the guard lets pass: what `check` shows, and what a connection is made to.
    ///
    /// # Errors
    /// If there is none.
    pub async fn addresses(&self, origin: &Origin) -> Result<Vec<SocketAddr>, ConnectError> {
        self.options().addresses(origin).await
    }

    /// A connection and where it leads, for other protocols than HTTP.
    pub(crate) async fn open(
        &self,
        origin: &Origin,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<(Link, SocketAddr), ConnectError> {
        let Dialled { link, address, .. } = self.dial(origin, tls).await?;
        Ok((link, address))
    }

    pub(super) async fn dial(
        &self,
        origin: &Origin,
        tls: Option<&Arc<ClientConfig>>,
    ) -> Result<Dialled, ConnectError> {
        let options = self.options();
        let limit = options.connect_timeout;
        let until = Instant::now() + limit;
        let timed_out = |_| ConnectError::TimedOut { host: origin.host.clone(), limit };
        timeout_at(until, async {
            let addresses = options.addresses(origin).await?;
            let (stream, address) = connect_any(&addresses, options.proxy.as_deref(), until).await?;
            match tls {
                None => Ok(Dialled { link: Link::Plain(stream), address, speaks_h2: false }),
                Some(config) => handshake(origin, config, stream, address).await,
            }
        })
        .await
        .unwrap_or_else(|elapsed| Err(timed_out(elapsed)))
    }
}

impl ConnectorOptions {
    async fn addresses(&self, origin: &Origin) -> Result<Vec<SocketAddr>, ConnectError> {
        let found = match origin.host.parse::<IpAddr>() {
            Ok(literal) => vec![literal],
            Err(_) => self.look_up(&origin.host).await?,
        };
        let mut refused = None;
        let mut passed = Vec::with_capacity(found.len());
        for address in found {
            match self.guard.check(address) {
                Ok(()) => passed.push(SocketAddr::new(address, origin.port)),
                Err(error) => refused = Some(error),
            }
        }
        match refused {
            Some(refused) if passed.is_empty() => Err(refused.into()),
            _ => Ok(passed),
        }
    }

    async fn look_up(&self, host: &str) -> Result<Vec<IpAddr>, ConnectError> {
        let host = || host.to_owned();
        let not_found = |error: io::Error| ConnectError::NoSuchName { host: host(), why: error.to_string() };
        let found = self.resolver.resolve(&host()).await.map_err(not_found)?;
        if found.is_empty() { Err(ConnectError::NoAddress { host: host() }) } else { Ok(found) }
    }
}

async fn connect_one(address: SocketAddr, proxy: Option<&str>) -> io::Result<TcpStream> {
    match proxy {
        None => TcpStream::connect(address).await,
        Some(proxy) => tunnel(proxy, address).await,
    }
}

/// One address after the other; each but the last may take a part of the time only.
async fn connect_any(
    addresses: &[SocketAddr],
    proxy: Option<&str>,
    until: Instant,
) -> Result<(TcpStream, SocketAddr), ConnectError> {
    let mut last = None;
    for (at, address) in addresses.iter().enumerate() {
        let is_last = at + 1 == addresses.len();
        let this_until = if is_last { until } else { until.min(Instant::now() + ADDRESS_TIMEOUT) };
        let error = match timeout_at(this_until, connect_one(*address, proxy)).await {
            Ok(Ok(stream)) => {
                // A request is one write: waiting for more would only delay it.
                let _ = stream.set_nodelay(true);
                return Ok((stream, *address));
            }
            Ok(Err(error)) => ConnectError::at(*address, &error),
            Err(_) => ConnectError::Unanswered { address: *address },
        };
        last = Some(error);
    }
    Err(last.unwrap_or(ConnectError::NoAddress { host: String::new() }))
}

async fn handshake(
    origin: &Origin,
    config: &Arc<ClientConfig>,
    stream: TcpStream,
    address: SocketAddr,
) -> Result<Dialled, ConnectError> {
    let host = || origin.host.clone();
    let failed = |why: String| ConnectError::Tls { host: host(), address, why };
    let name = ServerName::try_from(host()).map_err(|error| failed(error.to_string()))?;
    let stream =
        TlsConnector::from(config.clone()).connect(name, stream).await.map_err(|error: io::Error| {
            match CertificateFault::of(&error) {
                Some(fault) => ConnectError::Certificate { host: host(), address, fault },
                None => failed(error.to_string()),
            }
        })?;
    let speaks_h2 = stream.get_ref().1.alpn_protocol() == Some(b"h2");
    Ok(Dialled { link: Link::Tls(Box::new(stream)), address, speaks_h2 })
}
