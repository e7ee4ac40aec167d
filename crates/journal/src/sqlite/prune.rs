//! Forgetting. What may go is looked for by a reader; the writer removes it a few legs at a time, between
//! which others get their turn.

use calls::{AccountId, LegId};
use rusqlite::{Connection, OptionalExtension, params};

use super::errors::StoreError;
use super::remembered::Remembered;
use super::rollup::{self, packed_to};
use super::table::events::ended;
use super::table::history::history_of;
use super::table::hours::{Clock, hour_of, listed_to};
use super::table::packed::{Event, ended_at, unpack};
use super::table::places::{self, Blocks};
use crate::{EventSeq, PRUNED_AT_ONCE, WallTime};

/// How many legs the writer removes before others get their turn.
pub(super) const LEGS_A_JOB: usize = 25;

/// Packed legs that ended between two places, of all accounts.
const PACKED: &str = "SELECT last, body FROM leg WHERE last BETWEEN ?1 AND ?2 ORDER BY last";
/// The same of an account, along its list.
const PACKED_LISTED: &str =
    "SELECT leg.last, leg.body FROM by_account CROSS JOIN leg ON leg.last = by_account.seq
    WHERE by_account.account = ?3 AND by_account.seq BETWEEN ?1 AND ?2 ORDER BY by_account.seq";
/// Ends of other legs between two places, received before a moment, of an account or (NULL) of all. They are behind
/// those of packed ones.
const BY_PLACE: &str = "SELECT seq, leg FROM events
    WHERE seq BETWEEN ?1 AND ?2 AND kind = 3 AND received_at < ?3 AND (?4 IS NULL OR account = ?4) ORDER BY seq";
/// The same of an account, along its list.
const LISTED: &str =
    "SELECT by_account.seq, leg FROM by_account CROSS JOIN events ON events.seq = by_account.seq
    WHERE by_account.account = ?4 AND by_account.seq BETWEEN ?1 AND ?2 AND kind = 3 AND received_at < ?3
    ORDER BY by_account.seq";

/// Where a bite ended. What lies before it is left alone until everything behind it was looked at: what waits there
/// in a flood of deliveries would be looked through again for every bite.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bookmark {
    account: Option<AccountId>,
    before: WallTime,
    place: i64,
}

/// Legs to forget, and where to go on.
pub(super) struct Bite {
    pub(super) legs: Vec<LegId>,
    /// `None`: that was all.
    pub(super) rest: Option<Bookmark>,
}

/// Legs that ended before a moment and have nothing pending, oldest first, from where the last bite ended if that
/// was of the same; from the beginning if there is nothing behind it.
pub(super) fn bite(
    conn: &Connection,
    account: Option<&AccountId>,
    before: WallTime,
    from: Option<Bookmark>,
) -> Result<Bite, StoreError> {
    let same = |mark: &Bookmark| mark.account.as_ref() == account && mark.before == before;
    let first = from.filter(same).map_or(i64::MIN, |mark| mark.place.saturating_add(1));
    let mut found = candidates(conn, account, before, first)?;
    if found.is_empty() && first > i64::MIN {
        found = candidates(conn, account, before, i64::MIN)?;
    }
    let full = found.len() >= PRUNED_AT_ONCE;
    let rest = found.last().filter(|_| full).map(|(place, _)| Bookmark {
        account: account.cloned(),
        before,
        place: *place,
    });
    Ok(Bite { legs: found.into_iter().map(|(_, leg)| leg).collect(), rest })
}

/// With the places of their ends.
fn candidates(
    conn: &Connection,
    account: Option<&AccountId>,
    before: WallTime,
    first: i64,
) -> Result<Vec<(i64, LegId)>, StoreError> {
    let end: Option<i64> = conn
        .prepare_cached("SELECT max(last) FROM hours WHERE clock = ?1 AND hour <= ?2")?
        .query_row(params![Clock::Wall as i64, hour_of(before.0)], |row| row.get(0))?;
    let Some(end) = end else { return Ok(Vec::new()) };
    let listed_to = listed_to(conn)?;
    let mut legs = packed(conn, account, before, first, end)?;
    let mut gather = |sql: &str, first: i64, last: i64| -> Result<(), StoreError> {
        let mut select = conn.prepare_cached(sql)?;
        let mut rows = select.query(params![first, last, before.0, account.map(AccountId::as_str)])?;
        while legs.len() < PRUNED_AT_ONCE
            && let Some(row) = rows.next()?
        {
            let (place, leg): (i64, String) = (row.get(0)?, row.get(1)?);
            if !has_pending(conn, &leg)? {
                legs.push((place, LegId::new(leg)));
            }
        }
        Ok(())
    };
    let first = first.max(packed_to(conn)?.saturating_add(1));
    match account {
        Some(_) => {
            gather(LISTED, first, end.min(listed_to))?;
            gather(BY_PLACE, first.max(listed_to.saturating_add(1)), end)?;
        }
        None => gather(BY_PLACE, first, end)?,
    }
    Ok(legs)
}

/// Packed legs, as [`candidates`].
fn packed(
    conn: &Connection,
    account: Option<&AccountId>,
    before: WallTime,
    first: i64,
    end: i64,
) -> Result<Vec<(i64, LegId)>, StoreError> {
    let mut select = conn.prepare_cached(if account.is_some() { PACKED_LISTED } else { PACKED })?;
    let mut rows = match account {
        Some(account) => select.query(params![first, end, account.as_str()])?,
        None => select.query(params![first, end])?,
    };
    let mut legs = Vec::new();
    while legs.len() < PRUNED_AT_ONCE
        && let Some(row) = rows.next()?
    {
        let last = row.get(0)?;
        let body = row.get_ref(1)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
        let leg = unpack(last, body)?;
        let is_old = leg.events.last().is_some_and(|end| end.raw.received_at < before.0);
        if is_old && !has_pending(conn, leg.leg.as_str())? {
            legs.push((last, leg.leg));
        }
    }
    Ok(legs)
}

fn has_pending(conn: &Connection, leg: &str) -> Result<bool, StoreError> {
    let pending = conn
        .prepare_cached(
            "SELECT 1 FROM legs JOIN pending
             ON pending.event IN (legs.incoming, legs.answered, legs.outgoing, legs.ended)
             WHERE legs.leg = ?1 LIMIT 1",
        )?
        .exists([leg])?;
    Ok(pending)
}

/// What becomes of a leg of which something waits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Waiting {
    Stays,
    GoesToo,
}

pub(super) fn run(
    conn: &Connection,
    memory: &mut Remembered,
    first_in_log: i64,
    legs: &[LegId],
    waiting: Waiting,
) -> Result<u64, StoreError> {
    let mut gone = 0;
    for leg in legs {
        // Something may have been wanted again since it was looked for.
        if waiting == Waiting::GoesToo || !has_pending(conn, leg.as_str())? {
            gone += remove(conn, leg)?;
        }
    }
    conn.prepare_cached("UPDATE meta SET value = value + ?1 WHERE name = 'pruned'")?.execute([gone])?;
    conn.prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'last_seq'")?
        .execute([memory.last_seq()])?;
    let in_row: Option<i64> =
        conn.prepare_cached("SELECT min(seq) FROM events")?.query_row([], |row| row.get(0))?;
    let first = in_row.into_iter().chain(places::first(conn)?).min().unwrap_or(0).min(first_in_log);
    conn.prepare_cached("DELETE FROM hours WHERE last < ?1")?.execute([first])?;
    memory.forget_removed();
    Ok(gone)
}

/// Whether something of these legs may be in the log: it would come back from there, or is there alone.
pub(super) fn may_be_in_log(
    conn: &Connection,
    first_in_log: i64,
    legs: &[LegId],
) -> Result<bool, StoreError> {
    if first_in_log == i64::MAX {
        return Ok(false);
    }
    for leg in legs {
        if ended(conn, leg)?.is_none_or(|ended| ended >= first_in_log) {
            return Ok(true);
        }
    }
    Ok(false)
}

fn remove(conn: &Connection, leg: &LegId) -> Result<u64, StoreError> {
    let ended = ended(conn, leg)?;
    if let Some(ended) = ended {
        rollup::forget(conn, EventSeq(ended))?;
    }
    let mut delete =
        conn.prepare_cached("DELETE FROM legs WHERE leg = ?1 RETURNING incoming, answered, outgoing, ended")?;
    let places = delete.query_row([leg.as_str()], |row| {
        Ok::<[Option<i64>; 4], _>([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])
    });
    let Some(places) = places.optional()? else { return Ok(0) };
    drop(delete);
    let was = match ended {
        Some(ended) => remove_packed(conn, ended)?,
        None => Vec::new(),
    };
    let mut gone = 0;
    for seq in places.into_iter().flatten() {
        let Some((call, account)) = remove_event(conn, seq, &was)? else { continue };
        gone += 1;
        conn.prepare_cached("DELETE FROM calls WHERE call = ?1 AND leg = ?2")?
            .execute(params![call, leg.as_str()])?;
        conn.prepare_cached("DELETE FROM by_account WHERE account = ?1 AND seq = ?2")?
            .execute(params![account, seq])?;
        conn.prepare_cached(
            "DELETE FROM details WHERE id IN (SELECT detail_id FROM history WHERE id BETWEEN ?1 AND ?2)",
        )?
        .execute(history_of(seq))?;
        conn.prepare_cached("DELETE FROM history WHERE id BETWEEN ?1 AND ?2")?.execute(history_of(seq))?;
        conn.prepare_cached("DELETE FROM given_up WHERE event = ?1")?.execute([seq])?;
        conn.prepare_cached("DELETE FROM pending WHERE event = ?1")?.execute([seq])?;
    }
    Ok(gone)
}

/// Removes an event, unless it was packed with one of these events: its call and its account.
fn remove_event(conn: &Connection, seq: i64, was: &[Event]) -> Result<Option<(String, String)>, StoreError> {
    if let Some(event) = was.iter().find(|event| event.raw.seq == seq) {
        return Ok(Some((event.raw.call.clone(), event.raw.account.clone())));
    }
    let mut delete = conn.prepare_cached("DELETE FROM events WHERE seq = ?1 RETURNING call, account")?;
    Ok(delete.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?))).optional()?)
}

/// Removes the packed leg that ended at a place, if there is one, and where its events were found: its events.
fn remove_packed(conn: &Connection, last: i64) -> Result<Vec<Event>, StoreError> {
    let Some(leg) = ended_at(conn, last)? else { return Ok(Vec::new()) };
    conn.prepare_cached("DELETE FROM leg WHERE last = ?1")?.execute([last])?;
    let mut blocks = Blocks::default();
    for event in &leg.events {
        blocks.take(conn, event.raw.seq)?;
    }
    blocks.write(conn)?;
    Ok(leg.events)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

    use super::*;
    use crate::conformance::sample::Leg;
    use crate::seal::Sealer;
    use crate::{Access, Events, Logging, Options, Sqlite};

    const EVER: WallTime = WallTime(i64::MAX);

    /// How many steps of SQLite's machine a bite takes.
    fn steps(conn: &Connection, from: Option<Bookmark>) -> (u64, Bite) {
        let steps = Arc::new(AtomicU64::new(0));
        let count = steps.clone();
        conn.progress_handler(
            1,
            Some(move || {
                count.fetch_add(1, Relaxed);
                false
            }),
        );
        let bite = bite(conn, None, EVER, from).expect("looked for");
        (steps.load(Relaxed), bite)
    }

    #[tokio::test]
    async fn pruning_goes_on_where_it_stopped_and_begins_anew_at_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let options = Options { logging: Logging::never(), ..Options::default() };
        let journal = Sqlite::open_with(folder.path(), Access::Gateway, Sealer::new([7; 32]), options)
            .expect("a journal");
        let waiting: u32 = 2_000;
        let done = u32::try_from(PRUNED_AT_ONCE).expect("a small number") * 2;
        let legs = (0..waiting + done).map(|number| {
            let integrations: &[u32] = if number < waiting { &[1] } else { &[] };
            Leg::incoming(number).whole(integrations)
        });
        journal.append(&legs.collect::<Vec<_>>()).await.expect("kept");
        let conn = Connection::open(journal.place()).expect("opens");
        let (first_steps, first) = steps(&conn, None);
        assert_eq!(first.legs.first(), Some(&Leg::incoming(waiting).id()), "what waits stays");
        let (next_steps, second) = steps(&conn, first.rest.clone());
        assert!(
            next_steps * 2 < first_steps,
            "{next_steps} after {first_steps}: it looks through what waits again"
        );
        assert_eq!(second.legs.len(), PRUNED_AT_ONCE);
        assert!(first.legs.iter().all(|leg| !second.legs.contains(leg)));
        let (_, third) = steps(&conn, second.rest);
        assert_eq!(
            (third.legs.len(), third.rest.is_some()),
            (PRUNED_AT_ONCE, true),
            "nobody removed them: again"
        );
        let other = Bookmark { before: WallTime(0), ..first.rest.expect("there was more") };
        assert_eq!(steps(&conn, Some(other)).1.legs, first.legs, "of something else: from the beginning");
    }
}
