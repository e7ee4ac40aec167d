//! Hosts with ports, and networks, as they are written in the configuration.

use std::net::IpAddr;

use ipnet::IpNet;

use super::section::Section;

/// Text that is a host and a port; the host may be a name, and an IPv6 address stands in brackets.
pub(super) fn host_and_port(text: &str) -> Result<String, &'static str> {
    let (host, port) = text.rsplit_once(':').ok_or("the port is missing")?;
    let bare_v6 = host.contains(':') && !(host.starts_with('[') && host.ends_with(']'));
    if host.is_empty() || host.contains(char::is_whitespace) || bare_v6 {
        return Err(if bare_v6 { "an IPv6 address stands in brackets" } else { "the host is missing" });
    }
    port.parse::<u16>().map_err(|_| "the port is a number from 0 to 65535")?;
    Ok(text.to_owned())
}

/// Networks and addresses that may be called.
pub(super) fn networks(section: &Section<'_>, key: &'static str) -> Vec<IpNet> {
    let mut networks = Vec::new();
    for found in section.texts(key) {
        match network(&found.value) {
            Some(network) => networks.push(network),
            None => section.complain(
                found.place,
                format!("expected a network such as \"10.0.0.0/8\" or an address, found \"{}\"", found.value),
            ),
        }
    }
    networks
}

fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse::<IpAddr>().ok().map(IpNet::from))
}
