//! What becomes of a group that the engine does not take: it goes into the spool, and so does everything behind it, until
//! all of it is merged.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::timeout;

use super::errors::Fault;
use super::groups::within;
use super::pen::Pen;
use super::schema;
use crate::spool::{Entry, FILE, Pass, Spool, Spooled};
use crate::{Grant, JournalError};

/// The gateway was pointed elsewhere while something was in its spool.
const FOREIGN: &str = "spool.sqlite in data_dir has calls that were kept for another database, and they cannot come into this one. Start this gateway once with the [journal] url of before, or move the file away if they are not wanted";

/// The store was this gateway's alone while something was in its spool.
const OF_THE_STORE: &str = "spool.sqlite in data_dir has what was kept while this gateway had the store for itself, and PBXs are shared now. Start it once without share_pbxs, until ringbud_spool_events is 0; if the store is shared by now, move the file away: what is in it is lost then";

/// A writer's way to the spool, if there is one.
#[derive(Clone)]
pub(super) struct Spooling(pub(super) Option<Arc<Spool>>);

impl Spooling {
    /// That of a data folder, which is locked.
    pub(super) fn open(folder: &Path, most_bytes: Option<u64>) -> Result<Self, JournalError> {
        let Some(most_bytes) = most_bytes else { return Ok(Self(None)) };
        let place = || folder.join(FILE).display().to_string();
        let spool = Spool::open(folder, most_bytes)
            .map_err(|why| JournalError::Unwritable { place: place(), why })?;
        if let Some(Spooled { events, bytes, .. }) = spool.spooled() {
            tracing::warn!(
                events,
                bytes,
                "the last run left this in the spool: it comes to PostgreSQL as soon as this gateway has the store"
            );
        }
        Ok(Self(Some(Arc::new(spool))))
    }

    /// Refuses one with calls of another store: their places and web services are that one's own.
    pub(super) async fn belongs(
        &self,
        pen: &mut Pen,
        at: &str,
        patience: Duration,
    ) -> Result<(), JournalError> {
        let Some(spool) = &self.0 else { return Ok(()) };
        let seal = within(pen, patience, async |held| schema::seal(&held.link.client).await).await;
        let seal = seal.map_err(|fault| fault.of_reading(at))?;
        match spool.becomes(seal).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(JournalError::Unfit { place: at.to_owned(), why: FOREIGN.to_owned() }),
            Err(why) => Err(JournalError::Unwritable { place: FILE.to_owned(), why }),
        }
    }

    /// Refuses one with calls of a gateway that had its store for itself: the places they have there are no part's.
    pub(super) async fn is_of_parts(&self, at: &str) -> Result<(), JournalError> {
        let Some(spool) = &self.0 else { return Ok(()) };
        let grants = spool.grants().await;
        let grants = grants.map_err(|why| JournalError::Unwritable { place: FILE.to_owned(), why })?;
        if grants.is_some_and(|grants| grants.contains(&Grant::ALONE)) {
            return Err(JournalError::Unfit { place: at.to_owned(), why: OF_THE_STORE.to_owned() });
        }
        Ok(())
    }

    /// The pass of a group that goes into the spool, and not to the engine; waits while the last of it is merged.
    pub(super) async fn pass(&self) -> Option<Pass> {
        let spool = self.0.as_ref()?;
        let pass = spool.pass().await;
        spool.is_in_use().then_some(pass)
    }

    /// Makes the connection, where nobody waits for long: there is another place to keep things.
    pub(super) async fn reach(&self, pen: &mut Pen, patience: Duration) -> Result<(), Fault> {
        if self.0.is_none() {
            return Ok(());
        }
        reach(pen, patience).await
    }

    /// Whether a group that met with this goes into the spool.
    pub(super) fn takes(&self, fault: &Fault) -> bool {
        self.0.is_some() && matches!(fault, Fault::Undone(_) | Fault::Doubtful(_))
    }

    /// The engine was heard: what is in the spool can be merged.
    pub(super) fn is_heard(&self) {
        if let Some(spool) = self.0.as_ref().filter(|spool| spool.is_in_use()) {
            spool.is_heard();
        }
    }

    /// Keeps them there; those that were to go to the engine have no pass yet.
    pub(super) async fn keep(&self, pass: Option<Pass>, entries: &[(Grant, Entry<'_>)]) -> Result<(), Fault> {
        let Some(spool) = &self.0 else { return Err(Fault::Undone("there is no spool".to_owned())) };
        let _pass = match pass {
            Some(pass) => pass,
            None => spool.pass().await,
        };
        spool
            .keep(entries)
            .await
            .map_err(|why| Fault::Undone(format!("it is not reached, and the spool: {why}")))
    }
}

/// Makes the connection, if it can be within a time.
pub(super) async fn reach(pen: &mut Pen, patience: Duration) -> Result<(), Fault> {
    let Ok(taken) = timeout(patience, pen.take()).await else {
        return Err(Fault::Undone(format!("it cannot be connected to within {} ms", patience.as_millis())));
    };
    pen.give_back(taken?);
    Ok(())
}
