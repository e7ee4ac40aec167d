//! The legs that are in the log, at hand.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use calls::{EventKind, LegId, PbxName, PbxTime};
use rusqlite::{Connection, params};
use rustc_hash::{FxHashMap, FxHashSet};

use super::super::errors::StoreError;
use super::super::rollup::entry::Part;
use super::super::settle::Row;
use super::super::table::raw::{Raw, kept_of};
use super::blob::{self, Blob, Record};
use super::bounds::{Logging, Shared};
use super::front::Front;
use super::leg::{Delivery, Event, Leg};
use crate::rules::refused;
use crate::settings::IntegrationId;
use crate::{EventSeq, Refusal};

/// A row of the log.
pub(super) struct LogRow {
    pub(super) id: i64,
    pub(super) bytes: usize,
    /// The place of its first event.
    first: Option<i64>,
    /// Legs in the log that begin in it.
    legs: usize,
}

/// What is kept, whole, in the log and in no table.
pub(in crate::sqlite) struct Tail {
    pub(super) bound: Logging,
    /// Much is written: more may be at hand.
    pub(in crate::sqlite) is_in_a_flood: bool,
    is_known: bool,
    last_seq: i64,
    pub(super) legs: FxHashMap<u64, Leg>,
    next_key: u64,
    by_leg: FxHashMap<LegId, u64>,
    pub(super) by_event: FxHashMap<i64, u64>,
    pub(super) notes: BTreeMap<(String, String), Option<Vec<u8>>>,
    pub(super) heard: BTreeMap<String, i64>,
    pub(super) bytes: usize,
    /// Legs that have ended, and of which nothing waits, in the order they were settled.
    pub(super) ready: Vec<u64>,
    pub(super) waiting: usize,
    pub(super) front: Front,
    pub(super) rows: VecDeque<LogRow>,
    /// What they take.
    pub(super) held: usize,
    /// The id of the row this group writes.
    pub(super) next_id: i64,
    /// The place of the first event in it.
    first_of_group: Option<i64>,
    /// The legs that begin in it.
    legs_of_group: usize,
    blob: Blob,
    shared: Arc<Shared>,
}

/// What comes of an event by what the tail knows.
pub(in crate::sqlite) enum Judged {
    /// Its leg is not in the log.
    NotHere,
    /// It is, and the event can be added.
    Next,
    Repeat(i64),
    Refused(Refusal),
}

/// Where it cannot be read lists and reports do not find its leg, which is kept all the same.
fn part_of(leg: &LegId, raw: &Raw) -> Option<Part> {
    match kept_of(leg, raw) {
        Ok(kept) => Part::of(&kept.event),
        Err(error) => {
            tracing::warn!(%error, leg = leg.as_str(), "lists and reports do not find a leg");
            None
        }
    }
}

impl Tail {
    /// Nothing.
    pub(in crate::sqlite) fn new(bound: Logging, shared: Arc<Shared>) -> Self {
        Self {
            bound,
            is_in_a_flood: false,
            is_known: true,
            last_seq: 0,
            legs: FxHashMap::default(),
            next_key: 0,
            by_leg: FxHashMap::default(),
            by_event: FxHashMap::default(),
            notes: BTreeMap::new(),
            heard: BTreeMap::new(),
            bytes: 0,
            ready: Vec::new(),
            waiting: 0,
            front: Front::default(),
            rows: VecDeque::new(),
            held: 0,
            next_id: 1,
            first_of_group: None,
            legs_of_group: 0,
            blob: Blob::default(),
            shared,
        }
    }

    /// What the log has.
    pub(in crate::sqlite) fn load(
        conn: &Connection,
        bound: Logging,
        shared: Arc<Shared>,
    ) -> Result<Self, StoreError> {
        let mut tail = Self::new(bound, shared);
        // Legs that have left.
        let mut left = FxHashSet::default();
        let mut in_tables = conn.prepare_cached("SELECT 1 FROM legs WHERE leg = ?1")?;
        let mut select = conn.prepare_cached("SELECT id, body FROM log ORDER BY id")?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let body = row.get_ref(1)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
            tail.next_id = id;
            blob::read(id, body, |record| {
                match record {
                    Record::Event { leg, raw, integrations } => {
                        tail.last_seq = raw.seq.max(tail.last_seq);
                        tail.first_of_group.get_or_insert(raw.seq);
                        let leg = LegId::new(leg);
                        if left.contains(&leg) {
                        } else if !tail.by_leg.contains_key(&leg) && in_tables.exists([leg.as_str()])? {
                            left.insert(leg);
                        } else {
                            let part = part_of(&leg, &raw);
                            tail.add(&leg, (raw, part), integrations.into_iter().map(i64::from));
                        }
                    }
                    Record::Settled(row) => drop(tail.settle_here(row)?),
                    Record::Note { pbx, channel, kept } => drop(tail.notes.insert((pbx, channel), kept)),
                    Record::Heard { pbx, at } => tail.hear(pbx, at),
                }
                Ok(())
            })?;
            tail.row_is_written(body.len());
        }
        drop(rows);
        Ok(tail)
    }

    /// After a transaction that was undone: what is at hand may not be so.
    pub(in crate::sqlite) fn forget(&mut self) {
        self.is_known = false;
    }

    /// Loads it anew, if it was forgotten.
    pub(in crate::sqlite) fn know(&mut self, conn: &Connection) -> Result<(), StoreError> {
        if !self.is_known {
            let loaded = Self::load(conn, self.bound, self.shared.clone())?;
            let Self { front, is_in_a_flood, .. } = std::mem::replace(self, loaded);
            (self.front, self.is_in_a_flood) = (front, is_in_a_flood);
        }
        Ok(())
    }

    /// The last place in the log, as it was loaded.
    pub(in crate::sqlite) fn loaded_to(&self) -> i64 {
        self.last_seq
    }

    /// Whether what is new goes into the log.
    pub(in crate::sqlite) fn takes(&self) -> bool {
        self.bound.bytes > 0
    }

    pub(in crate::sqlite) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// The place of the first event that is in the log.
    pub(in crate::sqlite) fn first_seq(&self) -> i64 {
        self.rows.iter().find_map(|row| row.first).unwrap_or(i64::MAX)
    }

    /// Those of some events that are in the log.
    pub(in crate::sqlite) fn of(&self, events: &[EventSeq]) -> Vec<(LegId, Raw)> {
        let one = |seq: &EventSeq| {
            let leg = self.by_event.get(&seq.0).and_then(|key| self.legs.get(key))?;
            let event = leg.events.iter().find(|event| event.raw.seq == seq.0)?;
            Some((leg.leg.clone(), event.raw.clone()))
        };
        events.iter().filter_map(one).collect()
    }

    pub(in crate::sqlite) fn judge(&self, leg: &LegId, kind: EventKind) -> Judged {
        let Some(leg) = self.by_leg.get(leg).and_then(|key| self.legs.get(key)) else {
            return Judged::NotHere;
        };
        match leg.place(kind) {
            Some(seq) => Judged::Repeat(seq),
            None => refused(|kind| leg.place(kind).is_some(), kind).map_or(Judged::Next, Judged::Refused),
        }
    }

    /// An event of a leg that is in the log or begins in it.
    pub(in crate::sqlite) fn append(
        &mut self,
        leg: &LegId,
        (raw, part): (Raw, Option<Part>),
        integrations: &[IntegrationId],
    ) {
        self.first_of_group.get_or_insert(raw.seq);
        self.blob.event(leg.as_str(), &raw, integrations);
        self.add(leg, (raw, part), integrations.iter().map(|integration| integration.number.into()));
    }

    fn add(
        &mut self,
        leg: &LegId,
        (raw, part): (Raw, Option<Part>),
        integrations: impl Iterator<Item = i64>,
    ) {
        let key = match self.by_leg.get(leg) {
            Some(key) => *key,
            None => {
                self.next_key += 1;
                self.legs_of_group += 1;
                self.by_leg.insert(leg.clone(), self.next_key);
                let new = Leg {
                    leg: leg.clone(),
                    log: self.next_id,
                    events: Vec::with_capacity(3),
                    waiting: 0,
                    bytes: 0,
                };
                self.legs.insert(self.next_key, new);
                self.next_key
            }
        };
        self.by_event.insert(raw.seq, key);
        let Some(leg) = self.legs.get_mut(&key) else { return };
        let mut deliveries: Vec<Delivery> = Vec::with_capacity(integrations.size_hint().0);
        for integration in integrations {
            if deliveries.iter().all(|delivery| delivery.integration != integration) {
                deliveries.push(Delivery::fresh(integration));
            }
        }
        let bytes = raw.body.len() + 512;
        leg.bytes += bytes;
        self.bytes += bytes;
        leg.waiting += deliveries.len();
        self.waiting += deliveries.len();
        let noted = Vec::with_capacity(deliveries.len());
        leg.events.push(Event { raw, part, noted, deliveries });
        if leg.waiting == 0 && leg.has_ended() {
            self.ready.push(key);
        }
    }

    pub(in crate::sqlite) fn note(&mut self, pbx: &PbxName, channel: &str, kept: Option<&[u8]>) {
        self.blob.note(pbx.as_str(), channel, kept);
        self.notes.insert((pbx.as_str().to_owned(), channel.to_owned()), kept.map(<[u8]>::to_vec));
    }

    /// What was heard in this group.
    pub(in crate::sqlite) fn heard(&mut self, pbx: &PbxName, at: PbxTime) {
        self.blob.heard(pbx.as_str(), at.as_micros());
        self.hear(pbx.as_str().to_owned(), at.as_micros());
    }

    fn hear(&mut self, pbx: String, at: i64) {
        self.heard.entry(pbx).and_modify(|heard| *heard = at.max(*heard)).or_insert(at);
    }

    /// Notes a settlement in the log.
    pub(super) fn write_settled(&mut self, row: &Row) {
        self.blob.settled(row);
    }

    /// Writes what this group has brought: one row.
    pub(in crate::sqlite) fn write(&mut self, conn: &Connection) -> Result<(), StoreError> {
        if self.blob.is_empty() {
            return Ok(());
        }
        let body = std::mem::take(&mut self.blob).sealed();
        conn.prepare_cached("INSERT INTO log VALUES (?1, ?2)")?.execute(params![self.next_id, body])?;
        self.row_is_written(body.len());
        Ok(())
    }

    fn row_is_written(&mut self, bytes: usize) {
        self.held += bytes;
        let (first, legs) = (self.first_of_group.take(), std::mem::take(&mut self.legs_of_group));
        self.rows.push_back(LogRow { id: self.next_id, bytes, first, legs });
        self.next_id += 1;
    }

    /// Takes a leg out; it is in the tables with the commit of this transaction.
    pub(super) fn take(&mut self, key: u64) -> Option<Leg> {
        let leg = self.legs.remove(&key)?;
        self.by_leg.remove(&leg.leg);
        for event in &leg.events {
            self.by_event.remove(&event.raw.seq);
        }
        self.bytes -= leg.bytes;
        self.waiting -= leg.waiting;
        let at = self.rows.front().and_then(|front| usize::try_from(leg.log - front.id).ok());
        match at.and_then(|at| self.rows.get_mut(at)) {
            Some(row) => row.legs -= 1,
            None => self.legs_of_group -= 1,
        }
        Some(leg)
    }

    /// Takes the rows out that have nothing any more of what is in the log alone.
    pub(super) fn cut(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let mut last = None;
        while self.rows.front().is_some_and(|row| row.legs == 0)
            && let Some(row) = self.rows.pop_front()
        {
            self.held -= row.bytes;
            last = Some(row.id);
        }
        if let Some(last) = last {
            conn.prepare_cached("DELETE FROM log WHERE id <= ?1")?.execute([last])?;
        }
        Ok(())
    }

    pub(in crate::sqlite) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Tells others how it stands, after a commit.
    pub(in crate::sqlite) fn publish(&self, last_seq: i64) {
        self.shared.publish(self.rows.len(), self.waiting, last_seq);
    }
}
