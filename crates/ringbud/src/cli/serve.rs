//! `serve`: the gateway, until it is told to stop.

use std::path::Path;

use clap::Args;
use delivery::guard::Guard;
use tasks::Part;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{ConfigArg, EXIT_DIED, EXIT_DONE, EXIT_FAILED, Failure, runtime};
use crate::config::{Config, Purpose};
use crate::stand_by::StandBy;
use crate::{serve, supervision, telemetry};

/// Run the gateway.
///
/// Connects to every PBX of the configuration and keeps the links up, keeps what happens in the data folder,
/// calls the accounts' web services and serves the REST API.
///
/// With `stand_by` in the section journal it waits while another gateway has the store, and takes over when that one is
/// gone.
///
/// SIGTERM or Ctrl-C (SIGINT) stops it in order: no event is lost, no request cut off. A second one ends it at once.
/// SIGHUP reads the configuration anew: PBXs that are added, changed or removed, the sections outgoing and operator, the
/// log's level and the certificate are taken up; what needs a restart is named in the log; of a configuration that is wrong
/// nothing is taken up. SIGUSR1 says in the log how it is doing.
#[derive(Args, Debug)]
pub struct ServeArgs {
    #[command(flatten)]
    config: ConfigArg,
}

impl ServeArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let config = self.config.load(Purpose::Work)?;
        telemetry::start_log(&config.log);
        tasks::note_panics();
        tasks::on_death(bury);
        tasks::open_to_faults();
        runtime()?.block_on(run(&config))
    }
}

/// Ends the process at once: what is dead can stop nothing in order, and what was kept is taken up by the next
/// run as after a kill.
fn bury(death: &tasks::Death) {
    eprintln!("ringbud: {death}. Ringbud ends so that it is started again; nothing that was kept is lost.");
    std::process::exit(EXIT_DIED.into());
}

async fn run(config: &Config) -> Result<u8, Failure> {
    let mut orders = Orders::listen()?;
    let stand_by = StandBy::default();
    let waiting = supervision::start_standing_by(stand_by.clone());
    let mut early = Vec::new();
    let mut running = tokio::select! {
        running = serve::start(config, &stand_by) => running?,
        () = orders.stop_waiting(&stand_by, &mut early) => {
            supervision::stopping();
            tracing::info!("stopped; it stood by");
            return Ok(EXIT_DONE);
        }
    };
    waiting.abort();
    let supervision = supervision::start(running.links.clone());
    tell(config, &running).await;
    supervision::ready();
    loop {
        let order = match early.pop() {
            Some(order) => order,
            None => tokio::select! {
                order = orders.next() => order,
                () = running.store.engine.is_lost() => lost(),
            },
        };
        match order {
            Order::Stop => break,
            Order::Reload => reload(&mut running).await,
            Order::Tell => running.tell(),
        }
    }
    supervision::stopping();
    let mut stopping = tasks::spawn(Part::Stopping, running.stop());
    let done = tokio::select! {
        _ = &mut stopping => EXIT_DONE,
        () = orders.end.next() => {
            tracing::warn!("told twice to stop: ending at once");
            EXIT_FAILED
        }
    };
    supervision.abort();
    Ok(done)
}

/// Ends the process at once: what it would do in order belongs to another gateway now.
fn lost() -> ! {
    eprintln!(
        "ringbud: the store is another gateway's now. Ringbud ends; started again it waits for its turn."
    );
    std::process::exit(EXIT_DIED.into());
}

/// Reads the configuration anew and says what came of it.
async fn reload(running: &mut serve::Running) {
    supervision::reloading();
    match running.reload().await {
        Ok(done) => {
            let changed =
                if done.changed.is_empty() { "nothing".to_owned() } else { done.changed.join(", ") };
            tracing::info!(changed, "the configuration was read anew");
            if !done.with_a_restart.is_empty() {
                let keys = done.with_a_restart.join(", ");
                tracing::warn!(keys, "these have changed in the configuration and need a restart");
            }
        }
        Err(error) if error.changed_nothing() => {
            tracing::error!("the new configuration is not taken up, and nothing has changed: {error}");
        }
        Err(error) => tracing::error!("the configuration was read anew: {error}"),
    }
    supervision::ready();
}

/// What an operator wants to know first.
async fn tell(config: &Config, running: &serve::Running) {
    let url = running.url(config);
    tracing::info!(
        version = env!("CARGO_PKG_VERSION"),
        url,
        pbxs = config.pbxs.len(),
        data_dir = %config.data_dir.as_deref().unwrap_or(Path::new("")).display(),
        "ringbud runs"
    );
    if config.pbxs.is_empty() {
        tracing::warn!("{} has no [[pbx]]: no calls will be seen", config.file.display());
    }
    match web::first_run_path(&running.store.admin(Guard::default())).await {
        Ok(Some(path)) => {
            tracing::info!("nobody can log in yet; open this once to make the first operator: {url}{path}");
        }
        Ok(None) => {}
        // Calls are followed by now: they do not end because of this.
        Err(error) => {
            tracing::warn!(%error, "nobody can log in yet, and the link to make the first operator cannot be kept: start again when the journal can be written");
        }
    }
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Order {
    /// SIGTERM, SIGINT.
    Stop,
    /// SIGHUP.
    Reload,
    /// SIGUSR1.
    Tell,
}

/// The signals that mean something to a gateway.
struct Orders {
    end: Signals,
    hangup: Signal,
    user: Signal,
}

impl Orders {
    fn listen() -> Result<Self, Failure> {
        let user = signal(SignalKind::user_defined1())?;
        Ok(Self { end: Signals::listen()?, hangup: signal(SignalKind::hangup())?, user })
    }

    /// Comes back when a gateway that stands by is told to stop. What else it is told is done once it has started.
    async fn stop_waiting(&mut self, stand_by: &StandBy, early: &mut Vec<Order>) {
        loop {
            let order = self.next().await;
            let waits = stand_by.in_words();
            match (order, waits) {
                (Order::Stop, Some(_)) => return,
                (Order::Tell, Some(words)) => tracing::info!("{words}"),
                (Order::Reload, Some(_)) => {
                    tracing::info!("the configuration is read anew as soon as this gateway takes over");
                    supervision::ready();
                    early.push(order);
                }
                (_, None) => early.push(order),
            }
            // Each is done once, and stopping at last.
            early.sort();
            early.dedup();
        }
    }

    async fn next(&mut self) -> Order {
        tokio::select! {
            () = self.end.next() => Order::Stop,
            _ = self.hangup.recv() => Order::Reload,
            _ = self.user.recv() => Order::Tell,
        }
    }
}

/// SIGTERM and SIGINT.
pub(super) struct Signals {
    terminate: Signal,
    interrupt: Signal,
}

impl Signals {
    pub(super) fn listen() -> Result<Self, Failure> {
        Ok(Self { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    pub(super) async fn next(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
