//! What accounts' calls come to of late: from the newest rows of each account, and one look through what is not rolled
//! up yet for all of them.

use std::collections::HashMap;

use calls::{AccountId, EventKind, PbxTime};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::errors::StoreError;
use super::super::rollup::day::calls_since;
use super::super::rollup::line::LINES;
use super::super::rollup::rolled_up_to;
use super::super::table::events::{in_row, kept};
use super::super::table::raw::kind;
use super::along::LineRows;
use crate::rules::begins;
use crate::{EventSeq, Quarter, Recent, Tally};

/// Beginnings and ends that are not rolled up yet, the newest first. They are in rows: what is packed is rolled up.
pub(super) const NOT_ROLLED_UP: &str =
    "SELECT seq, kind, at, received_at, account, leg, call, body FROM events
    WHERE seq > ?1 AND kind <> 1 ORDER BY seq DESC";
/// The first events of legs that have not ended, as far as the others do not show them.
pub(super) const OPEN: &str = "SELECT events.seq, kind, at, events.account, leg
    FROM open_legs CROSS JOIN events ON events.seq = open_legs.seq WHERE open_legs.seq <= ?1";
/// The place a leg began at.
pub(super) const BEGUN: &str =
    "SELECT coalesce(min(incoming, outgoing), incoming, outgoing) FROM legs WHERE leg = ?1";

/// What no row of an account's ended legs has.
#[derive(Default)]
struct Tail {
    newest: Newest,
    ended: Vec<(Quarter, u64)>,
}

/// The newest leg that was seen.
#[derive(Clone, Copy, Default)]
struct Newest(Option<(i64, PbxTime)>);

impl Newest {
    fn is_behind(&self, place: i64) -> bool {
        self.0.is_none_or(|(newest, _)| newest < place)
    }

    fn see(&mut self, place: i64, begun_at: PbxTime) {
        if self.is_behind(place) {
            self.0 = Some((place, begun_at));
        }
    }
}

pub(in crate::sqlite) fn of(
    conn: &Connection,
    of: &[(AccountId, Quarter)],
) -> Result<Vec<Recent>, StoreError> {
    let mut tails: HashMap<&str, Tail> =
        of.iter().map(|(account, _)| (account.as_str(), Tail::default())).collect();
    let rolled_up = rolled_up_to(conn)?;
    add_not_rolled_up(conn, rolled_up, &mut tails)?;
    add_open(conn, rolled_up, &mut tails)?;
    let recent = |(account, since): &(AccountId, Quarter)| {
        let mut calls = calls_since(conn, account.as_str(), *since)?;
        let mut newest = newest_ended(conn, account)?;
        if let Some(tail) = tails.get(account.as_str()) {
            calls += tail.ended.iter().filter(|(at, _)| at >= since).map(|(_, calls)| calls).sum::<u64>();
            tail.newest.0.into_iter().for_each(|(place, at)| newest.see(place, at));
        }
        Ok(Recent { calls, newest_begun_at: newest.0.map(|(_, at)| at) })
    };
    of.iter().map(recent).collect()
}

/// Of those that have rows of ended legs.
fn newest_ended(conn: &Connection, account: &AccountId) -> Result<Newest, StoreError> {
    let mut select = conn.prepare_cached(LINES)?;
    let mut rows = LineRows(select.query(params![account.as_str(), i64::MAX])?);
    let mut newest = Newest::default();
    // A leg lies by where it began; one whose beginning was never kept is in no list.
    while newest.0.is_none()
        && let Some((_, legs)) = rows.next(|_| true, |_| true)?
    {
        let begun = legs.iter().filter_map(|leg| Some((leg.begun?, leg.begun_at)));
        begun.for_each(|(place, at)| newest.see(place, at));
    }
    Ok(newest)
}

fn add_not_rolled_up(
    conn: &Connection,
    rolled_up: i64,
    tails: &mut HashMap<&str, Tail>,
) -> Result<(), StoreError> {
    let mut select = conn.prepare_cached(NOT_ROLLED_UP)?;
    let mut rows = select.query([rolled_up])?;
    while let Some(row) = rows.next()? {
        let Some(tail) = tails.get_mut(row.get_ref(4)?.as_str().map_err(damaged)?) else { continue };
        let (place, leg) = (row.get(0)?, row.get_ref(5)?.as_str().map_err(damaged)?);
        if kind(row.get(1)?)? == EventKind::Ended {
            let Some(begun) = begun(conn, leg)? else { continue };
            let ended = kept(row)?.event;
            tail.newest.see(begun, ended.begun_at);
            tail.ended.push((Quarter::of(ended.begun_at), Tally::of(&ended).calls()));
        } else if tail.newest.is_behind(place) && begun(conn, leg)? == Some(place) {
            tail.newest.see(place, PbxTime::from_micros(row.get(2)?));
        }
    }
    Ok(())
}

fn add_open(conn: &Connection, rolled_up: i64, tails: &mut HashMap<&str, Tail>) -> Result<(), StoreError> {
    let mut select = conn.prepare_cached(OPEN)?;
    let mut rows = select.query([rolled_up])?;
    while let Some(row) = rows.next()? {
        let Some(tail) = tails.get_mut(row.get_ref(3)?.as_str().map_err(damaged)?) else { continue };
        if begins(kind(row.get(1)?)?) {
            tail.newest.see(row.get(0)?, PbxTime::from_micros(row.get(2)?));
        } else if let Some(place) = begun(conn, row.get_ref(4)?.as_str().map_err(damaged)?)?
            && let Some(begun) = in_row(conn, EventSeq(place))?
        {
            // Something was kept of it before its beginning.
            tail.newest.see(place, begun.event.at);
        }
    }
    Ok(())
}

fn begun(conn: &Connection, leg: &str) -> Result<Option<i64>, StoreError> {
    let mut select = conn.prepare_cached(BEGUN)?;
    Ok(select.query_row([leg], |row| row.get::<_, Option<i64>>(0)).optional()?.flatten())
}

fn damaged(error: rusqlite::types::FromSqlError) -> StoreError {
    StoreError::Damaged(error.to_string())
}
