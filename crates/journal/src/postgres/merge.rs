//! Brings what is in the spool to the engine: the calls are made again as they were, oldest first, many in one
//! transaction. What had come through before is a repeat there, and changes nothing.

use std::sync::Arc;
use std::time::Duration;

use tasks::Part;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::append;
use super::errors::Fault;
use super::group::Group;
use super::groups::within;
use super::link::Use;
use super::moment::Moment;
use super::owned::Owned;
use super::pen::Pen;
use super::settle::{self, Row};
use super::target::Target;
use crate::spool::{Entry, Oldest, Spool};
use crate::{Appended, Grant};

/// So many rows are asked for in one transaction.
const AT_ONCE: usize = 1_024;
/// Where events and outcomes of one that has the whole store are counted.
const TALLIES: (i16, i16) = (0, 1);
/// Nobody waits for an answer here; one that comes later than this does not come.
const PATIENCE: Duration = Duration::from_secs(5);

/// What came of a merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    /// Events.
    pub(super) events: u64,
    /// Events that the engine refused: their leg had ended.
    pub(super) refused: u64,
}

/// Whoever merges.
pub(super) struct Merger {
    spool: Arc<Spool>,
    owned: Arc<Owned>,
    target: Target,
    /// One merges at a time.
    alone: Mutex<()>,
}

impl Merger {
    pub(super) fn new(spool: Arc<Spool>, owned: Arc<Owned>, target: Target) -> Self {
        Self { spool, owned, target, alone: Mutex::default() }
    }

    /// Merges each time the engine is heard, for ever.
    pub(super) async fn run(&self) {
        loop {
            self.spool.heard().await;
            match self.merge().await {
                Ok(Merged { events: 0, .. }) => {}
                Ok(Merged { events, refused }) => {
                    tracing::info!(events, refused, "what was kept in the spool is on PostgreSQL now");
                }
                Err(fault) => {
                    tracing::warn!(?fault, "PostgreSQL does not take what is in the spool; it stays there");
                }
            }
        }
    }

    /// Merges what the last run left: before anything else is read or written.
    pub(super) async fn take_up(&self) -> Result<(), Fault> {
        if !self.spool.is_in_use() {
            return Ok(());
        }
        let Merged { events, refused } = self.merge().await?;
        tracing::info!(
            events,
            refused,
            "the last run had kept these in the spool: they are on PostgreSQL now"
        );
        Ok(())
    }

    /// Merges, if there is something to merge, before the store is given back.
    pub(super) async fn hurry(&self, patience: Duration) {
        if !self.spool.is_in_use() {
            return;
        }
        match timeout(patience, self.merge()).await {
            Ok(Ok(_)) => {}
            Ok(Err(fault)) => tracing::warn!(?fault, "what is in the spool stays there until the next start"),
            Err(_) => tracing::warn!("what is in the spool stays there until the next start"),
        }
    }

    /// Merges until nothing is left.
    pub(super) async fn merge(&self) -> Result<Merged, Fault> {
        let _alone = self.alone.lock().await;
        let mut events = Pen::new(self.target.clone(), Use::Writing, append::SQL);
        let mut outcomes = Pen::new(self.target.clone(), Use::Writing, settle::SQL);
        let mut merged = Merged::default();
        while let Some(oldest) = self.spool.oldest().await.map_err(Fault::Damaged)? {
            let (moments, firsts, rows) = asked(&oldest)?;
            for (moments, firsts) in moments.chunks(AT_ONCE).zip(firsts.chunks(AT_ONCE)) {
                let moments: Vec<&Moment> = moments.iter().collect();
                let group = Group::of(&moments, firsts);
                let answers = self.append(&mut events, &group).await?;
                for answer in answers.iter().flatten() {
                    merged.events += 1;
                    merged.refused += u64::from(matches!(answer, Appended::Refused(_)));
                }
            }
            for rows in rows.chunks(AT_ONCE) {
                self.settle(&mut outcomes, rows).await?;
            }
            self.spool.is_merged(&oldest).await.map_err(Fault::Damaged)?;
        }
        metrics::counter!("ringbud_spool_merged_total").increment(merged.events);
        metrics::counter!("ringbud_spool_refused_total").increment(merged.refused);
        Ok(merged)
    }

    async fn append(&self, pen: &mut Pen, group: &Group<'_>) -> Result<Vec<Vec<Appended>>, Fault> {
        let ours = self.owned.holding(std::iter::once(Grant::ALONE));
        within(pen, PATIENCE, async |held| group.keep(held, &ours, TALLIES.0).await).await
    }

    async fn settle(&self, pen: &mut Pen, rows: &[Row]) -> Result<(), Fault> {
        let (ours, waves) =
            (self.owned.holding(std::iter::once(Grant::ALONE)), settle::waves(rows, |_| true));
        let done =
            within(pen, PATIENCE, async |held| settle::settle(held, rows, &waves, &ours, TALLIES.1).await);
        done.await.map(drop)
    }
}

/// Merges from now on whenever there is something to merge.
pub(super) fn start(merger: Arc<Merger>) -> JoinHandle<()> {
    tasks::spawn_anew(Part::JournalMerge, move || {
        let merger = merger.clone();
        async move { merger.run().await }
    })
}

/// What entries ask for.
type Asked = (Vec<Moment>, Vec<i64>, Vec<Row>);

/// All moments, each with the place of its first event; then all outcomes: each comes behind its event, as it did.
fn asked(oldest: &Oldest) -> Result<Asked, Fault> {
    let (mut moments, mut firsts, mut rows) = (Vec::new(), Vec::new(), Vec::new());
    for entry in oldest.entries()? {
        match entry {
            Entry::Append(shapes) => {
                for shape in shapes {
                    moments.push(Moment::of(&shape.append()?));
                    firsts.push(shape.first);
                }
            }
            Entry::Settle(shapes) => rows.extend(shapes.iter().map(Row::of_shape)),
        }
    }
    Ok((moments, firsts, rows))
}
