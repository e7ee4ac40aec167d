//! `export` and `erase`: what is kept about a person or a number.
//!
//! Beside a gateway that runs, it is asked, for it alone knows what is about to be sent. Else the store is opened.

use std::fs::OpenOptions;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use admin::{Actor, Admin, Whose};
use clap::Args;
use delivery::guard::Guard;
use serde_json::{Value, json};

use super::ask::Api;
use super::say::say;
use super::settings::{Desk, at_desk};
use super::{ConfigArg, EXIT_DONE, EXIT_FAILED, Failure, runtime};
use crate::config::{Config, Purpose};
use crate::store::Store;
use crate::whoami;

/// Whose calls are meant.
#[derive(Args, Clone, Debug)]
#[group(required = true, multiple = false)]
pub(super) struct WhoseArg {
    /// An employee's local number: the employee's own legs.
    #[arg(long, value_name = "LOCAL NUMBER")]
    employee: Option<String>,
    /// A number, as it was told: every leg in which it took part.
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
}

/// Write out all that is kept about a person or a number.
///
/// Legs with their events, deliveries and requests, oldest first: as JSON with everything, or as CSV with a row a leg.
#[derive(Args, Debug)]
pub struct ExportArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// The account's id.
    account: String,
    #[command(flatten)]
    whose: WhoseArg,
    /// A row a leg, for a spreadsheet.
    #[arg(long)]
    csv: bool,
    /// Where to, for you alone to read; by default standard output.
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Erase what is kept about a person or a number.
///
/// Legs that have ended go whole: events, deliveries, requests, notes and what lists find them by. What waits of them is
/// not sent any more. Sums stay. The audit log says that it was done, not about whom. Backups that were made before
/// still have it. Asks first, unless told --yes.
#[derive(Args, Debug)]
pub struct EraseArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// The account's id.
    account: String,
    #[command(flatten)]
    whose: WhoseArg,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

impl ExportArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let Self { config, account, whose, csv, output } = self;
        let legs = at_store(&config, &account, &whose, async |way| {
            let (mut legs, mut after) = (Vec::new(), Value::Null);
            loop {
                let mut part = way.export(&account, &whose, &after).await?;
                if let Value::Array(more) = part["legs"].take() {
                    legs.extend(more);
                }
                after = part["next"].take();
                if after.is_null() {
                    return Ok(legs);
                }
            }
        })?;
        let text = match csv {
            true => web::kept_to_csv(&legs),
            false => format!("{:#}", json!({ "account": account, "legs": legs })),
        };
        match output {
            None => say!("{}", text.trim_end())?,
            Some(file) => write(&file, &text)?,
        }
        Ok(EXIT_DONE)
    }
}

fn write(file: &Path, text: &str) -> Result<(), Failure> {
    let mut open = OpenOptions::new();
    let open = open.write(true).create_new(true).mode(0o600);
    let written = open.open(file).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(|error| Failure::new(format!("{} cannot be written: {error}", file.display())))
}

impl EraseArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let Self { config, account, whose, yes } = self;
        if !yes && !agrees(&account, &whose)? {
            eprintln!("ringbud: nothing was erased");
            return Ok(EXIT_FAILED);
        }
        let gone = at_store(&config, &account, &whose, async |way| way.erase(&account, &whose).await)?;
        say!("{} event(s) erased, {} waiting request(s) cancelled", gone["events"], gone["cancelled"])?;
        if gone["running"] != json!(0) {
            say!("{} call(s) have not ended and stay: erase again when they have", gone["running"])?;
        }
        Ok(EXIT_DONE)
    }
}

fn agrees(account: &str, whose: &WhoseArg) -> Result<bool, Failure> {
    let who = match (&whose.employee, &whose.number) {
        (Some(employee), _) => format!("all of employee {employee}"),
        (_, number) => format!("every call of the number {}", number.as_deref().unwrap_or_default()),
    };
    if !std::io::stdin().is_terminal() {
        return Err(Failure::new("nobody can be asked here: --yes erases without asking"));
    }
    eprint!("Erase {who} in account {account} for good? yes or no: ");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim().eq_ignore_ascii_case("yes"))
}

/// The way to what is kept.
enum Way<'a> {
    /// No gateway runs.
    Alone(Box<Admin>, Actor),
    /// One does, and is asked.
    Beside(&'a Api),
}

impl Way<'_> {
    async fn export(&self, account: &str, whose: &WhoseArg, after: &Value) -> Result<Value, Failure> {
        match self {
            Self::Beside(api) => {
                let mut wish = wish(whose);
                wish["after"] = after.clone();
                api.post(account, "export", &wish).await
            }
            Self::Alone(admin, actor) => {
                let after = after.as_str().map(str::parse).transpose()?;
                let part = admin.kept_about(actor, account, &read(whose)?, after).await?;
                let there = admin.account(actor, account)?;
                Ok(serde_json::to_value(web::api::kept_to_json(&part, &there))?)
            }
        }
    }

    async fn erase(&self, account: &str, whose: &WhoseArg) -> Result<Value, Failure> {
        match self {
            Self::Beside(api) => api.post(account, "erase", &wish(whose)).await,
            Self::Alone(admin, actor) => {
                let gone = admin.erase(actor, account, &read(whose)?).await?;
                Ok(json!({ "events": gone.events, "cancelled": gone.cancelled, "running": gone.running }))
            }
        }
    }
}

fn wish(whose: &WhoseArg) -> Value {
    json!({ "employee": whose.employee, "number": whose.number })
}

fn read(whose: &WhoseArg) -> Result<Whose, Failure> {
    Ok(Whose::read(whose.employee.as_deref(), whose.number.as_deref())?)
}

/// Opens the store if nobody has it; else asks who has.
fn at_store<T>(
    config: &ConfigArg,
    account: &str,
    whose: &WhoseArg,
    act: impl AsyncFn(Way<'_>) -> Result<T, Failure>,
) -> Result<T, Failure> {
    read(whose)?;
    let loaded = config.load(Purpose::Work)?;
    if let Some(admin) = runtime()?.block_on(alone(&loaded))? {
        let actor = Actor::machine(&whoami::name());
        return runtime()?.block_on(act(Way::Alone(Box::new(admin), actor)));
    }
    at_desk(config, |desk: Desk| async move {
        desk.account(account)?;
        let api = Api::enter(&desk).await?;
        let done = act(Way::Beside(&api)).await;
        api.leave(&desk).await?;
        done
    })
}

/// The store, if no gateway has it.
async fn alone(config: &Config) -> Result<Option<Admin>, Failure> {
    if !config.data_dir.as_deref().is_some_and(Store::is_in) {
        return Err(Failure::new("there is no store yet: nothing is kept about anybody"));
    }
    let store = Store::open_alone(config).await?;
    Ok(store.map(|store| store.admin(Guard::new(config.outgoing.allow.clone()))))
}
