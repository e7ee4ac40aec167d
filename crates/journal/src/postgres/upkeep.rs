//! Forgetting, and what is noted beside the calls: one transaction each, under the lease.

use std::collections::BTreeSet;

use calls::AccountId;
use tokio_postgres::{Client, Transaction};

use super::column::plain;
use super::errors::Fault;
use super::lease::HOLD;
use super::owned::Holding;
use super::query::walk::{Only, Order, Walk};
use crate::{Cursor, ERASED_AT_ONCE, Erase, Erased, Filter, PRUNED_AT_ONCE, WallTime};

/// So many legs are weighed at a time.
const WEIGHED_AT_ONCE: i64 = 1_000;

/// The rows of some legs and all that belongs to them.
const REMOVE: &str = "
    WITH gone AS (DELETE FROM leg WHERE leg = ANY($1) RETURNING incoming, answered, outgoing, ended),
    places AS (SELECT s.seq FROM gone, unnest(ARRAY[incoming, answered, outgoing, ended]) AS s(seq) WHERE s.seq IS NOT NULL),
    events AS (DELETE FROM event USING places WHERE event.seq = places.seq RETURNING event.seq),
    attempts AS (DELETE FROM attempt USING places WHERE attempt.seq = places.seq),
    given AS (DELETE FROM given_up USING places WHERE given_up.seq = places.seq)
    SELECT seq FROM events";

/// Begins a transaction that holds the store, where one gateway has it. Where several share it any of them does this: it
/// is done once, whoever comes second.
pub(super) async fn held<'a>(client: &'a mut Client, ours: &Holding) -> Result<Transaction<'a>, Fault> {
    let transaction = client.transaction().await?;
    transaction.execute(HOLD, &[&ours.parts, &ours.epochs]).await?;
    Ok(transaction)
}

/// How many events are gone.
async fn remove(transaction: &Transaction<'_>, legs: &[String]) -> Result<u64, Fault> {
    if legs.is_empty() {
        return Ok(0);
    }
    let places: Vec<i64> = transaction.query(REMOVE, &[&legs]).await?.iter().map(|row| row.get(0)).collect();
    // With a snapshot of its own: it sees what was wanted again while the rows above were waited for.
    let waiting = transaction.execute("DELETE FROM pending WHERE seq = ANY($1)", &[&places]).await?;
    let (events, waiting) = (places.len() as u64, waiting.cast_signed());
    transaction
        .execute(
            "UPDATE tally SET events = events - $1, pending = pending - $2 WHERE writer = 2",
            &[&events.cast_signed(), &waiting],
        )
        .await?;
    Ok(events)
}

pub(super) async fn prune(
    client: &mut Client,
    ours: &Holding,
    account: Option<&AccountId>,
    before: WallTime,
) -> Result<u64, Fault> {
    let transaction = held(client, ours).await?;
    let of_account = if account.is_some() { "account = $3" } else { "$3::text IS NULL" };
    let select = format!(
        "SELECT leg FROM leg l WHERE ended IS NOT NULL AND ended_at < $1 AND {of_account}
         AND NOT EXISTS (SELECT FROM pending p WHERE p.seq IN (l.incoming, l.answered, l.outgoing, l.ended))
         ORDER BY ended_at, ended LIMIT $2"
    );
    let limit = i64::try_from(PRUNED_AT_ONCE).unwrap_or(i64::MAX);
    let account = account.map(|account| plain(account.as_str()));
    let rows = transaction.query(&select, &[&before.0, &limit, &account]).await?;
    let legs: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    let gone = remove(&transaction, &legs).await?;
    transaction.commit().await?;
    Ok(gone)
}

/// The legs are looked for over all of the account's events: a number may be anywhere.
pub(super) async fn erase(
    client: &mut Client,
    ours: &Holding,
    order: Order,
    account: AccountId,
    whose: &Erase,
    after: Cursor,
) -> Result<Erased, Fault> {
    let filter = Filter { account: Some(account), after: Some(after), limit: 500, ..whose.filter() };
    let (mut walk, mut erased) = (Walk::of(&filter, Only::All, order), Erased::default());
    let (mut seen, mut legs) = (BTreeSet::new(), Vec::new());
    'walk: while let Some(page) = walk.next(client).await? {
        let theirs: Vec<_> = page.into_iter().filter(|kept| whose.concerns(&kept.event)).collect();
        let named: Vec<String> = theirs.iter().map(|kept| plain(kept.event.leg.as_str())).collect();
        let ended = ended(client, &named).await?;
        for (kept, leg) in theirs.into_iter().zip(named) {
            if seen.insert(leg.clone()) {
                if ended.contains(&leg) {
                    legs.push(leg);
                } else {
                    erased.running += 1;
                }
            }
            if legs.len() >= ERASED_AT_ONCE {
                erased.rest = Some(kept.cursor());
                break 'walk;
            }
        }
    }
    let transaction = held(client, ours).await?;
    erased.events = remove(&transaction, &legs).await?;
    transaction.commit().await?;
    Ok(erased)
}

/// Those of some legs that have ended.
async fn ended(client: &Client, legs: &[String]) -> Result<BTreeSet<String>, Fault> {
    let select = "SELECT leg FROM leg WHERE leg = ANY($1) AND ended IS NOT NULL";
    Ok(client.query(select, &[&legs]).await?.iter().map(|row| row.get(0)).collect())
}

/// Newest first, until it is too much.
pub(super) async fn kept_within(
    client: &Client,
    account: &AccountId,
    bytes: u64,
    order: Order,
) -> Result<Option<WallTime>, Fault> {
    let account = plain(account.as_str());
    let (beyond, sorted) = match order {
        Order::Places => ("l.ended < $2 AND $3::int8 IS NOT NULL", "l.ended DESC"),
        Order::Cursors => ("(l.ended_at, l.ended) < ($3, $2)", "l.ended_at DESC, l.ended DESC"),
    };
    let select = format!(
        "SELECT l.ended, l.ended_at,
            (SELECT coalesce(sum(octet_length(e.body)), 0) FROM event e
             WHERE e.seq IN (l.incoming, l.answered, l.outgoing, l.ended))::int8
          + (SELECT coalesce(sum(octet_length(a.detail)), 0) FROM attempt a
             WHERE a.seq IN (l.incoming, l.answered, l.outgoing, l.ended))::int8
        FROM leg l WHERE l.account = $1 AND l.ended IS NOT NULL AND {beyond} ORDER BY {sorted} LIMIT $4"
    );
    let (mut place, mut ended_at, mut sum) = (i64::MAX, i64::MAX, 0_u64);
    loop {
        let rows = client.query(&select, &[&account, &place, &ended_at, &WEIGHED_AT_ONCE]).await?;
        let Some(last) = rows.last() else { return Ok(None) };
        (place, ended_at) = (last.get(0), last.get(1));
        for row in &rows {
            sum = sum.saturating_add(row.get::<_, i64>(2).cast_unsigned());
            if sum > bytes {
                return Ok(Some(WallTime(row.get::<_, i64>(1).saturating_add(1))));
            }
        }
    }
}
