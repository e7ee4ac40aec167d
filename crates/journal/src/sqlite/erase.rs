//! Erasing what is kept of a person or a number. The legs are looked for by a reader, over all of the account's
//! events, for a number may be anywhere; the writer removes them a few at a time, whatever waits of them.

use std::collections::BTreeSet;

use calls::{AccountId, LegId};
use rusqlite::Connection;

use super::errors::StoreError;
use super::query::walk;
use super::table::events::ended;
use super::table::packed::Shelf;
use crate::{Cursor, ERASED_AT_ONCE, Erase, Filter};

/// Legs to erase.
pub(super) struct Bite {
    pub(super) legs: Vec<LegId>,
    /// Legs that are theirs and have not ended.
    pub(super) running: u64,
    /// Where to go on; `None`: that was all.
    pub(super) rest: Option<Cursor>,
}

/// An account's legs with events behind a place, oldest first.
pub(super) fn bite(
    conn: &Connection,
    account: AccountId,
    whose: &Erase,
    from: Cursor,
) -> Result<Bite, StoreError> {
    let filter = Filter { account: Some(account), after: Some(from), ..whose.filter() };
    let (mut seen, mut bite) = (BTreeSet::new(), Bite { legs: Vec::new(), running: 0, rest: None });
    walk(
        &Shelf::new(conn),
        &filter,
        |_| true,
        |kept| {
            if whose.concerns(&kept.event) && seen.insert(kept.event.leg.clone()) {
                if ended(conn, &kept.event.leg)?.is_some() {
                    bite.legs.push(kept.event.leg.clone());
                } else {
                    bite.running += 1;
                }
            }
            bite.rest = (bite.legs.len() >= ERASED_AT_ONCE).then(|| kept.cursor());
            Ok(bite.rest.is_none())
        },
    )?;
    Ok(bite)
}
