//! The file: made, refused or brought up to date, and connected to.

use std::path::{Path, PathBuf};

use rusqlite::Connection;

use super::errors::Failure;
use super::lock::FolderLock;
use super::schema;
use crate::JournalError;
use crate::seal::Sealer;

/// The name of the file in the data folder.
pub(super) const FILE: &str = "journal.sqlite";
/// How long to wait for another process (the command line, while a gateway runs) to finish its write.
const OTHER_WRITER_MS: u32 = 5_000;

pub(super) fn make_private_folder(folder: &Path) -> Result<(), JournalError> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder).map_err(|error| JournalError::Unwritable {
        place: folder.display().to_string(),
        why: error.to_string(),
    })
}

/// Opens the store for writing: refuses what it cannot be used with, brings an older one up to date.
pub(super) fn open_checked(
    folder: &Path,
    place: &Path,
    locked: bool,
    sealer: &Sealer,
) -> Result<Connection, JournalError> {
    let at = |failure: Failure| failure.at(place);
    let mut conn = connect(place).map_err(|error| at(error.into()))?;
    let standing = schema::look(&conn).map_err(at)?;
    if standing == schema::Standing::Older && !locked {
        // A gateway that knows the older format may be running: only one that has the folder may change it.
        let _brief = FolderLock::take(folder)?;
        schema::migrate(&mut conn, sealer).map_err(at)?;
    } else if standing != schema::Standing::Current {
        schema::migrate(&mut conn, sealer).map_err(at)?;
    }
    if locked {
        let bytes = std::fs::metadata(place).map_or(0, |metadata| metadata.len());
        schema::check_small(&conn, bytes).map_err(at)?;
    }
    schema::check_key(&conn, sealer).map_err(at)?;
    Ok(conn)
}

/// A connection as every part of this room has it; `synchronous=FULL`: on disk when a commit returns.
pub(super) fn connect(place: &Path) -> Result<Connection, rusqlite::Error> {
    let conn = Connection::open(place)?;
    conn.busy_timeout(std::time::Duration::from_millis(OTHER_WRITER_MS.into()))?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    waits_for_the_disk(&conn)?;
    conn.pragma_update(None, "foreign_keys", false)?;
    conn.set_prepared_statement_cache_capacity(64);
    Ok(conn)
}

/// What is committed is on disk then. Not within a transaction: SQLite refuses it there.
pub(super) fn waits_for_the_disk(conn: &Connection) -> Result<(), rusqlite::Error> {
    conn.pragma_update(None, "synchronous", "FULL")
}

/// Whether it is.
pub(super) fn is_waiting_for_the_disk(conn: &Connection) -> bool {
    const FULL: i64 = 2;
    conn.pragma_query_value(None, "synchronous", |row| row.get(0)).is_ok_and(|is: i64| is == FULL)
}

/// Bytes on disk of the file and its log.
pub(super) fn bytes_on_disk(place: &Path) -> u64 {
    let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
    size(place) + size(&log_of(place))
}

/// The file of SQLite's log.
pub(super) fn log_of(place: &Path) -> PathBuf {
    let mut log = PathBuf::from(place).into_os_string();
    log.push("-wal");
    log.into()
}
