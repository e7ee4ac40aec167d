//! The journal on SQLite: one file in the data folder.
//!
//! One thread writes: whatever has arrived while its last commit ran goes into the next (`writer`). A few
//! connections read, on the runtime's blocking threads (`readers`). A third kind carries what was written
//! from the log into the file without keeping the writer waiting (`checkpoint`). A fourth makes what lists and
//! reports are found by out of what has gathered (`rollup`). What is new lies in a log before it comes into the tables
//! (`log`).

mod append;
mod at_hand;
mod audit;
mod bodies;
mod checkpoint;
mod copy;
mod desk;
mod erase;
mod errors;
mod failing;
mod jobs;
pub(crate) mod lock;
mod log;
mod meter;
mod opening;
mod prune;
mod put;
mod query;
mod readers;
mod remembered;
mod retention_size;
mod rollup;
mod room;
mod schema;
mod settle;
mod statements;
mod table;
mod writer;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, EventId, PbxName, PbxTime, Restored};
use rusqlite::Connection;
use tokio::sync::oneshot;

use crate::clock::{self, Clock};
use crate::faults::Faults;
use crate::seal::Sealer;
use crate::settings::{IntegrationId, Versioned};
use crate::{
    About, Append, Appended, Attempt, AuditEntry, AuditFilter, AuditPage, Cursor, DeliveryId, DeliveryRecord,
    Epoch, Erase, Erased, EventSeq, Failing, Filter, Fleet, Given, Grant, JournalError, Kept, LegRecord,
    Pending, Put, Quarter, Recent, Reply, SettingChange, Settle, Settled, Size, Sums, Taken, WallTime,
};

#[cfg(feature = "conformance")]
pub use audit::statement_of as audit_statement_of;
pub use copy::HeldFolder;
use errors::StoreError;
use jobs::Job;
use lock::FolderLock;
pub use log::Logging;
pub use meter::Commits;
use opening::{FILE, make_private_folder, open_checked};
#[cfg(feature = "conformance")]
pub use query::statements_of;
use readers::{Lane, Readers};
pub use rollup::RollingUp;
pub use writer::QUEUED_JOBS;
use writer::Writer;

/// What a process wants of the store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    /// Everything, alone: a gateway. Takes the data folder's lock.
    Gateway,
    /// Only settings, beside a gateway that may be running: the command line.
    Settings,
}

/// What a test or a simulation brings of its own.
#[derive(Clone)]
pub struct Options {
    /// What happens to commits.
    pub faults: Faults,
    /// What time it is.
    pub clock: Clock,
    /// How large the file may grow; `None` for as large as the disk.
    pub max_bytes: Option<u64>,
    /// When lists and reports are given what they are found by.
    pub rolling_up: RollingUp,
    /// How much of what is new lies in the log.
    pub logging: Logging,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            faults: Faults::none(),
            clock: clock::system(),
            max_bytes: None,
            rolling_up: RollingUp::default(),
            logging: Logging::default(),
        }
    }
}

/// The journal on SQLite.
pub struct Sqlite {
    place: Arc<Path>,
    writer: Writer,
    readers: Readers,
    sealer: Arc<Sealer>,
    clock: Clock,
    lock: Option<FolderLock>,
    /// Where the last bite of pruning ended, if there may be more behind it.
    pruned_to: tokio::sync::Mutex<Option<prune::Bookmark>>,
}

impl Sqlite {
    /// Opens the store in a data folder, or makes one. Blocks; meant for the start of a program.
    ///
    /// # Errors
    /// That the folder is in use, cannot be written, or holds a store that is newer, damaged or sealed with
    /// another key.
    pub fn open(folder: &Path, access: Access, sealer: Sealer) -> Result<Self, JournalError> {
        Self::open_with(folder, access, sealer, Options::default())
    }

    /// As [`Sqlite::open`], with options.
    ///
    /// # Errors
    /// As [`Sqlite::open`].
    pub fn open_with(
        folder: &Path,
        access: Access,
        sealer: Sealer,
        options: Options,
    ) -> Result<Self, JournalError> {
        make_private_folder(folder)?;
        let lock = match access {
            Access::Gateway => Some(FolderLock::take(folder)?),
            Access::Settings => None,
        };
        let place: Arc<Path> = folder.join(FILE).into();
        let conn = open_checked(folder, &place, lock.is_some(), &sealer)?;
        let sealer = Arc::new(sealer);
        let readers = Readers::open(&place).map_err(|error| error.at(&place))?;
        let rolls_up = lock.is_some();
        let writer = Writer::start(conn, &place, sealer.clone(), &options, rolls_up)?;
        Ok(Self { place, writer, readers, sealer, clock: options.clock, lock, pruned_to: Default::default() })
    }

    /// Whether the store is too large to be checked when it is opened: then [`Sqlite::check`] is worth a
    /// thread's time beside everything else.
    pub fn is_large(&self) -> bool {
        schema::is_large(opening::bytes_on_disk(&self.place))
    }

    /// Checks the store from end to end; takes seconds a gigabyte, and keeps nobody waiting.
    ///
    /// # Errors
    /// [`JournalError::Damaged`], or that it cannot be read.
    pub async fn check(&self) -> Result<(), JournalError> {
        self.ask(&self.readers.upkeep, schema::check).await
    }

    /// How many jobs wait for the writer, of at most [`QUEUED_JOBS`].
    pub fn waiting(&self) -> usize {
        self.writer.waiting()
    }

    /// What the writer has done so far.
    pub fn commits(&self) -> Commits {
        self.writer.commits()
    }

    /// The file.
    pub fn place(&self) -> &Path {
        &self.place
    }

    /// Asks of all that is kept: what is in the log comes into the tables first.
    async fn ask_of_all<T, F>(&self, lane: &Lane, question: F) -> Result<T, JournalError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        if self.writer.log().is_empty() || self.write(|to| Job::Fold { to }).await.is_ok() {
            return self.ask(lane, question).await;
        }
        // The disk takes nothing: who wants to know is told all the same.
        let (place, (to, answer)) = (self.place.clone(), oneshot::channel());
        let question = Box::new(move |conn: Result<&Connection, JournalError>| {
            let answer = conn.and_then(|conn| question(conn).map_err(|error| error.at(&place)));
            drop(to.send(answer));
        });
        self.writer.send(Job::Ask { question }).await?;
        answer.await.map_err(|_| JournalError::Closed)?
    }

    async fn ask<T, F>(&self, lane: &Lane, question: F) -> Result<T, JournalError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        lane.ask(question).await?.map_err(|error| error.at(&self.place))
    }

    /// For what only a gateway may do: it remembers what it has kept, and would not see another's.
    async fn write_alone<T: Send + 'static>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, JournalError>>) -> Job,
    ) -> Result<T, JournalError> {
        if self.lock.is_none() {
            let why = "it was opened for settings only".to_owned();
            return Err(JournalError::Unwritable { place: self.place.display().to_string(), why });
        }
        self.write(job).await
    }

    async fn write<T: Send + 'static>(
        &self,
        job: impl FnOnce(oneshot::Sender<Result<T, JournalError>>) -> Job,
    ) -> Result<T, JournalError> {
        let (to, answer) = oneshot::channel();
        self.writer.send(job(to)).await?;
        answer.await.map_err(|_| JournalError::Closed)?
    }
}

impl crate::Events for Sqlite {
    fn append<'a>(&'a self, batch: &'a [Append]) -> Reply<'a, Vec<Vec<Appended>>> {
        Box::pin(async move {
            let moments = batch.iter().map(append::Moment::of).collect();
            self.write_alone(|to| Job::Append { moments, to }).await
        })
    }

    fn restore(&self, pbx: PbxName) -> Reply<'_, Restored> {
        Box::pin(self.ask_of_all(&self.readers.program, move |conn| query::legs::restore(conn, &pbx)))
    }

    fn bodies(&self, events: Vec<EventSeq>) -> Reply<'_, Vec<Arc<Kept>>> {
        Box::pin(self.events_of(events))
    }

    fn find(&self, id: EventId) -> Reply<'_, Option<Arc<Kept>>> {
        Box::pin(self.ask_of_all(&self.readers.program, move |conn| query::events::find(conn, &id)))
    }
}

impl crate::Deliveries for Sqlite {
    fn load(&self, _: Grant, after: Option<DeliveryId>) -> Reply<'_, Vec<Pending>> {
        let now = (self.clock)();
        Box::pin(self.ask_of_all(&self.readers.program, move |conn| query::pending::load(conn, after, now)))
    }

    fn settle<'a>(&'a self, batch: &'a [Settle]) -> Reply<'a, Vec<Settled>> {
        let now = (self.clock)();
        Box::pin(async move {
            let rows = batch.iter().map(|settle| settle::Row::of(settle, now)).collect();
            self.write_alone(|to| Job::Settle { rows, to }).await
        })
    }
}

/// Whoever has opened it has all of it, and nobody else comes.
impl crate::Parts for Sqlite {
    fn tick<'a>(&'a self, _: &'a About) -> Reply<'a, Fleet> {
        Box::pin(std::future::ready(Ok(Fleet::default())))
    }

    fn take(&self, _: PbxName, _: Option<Epoch>, _: Duration) -> Reply<'_, Option<Taken>> {
        Box::pin(std::future::ready(Ok(Some(Taken { grant: Grant::ALONE, careful: Duration::ZERO }))))
    }

    fn release(&self, _: Grant, _: Given) -> Reply<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn leave(&self) -> Reply<'_, ()> {
        Box::pin(std::future::ready(Ok(())))
    }

    fn now(&self) -> Reply<'_, WallTime> {
        Box::pin(std::future::ready(Ok((self.clock)())))
    }
}

impl crate::Settings for Sqlite {
    fn settings(&self) -> Reply<'_, Vec<Versioned>> {
        let sealer = self.sealer.clone();
        Box::pin(self.ask(&self.readers.program, move |conn| query::settings::all(conn, &sealer)))
    }

    fn put_all(&self, puts: Vec<Put>, noted: Vec<AuditEntry>) -> Reply<'_, Vec<u64>> {
        let at = (self.clock)();
        Box::pin(
            async move { self.write(|to| Job::Put { change: put::Change { puts, noted, at }, to }).await },
        )
    }

    fn settings_revision(&self) -> Reply<'_, u64> {
        Box::pin(self.ask(&self.readers.program, query::settings::revision))
    }

    fn settings_since(&self, revision: u64) -> Reply<'_, Vec<SettingChange>> {
        let sealer = self.sealer.clone();
        Box::pin(self.ask(&self.readers.program, move |conn| query::settings::since(conn, &sealer, revision)))
    }

    fn allocate_integration(&self) -> Reply<'_, IntegrationId> {
        Box::pin(self.write(|to| Job::Allocate { to }))
    }
}

impl crate::History for Sqlite {
    fn events(&self, filter: Filter) -> Reply<'_, Vec<Arc<Kept>>> {
        Box::pin(self.ask_of_all(&self.readers.people, move |conn| query::events::list(conn, &filter)))
    }

    fn legs(&self, filter: Filter) -> Reply<'_, Vec<LegRecord>> {
        Box::pin(self.ask_of_all(&self.readers.people, move |conn| query::legs::list(conn, &filter)))
    }

    fn sums(&self, account: AccountId, within: Range<PbxTime>) -> Reply<'_, Sums> {
        Box::pin(self.ask_of_all(&self.readers.people, move |conn| query::sums::of(conn, &account, &within)))
    }

    fn recent(&self, of: Vec<(AccountId, Quarter)>) -> Reply<'_, Vec<Recent>> {
        Box::pin(self.ask_of_all(&self.readers.people, move |conn| query::recent::of(conn, &of)))
    }

    fn deliveries(&self, filter: Filter) -> Reply<'_, Vec<DeliveryRecord>> {
        Box::pin(self.ask_of_all(&self.readers.people, move |conn| query::deliveries::list(conn, &filter)))
    }

    fn attempts(&self, id: DeliveryId) -> Reply<'_, Vec<Attempt>> {
        Box::pin(self.ask_of_all(&self.readers.people, move |conn| query::deliveries::attempts(conn, id)))
    }
}

impl crate::Upkeep for Sqlite {
    fn prune(&self, account: Option<AccountId>, before: WallTime) -> Reply<'_, u64> {
        Box::pin(async move {
            let mut bookmark = self.pruned_to.lock().await;
            let from = bookmark.take();
            let bite = self
                .ask_of_all(&self.readers.upkeep, move |conn| {
                    prune::bite(conn, account.as_ref(), before, from)
                })
                .await?;
            let prune::Bite { legs, rest } = bite;
            let mut gone = 0;
            for legs in legs.chunks(prune::LEGS_A_JOB) {
                let legs = legs.to_vec();
                gone += self.write_alone(|to| Job::Prune { legs, to }).await?;
            }
            *bookmark = rest;
            Ok(gone)
        })
    }

    fn erase(&self, account: AccountId, whose: Erase, after: Cursor) -> Reply<'_, Erased> {
        Box::pin(async move {
            let looked_for = move |conn: &Connection| erase::bite(conn, account, &whose, after);
            let erase::Bite { legs, running, rest } =
                self.ask_of_all(&self.readers.upkeep, looked_for).await?;
            let mut events = 0;
            for legs in legs.chunks(prune::LEGS_A_JOB) {
                let legs = legs.to_vec();
                events += self.write_alone(|to| Job::Erase { legs, to }).await?;
            }
            Ok(Erased { events, running, rest })
        })
    }

    fn kept_within(&self, account: AccountId, bytes: u64) -> Reply<'_, Option<WallTime>> {
        Box::pin(
            self.ask_of_all(&self.readers.upkeep, move |conn| {
                retention_size::kept_within(conn, &account, bytes)
            }),
        )
    }

    fn failing(&self) -> Reply<'_, Vec<Failing>> {
        Box::pin(self.ask(&self.readers.program, failing::all))
    }

    fn note_failing(&self, notes: Vec<Failing>) -> Reply<'_, ()> {
        Box::pin(async move { self.write_alone(|to| Job::NoteFailing { notes, to }).await })
    }

    fn size(&self) -> Reply<'_, Size> {
        let place = self.place.clone();
        let log = self.writer.log().clone();
        Box::pin(self.ask(&self.readers.upkeep, move |conn| query::size(conn, &place, &log)))
    }

    fn newest_event_at(&self) -> Reply<'_, Option<WallTime>> {
        Box::pin(self.ask_of_all(&self.readers.upkeep, query::events::newest_at))
    }

    fn audit(&self, filter: AuditFilter) -> Reply<'_, AuditPage> {
        Box::pin(self.ask(&self.readers.people, move |conn| audit::page(conn, &filter)))
    }

    fn prune_audit(&self, before: WallTime) -> Reply<'_, u64> {
        Box::pin(self.write_alone(move |to| Job::PruneAudit { before, to }))
    }
}
