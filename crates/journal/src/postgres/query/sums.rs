//! What legs come to, added up by the engine from the rows of the legs.

use std::ops::Range;

use calls::{AccountId, PbxTime};
use futures_util::future::try_join;
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row};

use super::super::column::plain;
use super::super::errors::Fault;
use super::walk::Order;
use crate::waits::Wait;
use crate::{Person, Quarter, Recent, Sums, Tally};

/// Outcomes by their numbers: 1 answered, 2 missed, 3 elsewhere, 4 busy. A quarter is rounded down, also before 1970.
const SUMS: &str = "
    SELECT employee, name, quarter, count(*) FILTER (WHERE taken), count(*) FILTER (WHERE missed),
           count(*) FILTER (WHERE outcome = 3), count(*) FILTER (WHERE is_outgoing),
           count(*) FILTER (WHERE outcome = 1), coalesce(sum(talk_secs), 0)::int8,
           coalesce(sum(ring_micros), 0)::int8, count(*) FILTER (WHERE is_transferred)
    FROM (
        SELECT *, NOT is_outgoing AND outcome = 1 AS taken, NOT is_outgoing AND outcome IN (2, 4) AS missed,
               (begun_at - (begun_at % 900000000 + 900000000) % 900000000) / 900000000 AS quarter
        FROM leg WHERE account = $1 AND ended IS NOT NULL AND begun_at >= $2 AND begun_at < $3
                   AND (incoming IS NOT NULL OR outgoing IS NOT NULL)
    ) legs
    GROUP BY GROUPING SETS ((employee, name), (quarter))";

/// How long callers waited, by length.
const WAITS: &str = "
    SELECT employee, name, queue, wait_secs, is_taken, count(*)
    FROM leg WHERE account = $1 AND ended IS NOT NULL AND begun_at >= $2 AND begun_at < $3
               AND (incoming IS NOT NULL OR outgoing IS NOT NULL) AND wait_secs IS NOT NULL
    GROUP BY GROUPING SETS ((employee, name, wait_secs, is_taken), (queue, wait_secs, is_taken))";

pub(in super::super) async fn of(
    client: &Client,
    account: &AccountId,
    within: &Range<PbxTime>,
) -> Result<Sums, Fault> {
    let account = plain(account.as_str());
    let (start, end) = (within.start.as_micros(), within.end.as_micros());
    let asked: [&(dyn ToSql + Sync); 3] = [&account, &start, &end];
    let (rows, waits) = try_join(client.query(SUMS, &asked), client.query(WAITS, &asked)).await?;
    let mut sums = Sums::default();
    waits.iter().for_each(|row| add_waits(&mut sums, row));
    for row in rows {
        let count = |at: usize| row.get::<_, i64>(at).cast_unsigned();
        let tally = Tally {
            taken: count(3),
            missed: count(4),
            elsewhere: count(5),
            made: count(6),
            talks: count(7),
            talk_secs: count(8),
            ring_micros: count(9),
            transferred: count(10),
        };
        match (row.get::<_, Option<String>>(0), row.get::<_, Option<i64>>(2)) {
            (Some(number), _) => {
                let name = row.get::<_, Option<String>>(1).unwrap_or_default();
                sums.people.insert(Person { number, name }, tally);
            }
            (None, Some(quarter)) if tally.calls() > 0 => {
                sums.quarters.insert(Quarter(quarter), tally.calls());
            }
            (None, _) => {}
        }
    }
    Ok(sums)
}

/// What accounts' calls come to of late. A leg is listed by the first event that begins one.
const RECENT: &str = "
    SELECT (SELECT count(*) FROM leg l
            WHERE l.account = x.account AND l.begun_at >= x.since AND l.ended IS NOT NULL
              AND (l.incoming IS NOT NULL OR l.outgoing IS NOT NULL) AND (l.is_outgoing OR l.outcome IN (1, 2, 4))),
           (SELECT e.at FROM event e JOIN leg l ON l.leg = e.leg AND e.seq = least(l.incoming, l.outgoing)
            WHERE e.account = x.account AND e.kind IN (0, 2) ORDER BY $order LIMIT 1)
    FROM unnest($1::text[], $2::int8[]) WITH ORDINALITY AS x(account, since, at) ORDER BY x.at";

pub(in super::super) async fn recent(
    client: &Client,
    of: &[(AccountId, Quarter)],
    order: Order,
) -> Result<Vec<Recent>, Fault> {
    let asked =
        |(account, since): &(AccountId, Quarter)| (plain(account.as_str()), since.begin().as_micros());
    let (accounts, since): (Vec<String>, Vec<i64>) = of.iter().map(asked).unzip();
    let select = RECENT.replace("$order", order.columns(false));
    let recent = |row: &Row| Recent {
        calls: row.get::<_, i64>(0).cast_unsigned(),
        newest_begun_at: row.get::<_, Option<i64>>(1).map(PbxTime::from_micros),
    };
    Ok(client.query(&select, &[&accounts, &since]).await?.iter().map(recent).collect())
}

fn add_waits(sums: &mut Sums, row: &Row) {
    let wait = Wait { secs: row.get::<_, i32>(3).cast_unsigned(), answered: row.get(4) };
    let many = row.get::<_, i64>(5).cast_unsigned();
    match (row.get::<_, Option<String>>(0), row.get::<_, Option<String>>(2)) {
        (Some(number), _) => {
            let name = row.get::<_, Option<String>>(1).unwrap_or_default();
            sums.waits.entry(Person { number, name }).or_default().count_many(wait, many);
        }
        (None, Some(queue)) if !queue.is_empty() => {
            sums.queues.entry(queue).or_default().count_many(wait, many);
        }
        (None, _) => {}
    }
}
