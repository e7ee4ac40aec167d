//! One of several gateways: it beats when it is asked to, and has the parts it takes.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use calls::PbxName;
use tokio::sync::{Mutex, watch};
use tokio::time::Instant;

use super::append::Appender;
use super::beat::Standing;
use super::errors::Fault;
use super::groups::{Lane, within};
use super::lease::{Me, Said, Wakes};
use super::link::{Link, Use};
use super::merge::{self, Merger};
use super::owned::Owned;
use super::pen::Pen;
use super::schema::{self, Purpose};
use super::settle::Settler;
use super::spooling::{Spooling, reach};
use super::{Gateway, Options, Postgres, Target, identity, inbox, opening, turn, upkeep};
use crate::seal::Sealer;
use crate::sqlite::lock::FolderLock;
use crate::{About, Answer, Asked, Epoch, Fleet, Given, Grant, JournalError, Part, Taken, Wish, WishId};

/// Writes that are under way are waited for: longer than the engine lets a transaction stand idle.
const TAKEN_WITHIN: Duration = Duration::from_secs(5);
/// Making a store one that is shared, with indexes over all it has.
const SHARED_WITHIN: Duration = Duration::from_secs(3_600);
/// One at a time makes it so.
const ONE_SHARES: &str = "SELECT pg_advisory_lock(7, -3)";
/// Rows of the tally below it belong to a gateway that has the store for itself.
const FIRST_TALLY: i16 = 16;
const TALLIES: u64 = 8_000;

/// What only a gateway has that shares its store.
pub(super) struct Sharing {
    /// Beats are not kept waiting by anything else.
    beats: Mutex<Pen>,
    takes: Mutex<Pen>,
    /// For what is asked of others, and answered.
    asks: Mutex<Pen>,
    woken: Mutex<watch::Receiver<u64>>,
}

impl Postgres {
    /// Opens the store as one of the gateways that share it: it has no part until it takes one. A store that one gateway
    /// had for itself is made one that is shared.
    ///
    /// # Errors
    /// As [`Postgres::open`]; another gateway is in the way only where it has the store for itself.
    pub async fn open_shared(
        target: &Target,
        folder: &Path,
        sealer: Sealer,
        options: Options,
    ) -> Result<Self, JournalError> {
        let lock = FolderLock::take(folder)?;
        let me = identity::of(folder, options.name.clone())?;
        let spooling = Spooling::open(folder, options.spool_bytes)?;
        let is_shared = opening::open(target, &sealer, options.allow_unreplicated, Purpose::Share).await?;
        spooling
            .belongs(&mut Pen::new(target.clone(), Use::Upkeep, &[]), target.place(), options.patience)
            .await?;
        spooling.is_of_parts(target.place()).await?;
        if !is_shared {
            make_shared(target, &sealer, &me, &options).await?;
        }
        let tally = begin_tally(target, &me).await.map_err(|fault| fault.at(target.place()))?;
        let owned = Arc::new(Owned::new(me));
        let merger = spooling.0.clone().map(|spool| {
            let of = merge::Of::Parts { tallies: (tally, tally + 1) };
            Arc::new(Merger::new(spool, owned.clone(), target.clone(), of))
        });
        let (wakes, woken) = watch::channel(0);
        let wakes: Wakes = Arc::new(wakes);
        let pen = |target: Target| Mutex::new(Pen::new(target, Use::Upkeep, &[]));
        let sharing = Sharing {
            beats: pen(target.listening(wakes)),
            takes: pen(target.clone()),
            asks: pen(target.clone()),
            woken: Mutex::new(woken),
        };
        let gateway = Gateway {
            events: Lane::start(Appender::new(
                target.clone(),
                owned.clone(),
                tally,
                options.patience,
                spooling.clone(),
            )),
            outcomes: Lane::start(Settler::new(
                target.clone(),
                owned.clone(),
                tally + 1,
                options.patience,
                spooling.clone(),
            )),
            owned,
            taken_from: None,
            lost: Arc::new(watch::Sender::new(false)),
            standing: Arc::new(Standing::new(options.deliver_through)),
            spooling,
            beat: None,
            merger: merger.map(|merger| (merger.clone(), merge::start(merger))),
            sharing: Some(sharing),
            _folder: lock,
        };
        Self::with(target, sealer, options, Some(gateway))
    }

    fn sharing(&self) -> Result<Option<(&Gateway, &Sharing)>, JournalError> {
        let gateway = self.gateway()?;
        Ok(gateway.sharing.as_ref().map(|sharing| (gateway, sharing)))
    }

    pub(super) async fn ticks(&self, about: &About) -> Result<Fleet, JournalError> {
        let Some((gateway, sharing)) = self.sharing()? else { return Ok(Fleet::default()) };
        let mut pen = sharing.beats.lock().await;
        let began = Instant::now();
        let me = &gateway.owned.me;
        let said = Said::of(about, me);
        let told = match reach(&mut pen, self.patience).await {
            Ok(()) => {
                within(&mut pen, self.patience, async |held| me.tick(&held.link.client, &said).await).await
            }
            Err(fault) => Err(fault),
        };
        match &told {
            Ok(fleet) => {
                if gateway.owned.sees(&fleet.leases) {
                    gateway.standing.is_robbed();
                } else {
                    gateway.standing.is_good(began);
                }
                gateway.spooling.is_heard();
            }
            Err(fault) => gateway.standing.is_bad(fault, began, self.patience),
        }
        told.map_err(|fault| fault.at(&self.place))
    }

    pub(super) async fn takes(
        &self,
        pbx: PbxName,
        seen: Option<Epoch>,
        careful: Duration,
    ) -> Result<Option<Taken>, JournalError> {
        let Some((gateway, sharing)) = self.sharing()? else {
            return Ok(Some(Taken { grant: Grant::ALONE, careful: Duration::ZERO }));
        };
        if let Some((merger, _)) = &gateway.merger {
            // What was kept of it before comes before what is kept from now on.
            merger.hand_all_over().await.map_err(|fault| fault.at(&self.place))?;
        }
        let mut pen = sharing.takes.lock().await;
        let me = &gateway.owned.me;
        let taken = within(&mut pen, TAKEN_WITHIN, async |held| {
            me.take_of(&mut held.link.client, pbx.as_str(), seen, careful).await
        });
        let taken = taken.await.map_err(|fault| fault.at(&self.place))?;
        if let Some(Taken { grant, careful }) = taken {
            gateway.owned.take(grant, grant.epoch());
            gateway.owned.is_careful(grant, Instant::now() + careful);
        }
        Ok(taken)
    }

    pub(super) async fn gives_back(&self, grant: Grant, why: Given) -> Result<(), JournalError> {
        let Some((gateway, sharing)) = self.sharing()? else { return self.release().await };
        if let Some((merger, _)) = &gateway.merger {
            merger.hurry(TAKEN_WITHIN).await;
        }
        // From here on nothing is written under it, whatever the engine says.
        let Some(epoch) = gateway.owned.epoch(grant) else { return Ok(()) };
        let careful = gateway.owned.careful(grant.part());
        gateway.owned.give(grant);
        let (me, part) = (&gateway.owned.me, grant.part());
        let mut pen = sharing.takes.lock().await;
        let given = within(&mut pen, TAKEN_WITHIN, async |held| {
            me.release(&held.link.client, part, epoch, careful, why).await
        });
        given.await.map_err(|fault| fault.at(&self.place))
    }

    pub(super) async fn asks(&self, part: Part, wish: &Wish) -> Result<Asked, JournalError> {
        let Some((_, sharing)) = self.sharing()? else { return Ok(Asked::Nobody) };
        let mut pen = sharing.asks.lock().await;
        let asked =
            within(&mut pen, TAKEN_WITHIN, async |held| inbox::ask(&held.link.client, part, wish).await);
        asked.await.map_err(|fault| fault.at(&self.place))
    }

    pub(super) async fn asks_all(&self, but: &[Part], wish: &Wish) -> Result<Vec<Asked>, JournalError> {
        let Some((_, sharing)) = self.sharing()? else { return Ok(Vec::new()) };
        let mut pen = sharing.asks.lock().await;
        let asked = within(&mut pen, TAKEN_WITHIN, async |held| {
            let client = &held.link.client;
            let mut asked = Vec::new();
            for part in inbox::parts(client, but).await? {
                asked.push(inbox::ask(client, part, wish).await?);
            }
            Ok(asked)
        });
        asked.await.map_err(|fault| fault.at(&self.place))
    }

    pub(super) async fn answers(
        &self,
        grant: Grant,
        wish: WishId,
        answer: &Answer,
    ) -> Result<(), JournalError> {
        let Some((gateway, sharing)) = self.sharing()? else { return Ok(()) };
        let ours = gateway.owned.holding(std::iter::once(grant));
        if !ours.has(grant.part()) {
            return Err(JournalError::Taken { place: self.place.to_string() });
        }
        let mut pen = sharing.asks.lock().await;
        let answered = within(&mut pen, TAKEN_WITHIN, async |held| {
            let transaction = upkeep::held(&mut held.link.client, &ours).await?;
            inbox::answer(&transaction, grant.part(), wish, answer).await?;
            transaction.commit().await?;
            Ok(())
        });
        answered.await.map_err(|fault| fault.at(&self.place))
    }

    pub(super) async fn is_woken(&self) {
        if let Ok(Some((_, sharing))) = self.sharing() {
            // What came while nobody waited is told at once. The sender is the target's, which the pen has.
            if sharing.woken.lock().await.changed().await.is_ok() {
                return;
            }
        }
        std::future::pending().await
    }
}

/// Whoever has the store for itself is in the way; who makes it shared at the same time is waited for.
async fn make_shared(
    target: &Target,
    sealer: &Sealer,
    me: &Me,
    options: &Options,
) -> Result<(), JournalError> {
    let place = target.place();
    let at = |fault: Fault| fault.at(place);
    let alone = Link::make(target, Use::Upkeep).await.map_err(at)?;
    alone.client.execute(ONE_SHARES, &[]).await.map_err(|error| at(error.into()))?;
    if opening::open(target, sealer, options.allow_unreplicated, Purpose::Share).await? {
        return Ok(());
    }
    let mut pen = Pen::new(target.clone(), Use::Upkeep, &[]);
    let turn::Taken { epoch, .. } = turn::acquire(&mut pen, me, place, options.patience, None).await?;
    tracing::info!("the store is made one that several gateways share; a large one takes its time");
    let held = super::Holding::of(Part(0), epoch);
    let done = within(&mut pen, SHARED_WITHIN, async |pen| {
        let transaction = upkeep::held(&mut pen.link.client, &held).await?;
        schema::share(&transaction).await?;
        transaction.execute("UPDATE lease SET owner = NULL WHERE part = 0", &[]).await?;
        transaction.commit().await?;
        Ok(())
    });
    done.await.map_err(at)
}

/// The rows it counts in, so that gateways do not wait for each other; that of its outcomes is the next.
async fn begin_tally(target: &Target, me: &Me) -> Result<i16, Fault> {
    let hash = me.id.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    });
    let tally = FIRST_TALLY + 2 * i16::try_from(hash % TALLIES).unwrap_or(0);
    let link = Link::make(target, Use::Upkeep).await?;
    let insert = "INSERT INTO tally VALUES ($1::smallint, 0, 0), (($1::smallint + 1)::smallint, 0, 0) ON CONFLICT DO NOTHING";
    link.client.execute(insert, &[&tally]).await?;
    Ok(tally)
}
