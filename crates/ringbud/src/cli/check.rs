//! `check`: everything that can be found out before a call comes.

use std::net::IpAddr;

use clap::Args;
use delivery::guard::Guard;
use delivery::reason::english;
use journal::Access;
use journal::settings::Integration;

use super::{ConfigArg, EXIT_DONE, EXIT_FAILED, Failure, runtime};
use crate::config::{Config, Pbx, Purpose};
use crate::directory::Rules;
use crate::link::{LinkFailure, Visit, visit};
use crate::store::Store;
use crate::{clock, serve};

/// So many phones are listed one by one.
const MAX_PHONES: usize = 200;
/// A PBX's clock that differs by more is worth a word.
const CLOCK_TOLERANCE_MICROS: u64 = 2_000_000;

/// Check the configuration, the PBXs and the web services.
///
/// Reads the configuration, logs in to every PBX and looks at the rights there, lists the phones it would see
/// and whose they are, asks the OpenID provider who it is, and resolves the accounts' web services through
/// the address guard. One line each; a line that begins with `warn` or `fail` says how to mend it. Nothing is
/// changed. Exit code 0 if nothing fails.
#[derive(Args, Debug)]
pub struct CheckArgs {
    #[command(flatten)]
    config: ConfigArg,
}

impl CheckArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let config = self.config.load(Purpose::Work)?;
        let failed = runtime()?.block_on(async {
            let mut report = Report::default();
            report.ok(&format!("{} is sound: {} PBX(s)", config.file.display(), config.pbxs.len()));
            if config.pbxs.is_empty() {
                report.warn("there is no [[pbx]]: no calls will be seen");
            }
            for pbx in &config.pbxs {
                check_pbx(pbx, &mut report).await;
            }
            check_provider(&config, &mut report).await;
            check_accounts(&config, &mut report).await;
            report.failed
        });
        Ok(if failed == 0 { EXIT_DONE } else { EXIT_FAILED })
    }
}

#[derive(Default)]
struct Report {
    failed: usize,
}

impl Report {
    fn ok(&self, what: &str) {
        println!("ok    {what}");
    }

    fn warn(&self, what: &str) {
        println!("warn  {what}");
    }

    fn fail(&mut self, what: &str) {
        self.failed += 1;
        println!("fail  {what}");
    }
}

async fn check_pbx(pbx: &Pbx, report: &mut Report) {
    let name = &pbx.name;
    let secret = match pbx.secret.read() {
        Ok(secret) => secret,
        Err(problem) => return report.fail(&problem.to_string()),
    };
    match visit(pbx, secret.expose()).await {
        Err(LinkFailure::NotConnected(error)) => report.fail(&format!("{name}: {error}")),
        Err(error) => {
            report.ok(&format!("{name}: {} can be reached", pbx.address));
            report.fail(&format!("{name}: {error}"));
        }
        Ok(seen) => {
            let over = if pbx.tls { "TLS" } else { "TCP" };
            let user = if pbx.username.is_empty() { "" } else { " as " };
            report.ok(&format!(
                "{name}: {} can be reached over {over}, logged in{user}{}",
                pbx.address, pbx.username
            ));
            if let Some(warning) = crate::link::secret_in_clear(pbx) {
                report.warn(&format!("{name}: {warning}"));
            }
            check_rights(pbx, &seen, report);
            check_phones(pbx, &seen, report);
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
    if seen.missing.is_empty() {
        report.ok(&format!("{name}: the rights suffice (that calls are told shows with the first call)"));
    }
    if let Some(ahead) = seen.clock_ahead_micros
        && ahead.unsigned_abs() > CLOCK_TOLERANCE_MICROS
    {
        let secs = ahead / 1_000_000;
        report.warn(&format!("{name}: its clock differs from ours by {secs} s; times of calls are by its clock: use NTP on both"));
    }
}

fn check_phones(pbx: &Pbx, seen: &Visit, report: &Report) {
    let name = &pbx.name;
    let rules = Rules::new(pbx.phones.clone());
    let mut others = Vec::new();
    let mut phones = 0;
    for (endpoint, known) in &seen.endpoints {
        match rules.find(endpoint) {
            Some((account, number)) => {
                phones += 1;
                if phones <= MAX_PHONES {
                    let state = if known.is_reachable != Some(false) { "" } else { " (not registered now)" };
                    report.ok(&format!("{name}: {endpoint} is phone {number} of account {account}{state}"));
                }
            }
            None => others.push(endpoint.as_str()),
        }
    }
    if phones > MAX_PHONES {
        report.ok(&format!("{name}: and {} phones more", phones - MAX_PHONES));
    }
    if !others.is_empty() {
        others.truncate(20);
        report.ok(&format!("{name}: trunks, by the rules: {}", others.join(", ")));
    }
    if phones == 0 && !seen.endpoints.is_empty() {
        report.warn(&format!(
            "{name}: no endpoint is a phone by the rules: write [[pbx.phones]] rules that match yours"
        ));
    }
}

/// Whether somebody could log in through the provider now.
async fn check_provider(config: &Config, report: &mut Report) {
    let Some(oidc) = &config.oidc else { return };
    let issuer = oidc.issuer.as_str();
    let provider = match serve::provider(config) {
        Ok(Some(provider)) => provider,
        Ok(None) => return,
        Err(error) => return report.fail(&error.to_string()),
    };
    match provider.look(clock::wall()).await {
        Ok(()) => report.ok(&format!("{issuer} answers: people can log in with \"{}\"", oidc.label)),
        Err(refusal) => report.fail(&format!("{issuer}: {refusal}")),
    }
    report.ok(&format!("{issuer} has to know {}{} as redirect URI", oidc.public_url, web::LOGIN_BACK));
}

async fn check_accounts(config: &Config, report: &mut Report) {
    let Some(folder) = &config.data_dir else { return };
    if !folder.is_dir() {
        return report
            .warn(&format!("the data folder {} is not there yet: ringbud serve makes it", folder.display()));
    }
    let store = match Store::open(config, Access::Settings).await {
        Ok(store) => store,
        Err(error) => return report.fail(&error.to_string()),
    };
    let guard = Guard::new(config.outgoing.allow.clone());
    for account in store.cache.accounts(None, usize::MAX) {
        if let Some((_, integration, _)) = account.integration() {
            check_integration(account.id.as_str(), integration, &guard, report).await;
        }
    }
    report.ok(&format!(
        "the store in {} can be used: {} account(s)",
        folder.display(),
        store.cache.account_count()
    ));
}

async fn check_integration(account: &str, integration: &Integration, guard: &Guard, report: &mut Report) {
    for kind in calls::EventKind::ALL {
        let Some(url) = integration.url(kind).filter(|url| !url.is_empty()) else { continue };
        let what = format!("account {account}, {}: {url}", kind.name());
        match check_url(url, guard).await {
            Ok(addresses) => {
                let addresses: Vec<String> = addresses.iter().map(IpAddr::to_string).collect();
                report.ok(&format!("{what} ({})", addresses.join(", ")));
            }
            Err(why) => report.fail(&format!("{what}: {why}")),
        }
        if let Some(pause) = integration.paused.get(&kind) {
            report.warn(&format!("{what} is paused: {}", english(&pause.why)));
        }
    }
}

async fn check_url(url: &str, guard: &Guard) -> Result<Vec<IpAddr>, String> {
    let url = admin::webhook_url("", url, guard).map_err(|refusal| refusal.to_string())?;
    let origin = url.origin();
    let found = tokio::net::lookup_host((origin.host.as_str(), origin.port))
        .await
        .map_err(|error| format!("the name {} cannot be resolved: {error}", origin.host))?;
    let mut addresses: Vec<IpAddr> = found.map(|address| address.ip()).collect();
    addresses.dedup();
    for address in &addresses {
        guard.check(*address).map_err(|refused| refused.to_string())?;
    }
    Ok(addresses)
}
