//! Who has the store: taken at the start, proven by every write, said to be alive once a second.
//!
//! No clocks are compared. A gateway is gone when its beat has not moved while somebody else looked on (`turn`);
//! whoever starts under the id of its own data folder, which it has locked, need not look.

use std::sync::atomic::{AtomicI32, Ordering};

use tokio_postgres::Client;

use super::errors::Fault;

/// The one part there is.
pub(super) const PART: i32 = 0;
/// Begins a transaction that looks anew at each statement, and proves in it that the store is still ours.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
pub(super) const HOLD: &str = "SELECT hold($1, $2)";
const BEAT_OR_BEGIN: &str = "INSERT INTO gateway AS g VALUES ($1, $2, $3, 0)
    ON CONFLICT (id) DO UPDATE SET name = $2, run = $3, beat = g.beat + 1";
/// The bits of a place that count within an epoch, and those of an epoch.
const COUNT_BITS: u32 = 28;
const EPOCH_BITS: u32 = 20;

/// Who this gateway is.
#[derive(Clone, Debug)]
pub(super) struct Me {
    /// Stays the same over restarts: it lies in the data folder.
    pub(super) id: String,
    /// For people.
    pub(super) name: String,
    /// Different at each start.
    pub(super) run: i64,
}

/// That the store is this gateway's, as far as it knows.
pub(super) struct Lease {
    pub(super) me: Me,
    pub(super) epoch: AtomicI32,
}

impl Me {
    /// Beats without having anything; there may have been no row of this gateway's.
    pub(super) async fn beat_in_waiting(&self, client: &Client) -> Result<(), Fault> {
        client.execute(BEAT_OR_BEGIN, &[&self.id, &self.name, &self.run]).await?;
        Ok(())
    }
}

impl Lease {
    pub(super) fn epoch(&self) -> i32 {
        self.epoch.load(Ordering::Acquire)
    }

    /// The first place of an epoch: part, epoch and count, from the top.
    pub(super) fn first_place(&self) -> i64 {
        (i64::from(PART) << (COUNT_BITS + EPOCH_BITS)) | (i64::from(self.epoch()) << COUNT_BITS)
    }

    /// So many places an epoch has.
    pub(super) const fn places() -> i64 {
        1 << COUNT_BITS
    }

    /// Takes an epoch more: all places of the present one are given.
    pub(super) async fn renew(&self, client: &mut Client) -> Result<(), Fault> {
        let epoch = take(client, &self.me, self.epoch()).await?.ok_or(Fault::Taken)?;
        self.epoch.store(epoch, Ordering::Release);
        Ok(())
    }

    /// Beats once; whether the store is still this gateway's.
    pub(super) async fn beat(&self, client: &Client) -> Result<bool, Fault> {
        let row = client
            .query_opt(
                "UPDATE gateway SET beat = beat + 1 WHERE id = $1 AND run = $2
                 RETURNING (SELECT owner = $1 FROM lease WHERE part = $3)",
                &[&self.me.id, &self.me.run, &PART],
            )
            .await?;
        Ok(row.is_some_and(|row| row.get::<_, Option<bool>>(0) == Some(true)))
    }

    /// Gives it back, so that nobody has to wait for it; whoever looks for gateways does not find this one any more.
    pub(super) async fn release(&self, client: &Client) -> Result<(), Fault> {
        client
            .execute(
                "WITH gone AS (DELETE FROM gateway WHERE id = $3 AND run = $4)
                 UPDATE lease SET owner = NULL, since = now() WHERE part = $1 AND epoch = $2 AND owner = $3",
                &[&PART, &self.epoch(), &self.me.id, &self.me.run],
            )
            .await?;
        Ok(())
    }
}

/// The next epoch, if nobody took one meanwhile. Waits for writes that are under way: what they wrote is seen behind
/// it, and none comes after it.
pub(super) async fn take(client: &mut Client, me: &Me, seen: i32) -> Result<Option<i32>, Fault> {
    let transaction = client.transaction().await?;
    transaction.execute("SELECT pg_advisory_xact_lock(7, $1)", &[&PART]).await?;
    let row = transaction
        .query_opt(
            "UPDATE lease SET epoch = epoch + 1, owner = $2, since = now()
             WHERE part = $1 AND epoch = $3 RETURNING epoch",
            &[&PART, &me.id, &seen],
        )
        .await?;
    let Some(row) = row else { return Ok(None) };
    transaction.execute(BEAT_OR_BEGIN, &[&me.id, &me.name, &me.run]).await?;
    transaction.commit().await?;
    let epoch: i32 = row.get(0);
    if epoch >> EPOCH_BITS > 0 {
        return Err(Fault::Undone("the store was taken a million times: no place is left".to_owned()));
    }
    Ok(Some(epoch))
}
