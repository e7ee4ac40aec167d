//! The store as a whole, without opening it for work: copied while it is used, looked at where it lies, sealed anew.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OpenFlags, TransactionBehavior, params};

use super::Sqlite;
use super::errors::{Failure, StoreError};
use super::lock::FolderLock;
use super::opening::{FILE, connect, open_checked};
use super::schema::{self, Standing};
use crate::JournalError;
use crate::record::setting;
use crate::seal::Sealer;

impl Sqlite {
    /// The newest format this program knows.
    pub const FORMAT: u32 = schema::FORMAT;

    /// Copies the store of a folder into an empty file, as it is at one moment; a gateway goes on with it meanwhile,
    /// and its log grows for as long. The format of the copy. Blocks, for seconds a gigabyte.
    ///
    /// # Errors
    /// That it is none, is newer, or that the copy cannot be written.
    pub fn copy(folder: &Path, into: &Path) -> Result<u32, JournalError> {
        let place = folder.join(FILE);
        let at = |failure: Failure| failure.at(&place);
        let conn = connect(&place).map_err(|error| at(error.into()))?;
        is_a_store(&conn).map_err(at)?;
        let unwritable = |why: String| JournalError::Unwritable { place: into.display().to_string(), why };
        let target = into.to_str().ok_or_else(|| unwritable("its name is not text".to_owned()))?;
        conn.execute("VACUUM INTO ?1", [target]).map_err(|error| unwritable(error.to_string()))?;
        conn.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(|error| at(error.into()))
    }

    /// Whether a file that nobody uses is a whole store, and one this key opens.
    ///
    /// # Errors
    /// That it is none, is newer, damaged, or sealed with another key.
    pub fn look_at(file: &Path, sealer: &Sealer) -> Result<(), JournalError> {
        let look = || {
            let conn = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            is_a_store(&conn)?;
            schema::check(&conn)?;
            schema::check_key(&conn, sealer)
        };
        look().map_err(|failure: Failure| failure.at(file))
    }

    /// Whether a key opens the store of a folder.
    ///
    /// # Errors
    /// That it cannot be read, or is no store.
    pub fn is_opened_by(folder: &Path, sealer: &Sealer) -> Result<bool, JournalError> {
        let place = folder.join(FILE);
        let asked = connect(&place).map_err(Failure::from).and_then(|conn| schema::check_key(&conn, sealer));
        match asked.map_err(|failure| failure.at(&place)) {
            Ok(()) => Ok(true),
            Err(JournalError::WrongKey { .. }) => Ok(false),
            Err(error) => Err(error),
        }
    }

    /// Holds a folder alone, as a gateway does.
    ///
    /// # Errors
    /// That another process has it.
    pub fn hold(folder: &Path) -> Result<HeldFolder, JournalError> {
        Ok(HeldFolder { folder: folder.to_owned(), _lock: FolderLock::take(folder)? })
    }
}

/// A data folder that no gateway uses, or will as long as this is held.
pub struct HeldFolder {
    folder: PathBuf,
    _lock: FolderLock,
}

impl HeldFolder {
    /// Seals every secret of the store with another key, in one transaction: killed at any moment, one of the two
    /// keys opens all of it. How many settings hold one. Nothing sealed with the old key is left in the file.
    ///
    /// # Errors
    /// As [`Sqlite::open`]; then it is as it was.
    pub fn seal_anew(&self, old: &Sealer, new: &Sealer) -> Result<usize, JournalError> {
        let place = self.folder.join(FILE);
        let mut conn = open_checked(&self.folder, &place, true, old)?;
        let sealed = sealed_anew(&mut conn, old, new).map_err(|error| error.at(&place))?;
        // What lies in the log is sealed with the old one still.
        conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
            .map_err(|error| Failure::from(error).at(&place))?;
        Ok(sealed)
    }
}

fn is_a_store(conn: &Connection) -> Result<(), Failure> {
    match schema::look(conn)? {
        Standing::Empty => Err(Failure::Damaged("there is nothing in it".to_owned())),
        Standing::Older | Standing::Current => Ok(()),
    }
}

fn sealed_anew(conn: &mut Connection, old: &Sealer, new: &Sealer) -> Result<usize, StoreError> {
    conn.pragma_update(None, "secure_delete", true)?;
    let transaction = conn.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let mut sealed = 0;
    {
        let mut all =
            transaction.prepare("SELECT kind, owner, part, value FROM settings WHERE value IS NOT NULL")?;
        let rows =
            all.query_map([], |row| Ok(((row.get(0)?, row.get(1)?, row.get(2)?), row.get::<_, String>(3)?)))?;
        let mut put = transaction
            .prepare("UPDATE settings SET value = ?4 WHERE kind = ?1 AND owner = ?2 AND part = ?3")?;
        for row in rows.collect::<Result<Vec<_>, _>>()? {
            let (columns, value) = row;
            let key = setting::key_of(columns)?;
            let fresh = setting::write(new, &key, &setting::read(old, &key, &value)?);
            if fresh != value {
                let (kind, owner, part) = setting::key_columns(&key);
                put.execute(params![kind, owner, part, fresh])?;
                sealed += 1;
            }
        }
    }
    schema::seal(&transaction, new)?;
    transaction.commit()?;
    Ok(sealed)
}
