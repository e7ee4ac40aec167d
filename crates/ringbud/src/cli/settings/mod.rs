//! `account`, `employee`, `phone`, `integration`, `token`: what belongs to customers, from the command line.
//!
//! On the same store as the gateway, also while it runs; it takes changes in within a second. The same
//! checks as in the API: what is given becomes the API's JSON and is read by the same code.

mod integration;
mod people;
mod token;

use calls::AccountId;
use journal::settings::Setting;
use journal::{Access, AccountSettings};
use serde_json::{Map, Value};
use std::sync::Arc;

pub use integration::IntegrationArgs;
pub(crate) use integration::check_url;
pub use people::{AccountArgs, EmployeeArgs, PhoneArgs};
pub use token::TokenArgs;

use super::{ConfigArg, Failure, runtime};
use crate::config::{Config, Purpose};
use crate::store::Store;

/// Opens the store beside a gateway that may be running, and does something with it.
pub(super) fn with_store<F, T>(config: &ConfigArg, act: impl FnOnce(Config, Store) -> F) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    let config = config.load(Purpose::Work)?;
    runtime()?.block_on(async {
        let store = Store::open(&config, Access::Settings).await?;
        act(config, store).await
    })
}

fn account(store: &Store, id: &str) -> Result<Arc<AccountSettings>, Failure> {
    store.cache.account(&AccountId::new(id)).ok_or_else(|| {
        Failure::new(format!(
            "there is no account {id}: make it with ringbud account set {id}, or see ringbud account list"
        ))
    })
}

fn refused(refusal: &web::wire::Refusal) -> Failure {
    Failure::new(if refusal.field.is_empty() {
        refusal.message.clone()
    } else {
        format!("{}: {}", refusal.field, refusal.message)
    })
}

/// A JSON object of what was given.
fn object(fields: impl IntoIterator<Item = (&'static str, Option<Value>)>) -> Vec<u8> {
    let fields: Map<String, Value> =
        fields.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect();
    Value::Object(fields).to_string().into_bytes()
}

/// Prints a list, as a table for people or as JSON for programs.
pub(super) fn print_list(as_json: bool, columns: &[&str], rows: Vec<Vec<Value>>) {
    if as_json {
        let objects: Vec<Value> = rows
            .into_iter()
            .map(|row| Value::Object(columns.iter().map(|name| (*name).to_owned()).zip(row).collect()))
            .collect();
        println!("{}", Value::Array(objects));
        return;
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
        println!("{}", padded.join("  ").trim_end());
    };
    line(columns.to_vec());
    for row in &rows {
        line(row.iter().map(String::as_str).collect());
    }
}

async fn put(store: &Store, key: journal::settings::SettingKey, value: Setting) -> Result<(), Failure> {
    store.cache.put(key, Some(value), None).await?;
    Ok(())
}
