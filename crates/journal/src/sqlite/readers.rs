//! Connections that read, and the blocking threads they are used on.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::errors::StoreError;
use super::opening::connect;
use crate::JournalError;

/// How many questions are answered at once; the others wait.
const READERS: usize = 3;
/// Page cache of each, in KiB.
const CACHE_KIB: i64 = 8 * 1024;

/// The connections.
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Readers {
    pub(super) fn open(place: &Path) -> Result<Self, StoreError> {
        let one = || {
            let conn = connect(place)?;
            conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
            conn.pragma_update(None, "query_only", true)?;
            Ok::<_, StoreError>(conn)
        };
        let idle: Vec<Connection> = (0..READERS).map(|_| one()).collect::<Result<_, _>>()?;
        Ok(Self { idle: Arc::new(Mutex::new(idle)), turns: Arc::new(Semaphore::new(READERS)) })
    }

    /// Asks on a blocking thread. The connection comes back even if nobody waits for the answer any more.
    pub(super) async fn ask<T, F>(&self, question: F) -> Result<Result<T, StoreError>, JournalError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| JournalError::Closed)?;
        let idle = self.idle.clone();
        let answer = tokio::task::spawn_blocking(move || {
            let conn = idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
            // One snapshot for the whole question, however many statements it takes.
            let answer = within_snapshot(&conn, question);
            idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
            drop(turn);
            Some(answer)
        });
        answer.await.ok().flatten().ok_or(JournalError::Closed)
    }
}

pub(super) fn within_snapshot<T>(
    conn: &Connection,
    question: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    conn.prepare_cached("BEGIN")?.execute([])?;
    let answer = question(conn);
    let ended = conn.prepare_cached("ROLLBACK").and_then(|mut end| end.execute([]));
    match (answer, ended) {
        (Ok(answer), Ok(_)) => Ok(answer),
        (Ok(_), Err(error)) => Err(error.into()),
        (Err(error), _) => Err(error),
    }
}
