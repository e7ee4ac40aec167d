//! What only a FreeSWITCH can be told about: domains, gateways, channels whose phone cannot be known, and what it does
//! with calls by itself.

use std::collections::BTreeMap;

use pbx::Hook;

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
    said.extend(by_itself(seen));
    said
}

/// What FreeSWITCH does with calls by itself, as far as it shows; and, in a line of its own, that this is not all.
fn by_itself(seen: &Visit) -> Vec<Said> {
    let mut said = Vec::new();
    // A channel takes what is set for all where it has nothing of its own.
    let is_for_all = |hook: &Hook| {
        let all = Hook { channel: String::new(), ..hook.clone() };
        seen.hooks.contains(&all)
    };
    for hook in seen.hooks.iter().filter(|hook| hook.channel.is_empty() || !is_for_all(hook)) {
        let Hook { variable, command, channel } = hook;
        let of = if channel.is_empty() { "every call" } else { "a call that is up" };
        said.push(Said::Doubt(format!(
            "{variable} has FreeSWITCH do {command} with {of}, by itself: where that transfers, bridges or ends a call, it is told as if the person on the phone had done it"
        )));
    }
    said.push(Said::Fine(
        if seen.hooks_not_told {
            "what FreeSWITCH does with calls by itself may not be asked for (esl-allowed-api: global_getvar, uuid_getvar): look for api_on_answer, execute_on_answer and transfer_after_bridge in vars.xml, the dialplan and the directory"
        } else if seen.hooks.is_empty() {
            "no api_on_answer, execute_on_answer or the like is set for all calls nor on one that is up; one that the dialplan or the directory sets for some shows only while such a call is up: look for it there"
        } else {
            "what the dialplan or the directory sets for some calls (api_on_answer, execute_on_answer) shows only while such a call is up: look for it there, too"
        }
        .to_owned(),
    ));
    said
}
