//! The link to one PBX: whether it can be made, what may be done over it, and whether it hears.

use std::time::Duration;

use super::{Report, freeswitch, phones};
use crate::config::Pbx;
use crate::link::{LinkFailure, Visit, is_far_away, secret_in_clear, visit};

pub(super) async fn check(pbx: &Pbx, wait: Option<Duration>, report: &mut Report) {
    let name = &pbx.name;
    let secret = match pbx.secret.read() {
        Ok(secret) => secret,
        Err(problem) => return report.fail(&problem.to_string()),
    };
    let told = |seconds: Duration| {
        report.ok(&format!(
            "{name}: ring any phone now: waiting {} s for the events of a call",
            seconds.as_secs()
        ));
    };
    match visit(pbx, secret.expose(), wait, told).await {
        Err(LinkFailure::NotConnected(error)) => report.fail(&format!("{name}: {error}")),
        Err(error) => {
            report.ok(&format!("{name}: {} can be reached", pbx.address));
            report.fail(&format!("{name}: {error}"));
        }
        Ok(seen) => {
            let over = if pbx.tls { "TLS" } else { "TCP" };
            let user = if pbx.username.is_empty() { String::new() } else { format!(" as {}", pbx.username) };
            report.ok(&format!("{name}: {} can be reached over {over}, logged in{user}", pbx.address));
            if let Some(warning) = secret_in_clear(pbx) {
                report.warn(&format!("{name}: {warning}"));
            } else if !pbx.tls && is_far_away(&pbx.address).await {
                report.warn(&format!(
                    "{name}: {} is another machine and the link is not encrypted: every number crosses the network readable; use tls = true",
                    pbx.address
                ));
            }
            check_rights(pbx, &seen, report);
            check_hearing(pbx, &seen, wait, report);
            phones::check(pbx, &seen, report);
            if pbx.kind == pbx::Kind::FreeSwitch {
                freeswitch::check(pbx, &seen, report);
            }
        }
    }
}

fn check_rights(pbx: &Pbx, seen: &Visit, report: &Report) {
    let name = &pbx.name;
    let about = &seen.about;
    if !about.version.is_empty() {
        let system = if about.system_name.is_empty() {
            String::new()
        } else {
            format!(", named {}", about.system_name)
        };
        report.ok(&format!("{name}: {} {}{system}", pbx.kind.name(), about.version));
    }
    for missing in &seen.missing {
        report.warn(&format!("{name}: {}", missing.sentence(pbx.kind)));
    }
    for excess in &seen.excess {
        report.warn(&format!("{name}: {}", excess.sentence(pbx.kind)));
    }
    if seen.missing.is_empty() {
        report.ok(&format!("{name}: what Ringbud asks for is allowed"));
    }
    if let Some(secs) = seen.clock_secs_ahead(Visit::CLOCK_TOLERANCE) {
        report.warn(&format!("{name}: its clock differs from ours by {secs} s; times of calls are by its clock: use NTP on both"));
    }
}

/// Rights to hear are shown by what comes alone: no answer of a PBX tells of them.
fn check_hearing(pbx: &Pbx, seen: &Visit, wait: Option<Duration>, report: &mut Report) {
    let name = &pbx.name;
    if seen.hears_calls {
        return report.ok(&format!("{name}: events of calls come"));
    }
    let is_deaf = seen.missing.contains(&pbx::Missing::CallEvents);
    match wait {
        None => report.ok(&format!(
            "{name}: whether events of calls come shows with a call: ringbud check --wait 60, and ring any phone"
        )),
        // Said with the rights already.
        Some(_) if is_deaf => report.fail(&format!("{name}: calls are going on and no event of them comes")),
        Some(wait) => report.warn(&format!(
            "{name}: no event of a call came within {} s. If a phone rang, then: {}",
            wait.as_secs(),
            pbx::Missing::CallEvents.sentence(pbx.kind)
        )),
    }
}
