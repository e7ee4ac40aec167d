//! Events, legs and notes in RAM.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::sync::Arc;

use calls::{AccountId, EventId, EventKind, LegId, Note, PbxName, PbxTime, Restored};

use super::deliveries::Deliveries;
use crate::journal::woven;
use crate::record::event;
use crate::rules::{self, begins, channel_of};
use crate::{
    Append, Appended, Cursor, ERASED_AT_ONCE, Erase, Erased, EventSeq, FOLLOWED_AT_ONCE, Filter, Kept,
    LegRecord, Open, PRUNED_AT_ONCE, Part, Quarter, Recent, Sums, WallTime,
};

#[derive(Clone, Default)]
pub(super) struct Events {
    kept: BTreeMap<EventSeq, Arc<Kept>>,
    legs: BTreeMap<LegId, BTreeMap<EventKind, EventSeq>>,
    notes: BTreeMap<(PbxName, Arc<str>), calls::Kept>,
    heard: BTreeMap<PbxName, PbxTime>,
    /// The last place given in each part.
    last: BTreeMap<Part, i64>,
}

impl Events {
    pub(super) fn append(
        &mut self,
        append: &Append,
        deliveries: &mut Deliveries,
        now: WallTime,
    ) -> Vec<Appended> {
        let Append { grant, pbx, events, notes, heard_at, received_at, age } = append;
        let mut answers = Vec::with_capacity(events.len());
        for (event, integrations) in events {
            let places = self.legs.entry(event.leg.clone()).or_default();
            if let Some(seq) = places.get(&event.kind()) {
                answers.push(Appended::Repeat(*seq));
                continue;
            }
            if let Some(refusal) = rules::refused(|kind| places.contains_key(&kind), event.kind()) {
                answers.push(Appended::Refused(refusal));
                continue;
            }
            let last = self.last.entry(grant.part()).or_default();
            *last = grant.first_place().max(*last) + 1;
            let seq = EventSeq(*last);
            places.insert(event.kind(), seq);
            let kept = Kept { seq, received_at: *received_at, pbx: pbx.clone(), event: event.clone() };
            let waiting = deliveries.want(&kept, integrations, *age, now);
            self.kept.insert(seq, Arc::new(kept));
            answers.push(Appended::Stored(seq, waiting));
        }
        for Note { channel, kept } in notes {
            match kept {
                Some(kept) => self.notes.insert((pbx.clone(), channel.clone()), kept.clone()),
                None => self.notes.remove(&(pbx.clone(), channel.clone())),
            };
        }
        let heard = self.heard.entry(pbx.clone()).or_insert(*heard_at);
        *heard = (*heard_at).max(*heard);
        answers
    }

    pub(super) fn get(&self, seq: EventSeq) -> Option<Arc<Kept>> {
        self.kept.get(&seq).cloned()
    }

    pub(super) fn find(&self, id: &EventId) -> Option<Arc<Kept>> {
        self.kept.values().find(|kept| kept.event.id() == *id).cloned()
    }

    pub(super) fn newest_at(&self) -> Option<WallTime> {
        self.in_order().next_back().map(|kept| kept.received_at)
    }

    pub(super) fn count(&self) -> u64 {
        self.kept.len() as u64
    }

    /// In the order and within the page the filter asks for; what it says of the events is left to the caller.
    pub(super) fn page<'a>(&'a self, filter: &'a Filter) -> Box<dyn Iterator<Item = &'a Arc<Kept>> + 'a> {
        let within = self.in_order().filter(|kept| filter.reaches(kept.cursor()));
        match filter.after {
            Some(_) => Box::new(within),
            None => Box::new(within.rev()),
        }
    }

    /// As lists have them: all that was kept of each part, put together by their cursors.
    fn in_order(&self) -> impl DoubleEndedIterator<Item = &Arc<Kept>> {
        let mut all: Vec<_> = self.kept.values().collect();
        all.sort_by_key(|kept| kept.cursor());
        all.into_iter()
    }

    pub(super) fn list(&self, filter: &Filter) -> Vec<Arc<Kept>> {
        self.page(filter)
            .filter(|kept| filter.accepts(&kept.event))
            .take(filter.bounded_limit())
            .cloned()
            .collect()
    }

    pub(super) fn legs(&self, filter: &Filter) -> Vec<LegRecord> {
        self.page(filter)
            .filter(|kept| begins(kept.event.kind()) && filter.accepts(&kept.event))
            .filter_map(|kept| self.leg_begun_by(kept))
            .filter(|leg| filter.accepts_outcome(leg))
            .take(filter.bounded_limit())
            .collect()
    }

    pub(super) fn sums(&self, account: &AccountId, within: &Range<PbxTime>) -> Sums {
        let mut sums = Sums::default();
        let begun = self.kept.values().filter(|kept| begins(kept.event.kind()));
        for leg in begun.filter_map(|kept| self.leg_begun_by(kept)) {
            if let Some(ended) = &leg.ended
                && ended.account() == account
                && within.contains(&ended.begun_at)
            {
                sums.add(ended);
            }
        }
        sums
    }

    pub(super) fn recent(&self, account: &AccountId, since: Quarter) -> Recent {
        let within = since.begin()..PbxTime::from_micros(i64::MAX);
        let first = Filter { account: Some(account.clone()), limit: 1, ..Filter::default() };
        Recent {
            calls: self.sums(account, &within).quarters.values().sum(),
            newest_begun_at: self.legs(&first).first().map(|leg| leg.begun.begun_at),
        }
    }

    fn leg_begun_by(&self, begun: &Kept) -> Option<LegRecord> {
        let channel = channel_of(&begun.pbx, &begun.event.leg);
        let noted =
            self.notes.get(&(begun.pbx.clone(), Arc::from(channel))).and_then(|note| note.answered_at);
        let events: Vec<&Kept> = self.of_leg(&begun.event.leg).collect();
        rules::leg_record(&events, noted).filter(|record| record.seq == begun.seq)
    }

    fn of_leg(&self, leg: &LegId) -> impl Iterator<Item = &Kept> {
        let mut places: Vec<EventSeq> =
            self.legs.get(leg).into_iter().flat_map(|places| places.values().copied()).collect();
        places.sort_unstable();
        places.into_iter().filter_map(|seq| self.kept.get(&seq).map(AsRef::as_ref))
    }

    pub(super) fn followed(&self, account: &AccountId, after: &[EventSeq]) -> Vec<Arc<Kept>> {
        let mut of_part: BTreeMap<Part, Vec<Arc<Kept>>> = BTreeMap::new();
        let is_told = |seq: EventSeq| after.iter().any(|told| told.part() == seq.part() && seq <= *told);
        for kept in self.kept.values().filter(|kept| kept.event.account() == account && !is_told(kept.seq)) {
            let piece = of_part.entry(kept.seq.part()).or_default();
            if piece.len() < FOLLOWED_AT_ONCE {
                piece.push(kept.clone());
            }
        }
        woven(of_part.into_values().flatten().collect())
    }

    pub(super) fn reached(&self, account: &AccountId) -> Vec<EventSeq> {
        let own = self.kept.values().filter(|kept| kept.event.account() == account);
        let newest: BTreeMap<Part, EventSeq> = own.map(|kept| (kept.seq.part(), kept.seq)).collect();
        newest.into_values().collect()
    }

    pub(super) fn open(&self, accounts: &[AccountId]) -> Vec<Open> {
        let open = self.legs.iter().filter(|(_, places)| !places.contains_key(&EventKind::Ended));
        let of = |leg: &LegId| {
            let kept: Vec<&Kept> = self.of_leg(leg).collect();
            let first = kept.first().filter(|first| accounts.contains(first.event.account()))?;
            let pbx = first.pbx.clone();
            let leg = rules::open_leg(&kept.iter().map(|kept| &kept.event).collect::<Vec<_>>())?;
            let note = self.notes.get(&(pbx.clone(), channel_of(&pbx, &leg.leg).into())).cloned();
            Some(Open { pbx, leg, note })
        };
        open.filter_map(|(leg, _)| of(leg)).collect()
    }

    pub(super) fn restore(&self, pbx: &PbxName) -> Restored {
        let mut open: Vec<_> = self
            .legs
            .iter()
            .filter(|(_, places)| !places.contains_key(&EventKind::Ended))
            .filter_map(|(leg, _)| {
                let kept: Vec<&Kept> = self.of_leg(leg).filter(|kept| kept.pbx == *pbx).collect();
                let events: Vec<_> = kept.iter().map(|kept| &kept.event).collect();
                Some((kept.first()?.seq, rules::open_leg(&events)?))
            })
            .collect();
        open.sort_by_key(|(seq, _)| *seq);
        let notes = self.notes.iter().filter(|((of, _), _)| of == pbx);
        Restored {
            legs: open.into_iter().map(|(_, leg)| leg).collect(),
            notes: notes
                .map(|((_, channel), kept)| Note { channel: channel.clone(), kept: Some(kept.clone()) })
                .collect(),
            last_heard: self.heard.get(pbx).copied(),
        }
    }

    pub(super) fn kept_within(
        &self,
        account: &AccountId,
        bytes: u64,
        deliveries: &Deliveries,
    ) -> Option<WallTime> {
        let weight = |kept: &Kept| {
            (event::write(&kept.pbx, &kept.event).len() + deliveries.bytes_of_attempts(kept.seq)) as u64
        };
        let mut sum = 0;
        let ends = self
            .in_order()
            .rev()
            .filter(|kept| kept.event.kind() == EventKind::Ended && kept.event.account() == account);
        for end in ends {
            sum += self.of_leg(&end.event.leg).map(weight).sum::<u64>();
            if sum > bytes {
                return Some(WallTime(end.received_at.0 + 1));
            }
        }
        None
    }

    pub(super) fn prune(
        &mut self,
        account: Option<&AccountId>,
        before: WallTime,
        deliveries: &mut Deliveries,
    ) -> u64 {
        let ended = |kept: &&Arc<Kept>| {
            kept.event.kind() == EventKind::Ended
                && kept.received_at < before
                && account.is_none_or(|account| account == kept.event.account())
        };
        let idle = |leg: &LegId| self.of_leg(leg).all(|kept| !deliveries.is_pending(kept.seq));
        let legs: Vec<LegId> = self
            .kept
            .values()
            .filter(ended)
            .map(|kept| kept.event.leg.clone())
            .filter(idle)
            .take(PRUNED_AT_ONCE)
            .collect();
        self.remove(legs, deliveries)
    }

    /// Legs that have ended, behind a place, whatever waits of them.
    pub(super) fn erase(
        &mut self,
        account: &AccountId,
        whose: &Erase,
        after: Cursor,
        deliveries: &mut Deliveries,
    ) -> Erased {
        let (mut seen, mut legs, mut erased) = (BTreeSet::new(), Vec::new(), Erased::default());
        for kept in self.in_order().filter(|kept| kept.cursor() > after) {
            let is_theirs = kept.event.account() == account && whose.concerns(&kept.event);
            if !is_theirs || !seen.insert(kept.event.leg.clone()) {
                continue;
            }
            match self.legs.get(&kept.event.leg).is_some_and(|of| of.contains_key(&EventKind::Ended)) {
                true => legs.push(kept.event.leg.clone()),
                false => erased.running += 1,
            }
            if legs.len() >= ERASED_AT_ONCE {
                erased.rest = Some(kept.cursor());
                break;
            }
        }
        erased.events = self.remove(legs, deliveries);
        erased
    }

    fn remove(&mut self, legs: Vec<LegId>, deliveries: &mut Deliveries) -> u64 {
        let mut gone = 0;
        for leg in legs {
            for seq in self.legs.remove(&leg).into_iter().flat_map(BTreeMap::into_values) {
                self.kept.remove(&seq);
                deliveries.forget(seq);
                gone += 1;
            }
        }
        gone
    }
}
