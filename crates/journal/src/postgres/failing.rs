//! Webhooks that fail: a small table. Where several gateways share the store they count a streak of failures together, and
//! whoever has something taken ends it.

use std::time::Duration;

use tokio_postgres::{Client, Transaction};

use super::column::plain;
use super::errors::Fault;
use super::owned::Holding;
use super::upkeep::held;
use crate::Failing;
use crate::settings::IntegrationId;

const ALL: &str = "SELECT integration, url, lasted, 0::bigint FROM failing ORDER BY integration, url";
const ALL_OF_SHARED: &str = "SELECT integration, url, lasted, streak FROM failing ORDER BY integration, url";
const WORKS: &str = "DELETE FROM failing WHERE integration = $1 AND url = $2";
const REPLACE: &str = "INSERT INTO failing (integration, url, lasted) VALUES ($1, $2, $3)
    ON CONFLICT (integration, url) DO UPDATE SET lasted = excluded.lasted";
const BEGIN: &str = "INSERT INTO failing (integration, url, lasted) VALUES ($1, $2, $3)
    ON CONFLICT (integration, url) DO NOTHING";
const GO_ON: &str = "UPDATE failing SET lasted = greatest(lasted, $3)
    WHERE integration = $1 AND url = $2 AND streak = $4";
/// Says who did so: an answer may be lost, and it is asked once more.
const END: &str = "WITH gone AS (DELETE FROM failing WHERE integration = $1 AND url = $2 AND streak = $3 RETURNING streak)
    INSERT INTO meta (name, value, words) SELECT 'ended:' || $1::int::text || ':' || md5($2::text), streak, $4 FROM gone
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, words = excluded.words";
const ENDED: &str = "SELECT EXISTS (SELECT FROM meta
    WHERE name = 'ended:' || $1::int::text || ':' || md5($2::text) AND value = $3 AND words = $4)";

pub(super) async fn all(client: &Client, is_shared: bool) -> Result<Vec<Failing>, Fault> {
    let note = |row: &tokio_postgres::Row| Failing {
        integration: IntegrationId { number: row.get::<_, i32>(0).cast_unsigned() },
        url: row.get(1),
        lasted: Duration::from_micros(row.get::<_, i64>(2).cast_unsigned()),
        streak: row.get::<_, i64>(3).cast_unsigned(),
    };
    let select = if is_shared { ALL_OF_SHARED } else { ALL };
    Ok(client.query(select, &[]).await?.iter().map(note).collect())
}

pub(super) async fn note(
    client: &mut Client,
    ours: &Holding,
    is_shared: bool,
    notes: &[Failing],
) -> Result<(), Fault> {
    let transaction = held(client, ours).await?;
    for note in notes {
        write(&transaction, is_shared, note).await?;
    }
    transaction.commit().await?;
    Ok(())
}

async fn write(transaction: &Transaction<'_>, is_shared: bool, note: &Failing) -> Result<(), Fault> {
    let (number, url) = (note.integration.number.cast_signed(), plain(&note.url));
    let micros = i64::try_from(note.lasted.as_micros()).unwrap_or(i64::MAX);
    if note.lasted.is_zero() {
        transaction.execute(WORKS, &[&number, &url]).await?;
    } else if !is_shared {
        transaction.execute(REPLACE, &[&number, &url, &micros]).await?;
    } else if note.streak == 0 {
        transaction.execute(BEGIN, &[&number, &url, &micros]).await?;
    } else {
        let streak = note.streak.cast_signed();
        transaction.execute(GO_ON, &[&number, &url, &micros, &streak]).await?;
    }
    Ok(())
}

/// Whether it was ended by this gateway, now or before.
pub(super) async fn end(
    client: &mut Client,
    ours: &Holding,
    me: &str,
    note: &Failing,
) -> Result<bool, Fault> {
    let (number, url) = (note.integration.number.cast_signed(), plain(&note.url));
    let streak = note.streak.cast_signed();
    let transaction = held(client, ours).await?;
    transaction.execute(END, &[&number, &url, &streak, &me]).await?;
    let ended = transaction.query_one(ENDED, &[&number, &url, &streak, &me]).await?.get(0);
    transaction.commit().await?;
    Ok(ended)
}
