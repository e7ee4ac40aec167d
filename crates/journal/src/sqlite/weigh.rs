//! How much of an account is kept, from the newest backward: it costs what is to stay, not what there is.

use calls::{AccountId, LegId};
use rusqlite::{Connection, params};

use super::errors::StoreError;
use super::query::places_of_leg;
use super::remembered::listed_to;
use super::settle::history_of;
use crate::WallTime;

/// Ends of an account's legs between two places, newest first.
const BY_PLACE: &str = "SELECT leg, received_at FROM events
    WHERE seq BETWEEN ?1 AND ?2 AND kind = 3 AND account = ?3 ORDER BY seq DESC";
/// The same along the account's list.
const LISTED: &str = "SELECT leg, received_at FROM by_account CROSS JOIN events ON events.seq = by_account.seq
    WHERE by_account.account = ?3 AND by_account.seq BETWEEN ?1 AND ?2 AND kind = 3 ORDER BY by_account.seq DESC";

/// Behind the end of the newest leg with which the account's ended legs take more than so many bytes.
pub(super) fn kept_within(
    conn: &Connection,
    account: &AccountId,
    bytes: u64,
) -> Result<Option<WallTime>, StoreError> {
    let listed_to = listed_to(conn)?;
    let mut sum = 0_u64;
    for (sql, first, last) in
        [(BY_PLACE, listed_to.saturating_add(1), i64::MAX), (LISTED, i64::MIN, listed_to)]
    {
        let mut select = conn.prepare_cached(sql)?;
        let mut ends = select.query(params![first, last, account.as_str()])?;
        while let Some(end) = ends.next()? {
            sum = sum.saturating_add(weight(conn, &LegId::new(end.get::<_, String>(0)?))?);
            if sum > bytes {
                return Ok(Some(WallTime(end.get::<_, i64>(1)?.saturating_add(1))));
            }
        }
    }
    Ok(None)
}

/// Bytes of a leg's events and attempts.
fn weight(conn: &Connection, leg: &LegId) -> Result<u64, StoreError> {
    let mut event = conn.prepare_cached("SELECT length(body) FROM events WHERE seq = ?1")?;
    let mut attempts = conn.prepare_cached(
        "SELECT coalesce(sum(coalesce(length(history.detail), length(details.detail))), 0)
         FROM history LEFT JOIN details ON details.id = history.detail_id WHERE history.id BETWEEN ?1 AND ?2",
    )?;
    let mut sum = 0;
    for place in places_of_leg(conn, leg)? {
        sum += event.query_row([place], |row| row.get::<_, u64>(0))?;
        sum += attempts.query_row(history_of(place), |row| row.get::<_, u64>(0))?;
    }
    Ok(sum)
}
