//! A store's events with their deliveries, in an order in which another store takes them: each part's by its places, parts by
//! when they were heard, and of a leg no event before the one it begins with.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use calls::{EventKind, LegId};

use crate::{
    Cursor, DeliveryRecord, EventSeq, Filter, Journal, JournalError, Kept, MAX_LISTED, Part, WallTime,
};

/// The bits of a place that say nothing of its part.
const WITHIN: i64 = (1 << EventSeq::PART_SHIFT) - 1;

/// An event, and what came of its deliveries.
pub(super) type Told = (Arc<Kept>, Vec<DeliveryRecord>);

/// Reads from all parts at once.
pub(super) struct Weaving<'a> {
    from: &'a dyn Journal,
    parts: Vec<OfPart<'a>>,
    /// What was kept before the store was shared: of a leg whose beginning waited it stands in front of that.
    early: HashMap<LegId, Vec<Told>>,
    begun: HashSet<LegId>,
}

impl<'a> Weaving<'a> {
    /// Of a store that has these parts.
    pub(super) fn of(from: &'a dyn Journal, parts: impl Iterator<Item = Part>) -> Self {
        let parts = parts.map(|part| OfPart::of(from, part)).collect();
        Self { from, parts, early: HashMap::new(), begun: HashSet::new() }
    }

    /// Some more; none, when that was all.
    pub(super) async fn next(&mut self) -> Result<Vec<Told>, JournalError> {
        let mut some = Vec::with_capacity(MAX_LISTED);
        while some.len() < MAX_LISTED {
            for part in &mut self.parts {
                part.read(self.from).await?;
            }
            let ahead = self.parts.iter_mut().filter_map(|part| Some((part.key()?, part)));
            let Some((_, first)) = ahead.min_by_key(|(key, _)| *key) else {
                // Their legs' beginnings are nowhere: the new store says whether it takes them.
                let mut left: Vec<Told> = self.early.drain().flat_map(|(_, told)| told).collect();
                left.sort_by_key(|(kept, _)| kept.seq);
                some.extend(left);
                break;
            };
            let Some(told) = first.pop().await? else { continue };
            self.pass(told, &mut some);
        }
        Ok(some)
    }

    /// In its turn, or behind what its leg begins with.
    fn pass(&mut self, told: Told, to: &mut Vec<Told>) {
        if self.parts.len() == 1 {
            return to.push(told);
        }
        let (leg, kind) = (told.0.event.leg.clone(), told.0.event.kind());
        match kind {
            EventKind::Incoming | EventKind::Outgoing => {
                self.begun.insert(leg.clone());
                to.push(told);
                let mut behind = self.early.remove(&leg).unwrap_or_default();
                behind.sort_by_key(|(kept, _)| kept.seq.0 & WITHIN);
                behind.into_iter().for_each(|told| self.pass(told, to));
            }
            EventKind::Answered | EventKind::Ended if self.begun.contains(&leg) => {
                if kind == EventKind::Ended {
                    self.begun.remove(&leg);
                }
                to.push(told);
            }
            EventKind::Answered | EventKind::Ended => self.early.entry(leg).or_default().push(told),
        }
    }
}

/// What is read of a part and not told yet.
struct OfPart<'a> {
    part: Part,
    after: Cursor,
    is_over: bool,
    ahead: VecDeque<Arc<Kept>>,
    newest: WallTime,
    deliveries: Following<'a>,
}

impl<'a> OfPart<'a> {
    fn of(from: &'a dyn Journal, part: Part) -> Self {
        let first = i64::from(part.0) << EventSeq::PART_SHIFT;
        let after = if first == 0 { Cursor::START } else { Cursor::at(first - 1) };
        let deliveries = Following { from, part, after, read: VecDeque::new(), is_over: false };
        Self { part, after, is_over: false, ahead: VecDeque::new(), newest: WallTime(i64::MIN), deliveries }
    }

    async fn read(&mut self, from: &dyn Journal) -> Result<(), JournalError> {
        if self.is_over || !self.ahead.is_empty() {
            return Ok(());
        }
        let page = from.events(Filter { after: Some(self.after), ..Filter::default() }).await?;
        let own = page.iter().take_while(|kept| kept.seq.part() == self.part);
        self.ahead.extend(own.cloned());
        self.is_over = self.ahead.len() < page.len() || page.is_empty();
        if let Some(last) = self.ahead.back() {
            self.after = last.cursor();
        }
        Ok(())
    }

    /// Where its next event is among those of all parts. Within a part no clock is asked.
    fn key(&self) -> Option<(WallTime, i64, Part)> {
        let next = self.ahead.front()?;
        Some((self.newest.max(next.received_at), next.seq.0 & WITHIN, self.part))
    }

    async fn pop(&mut self) -> Result<Option<Told>, JournalError> {
        let Some(kept) = self.ahead.pop_front() else { return Ok(None) };
        self.newest = self.newest.max(kept.received_at);
        let owed = self.deliveries.of(kept.seq).await?;
        Ok(Some((kept, owed)))
    }
}

/// A part's deliveries, oldest first, as far as they are needed.
struct Following<'a> {
    from: &'a dyn Journal,
    part: Part,
    after: Cursor,
    read: VecDeque<DeliveryRecord>,
    is_over: bool,
}

impl Following<'_> {
    /// Those of an event: each is asked for once, in order.
    async fn of(&mut self, event: EventSeq) -> Result<Vec<DeliveryRecord>, JournalError> {
        while !self.is_over && self.read.back().is_none_or(|last| last.id.event <= event) {
            let more = Filter { after: Some(self.after), ..Filter::default() };
            let more = self.from.deliveries(more).await?;
            let Some(last) = more.last() else {
                self.is_over = true;
                break;
            };
            self.after = last.cursor();
            self.is_over = last.id.event.part() != self.part;
            self.read.extend(more.into_iter().filter(|record| record.id.event.part() == self.part));
        }
        let many = self.read.partition_point(|record| record.id.event <= event);
        Ok(self.read.drain(..many).filter(|record| record.id.event == event).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conformance::sample::Leg;
    use crate::memory::Memory;

    /// What was kept in one moment has one time, and what waited of it has got a place in its PBX's part since.
    #[test]
    fn no_event_of_a_leg_comes_before_the_one_it_begins_with() {
        let from = Memory::new();
        let mut weaving = Weaving::of(&from, [0, 1].map(Part).into_iter());
        let leg = Leg::incoming(1);
        let told = |kind, seq| {
            let (pbx, event) = (leg.pbx.clone(), leg.event(kind));
            (Arc::new(Kept { seq: EventSeq(seq), received_at: WallTime(5), pbx, event }), Vec::new())
        };
        let mut came = Vec::new();
        for (kind, seq) in [(EventKind::Ended, 3), (EventKind::Answered, 2)] {
            weaving.pass(told(kind, seq), &mut came);
        }
        assert!(came.is_empty(), "its beginning is not there yet");
        weaving.pass(told(EventKind::Incoming, (1 << EventSeq::PART_SHIFT) + 9), &mut came);
        let kinds: Vec<_> = came.iter().map(|(kept, _)| kept.event.kind()).collect();
        assert_eq!(kinds, [EventKind::Incoming, EventKind::Answered, EventKind::Ended]);
        assert!(weaving.early.is_empty() && weaving.begun.is_empty(), "nothing of it is remembered");
    }
}
