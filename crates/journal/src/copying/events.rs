//! Events with all that came of their deliveries, page by page, and what is kept of PBXs.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use calls::{PbxName, PbxTime};
use futures_util::future::try_join_all;

use super::steps::steps;
use super::then::Then;
use super::told::{CopyError, Progress};
use super::weaving::{Told, Weaving};
use crate::{
    Append, Appended, DeliveryId, EventSeq, Grant, Journal, JournalError, Kept, Pending, Settle, Settled,
    WallTime,
};

/// So many questions about attempts are out at once.
const ASKED_AT_ONCE: usize = 64;

/// Two stores, and what has to be known of the old one.
pub(super) struct Copying<'a> {
    from: &'a dyn Journal,
    to: &'a dyn Journal,
    then: &'a Then,
    /// Under which the old one's parts are whoever copies' own.
    grants: &'a [Grant],
    /// The PBXs seen, with the last moment each was heard.
    heard: BTreeMap<PbxName, Option<PbxTime>>,
    pending: HashMap<DeliveryId, Pending>,
}

impl<'a> Copying<'a> {
    pub(super) async fn of(
        from: &'a dyn Journal,
        to: &'a dyn Journal,
        then: &'a Then,
        grants: &'a [Grant],
    ) -> Result<Self, JournalError> {
        let mut pending = HashMap::new();
        for grant in grants {
            pending.extend(from.load_all(*grant).await?.into_iter().map(|pending| (pending.id, pending)));
        }
        Ok(Self { from, to, then, grants, heard: BTreeMap::new(), pending })
    }

    /// When a PBX was heard last; what is kept of it is copied, too.
    pub(super) async fn heard(&mut self, pbx: &PbxName) -> Result<Option<PbxTime>, JournalError> {
        if let Some(heard) = self.heard.get(pbx) {
            return Ok(*heard);
        }
        let heard = self.from.restore(pbx.clone()).await?.last_heard;
        self.heard.insert(pbx.clone(), heard);
        Ok(heard)
    }

    pub(super) async fn events(&mut self, tell: &mut (dyn FnMut(Progress) + Send)) -> Result<(), CopyError> {
        let mut progress = Progress { events: 0, of: self.from.size().await?.events };
        let mut events = Weaving::of(self.from, self.grants.iter().map(|grant| grant.part()));
        loop {
            let page = events.next().await?;
            if page.is_empty() {
                return Ok(());
            }
            let places = self.append(&page).await?;
            progress.events += page.len() as u64;
            self.settle(page, &places).await?;
            tell(progress);
        }
    }

    /// Where each of them is now.
    async fn append(&mut self, page: &[Told]) -> Result<HashMap<EventSeq, EventSeq>, CopyError> {
        let mut batch = Vec::with_capacity(page.len());
        let newest = page.iter().map(|(kept, _)| kept.received_at).max().unwrap_or_default();
        self.then.set(newest);
        for (kept, owed) in page {
            batch.push(Append {
                grant: Grant::ALONE,
                pbx: kept.pbx.clone(),
                events: vec![(kept.event.clone(), owed.iter().map(|record| record.id.integration).collect())],
                notes: Vec::new(),
                heard_at: self.heard(&kept.pbx).await?.unwrap_or(kept.event.at),
                received_at: kept.received_at,
                age: newest.since(kept.received_at),
            });
        }
        let answers = self.to.append(&batch).await?;
        let mut places = HashMap::with_capacity(page.len());
        for ((kept, _), answer) in page.iter().zip(answers.into_iter().flatten()) {
            let Appended::Stored(seq, _) = answer else { return Err(not_taken("the telling", kept)) };
            places.insert(kept.seq, seq);
        }
        Ok(places)
    }

    /// Everything that came of deliveries, in its order: of each the first, then of each the second.
    async fn settle(&self, page: Vec<Told>, places: &HashMap<EventSeq, EventSeq>) -> Result<(), CopyError> {
        let owed: Vec<_> = page.into_iter().flat_map(|(_, owed)| owed).collect();
        let mut all = Vec::with_capacity(owed.len());
        for some in owed.chunks(ASKED_AT_ONCE) {
            let tried = some.iter().filter(|record| record.attempts > 0);
            let asked = tried.map(|record| async { Ok((record.id, self.from.attempts(record.id).await?)) });
            let mut attempts: HashMap<_, _> =
                try_join_all(asked).await.map_err(|error: JournalError| error)?.into_iter().collect();
            for record in some {
                let Some(event) = places.get(&record.id.event) else {
                    return Err(not_taken("a delivery", &record.event));
                };
                let id = DeliveryId { event: *event, integration: record.id.integration };
                let attempts = attempts.remove(&record.id).unwrap_or_default();
                all.push((id, steps(record, attempts, self.pending.get(&record.id))));
            }
        }
        loop {
            let mut wave: BTreeMap<WallTime, Vec<Settle>> = BTreeMap::new();
            for (id, steps) in &mut all {
                let Some(step) = steps.pop_front() else { continue };
                // What has an attempt happened when that ended.
                let now = if step.attempt.is_some() { WallTime::default() } else { step.at };
                let outcome = step.outcome_at(now);
                let settle = Settle { grant: Grant::ALONE, id: *id, attempt: step.attempt, outcome };
                wave.entry(now).or_default().push(settle);
            }
            if wave.is_empty() {
                return Ok(());
            }
            // The clock is looked at when it is asked, not when it is done.
            let asked = wave.iter().map(|(now, settles)| {
                self.then.set(*now);
                self.to.settle(settles)
            });
            let done = try_join_all(asked.collect::<Vec<_>>()).await?;
            if let Some(at) = done.iter().flatten().position(|settled| *settled != Settled::Done) {
                let id = wave.values().flatten().nth(at).map(|settle| settle.id);
                let event = id.map(|id| format!("{id:?}")).unwrap_or_default();
                return Err(CopyError::NotTaken { what: "what came of a delivery", event });
            }
        }
    }

    pub(super) async fn notes(&self) -> Result<(), JournalError> {
        for (pbx, heard) in &self.heard {
            let Some(heard_at) = *heard else { continue };
            let notes = self.from.restore(pbx.clone()).await?.notes;
            let received_at = WallTime::default();
            let rest = Append {
                grant: Grant::ALONE,
                pbx: pbx.clone(),
                events: Vec::new(),
                notes,
                heard_at,
                received_at,
                age: Duration::ZERO,
            };
            self.to.append(&[rest]).await?;
        }
        Ok(())
    }
}

fn not_taken(what: &'static str, kept: &Kept) -> CopyError {
    CopyError::NotTaken { what, event: kept.event.id().as_str().to_owned() }
}
