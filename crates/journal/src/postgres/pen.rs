//! A connection that writes, made when it is needed. An answer that does not come in time is waited for aside, and only
//! so often at once: a backend that waits for a standby does not notice that its client left, so connecting anew once
//! a second would use up all connections of the engine.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::try_join_all;
use tasks::Part;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_postgres::Statement;

use super::errors::Fault;
use super::link::{Link, Use};
use super::target::Target;

/// How many answers are waited for at once, the one in time included.
const ANSWERS: usize = 3;
/// How long a late answer is waited for, and a connection. Never is the engine asked to cancel: a commit that waits for
/// a standby would be told as done.
const LATE: Duration = Duration::from_secs(10);

/// A writer's connection.
pub(super) struct Pen {
    target: Target,
    for_what: Use,
    sql: &'static [&'static str],
    answers: Arc<Semaphore>,
    held: Option<Held>,
}

/// A connection on loan: given back, or put aside.
pub(super) struct Held {
    pub(super) link: Link,
    /// Of the pen's texts, in their order.
    pub(super) statements: Vec<Statement>,
    _answer: OwnedSemaphorePermit,
}

impl Pen {
    /// With these texts prepared on each connection.
    pub(super) fn new(target: Target, for_what: Use, sql: &'static [&'static str]) -> Self {
        Self { target, for_what, sql, answers: Arc::new(Semaphore::new(ANSWERS)), held: None }
    }

    /// The connection, or another one if it is gone.
    pub(super) async fn take(&mut self) -> Result<Held, Fault> {
        if let Some(held) = self.held.take().filter(|held| !held.link.client.is_closed()) {
            return Ok(held);
        }
        let answer = self
            .answers
            .clone()
            .try_acquire_owned()
            .map_err(|_| Fault::Undone("it owes answers to what it was asked before".to_owned()))?;
        let made = timeout(LATE, async {
            let link = Link::make(&self.target, self.for_what).await?;
            let statements = try_join_all(self.sql.iter().map(|sql| link.client.prepare(sql))).await?;
            Ok::<_, Fault>((link, statements))
        });
        let silent = || Fault::Undone(format!("it cannot be connected to within {} s", LATE.as_secs()));
        let (link, statements) = made.await.unwrap_or_else(|_| Err(silent()))?;
        Ok(Held { link, statements, _answer: answer })
    }

    /// It has answered.
    pub(super) fn give_back(&mut self, held: Held) {
        self.held = Some(held);
    }

    /// Its answer is late.
    pub(super) fn put_aside(&mut self, held: Held) {
        drop(tasks::spawn(Part::JournalLate, async move {
            // Answers come in order: this one comes behind the late one.
            let answered = timeout(LATE, held.link.client.batch_execute("")).await;
            tracing::info!(in_time = answered.is_ok(), "a late answer of PostgreSQL was waited for");
            held.link.cut();
        }));
    }
}
