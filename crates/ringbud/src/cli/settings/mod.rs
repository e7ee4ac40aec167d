//! `account`, `employee`, `phone`, `integration`, `token`, `user`: what belongs to customers, from the command line.
//!
//! On the same store as the gateway, also while it runs; it takes changes in within a second. Everything goes through
//! `admin`, as what comes by the API and the window does: the same checks, the same audit log. Who does it is the
//! user of the system.

mod integration;
mod people;
mod token;
mod user;

use std::sync::Arc;

use admin::kept::AccountSettings;
use admin::{Actor, Admin, Code, Refusal};
use delivery::guard::Guard;
use serde_json::Value;

pub use integration::IntegrationArgs;
pub use people::{AccountArgs, EmployeeArgs, PhoneArgs};
pub use token::TokenArgs;
pub use user::UserArgs;

use super::say::say;
use super::{ConfigArg, Failure, runtime};
use crate::config::{Config, Purpose};
use crate::store::Store;
use crate::whoami;

/// Where customers' things are, and as whom they are changed.
pub(crate) struct Desk {
    pub(crate) config: Config,
    pub(crate) admin: Admin,
    pub(crate) actor: Actor,
}

/// Opens the store beside a gateway that may be running, and does something with it.
pub(crate) fn at_desk<F, T>(config: &ConfigArg, act: impl FnOnce(Desk) -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let config = config.load(Purpose::Work)?;
    runtime()?.block_on(async {
        let guard = Guard::new(config.outgoing.allow.clone());
        let admin = Store::open_beside(&config).await?.admin(guard);
        act(Desk { config, admin, actor: Actor::machine(&whoami::name()) }).await
    })
}

impl Desk {
    pub(crate) fn account(&self, id: &str) -> Result<Arc<AccountSettings>, Failure> {
        self.admin.account(&self.actor, id).map_err(|refusal| refused(&refusal, id))
    }
}

/// A refusal, with what to do about it on the command line.
fn refused(refusal: &Refusal, account: &str) -> Failure {
    match refusal.code {
        Code::NoAccount => Failure::new(format!(
            "there is no account {account}: make it with ringbud account set {account}, or see ringbud account list"
        )),
        Code::NoIntegration => Failure::new(format!(
            "account {account} has no integration yet: see ringbud integration set --help"
        )),
        _ => Failure::new(refusal.to_string()),
    }
}

/// Prints a list, as a table for people or as JSON for programs.
pub(super) fn print_list(as_json: bool, columns: &[&str], rows: Vec<Vec<Value>>) -> Result<(), Failure> {
    if as_json {
        let objects: Vec<Value> = rows
            .into_iter()
            .map(|row| Value::Object(columns.iter().map(|name| (*name).to_owned()).zip(row).collect()))
            .collect();
        return say!("{}", Value::Array(objects));
    }
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    let rows: Vec<Vec<String>> = rows.iter().map(|row| row.iter().map(text).collect()).collect();
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).chain([columns[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns.len()).map(width).collect();
    let line = |cells: Vec<&str>| {
        let padded: Vec<String> =
            cells.iter().zip(&widths).map(|(cell, width)| format!("{cell:<width$}")).collect();
        say!("{}", padded.join("  ").trim_end())
    };
    line(columns.to_vec())?;
    rows.iter().try_for_each(|row| line(row.iter().map(String::as_str).collect()))
}
