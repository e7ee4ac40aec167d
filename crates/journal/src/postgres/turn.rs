//! Waiting for one's turn: whoever starts looks whether the gateway that has the store lives, and takes the store once
//! that one is gone or has given it back.
//!
//! A start that does not stand by only looks, and is refused when the other one moves. Who stands by beats as well: a
//! beat that the engine does not take (no standby confirms it, say) would not be taken of the owner either, and nobody
//! is robbed for that.

use std::time::Duration;

use tokio::time::Instant;
use tokio_postgres::Client;

use super::errors::Fault;
use super::groups::within;
use super::lease::{Me, part};
use super::pen::Pen;
use crate::turns::{GONE_AFTER, LATE_AFTER};
use crate::{Epoch, JournalError, Part};

/// How often is looked whether it moves.
const LOOK: Duration = Duration::from_millis(250);
/// Writes that are under way are waited for: longer than the engine lets a transaction stand idle.
const TAKEN_WITHIN: Duration = Duration::from_secs(15);

/// Who has the store, as who waits for it sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waits {
    /// What people call the gateway that has it.
    pub holder: String,
    /// Since when it has, by the engine's clock.
    pub since: String,
    /// Whether the engine answered when it was asked last.
    pub is_reached: bool,
}

/// Is told who has the store: when the wait begins, and whenever something else is true of it.
pub type OnWaits<'a> = &'a (dyn Fn(&Waits) + Send + Sync);

/// That it is this gateway's turn.
pub(super) struct Taken {
    /// Under which it is written.
    pub(super) epoch: Epoch,
    /// The gateway that had it and is gone; none where it was given back, or was this gateway's own.
    pub(super) from: Option<String>,
}

/// What was found of the owner.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    epoch: Epoch,
    owner: Option<String>,
    name: String,
    since: String,
    run: Option<i64>,
    beat: Option<i64>,
}

impl Found {
    /// Somebody else has it, or had it when he was last heard of.
    fn is_others(&self, me: &Me) -> bool {
        self.owner.as_ref().is_some_and(|owner| *owner != me.id)
    }

    fn elsewhere(self, place: &str) -> JournalError {
        JournalError::Elsewhere { place: place.to_owned(), by: self.name, since: self.since }
    }
}

async fn look(client: &Client, beats: Option<&Me>) -> Result<Found, Fault> {
    if let Some(me) = beats {
        me.beat_in_waiting(client).await?;
    }
    let row = client
        .query_one(
            "SELECT lease.epoch, lease.owner, coalesce(gateway.name, lease.owner, ''),
             coalesce(to_char(lease.since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), ''),
             gateway.run, gateway.beat
             FROM lease LEFT JOIN gateway ON gateway.id = lease.owner WHERE part = 0",
            &[],
        )
        .await?;
    Ok(Found {
        epoch: Epoch(row.get::<_, i32>(0).cast_unsigned()),
        owner: row.get(1),
        name: row.get(2),
        since: row.get(3),
        run: row.get(4),
        beat: row.get(5),
    })
}

/// Who has it, for somebody who only asks.
pub(super) async fn holder(client: &Client) -> Result<Option<Waits>, Fault> {
    let Found { owner, name, since, .. } = look(client, None).await?;
    Ok(owner.map(|_| Waits { holder: name, since, is_reached: true }))
}

/// A gateway that has beaten once, as somebody sees it who only asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Stays the same over its restarts.
    pub id: String,
    /// What people call it.
    pub name: String,
    /// Since when it has the store, by the engine's clock; nothing if it has not.
    pub has_store_since: Option<String>,
    /// Moves as long as it lives.
    pub beat: (i64, i64),
}

/// Who has a part of a store that several share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Has {
    /// Which part.
    pub part: Part,
    /// The PBX whose part it is; none of [`Part::REST`].
    pub pbx: Option<String>,
    /// How often it was taken.
    pub epoch: u32,
    /// The id of the gateway that has it; nobody, where it was given back.
    pub owner: Option<String>,
    /// Since when, by the engine's clock.
    pub since: String,
    /// What the gateway it was taken from is called, where that was gone, or gave it up for its link.
    pub from: Option<String>,
    /// Whether that one gave it up because it did not hear the PBX any more.
    pub for_its_link: bool,
}

/// All parts, by their PBXs; that of no PBX last.
pub(super) async fn parts(client: &Client) -> Result<Vec<Has>, Fault> {
    let rows = client
        .query(
            "SELECT CASE WHEN l.part > 0 THEN substr(l.name, 5) END, l.epoch, l.owner,
             coalesce(to_char(l.since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), ''),
             coalesce(g.name, l.taken_from), l.taken_from IS NOT NULL AND l.given_for IS NOT NULL, l.part
             FROM lease l LEFT JOIN gateway g ON g.id = l.taken_from ORDER BY l.part = 0, l.name",
            &[],
        )
        .await?;
    let has = |row: tokio_postgres::Row| Has {
        pbx: row.get(0),
        epoch: row.get::<_, i32>(1).cast_unsigned(),
        owner: row.get(2),
        since: row.get(3),
        from: row.get(4),
        for_its_link: row.get(5),
        part: part(row.get(6)),
    };
    Ok(rows.into_iter().map(has).collect())
}

/// A gateway's link to a PBX that it has, or listens to beside the one that has it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listens {
    /// The PBX's part.
    pub part: Part,
    /// The gateway's id.
    pub gateway: String,
    /// Why it would miss something, as a code; none where it would not.
    pub lacks: Option<String>,
    /// Since when that is so, by the gateway's clock; empty where it does not say.
    pub since: String,
}

/// All links that gateways tell of, by part; those first who would miss nothing, and of these who is so for the longest.
pub(super) async fn listening(client: &Client) -> Result<Vec<Listens>, Fault> {
    let rows = client
        .query(
            "SELECT x.part, g.id, nullif(x.lacks, ''),
             coalesce(to_char(to_timestamp(nullif(x.since, 0) / 1000000.0) AT TIME ZONE 'UTC',
                              'YYYY-MM-DD HH24:MI:SS \"UTC\"'), '')
             FROM gateway g, unnest(g.linked, g.lacks,
                  CASE WHEN g.linked_since[1] = g.run THEN g.linked_since[2:] END) AS x(part, lacks, since)
             WHERE x.part IS NOT NULL ORDER BY x.part, x.lacks <> '', x.since, g.id",
            &[],
        )
        .await?;
    let listens = |row: tokio_postgres::Row| Listens {
        part: part(row.get(0)),
        gateway: row.get(1),
        lacks: row.get(2),
        since: row.get(3),
    };
    Ok(rows.into_iter().map(listens).collect())
}

/// All of them, by name.
pub(super) async fn gateways(client: &Client) -> Result<Vec<Seen>, Fault> {
    let rows = client
        .query(
            "SELECT g.id, g.name, g.run, g.beat, CASE WHEN l.owner IS NOT NULL THEN
             coalesce(to_char(l.since AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS \"UTC\"'), '') END
             FROM gateway g LEFT JOIN lease l ON l.owner = g.id AND l.part = 0 ORDER BY g.name, g.id",
            &[],
        )
        .await?;
    let seen = |row: tokio_postgres::Row| Seen {
        id: row.get(0),
        name: row.get(1),
        has_store_since: row.get(4),
        beat: (row.get(2), row.get(3)),
    };
    Ok(rows.into_iter().map(seen).collect())
}

/// The last state that was seen, and since when it stands still.
struct Still {
    found: Found,
    since: Instant,
}

/// Makes the store this gateway's: at once where nobody has it or it was its own, and where another had it after its
/// beat has stood still for long enough. Where that one moves, it is refused, or waited for if somebody is told of it.
pub(super) async fn acquire(
    pen: &mut Pen,
    me: &Me,
    place: &str,
    patience: Duration,
    told: Option<OnWaits<'_>>,
) -> Result<Taken, JournalError> {
    let mut waiting = Waiting { told, last: None };
    let mut still: Option<Still> = None;
    loop {
        let asked = Instant::now();
        let beats = waiting.told.map(|_| me);
        let found = match within(pen, patience, async |held| look(&held.link.client, beats).await).await {
            Ok(found) => found,
            Err(fault) if waiting.is_refused() => return Err(fault.at(place)),
            Err(fault) => {
                // While the engine is not heard everybody stands still.
                still = None;
                waiting.is_cut_off(&fault);
                until_the_next_look(&mut still).await;
                continue;
            }
        };
        let is_same = still.as_ref().is_some_and(|still| still.found == found);
        let is_gone = still.as_ref().is_some_and(|still| is_same && asked - still.since >= GONE_AFTER);
        if found.is_others(me) && !is_gone {
            if still.is_some() && !is_same && waiting.is_refused() {
                return Err(found.elsewhere(place));
            }
            waiting.sees(&found);
            if !is_same {
                still = Some(Still { found, since: Instant::now() });
            }
            until_the_next_look(&mut still).await;
            continue;
        }
        match within(pen, TAKEN_WITHIN, async |held| {
            me.take(&mut held.link.client, Part(0), found.epoch).await
        })
        .await
        {
            Ok(Some(epoch)) => {
                let from = found.is_others(me).then_some(found.name);
                return Ok(Taken { epoch, from });
            }
            // Somebody was quicker: an earlier attempt of this gateway's, perhaps.
            Ok(None) => still = Some(Still { found, since: Instant::now() }),
            Err(fault) if waiting.is_refused() => return Err(fault.at(place)),
            Err(fault) => {
                still = None;
                waiting.is_cut_off(&fault);
                until_the_next_look(&mut still).await;
            }
        }
    }
}

/// Where this machine stood still meanwhile, so may have the one whose beat does: it counts from then on.
async fn until_the_next_look(still: &mut Option<Still>) {
    let began = Instant::now();
    tokio::time::sleep(LOOK).await;
    if began.elapsed() > LATE_AFTER {
        *still = None;
    }
}

/// What was told of the wait.
struct Waiting<'a> {
    told: Option<OnWaits<'a>>,
    last: Option<Waits>,
}

impl Waiting<'_> {
    /// Whether whoever starts is refused rather than waiting.
    fn is_refused(&self) -> bool {
        self.told.is_none()
    }

    fn sees(&mut self, found: &Found) {
        if self.last.is_none() && self.is_refused() {
            tracing::info!(
                by = found.name,
                since = found.since,
                "another gateway had the store: does it still beat?"
            );
        }
        let Found { name, since, .. } = found.clone();
        self.tell(Waits { holder: name, since, is_reached: true });
    }

    fn is_cut_off(&mut self, fault: &Fault) {
        if let Some(last) = self.last.clone().filter(|last| last.is_reached) {
            tracing::warn!(?fault, "PostgreSQL does not answer a gateway that stands by; it goes on trying");
            self.tell(Waits { is_reached: false, ..last });
        }
    }

    fn tell(&mut self, now: Waits) {
        if self.last.as_ref() != Some(&now) {
            if let Some(told) = self.told {
                told(&now);
            }
            self.last = Some(now);
        }
    }
}
