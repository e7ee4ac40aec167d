//! Where a request comes from, as far as one can be told from another.

use std::convert::Infallible;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;

/// Bits of an IPv6 address that are one customer's network: within it one has as many addresses as one likes.
const NETWORK_BITS: u32 = 64;

/// Who asks: an IPv4 address, or the network of an IPv6 address. The server that took the connection says it, and
/// says behind a trusted proxy whom the proxy forwards for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Peer(IpAddr);

impl Peer {
    pub(crate) fn of(address: IpAddr) -> Self {
        Self(match address.to_canonical() {
            IpAddr::V4(address) => IpAddr::V4(address),
            IpAddr::V6(address) => {
                let network = u128::from(address) >> (128 - NETWORK_BITS) << (128 - NETWORK_BITS);
                IpAddr::V6(Ipv6Addr::from(network))
            }
        })
    }
}

impl fmt::Display for Peer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => address.fmt(f),
            IpAddr::V6(network) => write!(f, "{network}/{NETWORK_BITS}"),
        }
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Peer {
    type Rejection = Infallible;

    /// Where nobody says it (tests without a server) all are one.
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        let said = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self::of(said.map_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED), |ConnectInfo(address)| address.ip())))
    }
}

/// The address a request comes from, for the audit log; nothing where nobody says it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Origin(pub(crate) Option<IpAddr>);

impl Origin {
    pub(crate) fn of(parts: &Parts) -> Self {
        let said = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Self(said.map(|ConnectInfo(address)| address.ip().to_canonical()))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Origin {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Self::Rejection> {
        Ok(Self::of(parts))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ipv6_network_is_one_peer_and_an_ipv4_address_is_one_however_it_is_written() {
        let peer = |text: &str| Peer::of(text.parse().unwrap());
        assert_eq!(peer("2001:db8:1:2::7"), peer("2001:db8:1:2:ffff::9"));
        assert_ne!(peer("2001:db8:1:2::7"), peer("2001:db8:1:3::7"));
        assert_eq!(peer("::ffff:192.0.2.7"), peer("192.0.2.7"));
        assert_eq!(peer("2001:db8:1:2::7").to_string(), "2001:db8:1:2::/64");
    }
}
