//! The command line: what can be asked, what each command answers, and with which exit code it ends.
//!
//! One file a command; each parses, delegates and prints. The help texts here are also the man page.

// `println!` panics where nobody reads any more: see `say`.
#![deny(clippy::print_stdout)]

mod ask;
mod backup;
mod check;
mod completions;
mod delivery;
mod demo;
#[cfg(feature = "postgres")]
mod gateways;
mod init;
#[cfg(feature = "postgres")]
mod journal;
mod key;
mod person;
mod receive;
mod record;
mod replay;
mod say;
mod serve;
mod settings;
mod trace;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

#[cfg(feature = "postgres")]
pub use self::gateways::GatewaysArgs;
#[cfg(feature = "postgres")]
pub use self::journal::JournalArgs;
pub use backup::{BackupArgs, RestoreArgs};
pub use check::CheckArgs;
pub use completions::{CompletionsArgs, ManArgs};
pub use delivery::DeliveryArgs;
pub use demo::DemoArgs;
pub use init::InitArgs;
pub use key::KeyArgs;
pub use person::{EraseArgs, ExportArgs};
pub use receive::ReceiveArgs;
pub use record::RecordArgs;
pub use replay::ReplayArgs;
pub use serve::ServeArgs;
pub use settings::{AccountArgs, EmployeeArgs, IntegrationArgs, PhoneArgs, TokenArgs, UserArgs};

use crate::config::{Config, ConfigError, Pbx, Purpose};

/// Everything went well.
pub const EXIT_DONE: u8 = 0;
/// It did not work; standard error says why.
pub const EXIT_FAILED: u8 = 1;
/// The command line makes no sense (clap's own code).
pub const EXIT_USAGE: u8 = 2;
/// The configuration is wrong; standard error says where.
pub const EXIT_CONFIG: u8 = 3;
/// A part of the program died that others cannot do without: it is to be started again.
pub const EXIT_DIED: u8 = 4;

const EXIT_CODES: &str = "Exit codes: 0 done; 1 it did not work, standard error says why; 2 the command line makes no sense; \
3 the configuration is wrong, standard error says in which line; \
4 a part of the program died that others cannot do without: start it again, nothing that was kept is lost.";

/// Tells a company's own systems over HTTP, at the moment it happens, which employee's phone rings, who
/// answered, who is calling out, and when and how each call ended.
///
/// Ringbud follows every channel of one or more Asterisk PBXs and calls up to four web services per account:
/// for incoming, answered, outgoing and ended calls. Begin with `ringbud demo`, which needs no PBX, or with `ringbud init`,
/// which makes the configuration for yours.
#[derive(Debug, Parser)]
#[command(name = "ringbud", version, after_help = EXIT_CODES, max_term_width = 100)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

/// Where the configuration is.
#[derive(Args, Debug)]
pub struct ConfigArg {
    /// The configuration file.
    #[arg(
        long = "config",
        value_name = "FILE",
        env = "RINGBUD_CONFIG",
        default_value = "ringbud.toml",
        global = true
    )]
    file: PathBuf,
}

impl ConfigArg {
    fn load(&self, purpose: Purpose) -> Result<Config, ConfigError> {
        Config::load(&self.file, purpose)
    }
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(DemoArgs),
    Init(InitArgs),
    Serve(ServeArgs),
    Check(CheckArgs),
    Receive(ReceiveArgs),
    Replay(ReplayArgs),
    Record(RecordArgs),
    Account(AccountArgs),
    Employee(EmployeeArgs),
    Phone(PhoneArgs),
    Integration(IntegrationArgs),
    Delivery(DeliveryArgs),
    Token(TokenArgs),
    User(UserArgs),
    Export(ExportArgs),
    Erase(EraseArgs),
    Backup(BackupArgs),
    Restore(RestoreArgs),
    Key(KeyArgs),
    #[cfg(feature = "postgres")]
    Journal(JournalArgs),
    #[cfg(feature = "postgres")]
    Gateways(GatewaysArgs),
    Completions(CompletionsArgs),
    Man(ManArgs),
}

fn pbx_of<'a>(config: &'a Config, name: Option<&str>) -> Result<Option<&'a Pbx>, Failure> {
    match name {
        None => Ok(config.pbxs.first()),
        Some(name) => match config.pbxs.iter().find(|pbx| pbx.name.as_str() == name) {
            Some(pbx) => Ok(Some(pbx)),
            None => Err(Failure::new(format!("{} has no PBX named {name}", config.file.display()))),
        },
    }
}

fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    Ok(tokio::runtime::Builder::new_multi_thread().enable_all().build()?)
}

/// Why a command failed, with its exit code.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    why: String,
}

impl Failure {
    fn new(why: impl Into<String>) -> Self {
        Self { code: EXIT_FAILED, why: why.into() }
    }

    /// Says on standard error why, unless it is nothing to speak of; the exit code.
    fn told(&self) -> u8 {
        if !self.why.is_empty() {
            eprintln!("ringbud: {}", self.why);
        }
        self.code
    }
}

impl<E: std::error::Error + 'static> From<E> for Failure {
    fn from(error: E) -> Self {
        let any = &error as &dyn std::error::Error;
        if any.downcast_ref::<std::io::Error>().is_some_and(say::is_read_enough) {
            return Self { code: EXIT_DONE, why: String::new() };
        }
        let is_config = any.downcast_ref::<ConfigError>().is_some();
        Self { code: if is_config { EXIT_CONFIG } else { EXIT_FAILED }, why: error.to_string() }
    }
}

impl Cli {
    /// Does what was asked; the answer is the exit code.
    pub fn run(self) -> u8 {
        let done = match self.command {
            Command::Demo(args) => args.run(),
            Command::Init(args) => args.run(),
            Command::Serve(args) => args.run(),
            Command::Check(args) => args.run(),
            Command::Receive(args) => args.run(),
            Command::Record(args) => args.run(),
            Command::Replay(args) => args.run(),
            Command::Account(args) => args.run(),
            Command::Employee(args) => args.run(),
            Command::Phone(args) => args.run(),
            Command::Integration(args) => args.run(),
            Command::Delivery(args) => args.run(),
            Command::Token(args) => args.run(),
            Command::User(args) => args.run(),
            Command::Export(args) => args.run(),
            Command::Erase(args) => args.run(),
            Command::Backup(args) => args.run(),
            Command::Restore(args) => args.run(),
            Command::Key(args) => args.run(),
            #[cfg(feature = "postgres")]
            Command::Journal(args) => args.run(),
            #[cfg(feature = "postgres")]
            Command::Gateways(args) => args.run(),
            Command::Completions(args) => args.run(),
            Command::Man(args) => args.run(),
        };
        match done {
            Ok(code) => code,
            Err(failure) => failure.told(),
        }
    }
}
