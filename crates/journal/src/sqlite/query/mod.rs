//! Questions. Each finds its rows by a tree that is in the order it lists them, so that a page costs the
//! same in a small store and in a large one.

mod along;
pub(super) mod deliveries;
pub(super) mod events;
mod leg;
pub(super) mod legs;
pub(super) mod lines;
pub(super) mod pending;
pub(super) mod recent;
pub(super) mod settings;
mod span;
mod stretch;
pub(super) mod sums;
mod walk;

use std::path::Path;

use rusqlite::Connection;

use super::errors::StoreError;
use super::log::Shared;
use super::opening::bytes_on_disk;
use crate::Size;
pub(super) use walk::walk;

/// How much is kept, what is in the log included, with the room it will take. Events are counted by their places, which
/// have no gaps but for what was pruned.
pub(super) fn size(conn: &Connection, place: &Path, log: &Shared) -> Result<Size, StoreError> {
    let (in_log, last_seq) = (log.waiting(), log.last_seq());
    let events: u64 = conn
        .prepare_cached(
            "SELECT max((SELECT coalesce(max(seq), 0) FROM events), (SELECT value FROM meta WHERE name = 'last_seq'), ?1)
             - (SELECT value FROM meta WHERE name = 'pruned')",
        )?
        .query_row([last_seq], |row| row.get(0))?;
    let in_rows: u64 =
        conn.prepare_cached("SELECT count(*) FROM pending")?.query_row([], |row| row.get(0))?;
    let pending = in_rows + in_log;
    let not_rolled_up: Option<u64> = conn
        .prepare_cached(
            "SELECT max(seq) - (SELECT value FROM meta WHERE name = 'rolled_up_to') FROM events
             WHERE seq > (SELECT value FROM meta WHERE name = 'rolled_up_to')",
        )?
        .query_row([], |row| row.get(0))?;
    let pragma = |name| conn.pragma_query_value(None, name, |row| row.get::<_, u64>(0));
    let used = (pragma("page_count")?.saturating_sub(pragma("freelist_count")?)) * pragma("page_size")?;
    Ok(Size { bytes: bytes_on_disk(place), used, events, pending, not_rolled_up: not_rolled_up.unwrap_or(0) })
}

/// The statements that find what a filter asks for, so that a test can look at their plans.
#[cfg(feature = "conformance")]
pub fn statements_of(filter: &crate::Filter) -> Vec<String> {
    let mut statements = stretch::statements(filter).to_vec();
    if filter.states.iter().all(|state| *state != crate::DeliveryState::Delivered)
        && !filter.states.is_empty()
    {
        statements.push(deliveries::undelivered(filter));
    }
    let rolled_up = [
        super::rollup::line::LINES,
        super::rollup::line::ROW,
        super::rollup::day::BLOCKS,
        super::rollup::day::DAY_BEFORE,
        super::rollup::day::FIRST_ROWS,
        super::rollup::day::DAYS[0],
        super::rollup::day::DAYS[1],
        super::table::hours::PLACES_OF_HOURS,
    ];
    statements.extend(rolled_up.map(str::to_owned));
    statements.extend(super::table::events::PLACES.map(str::to_owned));
    statements.extend(deliveries::OF_EVENT.map(str::to_owned));
    statements.extend([pending::LOAD, lines::NOT_ROLLED_UP].map(str::to_owned));
    statements.extend([recent::NOT_ROLLED_UP, recent::OPEN, recent::BEGUN].map(str::to_owned));
    let packed = [super::table::packed::LEG, super::table::raw::RAW, super::table::events::OF_PLACE];
    statements.extend(packed.map(str::to_owned));
    statements.extend(super::table::places::PLACES_BETWEEN.map(str::to_owned));
    statements.extend([super::rollup::NOTED, super::rollup::WAITS].map(str::to_owned));
    statements
}
