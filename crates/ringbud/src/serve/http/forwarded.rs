//! For whom a trusted proxy asks.

use std::net::{IpAddr, SocketAddr};

use axum::http::HeaderMap;
use ipnet::IpNet;

/// What proxies write; each adds at the end whom it asks for.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// Who asks. Read from the end: what a trusted proxy wrote is believed, and what stands before the first address
/// that is no proxy's could be anybody's invention.
pub(super) fn client(peer: SocketAddr, headers: &HeaderMap, trusted: &[IpNet]) -> SocketAddr {
    let is_trusted = |address: IpAddr| trusted.iter().any(|network| network.contains(&address));
    let mut who = peer.ip().to_canonical();
    let lines = headers.get_all(FORWARDED_FOR).iter().rev();
    let mut said = lines.filter_map(|line| line.to_str().ok()).flat_map(|line| line.rsplit(','));
    while is_trusted(who) {
        let Some(before) = said.next().and_then(address) else { break };
        who = before;
    }
    SocketAddr::new(who, peer.port())
}

/// An address, with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    bare.or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .map(|found| found.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(peer: &str, lines: &[&str]) -> String {
        let trusted: Vec<IpNet> = ["127.0.0.0/8", "10.1.0.0/16"].map(|text| text.parse().unwrap()).into();
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        client(SocketAddr::new(peer.parse().unwrap(), 9), &headers, &trusted).ip().to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(asked("192.0.2.7", &["198.51.100.1"]), "192.0.2.7");
        assert_eq!(asked("127.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(asked("::ffff:127.0.0.1", &["198.51.100.1"]), "198.51.100.1");
        assert_eq!(asked("127.0.0.1", &[]), "127.0.0.1");
    }

    #[test]
    fn what_a_client_writes_itself_is_not_believed() {
        assert_eq!(asked("127.0.0.1", &["1.1.1.1, 198.51.100.1"]), "198.51.100.1");
        assert_eq!(asked("127.0.0.1", &["1.1.1.1", "198.51.100.1, 10.1.2.3"]), "198.51.100.1");
        assert_eq!(asked("127.0.0.1", &["198.51.100.1, unknown"]), "127.0.0.1", "a proxy that hides whom");
    }

    #[test]
    fn an_address_may_have_a_port_or_brackets() {
        assert_eq!(asked("127.0.0.1", &["[2001:db8::7]:4711"]), "2001:db8::7");
        assert_eq!(asked("127.0.0.1", &["[2001:db8::7]"]), "2001:db8::7");
        assert_eq!(asked("127.0.0.1", &["198.51.100.1:80"]), "198.51.100.1");
    }
}
