//! Connections that read, and the blocking threads they are used on.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tasks::Part;
use tokio::sync::Semaphore;

use super::errors::StoreError;
use super::opening::connect;
use crate::JournalError;

/// How many questions of people are answered at once; the others wait.
const FOR_PEOPLE: usize = 3;
/// Of the program's own, above all the bodies the sender is to send.
const FOR_THE_PROGRAM: usize = 2;
/// Of upkeep, which nobody waits for.
const FOR_UPKEEP: usize = 1;
/// Page cache of each, in KiB.
const CACHE_KIB: i64 = 8 * 1024;

/// Who asks. Each has connections of its own: a report over ten years keeps no webhook waiting, and what is
/// looked for to be forgotten keeps nobody waiting.
pub(super) struct Readers {
    /// Lists, sums, attempts.
    pub(super) people: Lane,
    /// What the program goes on with: bodies, what waits, settings.
    pub(super) program: Lane,
    /// Sizes, and what may be forgotten.
    pub(super) upkeep: Lane,
}

impl Readers {
    pub(super) fn open(place: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            people: Lane::open(place, FOR_PEOPLE)?,
            program: Lane::open(place, FOR_THE_PROGRAM)?,
            upkeep: Lane::open(place, FOR_UPKEEP)?,
        })
    }
}

/// Connections of one kind of asker.
pub(super) struct Lane {
    idle: Arc<Mutex<Vec<Connection>>>,
    turns: Arc<Semaphore>,
}

impl Lane {
    fn open(place: &Path, many: usize) -> Result<Self, StoreError> {
        let one = || {
            let conn = connect(place)?;
            conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
            conn.pragma_update(None, "query_only", true)?;
            Ok::<_, StoreError>(conn)
        };
        let idle: Vec<Connection> = (0..many).map(|_| one()).collect::<Result<_, _>>()?;
        Ok(Self { idle: Arc::new(Mutex::new(idle)), turns: Arc::new(Semaphore::new(many)) })
    }

    /// Asks on a blocking thread. The connection comes back even if nobody waits for the answer any more.
    pub(super) async fn ask<T, F>(&self, question: F) -> Result<Result<T, StoreError>, JournalError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let turn = self.turns.clone().acquire_owned().await.map_err(|_| JournalError::Closed)?;
        let idle = self.idle.clone();
        let answer = tasks::blocking(Part::JournalQuestion, move || {
            let lent = Lent::from(idle)?;
            // One snapshot for the whole question, however many statements it takes.
            let answer = within_snapshot(lent.conn.as_ref()?, question);
            drop(lent);
            drop(turn);
            Some(answer)
        });
        answer.await.ok().flatten().ok_or(JournalError::Closed)
    }
}

/// A connection that comes back, also from a question that panics: else there would be none left after a few.
struct Lent {
    conn: Option<Connection>,
    idle: Arc<Mutex<Vec<Connection>>>,
}

impl Lent {
    fn from(idle: Arc<Mutex<Vec<Connection>>>) -> Option<Self> {
        let conn = idle.lock().unwrap_or_else(PoisonError::into_inner).pop()?;
        Some(Self { conn: Some(conn), idle })
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let Some(conn) = self.conn.take() else { return };
        if !conn.is_autocommit()
            && let Err(error) = conn.execute_batch("ROLLBACK")
        {
            tracing::warn!(%error, "the journal cannot end what a question read");
        }
        self.idle.lock().unwrap_or_else(PoisonError::into_inner).push(conn);
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;
    use crate::conformance::sample::{Leg, keep};
    use crate::seal::Sealer;
    use crate::{Access, Deliveries, Events, Grant, Settings, Sqlite, Upkeep, WallTime};

    /// Every connection of theirs is in the middle of an answer, and somebody waits for his turn.
    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_people_ask_keeps_no_webhook_and_no_forgetting_waiting() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = Sqlite::open(folder.path(), Access::Gateway, Sealer::new([7; 32])).expect("a journal");
        let seqs = keep(&journal, Leg::incoming(1).whole(&[])).await;
        let people = &journal.readers.people;
        let mut ends = Vec::new();
        let questions: Vec<_> = (0..=FOR_PEOPLE)
            .map(|_| {
                let (end, ended) = channel::<()>();
                ends.push(end);
                people.ask(move |_| {
                    let _ = ended.recv();
                    Ok(())
                })
            })
            .collect();
        let mut questions = std::pin::pin!(futures_of(questions));
        tokio::select! {
            biased;
            () = &mut questions => panic!("they are not answered yet"),
            () = std::future::ready(()) => {}
        }
        assert_eq!(journal.bodies(seqs).await.expect("bodies").len(), 3);
        assert_eq!(journal.load(Grant::ALONE, None).await.expect("what waits"), []);
        assert_eq!(journal.settings_revision().await.expect("a revision"), 0);
        assert_eq!(journal.prune(None, WallTime(i64::MAX)).await.expect("pruned"), 3);
        drop(ends);
        questions.await;
    }

    /// All of them, together.
    async fn futures_of<T>(questions: Vec<impl Future<Output = Result<T, JournalError>>>) {
        let mut questions: Vec<_> = questions.into_iter().map(Box::pin).collect();
        std::future::poll_fn(|context| {
            questions.retain_mut(|question| question.as_mut().poll(context).is_pending());
            if questions.is_empty() { std::task::Poll::Ready(()) } else { std::task::Poll::Pending }
        })
        .await;
    }
}
