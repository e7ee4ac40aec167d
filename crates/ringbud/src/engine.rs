//! What the store stands on: a file in the data folder, or PostgreSQL.

use std::path::Path;
use std::sync::Arc;

#[cfg(feature = "postgres")]
use journal::postgres::Waits;
use journal::seal::Sealer;
use journal::{Access, Journal, JournalError, Sqlite};

use crate::config::OnPostgres;
use crate::folder::StoreError;
use crate::stand_by::StandBy;

/// The store as what it stands on, for what only one of them has.
#[derive(Clone)]
pub enum Engine {
    /// A file.
    File(Arc<Sqlite>),
    /// A database, perhaps on other machines.
    #[cfg(feature = "postgres")]
    Postgres(Arc<journal::postgres::Postgres>),
}

/// That the spool stands in for the engine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spooling {
    /// How many events are in it.
    pub events: u64,
}

/// What is said where the way to the database is neither encrypted nor within the machine.
#[cfg(feature = "postgres")]
const READABLE_ON_THE_WAY: &str = "[journal] url reaches a server on another machine and does not insist on TLS: calls, numbers and the database's password may cross the network readable. Use sslmode=require";

/// What is doubtful about the way to a database that can be used all the same.
#[cfg(feature = "postgres")]
pub(crate) fn doubt(on: &OnPostgres) -> Option<&'static str> {
    let target = journal::postgres::Target::new(&on.url.read().ok()?, on.ca_file.as_deref()).ok()?;
    target.is_readable_on_the_way().then_some(READABLE_ON_THE_WAY)
}

/// This program was built without it.
#[cfg(not(feature = "postgres"))]
pub(crate) fn doubt(_: &OnPostgres) -> Option<&'static str> {
    None
}

impl Engine {
    /// Opens the one in a folder.
    ///
    /// # Errors
    /// The journal's.
    pub(crate) fn open_file(folder: &Path, access: Access, sealer: Sealer) -> Result<Self, JournalError> {
        Sqlite::open(folder, access, sealer).map(|sqlite| Self::File(Arc::new(sqlite)))
    }

    /// Opens the one on PostgreSQL; as its gateway in its turn, if it may stand by for it.
    ///
    /// # Errors
    /// That its connection string cannot be had, and the journal's.
    #[cfg(feature = "postgres")]
    pub(crate) async fn open_postgres(
        on: &OnPostgres,
        folder: &Path,
        access: Access,
        sealer: Sealer,
        stand_by: Option<&StandBy>,
    ) -> Result<Self, StoreError> {
        use journal::postgres::{Options, Postgres, Target};

        use crate::stand_by::Holder;
        let target = Target::new(&on.url.read()?, on.ca_file.as_deref()).map_err(StoreError::Target)?;
        if target.is_readable_on_the_way() {
            tracing::warn!("{READABLE_ON_THE_WAY}");
        }
        let name = on.name.clone().unwrap_or_else(host_name);
        let options = Options {
            name,
            allow_unreplicated: on.allow_unreplicated,
            spool_bytes: Some(u64::from(on.spool_megabytes) * 1_000_000),
            deliver_through: on.deliver_through,
            ..Options::default()
        };
        let opened = match (access, stand_by) {
            (Access::Gateway, _) if on.share_pbxs => {
                Postgres::open_shared(&target, folder, sealer, options).await
            }
            (Access::Gateway, Some(stand_by)) => {
                let waits = |now: &Waits| {
                    let Waits { holder, since, is_reached } = now.clone();
                    stand_by.waits(Holder { name: holder, since, is_reached });
                };
                Postgres::open_in_turn(&target, folder, sealer, options, &waits).await
            }
            (Access::Gateway, None) => Postgres::open(&target, folder, sealer, options).await,
            (Access::Settings, _) => Postgres::open_beside(&target, sealer, options).await,
        };
        Ok(Self::Postgres(Arc::new(opened?)))
    }

    /// This program was built without it.
    ///
    /// # Errors
    /// Always.
    #[cfg(not(feature = "postgres"))]
    pub(crate) async fn open_postgres(
        _: &OnPostgres,
        _: &Path,
        _: Access,
        _: Sealer,
        _: Option<&StandBy>,
    ) -> Result<Self, StoreError> {
        Err(StoreError::NoPostgres)
    }

    /// The store.
    pub fn journal(&self) -> Arc<dyn Journal> {
        match self {
            Self::File(sqlite) => sqlite.clone(),
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => postgres.clone(),
        }
    }

    /// The file, if it is one.
    pub fn file(&self) -> Option<&Arc<Sqlite>> {
        match self {
            Self::File(sqlite) => Some(sqlite),
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => None,
        }
    }

    /// How many wait for it to write.
    pub fn waiting(&self) -> usize {
        match self {
            Self::File(sqlite) => sqlite.waiting(),
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => postgres.waiting(),
        }
    }

    /// Where it is, for people.
    pub fn place(&self) -> String {
        match self {
            Self::File(sqlite) => sqlite.place().display().to_string(),
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => format!("the database {}", postgres.place()),
        }
    }

    /// Which gateway has it and since when, in words, where that can be another machine's.
    pub async fn holder(&self) -> Option<String> {
        match self {
            Self::File(_) => None,
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) if postgres.is_shared() => {
                Some("several gateways share the store".to_owned())
            }
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => Some(match postgres.holder().await {
                Ok(None) => "no gateway has the store".to_owned(),
                Ok(Some(Waits { holder, since, .. })) => {
                    format!("the gateway {holder} has the store since {since}")
                }
                Err(error) => format!("which gateway has the store cannot be said: {error}"),
            }),
        }
    }

    /// The gateway on another machine it was taken from at the start, if that one was gone.
    pub fn taken_from(&self) -> Option<&str> {
        match self {
            Self::File(_) => None,
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => postgres.taken_from(),
        }
    }

    /// Whether several gateways share it.
    pub fn is_shared(&self) -> bool {
        match self {
            Self::File(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => postgres.is_shared(),
        }
    }

    /// Whether it does not answer, and nothing stands in for it.
    pub fn is_away(&self) -> bool {
        match self {
            Self::File(_) => false,
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => !postgres.is_reached() && !postgres.has_spool(),
        }
    }

    /// What is kept on this machine's disk while the engine is away, or is on its way from there to the engine.
    pub fn spooling(&self) -> Option<Spooling> {
        match self {
            Self::File(_) => None,
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => {
                let spooled = postgres.spooled();
                let is_away = postgres.has_spool() && (spooled.is_some() || !postgres.is_reached());
                is_away.then(|| Spooling { events: spooled.map_or(0, |spooled| spooled.events) })
            }
        }
    }

    /// Says up to when this gateway may act, where another could have taken the store meanwhile, and whether it decides
    /// what is given up.
    pub fn on_trust(&self, to: Box<dyn Fn(tokio::time::Instant, bool) + Send + Sync>) {
        match self {
            Self::File(_) => drop(to),
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => postgres.on_trust(to),
        }
    }

    /// What to look for when it cannot be written.
    pub fn what_to_look_for(&self) -> &'static str {
        match self {
            Self::File(_) => "is the disk full, or read-only?",
            #[cfg(feature = "postgres")]
            Self::Postgres(_) => {
                "PostgreSQL is away, and the spool in data_dir takes no more: is its disk full?"
            }
        }
    }

    /// Waits until it is another gateway's; for ever, where that cannot be.
    pub async fn is_lost(&self) {
        match self {
            Self::File(_) => std::future::pending().await,
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => postgres.is_lost().await,
        }
    }

    /// Lets the next gateway have it at once. Nothing can be written any more.
    pub async fn release(&self) {
        match self {
            Self::File(_) => {}
            #[cfg(feature = "postgres")]
            Self::Postgres(postgres) => {
                if let Err(error) = postgres.release().await {
                    tracing::warn!(%error, "the store was not given back; a gateway on another machine waits some seconds for it");
                }
            }
        }
    }
}

/// As Linux tells it; elsewhere a gateway is named in the configuration, or has this name.
#[cfg(feature = "postgres")]
fn host_name() -> String {
    let told = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let told = told.trim();
    if told.is_empty() { "gateway".to_owned() } else { told.to_owned() }
}
