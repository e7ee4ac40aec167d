//! The file: entries in the order in which they came, on disk when a write returns.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, params};

use crate::{Epoch, Grant, Part};

/// The newest format this program knows.
const FORMAT: i64 = 2;
const TABLES: &str = "
    PRAGMA auto_vacuum = INCREMENTAL;
    CREATE TABLE entry (n INTEGER PRIMARY KEY, first INTEGER, events INTEGER NOT NULL, packed BLOB NOT NULL) STRICT;
    CREATE INDEX entry_first ON entry (first) WHERE first IS NOT NULL;
    CREATE TABLE store (seal TEXT NOT NULL) STRICT;
    PRAGMA user_version = 1";
/// What was kept before entries had grants is that of one that had its store for itself: part and epoch 0.
const GRANTS: &str = "
    BEGIN;
    ALTER TABLE entry ADD COLUMN part INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE entry ADD COLUMN epoch INTEGER NOT NULL DEFAULT 0;
    CREATE INDEX entry_grant ON entry (part, epoch, n);
    PRAGMA user_version = 2;
    COMMIT";
/// By how many microseconds the clock that never jumps was ahead of the wall's when an entry was written. An older program
/// goes on without it.
const AHEAD: &str = "ALTER TABLE entry ADD COLUMN ahead INTEGER NOT NULL DEFAULT 0";
const HAS_AHEAD: &str = "SELECT EXISTS (SELECT 1 FROM pragma_table_info('entry') WHERE name = 'ahead')";
/// Another program (a copy, somebody who looks) may keep it for so long.
const OTHERS: Duration = Duration::from_secs(5);

/// A connection to it.
pub(super) struct File(Connection);

/// What is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) entries: u64,
    pub(super) events: u64,
    pub(super) bytes: u64,
}

impl Content {
    /// One entry more.
    pub(super) fn add(&mut self, events: u64, bytes: usize) {
        self.entries += 1;
        self.events += events;
        self.bytes += bytes as u64;
    }
}

/// An entry as it is written.
pub(super) struct Written {
    pub(super) grant: Grant,
    /// The place of its first event.
    pub(super) first: Option<i64>,
    pub(super) events: u64,
    pub(super) packed: Vec<u8>,
}

/// An entry as it lies there.
pub(super) struct Lying {
    pub(super) n: i64,
    pub(super) grant: Grant,
    pub(super) events: u64,
    /// Of this run; of one that is over only the wall's clock is known.
    pub(super) ahead: i64,
    pub(super) packed: Vec<u8>,
}

impl File {
    /// Opens it, or makes it.
    pub(super) fn open(place: &Path) -> Result<(Self, Content), String> {
        Self::opened(place).map_err(|error| error.to_string()).and_then(|(file, format)| {
            if format > FORMAT {
                return Err(format!("its format is {format}, this ringbud knows up to {FORMAT}"));
            }
            let content = file.content().map_err(|error| error.to_string())?;
            Ok((file, content))
        })
    }

    /// How many entries lie there, of a file that somebody may have in use: nothing of it is changed.
    pub(super) fn look(place: &Path) -> Result<u64, rusqlite::Error> {
        let conn = Connection::open_with_flags(place, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
        conn.busy_timeout(OTHERS)?;
        // One that was made and not written yet has no table.
        let sql = "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE name = 'entry')";
        if !conn.query_row(sql, [], |row| row.get(0))? {
            return Ok(0);
        }
        conn.query_row("SELECT count(*) FROM entry", [], |row| row.get(0))
    }

    fn opened(place: &Path) -> Result<(Self, i64), rusqlite::Error> {
        let conn = Connection::open(place)?;
        conn.busy_timeout(OTHERS)?;
        let format: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
        if format == 0 {
            conn.execute_batch(TABLES)?;
        }
        if format < FORMAT {
            conn.execute_batch(GRANTS)?;
        }
        if format <= FORMAT {
            if !conn.query_row(HAS_AHEAD, [], |row| row.get(0))? {
                conn.execute_batch(AHEAD)?;
            }
            conn.execute("UPDATE entry SET ahead = 0 WHERE ahead <> 0", [])?;
        }
        conn.pragma_update(None, "journal_mode", "WAL")?;
        conn.pragma_update(None, "synchronous", "FULL")?;
        Ok((Self(conn), format))
    }

    fn content(&self) -> Result<Content, rusqlite::Error> {
        let sql = "SELECT count(*), coalesce(sum(events), 0), coalesce(sum(length(packed)), 0) FROM entry";
        self.0.query_row(sql, [], |row| {
            Ok(Content { entries: row.get(0)?, events: row.get(1)?, bytes: row.get(2)? })
        })
    }

    /// All of them or none.
    pub(super) fn add(&self, entries: &[Written], ahead: i64) -> Result<(), rusqlite::Error> {
        let transaction = self.0.unchecked_transaction()?;
        let sql =
            "INSERT INTO entry (first, events, packed, part, epoch, ahead) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let mut insert = transaction.prepare_cached(sql)?;
        for Written { grant, first, events, packed } in entries {
            insert.execute(params![first, events, packed, grant.part().0, grant.epoch().0, ahead])?;
        }
        drop(insert);
        transaction.commit()
    }

    /// Those that have entries, by the oldest of each.
    pub(super) fn grants(&self) -> Result<Vec<Grant>, rusqlite::Error> {
        let sql = "SELECT part, epoch FROM entry GROUP BY part, epoch ORDER BY min(n)";
        let mut select = self.0.prepare_cached(sql)?;
        let grant = |row: &rusqlite::Row<'_>| Ok(Grant::new(Part(row.get(0)?), Epoch(row.get(1)?)));
        select.query_map([], grant)?.collect()
    }

    /// The oldest that are wanted, at least one, until they have so many bytes.
    pub(super) fn oldest(
        &self,
        wanted: impl Fn(Grant) -> bool,
        bytes: usize,
    ) -> Result<Vec<Lying>, rusqlite::Error> {
        let mut select =
            self.0.prepare_cached("SELECT n, events, part, epoch, packed, ahead FROM entry ORDER BY n")?;
        let (mut rows, mut all, mut sum) = (select.query([])?, Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let grant = Grant::new(Part(row.get(2)?), Epoch(row.get(3)?));
            if !wanted(grant) {
                continue;
            }
            let (packed, ahead) = (row.get(4)?, row.get(5)?);
            let lying = Lying { n: row.get(0)?, events: row.get(1)?, grant, ahead, packed };
            sum += lying.packed.len();
            all.push(lying);
            if sum >= bytes {
                break;
            }
        }
        Ok(all)
    }

    /// Whose entries it has; nobody's, where it never had any.
    pub(super) fn store(&self) -> Result<Option<String>, rusqlite::Error> {
        self.0.query_row("SELECT seal FROM store", [], |row| row.get(0)).optional()
    }

    /// It has those of this store from now on.
    pub(super) fn is_of(&self, seal: &str) -> Result<(), rusqlite::Error> {
        self.0.execute("DELETE FROM store", [])?;
        self.0.execute("INSERT INTO store VALUES (?1)", [seal]).map(drop)
    }

    /// All of these or none; what was in those that were there still.
    pub(super) fn remove(&self, entries: &[Lying]) -> Result<Content, rusqlite::Error> {
        let transaction = self.0.unchecked_transaction()?;
        let mut delete = transaction.prepare_cached("DELETE FROM entry WHERE n = ?1")?;
        let mut removed = Content::default();
        for Lying { n, events, packed, .. } in entries {
            if delete.execute([n])? > 0 {
                removed.add(*events, packed.len());
            }
        }
        drop(delete);
        transaction.commit()?;
        Ok(removed)
    }

    /// The entry an event of this place is in, if it is in one.
    pub(super) fn with(&self, seq: i64) -> Result<Option<Vec<u8>>, rusqlite::Error> {
        let sql = "SELECT packed FROM entry WHERE first <= ?1 ORDER BY first DESC LIMIT 1";
        self.0.prepare_cached(sql)?.query_row([seq], |row| row.get(0)).optional()
    }

    /// Gives the disk back what is empty.
    pub(super) fn shrink(&self) -> Result<(), rusqlite::Error> {
        // A page a step.
        let mut vacuum = self.0.prepare("PRAGMA incremental_vacuum")?;
        let mut pages = vacuum.query([])?;
        while pages.next()?.is_some() {}
        self.0.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))
    }
}
