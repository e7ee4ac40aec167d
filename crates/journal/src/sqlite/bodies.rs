//! Events by their places, wherever they lie.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::jobs::Job;
use super::table::raw::kept_of;
use super::{Sqlite, query};
use crate::{EventSeq, JournalError, Kept};

impl Sqlite {
    /// Events by their places, wherever they lie. The log is not folded for them: whoever is behind, or fails, reads many while
    /// much is kept. What is in neither at first was folded in between, or is gone.
    pub(super) async fn events_of(&self, events: Vec<EventSeq>) -> Result<Vec<Arc<Kept>>, JournalError> {
        let log_was_empty = self.writer.log().is_empty();
        let mut found = BTreeMap::new();
        let missing = self.read_events(&events, &mut found).await?;
        if log_was_empty || missing.is_empty() {
            return Ok(in_order(&events, &found));
        }
        for (leg, raw) in self.write(|to| Job::InLog { events: missing.clone(), to }).await? {
            let kept = kept_of(&leg, &raw).map_err(|error| error.at(&self.place))?;
            found.insert(kept.seq, Arc::new(kept));
        }
        self.read_events(&missing, &mut found).await?;
        Ok(in_order(&events, &found))
    }

    /// Those in the tables that were not found yet; which are not there.
    async fn read_events(
        &self,
        events: &[EventSeq],
        found: &mut BTreeMap<EventSeq, Arc<Kept>>,
    ) -> Result<Vec<EventSeq>, JournalError> {
        let mut missing: Vec<_> = events.iter().copied().filter(|seq| !found.contains_key(seq)).collect();
        if missing.is_empty() {
            return Ok(missing);
        }
        let asked = missing.clone();
        let read = self.ask(&self.readers.program, move |conn| query::events::bodies(conn, &asked)).await?;
        found.extend(read.into_iter().map(|kept| (kept.seq, kept)));
        missing.retain(|seq| !found.contains_key(seq));
        Ok(missing)
    }
}

/// In the order asked for.
fn in_order(events: &[EventSeq], found: &BTreeMap<EventSeq, Arc<Kept>>) -> Vec<Arc<Kept>> {
    events.iter().filter_map(|seq| found.get(seq).cloned()).collect()
}
