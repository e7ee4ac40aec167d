//! The link to one PBX that was visited: what may be done over it, and whether it hears.

use std::time::Duration;

use super::said::Said;
use crate::config::Pbx;
use crate::link::{Visit, is_far_away, secret_in_clear};

pub(super) async fn told(pbx: &Pbx, seen: &Visit, wait: Option<Duration>) -> Vec<Said> {
    let over = if pbx.tls { "TLS" } else { "TCP" };
    let user = if pbx.username.is_empty() { String::new() } else { format!(" as {}", pbx.username) };
    let mut said = vec![Said::Fine(format!("{} can be reached over {over}, logged in{user}", pbx.address))];
    if let Some(warning) = secret_in_clear(pbx) {
        said.push(Said::Doubt(warning));
    } else if !pbx.tls && is_far_away(&pbx.address).await {
        said.push(Said::Doubt(format!(
            "{} is another machine and the link is not encrypted: every number crosses the network readable; use tls = true",
            pbx.address
        )));
    }
    rights(pbx, seen, &mut said);
    said.push(hearing(pbx, seen, wait));
    said
}

fn rights(pbx: &Pbx, seen: &Visit, said: &mut Vec<Said>) {
    let about = &seen.about;
    if !about.version.is_empty() {
        let system = if about.system_name.is_empty() {
            String::new()
        } else {
            format!(", named {}", about.system_name)
        };
        said.push(Said::Fine(format!("{} {}{system}", pbx.kind.name(), about.version)));
    }
    let missing = seen.missing.iter().map(|missing| missing.sentence(pbx.product));
    let excess = seen.excess.iter().map(|excess| excess.sentence(pbx.product).to_owned());
    said.extend(missing.chain(excess).map(Said::Doubt));
    if seen.missing.is_empty() {
        said.push(Said::Fine("what Ringbud asks for is allowed".to_owned()));
    }
    if let Some(secs) = seen.clock_secs_ahead(Visit::CLOCK_TOLERANCE) {
        said.push(Said::Doubt(format!(
            "its clock differs from ours by {secs} s; times of calls are by its clock: use NTP on both"
        )));
    }
}

/// Rights to hear are shown by what comes alone: no answer of a PBX tells of them.
fn hearing(pbx: &Pbx, seen: &Visit, wait: Option<Duration>) -> Said {
    if seen.hears_calls {
        return Said::Fine("events of calls come".to_owned());
    }
    let is_deaf = seen.missing.contains(&pbx::Missing::CallEvents);
    match wait {
        None => Said::Fine(
            "whether events of calls come shows with a call: ringbud check --wait 60, and ring any phone"
                .to_owned(),
        ),
        // Said with the rights already.
        Some(_) if is_deaf => Said::Fault("calls are going on and no event of them comes".to_owned()),
        Some(wait) => Said::Doubt(format!(
            "no event of a call came within {} s. If a phone rang, then: {}",
            wait.as_secs(),
            pbx::Missing::CallEvents.sentence(pbx.product)
        )),
    }
}
