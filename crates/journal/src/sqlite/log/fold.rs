//! A fold: legs go out of the log into the tables, in one transaction. Those that have ended are packed, with what
//! lists and sums find them by; the others become rows, as a leg does whose program has no log.

use calls::{CallId, EventKind};
use rusqlite::{Connection, params};

use super::super::errors::StoreError;
use super::super::remembered::Remembered;
use super::super::rollup::Folded;
use super::super::settle::GivenUp;
use super::super::table::history::history_of;
use super::super::table::packed::{self, NOTED_BYTES, Noted};
use super::super::table::raw::Raw;
use super::bounds::Logging;
use super::leaving::Leaves;
use super::leg::{Event, Leg, Stands};
use super::tail::Tail;
use crate::call_hash;
use crate::record::event::kind_number;

/// As many legs at once keep who comes then waiting for some milliseconds.
const AT_ONCE: usize = 256;

/// So many times its bytes the log may have in a flood: then events are kept sooner than they are delivered for some seconds, and
/// a leg that has to leave before it is delivered costs the more the longer that lasts.
const IN_A_FLOOD: usize = 4;

/// So many times its bounds the log may have where it cannot be folded: at the end of a flood it has more than it is to have.
const FULL: usize = IN_A_FLOOD + 1;

/// Which legs go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::sqlite) enum Picked {
    /// All: the log is empty afterwards.
    All,
    /// Those that are done, at most so many, and as many of the others as are beyond the bounds.
    Due(usize),
    /// The same when little else is to do: the bounds are narrower then.
    Calm,
}

impl Tail {
    /// What is to be folded after a commit, in a flood of them or not.
    pub(in crate::sqlite) fn due(&self, flood: bool) -> Option<Picked> {
        let Logging { legs, legs_in_a_flood, .. } = self.bound;
        let enough = if flood { legs_in_a_flood } else { legs };
        let is_due = self.ready.len() >= enough || self.is_beyond();
        is_due.then_some(Picked::Due(if flood { legs_in_a_flood } else { AT_ONCE.max(legs) }))
    }

    /// Whether so much is in the log that nothing more can be taken before it is folded: folding has failed for long.
    pub(in crate::sqlite) fn is_full(&self) -> bool {
        self.takes() && (self.bytes > self.bound.bytes * FULL || self.holds_beyond(FULL))
    }

    /// Whether there is something to be folded when little else is to do.
    pub(in crate::sqlite) fn has_ready(&self) -> bool {
        !self.ready.is_empty() || self.takes() && self.is_beyond()
    }

    pub(in crate::sqlite) fn is_beyond(&self) -> bool {
        self.bytes > self.most_bytes() || self.holds_too_much()
    }

    pub(super) fn most_bytes(&self) -> usize {
        if self.is_in_a_flood { self.bound.bytes * IN_A_FLOOD } else { self.bound.bytes }
    }

    /// Folds within a transaction. If that fails, the tail has to be loaded anew.
    pub(in crate::sqlite) fn fold(
        &mut self,
        conn: &Connection,
        memory: &mut Remembered,
        picked: Picked,
    ) -> Result<(), StoreError> {
        if self.is_empty() && (picked != Picked::Calm || !memory.has_unlisted(conn)?) {
            return Ok(());
        }
        let bytes = self.most_bytes();
        let (many, carried_to) = match picked {
            Picked::All => (self.ready.len(), None),
            Picked::Due(many) => (many, self.is_beyond().then_some(bytes - self.bound.bytes / 2)),
            Picked::Calm => (AT_ONCE, Some(bytes)),
        };
        let many = many.min(self.ready.len());
        let mut legs = Vec::with_capacity(many);
        for key in self.ready.drain(..many).collect::<Vec<_>>() {
            // What was wanted again since waits.
            if self.legs.get(&key).is_some_and(|leg| leg.waiting == 0) {
                legs.extend(self.take(key));
            }
        }
        if picked == Picked::All {
            let keys: Vec<u64> = self.legs.keys().copied().collect();
            legs.extend(keys.into_iter().filter_map(|key| self.take(key)));
        } else if let Some(down_to) = carried_to {
            // What those held that are ready is no reason for others to go.
            self.cut(conn)?;
            let at_most = if picked == Picked::Calm { AT_ONCE } else { self.bound.legs_in_a_flood };
            self.carry(down_to, at_most, &mut legs);
        }
        self.cut(conn)?;
        self.flush(conn)?;
        put(conn, memory, legs)
    }

    /// Takes legs out, whatever waits of them, until no more than so many bytes are at hand and none has to leave with its
    /// row, or so many legs go.
    fn carry(&mut self, bytes: usize, at_most: usize, legs: &mut Vec<Leg>) {
        let many = at_most.saturating_sub(legs.len());
        if many == 0 || self.bytes <= bytes && !self.holds_too_much() {
            return;
        }
        for (leaves, key) in self.leaving(many) {
            let is_enough = self.bytes <= bytes && !matches!(leaves, Leaves::WithItsRow(_));
            if is_enough {
                break;
            }
            legs.extend(self.take(key));
        }
    }

    /// Notes and what was heard, which their tables do not have yet.
    fn flush(&mut self, conn: &Connection) -> Result<(), StoreError> {
        for ((pbx, channel), kept) in std::mem::take(&mut self.notes) {
            match kept {
                Some(kept) => conn
                    .prepare_cached("INSERT OR REPLACE INTO notes VALUES (?1, ?2, ?3)")?
                    .execute(params![pbx, channel, kept])?,
                None => conn
                    .prepare_cached("DELETE FROM notes WHERE pbx = ?1 AND channel = ?2")?
                    .execute(params![pbx, channel])?,
            };
        }
        for (pbx, at) in std::mem::take(&mut self.heard) {
            conn.prepare_cached(
                "INSERT INTO heard VALUES (?1, ?2) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
            )?
            .execute(params![pbx, at])?;
        }
        Ok(())
    }
}

/// Puts legs into the tables.
fn put(conn: &Connection, memory: &mut Remembered, mut legs: Vec<Leg>) -> Result<(), StoreError> {
    legs.sort_unstable_by_key(|leg| leg.events.last().map_or(0, |event| event.raw.seq));
    put_names(conn, &legs)?;
    let events = legs.iter().flat_map(|leg| &leg.events);
    memory.list(conn, events.clone().map(|event| (event.raw.account.as_str(), event.raw.seq)))?;
    for event in events {
        put_deliveries(conn, event)?;
    }
    let mut folded = Folded::new()?;
    for leg in legs {
        if leg.has_ended() {
            pack(conn, &mut folded, leg)?;
        } else {
            put_rows(conn, leg)?;
        }
    }
    folded.write(conn, memory.last_seq())
}

/// What a leg and a call are found by.
fn put_names(conn: &Connection, legs: &[Leg]) -> Result<(), StoreError> {
    let mut by_name: Vec<&Leg> = legs.iter().collect();
    by_name.sort_unstable_by_key(|leg| leg.leg.as_str());
    let mut insert = conn.prepare_cached("INSERT INTO legs VALUES (?1, ?2, ?3, ?4, ?5)")?;
    for leg in &by_name {
        let [incoming, answered, outgoing, ended] = leg.places().0;
        insert.execute(params![leg.leg.as_str(), incoming, answered, outgoing, ended])?;
    }
    let mut by_call: Vec<(&str, &Leg)> = by_name.iter().map(|leg| (leg.call(), *leg)).collect();
    by_call.sort_by_key(|(call, _)| *call);
    let mut insert = conn.prepare_cached("INSERT OR IGNORE INTO calls VALUES (?1, ?2)")?;
    for (call, leg) in by_call {
        insert.execute(params![call, leg.leg.as_str()])?;
    }
    Ok(())
}

/// What waits of an event, and what was given up.
fn put_deliveries(conn: &Connection, event: &Event) -> Result<(), StoreError> {
    let raw = &event.raw;
    for delivery in &event.deliveries {
        let standing = &delivery.standing;
        match delivery.stands {
            Stands::Delivered => {}
            Stands::Waits => {
                conn.prepare_cached(
                    "INSERT OR IGNORE INTO pending VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
                )?
                .execute(params![
                    raw.seq,
                    delivery.integration,
                    raw.account,
                    raw.kind,
                    call_hash(&CallId::new(&*raw.call)).cast_signed(),
                    raw.received_at,
                    standing.attempts,
                    delivery.held,
                    delivery.due_at,
                    delivery.updated_at,
                    delivery.updated_at.map(|_| standing.last.as_str()),
                ])?;
            }
            Stands::GivenUp(state) => {
                conn.prepare_cached("INSERT OR REPLACE INTO given_up VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)")?
                    .execute(params![
                    raw.seq,
                    delivery.integration,
                    raw.account,
                    GivenUp::number(state),
                    standing.attempts,
                    standing.last,
                    delivery.updated_at.unwrap_or(raw.received_at),
                ])?;
            }
        }
    }
    Ok(())
}

/// An ended leg, whole; what was noted of it stays beside it if it is too much.
fn pack(conn: &Connection, folded: &mut Folded, mut leg: Leg) -> Result<(), StoreError> {
    let entry = leg.take_entry();
    let noted = leg.events.iter().flat_map(|event| &event.noted);
    let too_much = noted.map(|noted| noted.detail.as_ref().map_or(0, Vec::len)).sum::<usize>() > NOTED_BYTES;
    let mut events = Vec::with_capacity(leg.events.len());
    for Event { raw, mut noted, .. } in leg.events {
        if too_much {
            put_noted(conn, raw.seq, &std::mem::take(&mut noted))?;
        }
        events.push(packed::Event { raw, noted });
    }
    folded.add(conn, &packed::Leg { leg: leg.leg, events }, entry.as_ref())
}

/// A leg that has not ended, as rows.
fn put_rows(conn: &Connection, leg: Leg) -> Result<(), StoreError> {
    debug_assert!(leg.places().of(EventKind::Ended).is_none(), "one that has ended is packed");
    let mut insert = conn.prepare_cached("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
    for Event { raw, noted, .. } in &leg.events {
        let Raw { seq, kind, at, received_at, account, call, body } = raw;
        insert.execute(params![seq, kind, at, received_at, account, leg.leg.as_str(), call, body])?;
        put_noted(conn, *seq, noted)?;
    }
    if let Some(first) = leg.events.first()
        && first.raw.kind != kind_number(EventKind::Ended)
    {
        conn.prepare_cached("INSERT INTO open_legs VALUES (?1)")?.execute([first.raw.seq])?;
    }
    Ok(())
}

fn put_noted(conn: &Connection, seq: i64, noted: &[Noted]) -> Result<(), StoreError> {
    let mut detail = conn.prepare_cached("INSERT INTO details (detail) VALUES (?1)")?;
    let mut insert = conn.prepare_cached(
        "INSERT INTO history (id, integration, number, delivered, at, detail_id) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    )?;
    for (id, noted) in (history_of(seq)[0]..).zip(noted) {
        let detail = noted.detail.as_ref().map(|bytes| detail.insert([bytes])).transpose()?;
        insert.execute(params![id, noted.integration, noted.number, noted.delivered, noted.at, detail])?;
    }
    Ok(())
}
