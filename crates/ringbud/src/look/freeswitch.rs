//! What only a FreeSWITCH can be told about: domains, gateways, and channels whose phone cannot be known.

use std::collections::BTreeMap;

use super::said::Said;
use crate::link::Visit;

/// So many domains are listed one by one.
const MAX_DOMAINS: usize = 50;

pub(super) fn told(seen: &Visit) -> Vec<Said> {
    let mut said = Vec::new();
    let mut domains: BTreeMap<&str, usize> = BTreeMap::new();
    for (endpoint, known) in &seen.endpoints {
        if let Some(gateway) = endpoint.strip_prefix("gateway/") {
            said.push(match known.is_reachable {
                Some(false) => Said::Doubt(format!(
                    "gateway {gateway} is not registered with its provider: no call comes in or goes out by it"
                )),
                Some(true) => Said::Fine(format!("gateway {gateway} is registered")),
                None => Said::Fine(format!("gateway {gateway} needs no registration")),
            });
        } else if endpoint.starts_with("sofia/") {
            said.push(Said::Doubt(format!(
                "a channel {endpoint} is up and has no Channel-Presence-ID, so nobody knows whose phone it is and nothing is told of it: dial phones as user/NUMBER@DOMAIN, and keep presence_id=${{dialed_user}}@${{dialed_domain}} in the directory's dial-string"
            )));
        } else if let Some((_, domain)) = endpoint.rsplit_once('@') {
            *domains.entry(domain).or_default() += usize::from(known.is_reachable == Some(true));
        }
    }
    for (domain, registered) in domains.iter().take(MAX_DOMAINS) {
        said.push(Said::Fine(format!("domain {domain}: {registered} user(s) registered")));
    }
    if domains.len() > MAX_DOMAINS {
        said.push(Said::Fine(format!("and {} domains more", domains.len() - MAX_DOMAINS)));
    }
    if domains.is_empty() {
        said.push(Said::Doubt(
            "nobody is registered and no phone is in a call, so no presence id (user@domain) was seen, by which phones are known: look at sofia status profile internal reg".to_owned(),
        ));
    }
    said
}
