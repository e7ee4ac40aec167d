//! Brings what is in the spool to the engine: the calls are made again as they were, oldest first, many in one
//! transaction. What had come through before is a repeat there, and changes nothing. What is of a part that another has now
//! goes into its inbox.

use std::sync::Arc;
use std::time::Duration;

use tasks::Part;
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::errors::Fault;
use super::group::Group;
use super::groups::within;
use super::handing::{self, Rows};
use super::link::Use;
use super::moment::Moment;
use super::owned::{Holding, Owned};
use super::pen::Pen;
use super::settle::{self, Row};
use super::target::Target;
use super::when::{EngineAhead, When};
use super::{append, inbox};
use crate::spool::{Entry, Oldest, Spool};
use crate::{Appended, Asked as Put, Grant, WallTime, Wish, steady};

/// So many rows are asked for in one transaction.
const AT_ONCE: usize = 1_024;
/// An answer that comes later than this does not come. Nobody waits for it but, now and then, those who write into the spool.
const PATIENCE: Duration = Duration::from_secs(5);
/// Some thousand events at once, row by row.
const HANDED_WITHIN: Duration = Duration::from_secs(20);

/// What came of a merge.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Merged {
    /// Events.
    pub(super) events: u64,
    /// Events that the engine refused: their leg had ended.
    pub(super) refused: u64,
    /// Events that went to who has their part now.
    pub(super) handed_over: u64,
}

/// What may be in the spool behind what was merged.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Left {
    Nothing,
    /// What came meanwhile.
    Little,
    More,
}

/// What this gateway has.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of {
    /// The whole store.
    Store,
    /// Parts of one that several share; its events and outcomes are counted here.
    Parts {
        /// In these rows.
        tallies: (i16, i16),
    },
}

impl Of {
    fn tallies(self) -> (i16, i16) {
        match self {
            Self::Store => (0, 1),
            Self::Parts { tallies } => tallies,
        }
    }
}

/// Whoever merges.
pub(super) struct Merger {
    spool: Arc<Spool>,
    owned: Arc<Owned>,
    target: Target,
    of: Of,
    /// One merges at a time.
    alone: Mutex<()>,
    engine_ahead: EngineAhead,
}

impl Merger {
    pub(super) fn new(spool: Arc<Spool>, owned: Arc<Owned>, target: Target, of: Of) -> Self {
        Self { spool, owned, target, of, alone: Mutex::default(), engine_ahead: EngineAhead::default() }
    }

    /// Merges each time the engine is heard, for ever.
    pub(super) async fn run(&self) {
        loop {
            self.spool.heard().await;
            match self.merge().await {
                Ok(merged) => say(merged, "what was kept in the spool is on PostgreSQL now"),
                Err(fault) => {
                    tracing::warn!(?fault, "PostgreSQL does not take what is in the spool; it stays there");
                }
            }
        }
    }

    /// Merges what the last run left: before anything else is read or written.
    pub(super) async fn take_up(&self) -> Result<(), Fault> {
        if self.spool.is_in_use() {
            say(self.merge().await?, "the last run had kept these in the spool: they are on PostgreSQL now");
        }
        Ok(())
    }

    /// Merges, if there is something to merge, before something is given back.
    pub(super) async fn hurry(&self, patience: Duration) {
        if !self.spool.is_in_use() {
            return;
        }
        match timeout(patience, self.merge()).await {
            Ok(Ok(_)) => {}
            Ok(Err(fault)) => tracing::warn!(?fault, "what is in the spool stays there for now"),
            Err(_) => tracing::warn!("what is in the spool stays there for now"),
        }
    }

    /// Merges as much as is read at once; closed, nothing comes meanwhile.
    async fn merge_some(&self, pens: &mut Pens, merged: &mut Merged, closes: bool) -> Result<Left, Fault> {
        let full = self.hand_over(pens, merged).await?;
        let _closed = if closes {
            // Writers do not wait for connections that have to be made.
            pens.reach().await?;
            Some(self.spool.close().await)
        } else {
            None
        };
        let Some(oldest) = self.spool.oldest(full).await.map_err(Fault::Damaged)? else {
            return Ok(Left::Nothing);
        };
        match self.again(pens, &oldest, merged).await {
            Ok(()) => {
                let left = if oldest.is_all() { Left::Little } else { Left::More };
                self.spool.is_merged(oldest).await.map_err(Fault::Damaged)?;
                Ok(left)
            }
            // What others have goes to them.
            Err(Fault::Taken(_)) if matches!(self.of, Of::Parts { .. }) => Ok(Left::More),
            Err(fault) => Err(fault),
        }
    }

    /// Merges until nothing is left, but for what an inbox has no room for.
    pub(super) async fn merge(&self) -> Result<Merged, Fault> {
        let _alone = self.alone.lock().await;
        let mut pens = Pens::new(&self.target);
        let mut merged = Merged::default();
        // Writers wait while more comes than is merged, and for the little that came meanwhile: under load it would never be
        // empty otherwise.
        let (mut little, mut grows) = (false, false);
        loop {
            let (closes, before) = (little || grows, self.spool.bytes());
            let left = self.merge_some(&mut pens, &mut merged, closes).await?;
            (little, grows) = (left == Left::Little, self.spool.bytes() >= before);
            if left == Left::Nothing || (closes && little) {
                break;
            }
        }
        // Nobody waits for that.
        self.spool.shrink().await.map_err(Fault::Damaged)?;
        metrics::counter!("ringbud_spool_merged_total").increment(merged.events);
        metrics::counter!("ringbud_spool_refused_total").increment(merged.refused);
        Ok(merged)
    }

    /// Brings what is of parts that this gateway has no more into their inboxes: before it takes one.
    pub(super) async fn hand_all_over(&self) -> Result<(), Fault> {
        if !self.spool.is_in_use() {
            return Ok(());
        }
        let Ok(_alone) = timeout(PATIENCE, self.alone.lock()).await else {
            return Err(Fault::Undone("what is in the spool comes first, and is much".to_owned()));
        };
        let mut merged = Merged::default();
        self.hand_over(&mut Pens::new(&self.target), &mut merged).await?;
        self.spool.shrink().await.map_err(Fault::Damaged)?;
        say(merged, "what the last run had kept in the spool is with the parts' inboxes now");
        Ok(())
    }

    /// The same; those whose inboxes have no room.
    async fn hand_over(&self, pens: &mut Pens, merged: &mut Merged) -> Result<Vec<Grant>, Fault> {
        let mut full = Vec::new();
        if matches!(self.of, Of::Store) {
            return Ok(full);
        }
        let grants = self.spool.grants().await.map_err(Fault::Damaged)?.unwrap_or_default();
        for grant in grants.into_iter().filter(|grant| self.owned.epoch(*grant).is_none()) {
            if !self.hand_over_one(&mut pens.asks, grant, merged).await? {
                tracing::warn!(
                    part = grant.part().0,
                    "the part's inbox has no room for what this gateway kept of it; it stays in the spool for now"
                );
                full.push(grant);
            }
        }
        Ok(full)
    }

    /// Whether its inbox had room for all of it.
    async fn hand_over_one(&self, pen: &mut Pen, grant: Grant, merged: &mut Merged) -> Result<bool, Fault> {
        while let Some(oldest) = self.spool.oldest_of(grant).await.map_err(Fault::Damaged)? {
            let told = within(pen, HANDED_WITHIN, async |held| {
                let client = &held.link.client;
                let engine_ahead = self.engine_ahead.ask(client).await?;
                let Rows { rows, events } = handing::rows(&oldest, &self.spool, client, engine_ahead).await?;
                for row in rows {
                    if inbox::ask(client, grant.part(), &Wish::Facts(row)).await? == Put::Full {
                        return Ok(None);
                    }
                }
                Ok(Some(events))
            });
            let Some(events) = told.await? else { return Ok(false) };
            merged.handed_over += events;
            metrics::counter!("ringbud_spool_handed_over_total").increment(events);
            self.spool.is_merged(oldest).await.map_err(Fault::Damaged)?;
        }
        Ok(true)
    }

    /// Makes the calls again.
    async fn again(&self, pens: &mut Pens, oldest: &Oldest, merged: &mut Merged) -> Result<(), Fault> {
        let (moments, firsts, rows) = asked(oldest)?;
        for (moments, firsts) in moments.chunks(AT_ONCE).zip(firsts.chunks(AT_ONCE)) {
            let moments: Vec<&Moment> = moments.iter().collect();
            let group = Group::of(&moments, firsts);
            let grants = moments.iter().map(|moment| moment.grant);
            let answers = self.append(&mut pens.events, &group, grants).await?;
            for answer in answers.iter().flatten() {
                merged.events += 1;
                merged.refused += u64::from(matches!(answer, Appended::Refused(_)));
            }
        }
        for rows in rows.chunks(AT_ONCE) {
            self.settle(&mut pens.outcomes, rows).await?;
        }
        Ok(())
    }

    async fn append(
        &self,
        pen: &mut Pen,
        group: &Group<'_>,
        grants: impl Iterator<Item = Grant> + Clone,
    ) -> Result<Vec<Vec<Appended>>, Fault> {
        let ours = self.owned.holds(grants).map_err(Fault::Taken)?;
        let (tally, _) = self.of.tallies();
        let kept = within(pen, PATIENCE, async |held| group.keep(held, &ours, tally).await).await;
        self.lost(&ours, kept)
    }

    async fn settle(&self, pen: &mut Pen, rows: &[Row]) -> Result<(), Fault> {
        let ours = self.owned.holds(rows.iter().map(Row::grant)).map_err(Fault::Taken)?;
        let (waves, (_, tally)) = (settle::waves(rows, |_| true), self.of.tallies());
        let done =
            within(pen, PATIENCE, async |held| settle::settle(held, rows, &waves, &ours, tally).await).await;
        self.lost(&ours, done).map(drop)
    }

    fn lost<T>(&self, held: &Holding, done: Result<T, Fault>) -> Result<T, Fault> {
        if let (Err(Fault::Taken(parts)), Of::Parts { .. }) = (&done, self.of) {
            self.owned.lose(held, parts);
        }
        done
    }
}

/// Its connections, for one merge.
struct Pens {
    events: Pen,
    outcomes: Pen,
    asks: Pen,
}

impl Pens {
    fn new(target: &Target) -> Self {
        let pen = |sql| Pen::new(target.clone(), Use::Writing, sql);
        Self { events: pen(append::SQL), outcomes: pen(settle::SQL), asks: pen(&[]) }
    }

    async fn reach(&mut self) -> Result<(), Fault> {
        for pen in [&mut self.events, &mut self.outcomes] {
            let held = pen.take().await?;
            pen.give_back(held);
        }
        Ok(())
    }
}

fn say(merged: Merged, words: &'static str) {
    let Merged { events, refused, handed_over } = merged;
    if events + handed_over > 0 {
        tracing::info!(events, refused, handed_over, "{words}");
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
    for (grant, ahead, entry) in oldest.entries()? {
        match entry {
            Entry::Append(shapes) => {
                for shape in shapes {
                    let heard = When::Steady(steady::of_the_wall(WallTime(shape.received_at), ahead));
                    moments.push(Moment::of(&shape.append(grant)?, heard));
                    firsts.push(shape.first);
                }
            }
            Entry::Settle(shapes) => {
                rows.extend(shapes.iter().map(|shape| Row::of_shape(grant, ahead, shape)))
            }
        }
    }
    Ok((moments, firsts, rows))
}
