//! A store that another one's content is brought into. Until all of it is there, nobody can work with it.

use std::path::Path;

use super::link::{Link, Use};
use super::schema::{self, Purpose};
use super::{Options, Postgres, Target};
use crate::JournalError;
use crate::seal::Sealer;

/// One at a time fills a store: held as long as the connection lives.
const ALONE: &str = "SELECT pg_try_advisory_lock(7, -2)";

/// An empty store, marked as one that is being filled.
pub struct Filling {
    journal: Postgres,
    alone: Link,
}

impl Filling {
    /// Opens it, as the gateway of a folder. What an earlier filling left by half is removed.
    ///
    /// # Errors
    /// As [`Postgres::open`]; and that there is something in it, or that somebody else fills it.
    pub async fn open(
        target: &Target,
        folder: &Path,
        sealer: Sealer,
        options: Options,
    ) -> Result<Self, JournalError> {
        let place = target.place();
        let alone = Link::make(target, Use::Upkeep).await.map_err(|fault| fault.at(place))?;
        let row = alone.client.query_one(ALONE, &[]).await;
        let row = row.map_err(|error| super::Fault::from(error).of_reading(place))?;
        if !row.get::<_, bool>(0) {
            let why = "another store is being copied into it".to_owned();
            return Err(JournalError::Unfit { place: place.to_string(), why });
        }
        let journal = Postgres::open_for(Purpose::Fill, target, folder, sealer, options, None).await?;
        Ok(Self { journal, alone })
    }

    /// The store.
    pub fn journal(&self) -> &Postgres {
        &self.journal
    }

    /// Everything is in it: from now on it can be worked with, and a gateway has it at once.
    ///
    /// # Errors
    /// That it could not be said; then it counts as filled by half.
    pub async fn finish(self) -> Result<(), JournalError> {
        let Self { journal, alone } = self;
        journal.release().await?;
        schema::is_filled(&alone.client).await.map_err(|fault| fault.at(&journal.place))?;
        // Not only when the engine finds that the connection is gone.
        let _ = alone.client.query_one("SELECT pg_advisory_unlock(7, -2)", &[]).await;
        Ok(())
    }
}
