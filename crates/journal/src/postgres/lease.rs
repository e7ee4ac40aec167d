//! Who has a part: taken, proven by every write, said to be alive once a second.
//!
//! No clocks are compared. A gateway is gone when its beat has not moved while somebody else looked on; whoever starts
//! under the id of its own data folder, which it has locked, need not look.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join5;
use tokio::sync::watch;
use tokio_postgres::{Client, Row, Transaction};

use super::column::plain;
use super::errors::Fault;
use crate::{
    About, Beating, Epoch, Fleet, GatewayId, Given, Grant, Lease, Linked, Moved, Part, Taken, WallTime, rest,
};

/// Begins a transaction that looks anew at each statement, and proves in it that its parts are still ours.
pub(super) const BEGIN: &str = "BEGIN ISOLATION LEVEL READ COMMITTED";
pub(super) const HOLD: &str = "SELECT hold($1::int[], $2::int[])";
/// A connection that is told of what others gave back, and what they ask for, by this name.
pub(super) const CHANNEL: &str = "ringbud";
/// How often others told that.
pub(super) type Wakes = Arc<watch::Sender<u64>>;
const BEAT_OR_BEGIN: &str = "INSERT INTO gateway AS g (id, name, run, beat) VALUES ($1, $2, $3, 0)
    ON CONFLICT (id) DO UPDATE SET name = $2, run = $3, beat = g.beat + 1";
const BEAT_AND_SAY: &str = "INSERT INTO gateway AS g (id, name, run, beat, pbxs, linked, lacks, linked_since)
    VALUES ($1, $2, $3, 0, $4, $5, $6, $7)
    ON CONFLICT (id) DO UPDATE SET name = $2, run = $3, beat = g.beat + 1, pbxs = $4, linked = $5, lacks = $6,
        linked_since = $7";
/// Notes from whom a part is taken, if he has it still; who gave it up for its link stays noted.
const FROM: &str = "UPDATE lease SET
    taken_from = CASE WHEN owner <> $2 THEN owner
                      WHEN owner IS NULL AND given_for IS NOT NULL AND taken_from <> $2 THEN taken_from END,
    given_for = CASE WHEN owner IS NULL THEN given_for END
    WHERE name = $1 RETURNING part";
const GIVEN: &str =
    "WITH given AS (UPDATE lease SET owner = NULL, since = now(), careful = $5, given_for = $6,
        taken_from = CASE WHEN $6::text IS NOT NULL THEN owner END
        WHERE part = $1 AND epoch = $2 AND owner = $3)
    SELECT pg_notify($4, '')";
/// An older program tells its links without since when, and leaves what was told so at an earlier start of its gateway.
const GATEWAYS: &str = "SELECT id, name, run, beat, pbxs, linked, lacks,
     CASE WHEN linked_since[1] = run THEN linked_since[2:] ELSE '{}' END FROM gateway ORDER BY id";
const LEASES: &str =
    "SELECT name, part, epoch, owner, coalesce((extract(epoch FROM since) * 1000000)::bigint, 0), taken_from,
     given_for FROM lease ORDER BY part";
/// What is noted of a part that was given up because what its PBX says was not heard.
const FOR_ITS_LINK: &str = "link";
/// The bits of a place's epoch.
const EPOCH_BITS: u32 = 20;
/// What the name of a PBX's lease begins with.
const OF_PBX: &str = "pbx:";
/// What the lease of the whole store was called, and that of what is no PBX's is.
const OF_REST: &str = "store";

/// What a gateway tells the others, as it lies in its row.
pub(super) struct Said {
    pbxs: Vec<String>,
    /// The parts of its links, and of each, in the same order, what it lacks; empty where nothing.
    linked: Vec<i32>,
    lacks: Vec<String>,
    /// The start of the gateway that tells it, and since when each is so; 0 where that is not told.
    since: Vec<i64>,
    asks: bool,
}

impl Said {
    pub(super) fn of(about: &About, me: &Me) -> Self {
        let since = about.links.iter().map(|link| link.since.unwrap_or_default().0);
        Self {
            since: std::iter::once(me.run).chain(since).collect(),
            pbxs: about.pbxs.iter().map(|pbx| plain(pbx.as_str())).collect(),
            linked: about.links.iter().map(|link| link.part.0.into()).collect(),
            lacks: about.links.iter().map(|link| plain(link.lacks.as_deref().unwrap_or_default())).collect(),
            asks: about.asks,
        }
    }
}

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

impl Me {
    /// Beats without having anything; there may have been no row of this gateway's.
    pub(super) async fn beat_in_waiting(&self, client: &Client) -> Result<(), Fault> {
        client.execute(BEAT_OR_BEGIN, &[&self.id, &self.name, &self.run]).await?;
        Ok(())
    }

    /// Beats once; whether the whole store is still this gateway's.
    pub(super) async fn beat(&self, client: &Client) -> Result<bool, Fault> {
        let row = client
            .query_opt(
                "UPDATE gateway SET beat = beat + 1 WHERE id = $1 AND run = $2
                 RETURNING (SELECT owner = $1 FROM lease WHERE part = 0)",
                &[&self.id, &self.run],
            )
            .await?;
        Ok(row.is_some_and(|row| row.get::<_, Option<bool>>(0) == Some(true)))
    }

    /// Beats once, and sees who else does and who has what.
    pub(super) async fn tick(&self, client: &Client, said: &Said) -> Result<Fleet, Fault> {
        let Said { pbxs, linked, lacks, since, asks } = said;
        let beat: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
            [&self.id, &self.name, &self.run, pbxs, linked, lacks, since];
        let asking = async {
            if *asks {
                client.execute("SELECT pg_notify($1, '')", &[&CHANNEL]).await?;
            }
            Ok::<_, Fault>(())
        };
        let asked = join5(
            client.execute(BEAT_AND_SAY, &beat),
            // Before the gateways: whoever has a part by then has told of its own start.
            client.query(LEASES, &[]),
            client.query(GATEWAYS, &[]),
            client.query("SELECT DISTINCT part FROM inbox WHERE answer IS NULL ORDER BY part", &[]),
            asking,
        );
        let (beaten, leases, gateways, inboxes, asked) = asked.await;
        beaten?;
        asked?;
        let leases = leases?;
        let beating = |row: &Row| Beating {
            id: GatewayId(row.get(0)),
            name: row.get(1),
            beat: (row.get(2), row.get(3)),
            pbxs: row.get::<_, Vec<String>>(4).into_iter().map(calls::PbxName::new).collect(),
            links: links(row.get(5), row.get(6), row.get(7)),
        };
        Ok(Fleet {
            me: GatewayId(self.id.clone()),
            gateways: gateways?.iter().map(beating).collect(),
            moves: leases.iter().map(moved).collect(),
            leases: leases.iter().filter_map(lease).collect(),
            asked: inboxes?.iter().map(|row| part(row.get(0))).collect(),
        })
    }

    /// Gives a part back, so that nobody has to wait for it.
    pub(super) async fn release(
        &self,
        client: &Client,
        part: Part,
        epoch: Epoch,
        careful: Duration,
        why: Given,
    ) -> Result<(), Fault> {
        let (part, epoch) = (i32::from(part.0), epoch.0.cast_signed());
        let why = (why == Given::ForItsLink).then_some(FOR_ITS_LINK);
        client.execute(GIVEN, &[&part, &epoch, &self.id, &CHANNEL, &micros(careful), &why]).await?;
        Ok(())
    }

    /// Gives the store back. Whoever looks for gateways does not find this one any more, unless it keeps something that is
    /// nowhere else: then it is one that is gone.
    pub(super) async fn leave(&self, client: &Client, keeps: bool) -> Result<(), Fault> {
        client
            .execute(
                "WITH gone AS (DELETE FROM gateway WHERE id = $1 AND run = $2 AND NOT $4),
                 given AS (UPDATE lease SET owner = NULL, since = now() WHERE owner = $1)
                 SELECT pg_notify($3, '')",
                &[&self.id, &self.run, &CHANNEL, &keeps],
            )
            .await?;
        Ok(())
    }

    /// The same of parts, each with how long another may have requests of it under way.
    pub(super) async fn leave_parts(
        &self,
        client: &Client,
        keeps: bool,
        careful: &[(Part, Duration)],
    ) -> Result<(), Fault> {
        let parts: Vec<i32> = careful.iter().map(|(part, _)| part.0.into()).collect();
        let careful: Vec<i64> = careful.iter().map(|(_, careful)| micros(*careful)).collect();
        client
            .execute(
                "UPDATE lease l SET careful = x.careful FROM unnest($2::int[], $3::int8[]) AS x(part, careful)
                 WHERE l.part = x.part AND l.owner = $1",
                &[&self.id, &parts, &careful],
            )
            .await?;
        if keeps {
            // Nobody waits until it takes something.
            let says_nothing =
                "UPDATE gateway SET pbxs = '{}', linked = '{}', lacks = '{}' WHERE id = $1 AND run = $2";
            client.execute(says_nothing, &[&self.id, &self.run]).await?;
        }
        self.leave(client, keeps).await
    }

    /// The next epoch of a part, if nobody took one meanwhile. Waits for writes that are under way: what they wrote is
    /// seen behind it, and none comes after it.
    pub(super) async fn take(
        &self,
        client: &mut Client,
        part: Part,
        seen: Epoch,
    ) -> Result<Option<Epoch>, Fault> {
        let transaction = client.transaction().await?;
        let Some(epoch) = self.next_epoch(&transaction, part, seen).await? else { return Ok(None) };
        transaction.execute(BEAT_OR_BEGIN, &[&self.id, &self.name, &self.run]).await?;
        transaction.commit().await?;
        Ok(Some(epoch))
    }

    async fn next_epoch(
        &self,
        transaction: &Transaction<'_>,
        part: Part,
        seen: Epoch,
    ) -> Result<Option<Epoch>, Fault> {
        let (part, seen) = (i32::from(part.0), seen.0.cast_signed());
        transaction.execute("SELECT pg_advisory_xact_lock(7, $1)", &[&part]).await?;
        let row = transaction
            .query_opt(
                "UPDATE lease SET epoch = epoch + 1, owner = $2, since = now()
                 WHERE part = $1 AND epoch = $3 RETURNING epoch",
                &[&part, &self.id, &seen],
            )
            .await?;
        let Some(row) = row else { return Ok(None) };
        let epoch: i32 = row.get(0);
        if epoch >> EPOCH_BITS > 0 {
            return Err(Fault::Undone("it was taken a million times: no place is left".to_owned()));
        }
        Ok(Some(Epoch(epoch.cast_unsigned())))
    }

    /// Takes the part of a PBX, as it was seen; its first taker gives it its number.
    pub(super) async fn take_of(
        &self,
        client: &mut Client,
        pbx: &str,
        seen: Option<Epoch>,
        careful: Duration,
    ) -> Result<Option<Taken>, Fault> {
        let name = if pbx.is_empty() { OF_REST.to_owned() } else { format!("{OF_PBX}{}", plain(pbx)) };
        let transaction = client.transaction().await?;
        let grant = match seen {
            Some(seen) => {
                let row = transaction.query_opt(FROM, &[&name, &self.id]).await?;
                let Some(part) = row.map(|row| part(row.get(0))) else { return Ok(None) };
                let epoch = self.next_epoch(&transaction, part, seen).await?;
                epoch.map(|epoch| Grant::new(part, epoch))
            }
            None => self.first_of(&transaction, &name).await?,
        };
        let Some(grant) = grant else { return Ok(None) };
        let row = transaction
            .query_one(
                "UPDATE lease SET careful = greatest(careful, $2) WHERE part = $1 RETURNING careful",
                &[&i32::from(grant.part().0), &micros(careful)],
            )
            .await?;
        transaction.commit().await?;
        let careful = Duration::from_micros(row.get::<_, i64>(0).cast_unsigned());
        Ok(Some(Taken { grant, careful }))
    }

    async fn first_of(&self, transaction: &Transaction<'_>, name: &str) -> Result<Option<Grant>, Fault> {
        // Its row is locked: of two who begin a part one waits, and then finds the other's.
        let next = "UPDATE meta SET value = value + 1 WHERE name = 'parts' RETURNING value::int";
        let number: i32 = transaction.query_one(next, &[]).await?.get(0);
        if number > i16::MAX.into() {
            return Err(Fault::Undone("it has had 32,767 PBXs: no part is left".to_owned()));
        }
        let row = transaction
            .query_opt(
                "INSERT INTO lease (name, part, epoch, owner, since) VALUES ($1, $2, 1, $3, now())
                 ON CONFLICT (name) DO NOTHING RETURNING part, epoch",
                &[&name, &number, &self.id],
            )
            .await?;
        Ok(row.map(|row| Grant::new(part(row.get(0)), Epoch(row.get::<_, i32>(1).cast_unsigned()))))
    }
}

fn micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

pub(super) fn part(number: i32) -> Part {
    Part(u16::try_from(number).unwrap_or(u16::MAX))
}

fn moved(row: &Row) -> Moved {
    let from = row.get::<_, Option<String>>(5).map(GatewayId);
    let for_its_link = from.is_some() && row.get::<_, Option<&str>>(6) == Some(FOR_ITS_LINK);
    Moved { part: part(row.get(1)), since: WallTime(row.get(4)), from, for_its_link }
}

fn links(parts: Vec<i32>, lacks: Vec<String>, since: Vec<i64>) -> Vec<Linked> {
    let lacks = lacks.into_iter().map(|lacks| Some(lacks).filter(|lacks| !lacks.is_empty()));
    let since = since.into_iter().map(|at| Some(WallTime(at)).filter(|at| at.0 != 0));
    let told = parts.into_iter().zip(lacks).zip(since.chain(std::iter::repeat(None)));
    told.map(|((number, lacks), since)| Linked { part: part(number), lacks, since }).collect()
}

fn lease(row: &Row) -> Option<Lease> {
    let name: &str = row.get(0);
    let pbx = if name == OF_REST { rest() } else { calls::PbxName::new(name.strip_prefix(OF_PBX)?) };
    Some(Lease {
        pbx,
        part: part(row.get(1)),
        epoch: Epoch(row.get::<_, i32>(2).cast_unsigned()),
        owner: row.get::<_, Option<String>>(3).map(GatewayId),
    })
}
