//! The store brought from a data folder to PostgreSQL, and back: opened on both sides, copied, and put in its place.

use std::path::{Path, PathBuf};
use std::time::Duration;

use calls::PbxName;
use journal::copying::{CopyError, Progress, Then, copy};
use journal::postgres::{Filling, Options, OwnClock, Postgres, Stopped, Target, id_in};
use journal::seal::Sealer;
use journal::{Access, Grant, Journal, JournalError, Sqlite};
use tokio::time::Instant;

use crate::config::{Config, OnPostgres};
use crate::folder::{StoreError, journal_in};
use crate::key::{self, Key};
use crate::store::Store;

/// How often it is said how far it is.
const TELL_EVERY: Duration = Duration::from_secs(2);
/// A group of events may take long where nobody waits for it.
const PATIENCE: Duration = Duration::from_secs(60);
/// What another gateway reads of who has the store.
const NAME: &str = "ringbud journal copy";

/// Why it was not done.
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// There is nothing to copy.
    #[error("there is no store in {}: nothing to copy", .0.display())]
    NoStore(PathBuf),
    /// Something of the database is not in it.
    #[error("not all is in the database: spool.sqlite in {} has {left} entries of when PostgreSQL was away. Start the gateway once, so that they come there, and copy then", place.display())]
    Spooled {
        /// How many entries.
        left: u64,
        /// The data folder.
        place: PathBuf,
    },
    /// There is a store already where one shall be made.
    #[error("there is a store in {}, and it is not overwritten: name another folder", .0.display())]
    InTheWay(PathBuf),
    /// One of the two stores cannot be had.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One of the two says no.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// It was not copied.
    #[error(transparent)]
    Copy(#[from] CopyError),
    /// A folder cannot be used.
    #[error("{}: {why}", place.display())]
    Folder {
        /// Which.
        place: PathBuf,
        /// The system's words.
        why: std::io::Error,
    },
}

fn at(place: &Path) -> impl FnOnce(std::io::Error) -> MoveError {
    let place = place.to_owned();
    move |why| MoveError::Folder { place, why }
}

/// From a folder into the database of the configuration; what was done, in words.
///
/// # Errors
/// [`MoveError`]; then the store in the folder is as it was.
pub async fn into_postgres(config: &Config, on: &OnPostgres, folder: &Path) -> Result<String, MoveError> {
    if !Store::is_in(folder) {
        return Err(MoveError::NoStore(folder.to_owned()));
    }
    let key = configured(config)?;
    let from = Sqlite::open(folder, Access::Gateway, sealer_of(folder, &key)?)?;
    let (target, own) = (target(on)?, own_folder()?);
    let then = Then::default();
    let filling =
        Filling::open(&target, own.path(), key.sealer(), options(on, OwnClock(Some(then.clock())))).await?;
    let counted = copied(config, &[], (&from, &[Grant::ALONE]), filling.journal(), &then).await?;
    filling.finish().await?;
    drop(from);
    let aside = put_aside(folder).map_err(at(folder))?;
    Ok(format!(
        "in both stores there are {counted}. The store is in the database {} now; the old one is {}",
        target.place(),
        aside.display()
    ))
}

/// From the database of the configuration into a folder; what was done, in words. Of a store that gateways share: `without`
/// are those of them that are gone with their disks.
///
/// # Errors
/// [`MoveError`]; then there is no store in the folder.
pub async fn into_folder(
    config: &Config,
    on: &OnPostgres,
    folder: &Path,
    without: &[String],
) -> Result<String, MoveError> {
    std::fs::create_dir_all(folder).map_err(at(folder))?;
    let _held = Sqlite::hold(folder)?;
    if Store::is_in(folder) {
        return Err(MoveError::InTheWay(folder.to_owned()));
    }
    nothing_is_spooled(config)?;
    let key = configured(config)?;
    let made = tempfile::Builder::new().prefix("copy-").tempdir_in(folder).map_err(at(folder))?;
    let (target, own) = (target(on)?, own_folder()?);
    let then = Then::default();
    // How long something has waited is told by the engine.
    let options = options(on, OwnClock::default());
    let counted = {
        let as_it_was = journal::Options { clock: then.clock(), ..journal::Options::default() };
        let to = Sqlite::open_with(made.path(), Access::Gateway, key.sealer(), as_it_was)?;
        if Stopped::is_of(&target, &key.sealer(), &options).await? {
            let have_nothing: Vec<String> = config.data_dir.as_deref().and_then(id_in).into_iter().collect();
            let sealer = key.sealer();
            let from = Stopped::open(&target, own.path(), sealer, options, &have_nothing, without).await?;
            let old = (from.journal() as &dyn Journal, from.grants());
            let counted = from.while_nobody_comes(copied(config, from.pbxs(), old, &to, &then)).await;
            from.release().await?;
            counted??
        } else {
            let from = Postgres::open(&target, own.path(), key.sealer(), options).await?;
            let counted = copied(config, &[], (&from, &[Grant::ALONE]), &to, &then).await;
            from.release().await?;
            counted?
        }
    };
    // Whole and in one file, whatever lies in its log.
    let whole = tempfile::NamedTempFile::new_in(made.path()).map_err(at(folder))?;
    Sqlite::copy(made.path(), whole.path())?;
    whole.as_file().sync_all().map_err(at(folder))?;
    whole.persist_noclobber(journal_in(folder)).map_err(|error| at(folder)(error.error))?;
    key::sync_folder(folder).map_err(at(folder))?;
    Ok(format!(
        "in both stores there are {counted}. The store is in {} now: name that folder with data_dir, keep secret_key, and take [journal] out of {}. The one in the database {} stays as it is: start no gateway on it",
        folder.display(),
        config.file.display(),
        target.place()
    ))
}

/// What this gateway kept for the database is in it.
fn nothing_is_spooled(config: &Config) -> Result<(), MoveError> {
    let Some(place) = &config.data_dir else { return Ok(()) };
    let left = journal::left_in_spool(place);
    match left.map_err(|why| at(place)(std::io::Error::other(why)))? {
        0 => Ok(()),
        left => Err(MoveError::Spooled { left, place: place.clone() }),
    }
}

async fn copied(
    config: &Config,
    more: &[PbxName],
    (from, grants): (&dyn Journal, &[Grant]),
    to: &dyn Journal,
    then: &Then,
) -> Result<journal::copying::Counted, CopyError> {
    let pbxs: Vec<_> = config.pbxs.iter().map(|pbx| &pbx.name).chain(more).cloned().collect();
    let mut told = Instant::now();
    let mut tell = |Progress { events, of }: Progress| {
        if told.elapsed() >= TELL_EVERY {
            told = Instant::now();
            eprintln!("ringbud: {events} of {of} events are copied");
        }
    };
    copy(from, to, then, grants, &pbxs, &mut tell).await
}

fn configured(config: &Config) -> Result<Key, StoreError> {
    Key::configured(config)?.ok_or(StoreError::NotInFolder("secret_key_file is missing"))
}

/// The key of a folder's store: the configuration's, or the one that was made there.
fn sealer_of(folder: &Path, configured: &Key) -> Result<Sealer, MoveError> {
    let sealer = configured.sealer();
    if Sqlite::is_opened_by(folder, &sealer)? {
        return Ok(sealer);
    }
    let file = key::file_in(folder);
    key::finish_rotation(folder)?;
    let own = Key::in_file(&file).map_err(|why| StoreError::Key { file, why })?;
    Ok(own.sealer())
}

fn target(on: &OnPostgres) -> Result<Target, StoreError> {
    Target::new(&on.url.read()?, on.ca_file.as_deref()).map_err(StoreError::Target)
}

/// Whoever copies is a gateway of its own.
fn own_folder() -> Result<tempfile::TempDir, MoveError> {
    tempfile::tempdir().map_err(at(&std::env::temp_dir()))
}

fn options(on: &OnPostgres, clock: OwnClock) -> Options {
    Options {
        name: NAME.to_owned(),
        allow_unreplicated: on.allow_unreplicated,
        patience: PATIENCE,
        clock,
        ..Options::default()
    }
}

/// Nothing goes on with the store of a folder by mistake; its log goes with it.
fn put_aside(folder: &Path) -> std::io::Result<PathBuf> {
    let store = journal_in(folder);
    let beside = |file: &Path, more: &str| {
        let mut name = file.as_os_str().to_owned();
        name.push(more);
        PathBuf::from(name)
    };
    let aside = (1..)
        .map(|number| beside(&store, &format!(".copied-{number}")))
        .find(|aside| !aside.exists())
        .unwrap_or_else(|| beside(&store, ".copied"));
    for more in ["-wal", "-shm", ""] {
        let file = beside(&store, more);
        if file.exists() {
            std::fs::rename(file, beside(&aside, more))?;
        }
    }
    key::sync_folder(folder)?;
    Ok(aside)
}
