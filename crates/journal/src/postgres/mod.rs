//! The journal on PostgreSQL: a store that outlives the machine of the gateway.
//!
//! Two connections write groups, one of events and one of outcomes, each group in one round trip (`append`, `settle`).
//! Every one of them proves in its transaction that the store is still this gateway's (`lease`). A few connections
//! read (`readers`). What is kept of a leg is judged by its row, in the engine. The choices are in ADR 12.

mod append;
mod audit;
mod beat;
mod column;
mod errors;
mod failing;
mod filling;
mod group;
mod groups;
mod handing;
mod identity;
mod inbox;
mod lease;
mod link;
mod merge;
mod moment;
mod opening;
mod owned;
mod pen;
mod query;
mod readers;
mod schema;
mod settings;
mod settle;
mod sharing;
mod spooling;
mod stopped;
mod target;
mod turn;
mod upkeep;
mod verbs;
mod when;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::Object;
use tokio::sync::{Mutex, watch};
use tokio::task::JoinHandle;

use crate::seal::Sealer;
use crate::spool::{self, Spooled};
use crate::sqlite::lock::FolderLock;
use crate::{EventSeq, Grant, JournalError, Kept, Part};

use append::Appender;
pub use beat::OnTrust;
use beat::Standing;
use errors::Fault;
pub use filling::Filling;
use groups::{Lane, within};
pub use identity::id_in;
use merge::Merger;
use owned::{Holding, Owned};
use pen::{Held, Pen};
use readers::Readers;
use schema::Purpose;
use settle::Settler;
use sharing::Sharing;
use spooling::Spooling;
pub use stopped::Stopped;
pub use target::{NoTarget, Target};
pub use turn::{Has, Listens, OnWaits, Seen, Waits};
pub use when::OwnClock;

/// How a writer's connection is set, and what it asks, for tests of the engine's plans.
#[cfg(feature = "conformance")]
pub fn written() -> (&'static str, impl Iterator<Item = &'static str>) {
    (link::WRITER, append::SQL.iter().chain(settle::SQL).copied())
}

/// What who opens it brings.
#[derive(Clone, Debug)]
pub struct Options {
    /// What people call this gateway.
    pub name: String,
    /// Also on an engine whose commits wait for no standby.
    pub allow_unreplicated: bool,
    /// How long a group of events or outcomes may take before it is in doubt.
    pub patience: Duration,
    /// How many bytes the spool in the data folder may have; none: what the engine does not take is not kept.
    pub spool_bytes: Option<u64>,
    /// How long deliveries go on while the engine is away; zero: not beyond the few seconds a gateway trusts itself.
    pub deliver_through: Duration,
    /// What time it is, where neither the machine nor the engine is to say it.
    pub clock: OwnClock,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            name: String::new(),
            allow_unreplicated: false,
            patience: Duration::from_secs(1),
            spool_bytes: None,
            deliver_through: Duration::ZERO,
            clock: OwnClock::default(),
        }
    }
}

/// What is done once may take so long.
const UPKEEP_PATIENCE: Duration = Duration::from_secs(60);

/// Whoever stops does not wait longer than this for the store to be given back.
const RELEASE_PATIENCE: Duration = Duration::from_secs(5);

/// The journal on PostgreSQL.
pub struct Postgres {
    place: Arc<str>,
    sealer: Arc<Sealer>,
    clock: OwnClock,
    patience: Duration,
    readers: Readers,
    /// For all that is no group of events or outcomes.
    upkeep: Mutex<Pen>,
    /// Whether several gateways share it.
    is_shared: bool,
    /// How lists are ordered.
    order: query::walk::Order,
    /// What only a gateway has.
    gateway: Option<Gateway>,
}

struct Gateway {
    owned: Arc<Owned>,
    taken_from: Option<String>,
    events: Lane<Appender>,
    outcomes: Lane<Settler>,
    lost: Arc<watch::Sender<bool>>,
    standing: Arc<Standing>,
    spooling: Spooling,
    /// Of one that has the whole store; who shares it is asked to beat.
    beat: Option<JoinHandle<()>>,
    /// Of one that has a spool.
    merger: Option<(Arc<Merger>, JoinHandle<()>)>,
    /// What only who shares it has.
    sharing: Option<Sharing>,
    _folder: FolderLock,
}

impl Drop for Gateway {
    fn drop(&mut self) {
        self.silence();
        if let Some((_, merging)) = &self.merger {
            merging.abort();
        }
    }
}

impl Gateway {
    fn silence(&self) {
        if let Some(beat) = &self.beat {
            beat.abort();
        }
    }
}

impl Postgres {
    /// The newest format this program knows.
    pub const FORMAT: u32 = schema::FORMAT;

    /// Opens the store as the gateway of a data folder, or makes one. Waits some seconds where another gateway had it,
    /// to see whether that one lives.
    ///
    /// # Errors
    /// That the engine cannot be reached or is not fit, that the store is newer or sealed with another key, or that
    /// another gateway, or another process in this folder, has it.
    pub async fn open(
        target: &Target,
        folder: &Path,
        sealer: Sealer,
        options: Options,
    ) -> Result<Self, JournalError> {
        Self::open_for(Purpose::Work, target, folder, sealer, options, None).await
    }

    /// The same, but where another gateway has it, it is waited for, however long; who has it is told meanwhile.
    ///
    /// # Errors
    /// As [`Postgres::open`], but for another gateway.
    pub async fn open_in_turn(
        target: &Target,
        folder: &Path,
        sealer: Sealer,
        options: Options,
        told: OnWaits<'_>,
    ) -> Result<Self, JournalError> {
        Self::open_for(Purpose::Work, target, folder, sealer, options, Some(told)).await
    }

    async fn open_for(
        purpose: Purpose,
        target: &Target,
        folder: &Path,
        sealer: Sealer,
        options: Options,
        told: Option<OnWaits<'_>>,
    ) -> Result<Self, JournalError> {
        let lock = FolderLock::take(folder)?;
        let spooling = Spooling::open(folder, options.spool_bytes)?;
        opening::open(target, &sealer, options.allow_unreplicated, purpose).await?;
        let me = identity::of(folder, options.name.clone())?;
        let mut pen = Pen::new(target.clone(), link::Use::Upkeep, &[]);
        spooling.belongs(&mut pen, target.place(), options.patience).await?;
        let turn::Taken { epoch, from } =
            turn::acquire(&mut pen, &me, target.place(), options.patience, told).await?;
        let owned = Arc::new(Owned::new(me));
        owned.take(Grant::ALONE, epoch);
        let merger = spooling.0.clone();
        let merger =
            merger.map(|spool| Arc::new(Merger::new(spool, owned.clone(), target.clone(), merge::Of::Store)));
        if let Some(merger) = &merger {
            // A large future, and rarely needed: it is not to lie in that of every start.
            Box::pin(merger.take_up()).await.map_err(|fault| fault.at(target.place()))?;
        }
        let lost = Arc::new(watch::Sender::new(false));
        let standing = Arc::new(Standing::new(options.deliver_through));
        let beat = {
            let (target, me, lost) = (target.clone(), owned.me.clone(), lost.clone());
            let beat = beat::run(target, me, options.patience, lost, standing.clone(), spooling.clone());
            tasks::spawn(tasks::Part::JournalBeat, beat)
        };
        let gateway = Gateway {
            events: Lane::start(Appender::new(
                target.clone(),
                owned.clone(),
                0,
                options.patience,
                spooling.clone(),
            )),
            outcomes: Lane::start(Settler::new(
                target.clone(),
                owned.clone(),
                1,
                options.patience,
                spooling.clone(),
            )),
            owned,
            taken_from: from,
            lost,
            standing,
            spooling,
            beat: Some(beat),
            merger: merger.map(|merger| (merger.clone(), merge::start(merger))),
            sharing: None,
            _folder: lock,
        };
        Self::with(target, sealer, options, Some(gateway))
    }

    /// Opens it for settings only, beside a gateway that may be running.
    ///
    /// # Errors
    /// As [`Postgres::open`], but whoever has it may have it.
    pub async fn open_beside(
        target: &Target,
        sealer: Sealer,
        options: Options,
    ) -> Result<Self, JournalError> {
        let is_shared = opening::open(target, &sealer, options.allow_unreplicated, Purpose::Beside).await?;
        let order = order(is_shared);
        Self::with(target, sealer, options, None).map(|journal| Self { is_shared, order, ..journal })
    }

    fn with(
        target: &Target,
        sealer: Sealer,
        options: Options,
        gateway: Option<Gateway>,
    ) -> Result<Self, JournalError> {
        let is_shared = gateway.as_ref().is_some_and(|gateway| gateway.sharing.is_some());
        Ok(Self {
            place: target.place().clone(),
            sealer: Arc::new(sealer),
            clock: options.clock,
            patience: options.patience,
            readers: Readers::new(target).map_err(|fault| fault.at(target.place()))?,
            upkeep: Mutex::new(Pen::new(target.clone(), link::Use::Upkeep, &[])),
            is_shared,
            order: order(is_shared),
            gateway,
        })
    }

    /// The database, in words.
    pub fn place(&self) -> &str {
        &self.place
    }

    /// How many groups of events or outcomes wait to be written.
    pub fn waiting(&self) -> usize {
        self.gateway.as_ref().map_or(0, |gateway| gateway.events.waiting() + gateway.outcomes.waiting())
    }

    /// Whether the engine took the last beat. It is asked once a second, whatever there is to write.
    pub fn is_reached(&self) -> bool {
        self.gateway.as_ref().is_none_or(|gateway| gateway.standing.is_reached())
    }

    /// Whether a spool stands in for the engine while that is away.
    pub fn has_spool(&self) -> bool {
        self.gateway.as_ref().is_some_and(|gateway| gateway.spooling.0.is_some())
    }

    /// What waits in the spool until the engine takes it; none while everything goes to the engine.
    pub fn spooled(&self) -> Option<Spooled> {
        self.gateway.as_ref().and_then(|gateway| gateway.spooling.0.as_ref()?.spooled())
    }

    /// Says, now and after each beat, up to when this gateway may act, and whether it decides what is given up. Who slept,
    /// or is cut off, may find that another has the store. Not told where nobody is a gateway.
    pub fn on_trust(&self, to: OnTrust) {
        if let Some(gateway) = &self.gateway {
            gateway.standing.tell(to);
        }
    }

    /// Whether several gateways share it.
    pub fn is_shared(&self) -> bool {
        self.is_shared
    }

    /// The gateway that has the store, or had it when it was last heard of; none where it was given back, or is shared.
    ///
    /// # Errors
    /// That the engine does not say.
    pub async fn holder(&self) -> Result<Option<Waits>, JournalError> {
        if self.is_shared {
            return Ok(None);
        }
        let client = self.reader().await?;
        self.told(turn::holder(&client).await)
    }

    /// All gateways that have beaten here and were not stopped in order. Which of them live is seen by asking twice.
    ///
    /// # Errors
    /// That the engine does not say.
    pub async fn gateways(&self) -> Result<Vec<Seen>, JournalError> {
        let client = self.reader().await?;
        let mut gateways = self.told(turn::gateways(&client).await)?;
        if self.is_shared {
            // Who has the part that was the store's has no more than that.
            gateways.iter_mut().for_each(|one| one.has_store_since = None);
        }
        Ok(gateways)
    }

    /// Who has which part; nothing where the store is not shared.
    ///
    /// # Errors
    /// That the engine does not say.
    pub async fn parts(&self) -> Result<Vec<Has>, JournalError> {
        if !self.is_shared {
            return Ok(Vec::new());
        }
        let client = self.reader().await?;
        self.told(turn::parts(&client).await)
    }

    /// Which links to PBXs the gateways tell of, their own and those over which they listen beside; nothing where the store
    /// is not shared.
    ///
    /// # Errors
    /// That the engine does not say.
    pub async fn listening(&self) -> Result<Vec<Listens>, JournalError> {
        if !self.is_shared {
            return Ok(Vec::new());
        }
        let client = self.reader().await?;
        self.told(turn::listening(&client).await)
    }

    /// The gateway the store was taken from when this one opened it: that one was gone and had not given it back.
    pub fn taken_from(&self) -> Option<&str> {
        self.gateway.as_ref().and_then(|gateway| gateway.taken_from.as_deref())
    }

    /// Waits until another gateway has taken the store; for ever, if none does.
    pub async fn is_lost(&self) {
        match &self.gateway {
            // The sender is in self: it cannot be gone.
            Some(gateway) => drop(gateway.lost.subscribe().wait_for(|lost| *lost).await),
            None => std::future::pending().await,
        }
    }

    /// Gives back all that this gateway has, so that the next one does not have to wait. Nothing can be written any more. While
    /// its spool has something that PostgreSQL has not, others find it as one that is gone.
    ///
    /// # Errors
    /// That the engine did not take it; then the next gateway waits.
    pub async fn release(&self) -> Result<(), JournalError> {
        let Some(gateway) = &self.gateway else { return Ok(()) };
        gateway.silence();
        if let Some((merger, _)) = &gateway.merger {
            Box::pin(merger.hurry(RELEASE_PATIENCE)).await;
        }
        let (me, careful) = (gateway.owned.me.clone(), gateway.owned.all_careful());
        gateway.owned.give_all();
        let is_shared = gateway.sharing.is_some();
        let keeps = gateway.spooling.0.as_ref().is_some_and(|spool| spool.is_in_use());
        let mut pen = self.upkeep.lock().await;
        let done = within(&mut pen, RELEASE_PATIENCE, async |held| {
            let client = &held.link.client;
            if is_shared {
                me.leave_parts(client, keeps, &careful).await
            } else {
                me.leave(client, keeps).await
            }
        });
        let done = done.await;
        done.map_err(|fault| fault.at(&self.place))
    }

    fn gateway(&self) -> Result<&Gateway, JournalError> {
        self.gateway.as_ref().ok_or_else(|| JournalError::Unwritable {
            place: self.place.to_string(),
            why: "it was opened for settings only".to_owned(),
        })
    }

    /// What upkeep has to hold: the store, where one gateway has it.
    fn held(&self) -> Result<Holding, JournalError> {
        let gateway = self.gateway()?;
        let epoch = gateway.owned.epoch(Grant::ALONE);
        match (&gateway.sharing, epoch) {
            (Some(_), _) => Ok(Holding::default()),
            (None, Some(epoch)) => Ok(Holding::of(Part(0), epoch)),
            (None, None) => Err(JournalError::Taken { place: self.place.to_string() }),
        }
    }

    /// How lists are ordered.
    fn order(&self) -> query::walk::Order {
        self.order
    }

    async fn reader(&self) -> Result<Object, JournalError> {
        self.readers.one().await.map_err(|fault| fault.at(&self.place))
    }

    /// Those of some events that are in the spool, and the places of the others.
    async fn spooled_of(&self, seqs: Vec<EventSeq>) -> Result<(Vec<Arc<Kept>>, Vec<EventSeq>), JournalError> {
        let spool = self.gateway.as_ref().and_then(|gateway| gateway.spooling.0.as_ref());
        let Some(spool) = spool.filter(|spool| spool.is_in_use()) else { return Ok((Vec::new(), seqs)) };
        let failed = |why: String| JournalError::Unwritable { place: spool::FILE.to_owned(), why };
        let found = spool.bodies(seqs.clone()).await.map_err(failed)?;
        let rest = seqs.into_iter().filter(|seq| found.iter().all(|kept| kept.seq != *seq));
        let rest: Vec<_> = rest.collect();
        if !rest.is_empty() && !self.is_reached() {
            return Err(failed("PostgreSQL, which has the others, is not reached".to_owned()));
        }
        Ok((found, rest))
    }

    /// What is done once, one after the other.
    async fn once<T>(
        &self,
        work: impl AsyncFnOnce(&mut Held) -> Result<T, Fault>,
    ) -> Result<T, JournalError> {
        let mut pen = self.upkeep.lock().await;
        within(&mut pen, UPKEEP_PATIENCE, work).await.map_err(|fault| fault.at(&self.place))
    }

    fn told<T>(&self, answer: Result<T, Fault>) -> Result<T, JournalError> {
        answer.map_err(|fault| fault.of_reading(&self.place))
    }
}

fn order(is_shared: bool) -> query::walk::Order {
    if is_shared { query::walk::Order::Cursors } else { query::walk::Order::Places }
}
