//! `gateways`: who is on the store, where it is on PostgreSQL.

use std::time::Duration;

use clap::Args;
use serde_json::{Value, json};

use super::settings::print_list;
use super::{ConfigArg, EXIT_DONE, Failure, runtime};
use crate::config::Purpose;
use crate::engine::Engine;
use crate::store::Store;

/// Whoever lives beats once within this.
const LOOKED_ON: Duration = Duration::from_millis(2_500);

const HAS_IT: &str = "has the store";
const STANDS_BY: &str = "stands by";
const IS_SILENT: &str = "does not beat";

/// List the gateways on the PostgreSQL that [journal] names: which one has the store, and which stand by.
///
/// Looks on for some seconds to see which of them beat. One that was killed stays in the list and does not beat; one that
/// was stopped is not in it.
#[derive(Args, Debug)]
pub struct GatewaysArgs {
    #[command(flatten)]
    config: ConfigArg,
    /// As JSON.
    #[arg(long)]
    json: bool,
}

impl GatewaysArgs {
    pub(super) fn run(self) -> Result<u8, Failure> {
        let config = self.config.load(Purpose::Work)?;
        if config.journal.is_none() {
            let file = config.file.display();
            return Err(Failure::new(format!(
                "{file}: [journal] is missing: a store in a folder has one gateway at a time, on its own machine"
            )));
        }
        let rows = runtime()?.block_on(async {
            let Engine::Postgres(postgres) = Store::open_beside(&config).await?.engine else {
                return Ok(Vec::new());
            };
            let before = postgres.gateways().await?;
            tokio::time::sleep(LOOKED_ON).await;
            let now = postgres.gateways().await?;
            let row = |seen: journal::postgres::Seen| {
                let beats =
                    before.iter().find(|one| one.id == seen.id).is_none_or(|one| one.beat != seen.beat);
                let does = match (&seen.has_store_since, beats) {
                    (Some(_), true) => HAS_IT.to_owned(),
                    (None, true) => STANDS_BY.to_owned(),
                    (Some(_), false) => format!("{HAS_IT} and {IS_SILENT}"),
                    (None, false) => IS_SILENT.to_owned(),
                };
                vec![json!(seen.name), Value::from(does), json!(seen.has_store_since.unwrap_or_default())]
            };
            Ok::<_, Failure>(now.into_iter().map(row).collect())
        })?;
        print_list(self.json, &["name", "state", "since"], rows)?;
        Ok(EXIT_DONE)
    }
}
