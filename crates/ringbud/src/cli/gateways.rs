//! `gateways`: who is on the store, where it is on PostgreSQL.

use std::time::Duration;

use clap::Args;
use journal::postgres::{Has, Listens, Seen};
use serde_json::{Value, json};

use super::settings::print_list;
use super::{ConfigArg, EXIT_DONE, Failure, runtime};
use crate::config::Purpose;
use crate::engine::Engine;
use crate::store::Store;

/// Whoever lives beats once within this.
const LOOKED_ON: Duration = Duration::from_millis(2_500);

const ALONE: [&str; 3] = ["name", "state", "since"];
const SHARED: [&str; 10] =
    ["name", "state", "pbx", "since", "taken", "from", "why", "next", "next_since", "next_misses"];
/// What has no PBX: the calls of before PBXs were shared. No PBX is named so.
const EARLIER_CALLS: &str = "(earlier calls)";

const HAS_IT: &str = "has the store";
const STANDS_BY: &str = "stands by";
const BEATS: &str = "beats";
const IS_SILENT: &str = "does not beat";
const WAS_GONE: &str = "it was gone";
const DID_NOT_HEAR: &str = "it did not hear the PBX";
const NOTHING: &str = "nothing";

/// List the gateways on the PostgreSQL that [journal] names: which one has the store, and which stand by; where several
/// share it, which PBX each has, and which listens to that beside it and would have it next.
///
/// `next_misses` is "nothing" where that one could have the PBX now; else what its link lacks. `(earlier calls)` are those of
/// before the PBXs were shared: whoever has them sends them again when somebody wants it.
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
        let (columns, rows) = runtime()?.block_on(async {
            let Engine::Postgres(postgres) = Store::open_beside(&config).await?.engine else {
                return Ok((ALONE.as_slice(), Vec::new()));
            };
            let before = postgres.gateways().await?;
            tokio::time::sleep(LOOKED_ON).await;
            let now = postgres.gateways().await?;
            let beats = |seen: &Seen| {
                before.iter().find(|one| one.id == seen.id).is_none_or(|one| one.beat != seen.beat)
            };
            if postgres.is_shared() {
                let parts = postgres.parts().await?;
                let listening = postgres.listening().await?;
                return Ok((SHARED.as_slice(), shared(&now, &parts, &listening, beats)));
            }
            let row = |seen: Seen| {
                let beats = beats(&seen);
                let does = match (&seen.has_store_since, beats) {
                    (Some(_), true) => HAS_IT.to_owned(),
                    (None, true) => STANDS_BY.to_owned(),
                    (Some(_), false) => format!("{HAS_IT} and {IS_SILENT}"),
                    (None, false) => IS_SILENT.to_owned(),
                };
                vec![json!(seen.name), Value::from(does), json!(seen.has_store_since.unwrap_or_default())]
            };
            Ok::<_, Failure>((ALONE.as_slice(), now.into_iter().map(row).collect()))
        })?;
        print_list(self.json, columns, rows)?;
        Ok(EXIT_DONE)
    }
}

/// A row a PBX, and one for each gateway that has none.
fn shared(
    gateways: &[Seen],
    parts: &[Has],
    listening: &[Listens],
    beats: impl Fn(&Seen) -> bool,
) -> Vec<Vec<Value>> {
    let state = |gateway: &Seen| if beats(gateway) { BEATS } else { IS_SILENT };
    let of_part = |part: &Has| {
        let owner = gateways.iter().find(|gateway| Some(&gateway.id) == part.owner.as_ref());
        let (name, state) = match (&part.owner, owner) {
            (None, _) => (String::new(), "nobody has it"),
            (Some(id), None) => (id.clone(), IS_SILENT),
            (Some(_), Some(gateway)) => (gateway.name.clone(), state(gateway)),
        };
        let from = part.from.clone().unwrap_or_default();
        let why = match (&part.from, part.for_its_link) {
            (None, _) => "",
            (Some(_), false) => WAS_GONE,
            (Some(_), true) => DID_NOT_HEAR,
        };
        let pbx = part.pbx.as_deref().unwrap_or(EARLIER_CALLS);
        let of_pbx = [json!(pbx), json!(part.since), json!(part.epoch), json!(from), json!(why)];
        let next = next(gateways, part, listening, &beats);
        [json!(name), json!(state)].into_iter().chain(of_pbx).chain(next.map(Value::from)).collect()
    };
    let has_none = |gateway: &&Seen| parts.iter().all(|part| part.owner.as_ref() != Some(&gateway.id));
    let of_gateway = |gateway: &Seen| {
        let of_no_pbx = [json!(""), json!(""), json!(0)].into_iter().chain((0..5).map(|_| json!("")));
        [json!(gateway.name), json!(state(gateway))].into_iter().chain(of_no_pbx).collect()
    };
    parts.iter().map(of_part).chain(gateways.iter().filter(has_none).map(of_gateway)).collect()
}

/// Who listens beside the one that has a part, since when it is as it is, and what it would miss: the one of most use.
fn next(gateways: &[Seen], part: &Has, listening: &[Listens], beats: impl Fn(&Seen) -> bool) -> [String; 3] {
    let named = |one: &Listens| gateways.iter().find(|gateway| gateway.id == one.gateway);
    let mut beside =
        listening.iter().filter(|one| one.part == part.part && part.owner.as_ref() != Some(&one.gateway));
    let lives = beside.find_map(|one| Some((named(one).filter(|gateway| beats(gateway))?, one)));
    let Some((gateway, listens)) = lives else { return Default::default() };
    let misses = listens.lacks.as_deref().unwrap_or(NOTHING);
    [gateway.name.clone(), listens.since.clone(), misses.to_owned()]
}
