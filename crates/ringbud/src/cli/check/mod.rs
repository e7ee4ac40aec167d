//! `check`: everything that can be found out before a call comes.

mod machine;

use std::net::IpAddr;
use std::time::Duration;

use admin::Actor;
use admin::kept::settings::Integration;
use clap::Args;
use delivery::alert::Security;
use delivery::guard::Guard;
use delivery::reason::english;

use super::{ConfigArg, EXIT_DONE, EXIT_FAILED, Failure, runtime};
use crate::cli::say::{or_end, say};
use crate::config::{Config, Pbx, Purpose};
use crate::engine::doubt;
use crate::look::{Said, look};
use crate::store::Store;
use crate::{clock, serve, whoami};

/// Check the configuration, the PBXs and the web services.
///
/// Reads the configuration, logs in to every PBX and looks at the rights there, lists the phones it would see,
/// whose they are, which rule took each and what looks wrong, asks the OpenID provider who it is, and resolves the accounts' web services through
/// the address guard. One line each; a line that begins with `warn` or `fail` says how to mend it. Nothing is
/// changed, but where the data folder or the PostgreSQL it names has no store yet, an empty one is made there. Exit
/// code 0 if nothing fails.
#[derive(Args, Debug)]
pub struct CheckArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// Then wait so many seconds for a call: ring any phone, and it is seen whether its events come.
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u16).range(1..=3_600))]
    wait: Option<u16>,
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
            machine::check(&config, &report);
            config.journal.as_ref().and_then(doubt).into_iter().for_each(|sentence| report.warn(sentence));
            let wait = self.wait.map(|seconds| Duration::from_secs(u64::from(seconds)));
            for pbx in &config.pbxs {
                check_pbx(pbx, wait, &mut report).await;
            }
            check_provider(&config, &mut report).await;
            check_mail(&config, &mut report).await;
            check_accounts(&config, &mut report).await;
            report.failed
        });
        Ok(if failed == 0 { EXIT_DONE } else { EXIT_FAILED })
    }
}

async fn check_pbx(pbx: &Pbx, wait: Option<Duration>, report: &mut Report) {
    match pbx.secret.read() {
        Err(problem) => report.fail(&problem.to_string()),
        Ok(secret) => {
            let seen = look(pbx, secret.expose(), wait, print).await;
            seen.said.iter().for_each(|said| report.say(said));
        }
    }
}

/// A line, as `check` and `init` have them.
pub(super) fn print(said: &Said) {
    let (how, sentence) = match said {
        Said::Fine(sentence) => ("ok  ", sentence),
        Said::Doubt(sentence) => ("warn", sentence),
        Said::Fault(sentence) => ("fail", sentence),
    };
    or_end(say!("{how}  {sentence}"));
}

#[derive(Default)]
struct Report {
    failed: usize,
}

impl Report {
    fn say(&mut self, said: &Said) {
        self.failed += usize::from(matches!(said, Said::Fault(_)));
        print(said);
    }

    fn ok(&self, what: &str) {
        print(&Said::Fine(what.to_owned()));
    }

    fn warn(&self, what: &str) {
        print(&Said::Doubt(what.to_owned()));
    }

    fn fail(&mut self, what: &str) {
        self.say(&Said::Fault(what.to_owned()));
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

/// Whether mail to accounts would go.
async fn check_mail(config: &Config, report: &mut Report) {
    let Some(mail) = &config.mail else { return };
    let server = format!("the mail server {}:{}", mail.host, mail.port);
    match serve::mailer(config) {
        Ok(None) => {}
        Err(error) => report.fail(&error.to_string()),
        Ok(Some(mailer)) => match mailer.look().await {
            Ok(()) if mail.username.is_empty() => report.ok(&format!("{server} can be reached")),
            Ok(()) => report.ok(&format!("{server} can be reached, logged in as {}", mail.username)),
            Err(error) => report.fail(&format!("{server}: {error}")),
        },
    }
    if mail.security == Security::Never && !machine::is_here(&mail.host) {
        report.warn(&format!("{server} is told everything in clear: use security = \"starttls\" or \"tls\""));
    }
}

async fn check_accounts(config: &Config, report: &mut Report) {
    let Some(folder) = &config.data_dir else { return };
    if config.journal.is_none() && !folder.is_dir() {
        return report
            .warn(&format!("the data folder {} is not there yet: ringbud serve makes it", folder.display()));
    }
    let store = match Store::open_beside(config).await {
        Ok(store) => store,
        Err(error) => return report.fail(&error.to_string()),
    };
    let guard = Guard::new(config.outgoing.allow.clone());
    let accounts = store.admin(guard.clone()).accounts(&Actor::machine(&whoami::name()), None, usize::MAX);
    for account in &accounts {
        if let Some((_, integration, _)) = account.integration() {
            check_integration(account.id.as_str(), integration, &guard, report).await;
        }
    }
    // Phones of the store that the rules of today make no more.
    if let Some(sentence) = store.phones_not_taken_any_more(&config.pbxs) {
        report.warn(&sentence);
    }
    let place = store.engine.file().map_or_else(|| store.engine.place(), |_| folder.display().to_string());
    report.ok(&format!("the store in {place} can be used: {} account(s)", accounts.len()));
    if let Some(holder) = store.engine.holder().await {
        report.ok(&holder);
    }
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
