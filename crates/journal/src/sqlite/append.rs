//! Keeping events with their deliveries and notes.

use std::sync::Arc;

use calls::{AccountId, CallId, EventKind, LegId, PbxName, PbxTime};
use rusqlite::{Connection, OptionalExtension, params};
use rustc_hash::FxHashMap;

use super::errors::StoreError;
use super::statements::Statements;
use crate::record::event::kind_number;
use crate::record::{event, note};
use crate::rules::begins;
use crate::settings::IntegrationId;
use crate::{Append, Appended, EventSeq, WallTime, call_hash};

/// How many legs the writer remembers the places of; what is forgotten is looked up.
const LEGS_REMEMBERED: usize = 64 * 1024;
/// How many hours it remembers.
const HOURS_REMEMBERED: usize = 1_024;
/// How many events are told to their accounts' lists at a time. Until then a question looks through them.
const LISTED_AT_ONCE: i64 = 512;
/// The end of what an hour can have is noted this far ahead, so that it is seldom written.
const HOUR_STEP: i64 = 64 * 1024;
const HOUR_MICROS: i64 = 3_600_000_000;

/// An append, written out by whoever asked for it, so that the writer has less to do.
pub(super) struct Moment {
    pbx: PbxName,
    events: Vec<Row>,
    notes: Vec<(Arc<str>, Option<Vec<u8>>)>,
    heard_at: PbxTime,
    received_at: WallTime,
}

struct Row {
    kind: EventKind,
    at: PbxTime,
    account: AccountId,
    leg: LegId,
    call: CallId,
    body: Vec<u8>,
    integrations: Vec<IntegrationId>,
}

impl Moment {
    pub(super) fn of(append: Append) -> Self {
        let Append { pbx, events, notes, heard_at, received_at } = append;
        let row = |(event, integrations): (calls::Event, Vec<IntegrationId>)| Row {
            kind: event.kind(),
            at: event.at,
            account: event.account().clone(),
            body: event::write(&pbx, &event),
            leg: event.leg,
            call: event.call,
            integrations,
        };
        let events = events.into_iter().map(row).collect();
        let notes =
            notes.into_iter().map(|note| (note.channel, note.kept.as_ref().map(note::write))).collect();
        Self { pbx, events, notes, heard_at, received_at }
    }

    pub(super) fn weight(&self) -> usize {
        1 + self.events.len() + self.notes.len()
    }
}

/// The places of a leg's events, by the number of their kind.
#[derive(Clone, Copy, Default)]
struct Places([Option<i64>; 4]);

impl Places {
    fn of(&self, kind: EventKind) -> Option<i64> {
        self.0[usize::from(kind_number(kind))]
    }

    /// Of its first event.
    fn first(&self) -> Option<i64> {
        self.0.iter().flatten().min().copied()
    }
}

/// What the writer remembers of the store.
pub(super) struct Memory {
    last_seq: i64,
    /// Up to where the accounts' lists are filled; `None` if it has to be looked up.
    listed_to: Option<i64>,
    legs: FxHashMap<LegId, Places>,
    /// How far each hour of each clock is noted.
    hours: FxHashMap<(Clock, i64), i64>,
    /// What was heard in this group.
    heard: Vec<(PbxName, PbxTime)>,
}

#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Clock {
    Pbx = 0,
    Wall = 1,
}

impl Memory {
    pub(super) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let last_seq = conn.query_row(
            "SELECT max((SELECT coalesce(max(seq), 0) FROM events), (SELECT value FROM meta WHERE name = 'last_seq'))",
            [],
            |row| row.get(0),
        )?;
        Ok(Self {
            last_seq,
            listed_to: None,
            legs: FxHashMap::default(),
            hours: FxHashMap::default(),
            heard: Vec::new(),
        })
    }

    pub(super) fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// Forgets what may not be so, after a group was undone.
    pub(super) fn forget(&mut self, last_seq: i64) {
        self.last_seq = last_seq;
        self.listed_to = None;
        self.legs.clear();
        self.hours.clear();
        self.heard.clear();
    }

    /// Forgets what may be gone, after rows were removed.
    pub(super) fn forget_removed(&mut self) {
        self.legs.clear();
        self.hours.clear();
    }

    fn hear(&mut self, pbx: &PbxName, at: PbxTime) {
        match self.heard.iter_mut().find(|(known, _)| known == pbx) {
            Some((_, heard)) => *heard = at.max(*heard),
            None => self.heard.push((pbx.clone(), at)),
        }
    }

    /// Writes what was heard, once a group.
    pub(super) fn save_heard(&mut self, conn: &Connection) -> Result<(), StoreError> {
        for (pbx, at) in self.heard.drain(..) {
            conn.prepare_cached(
                "INSERT INTO heard VALUES (?1, ?2) ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
            )?
            .execute(params![pbx.as_str(), at.as_micros()])?;
        }
        Ok(())
    }

    /// Fills the accounts' lists when enough has gathered.
    pub(super) fn fill_lists(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let listed_to = match self.listed_to {
            Some(place) => place,
            None => listed_to(conn)?,
        };
        self.listed_to = Some(listed_to);
        if self.last_seq - listed_to < LISTED_AT_ONCE {
            return Ok(());
        }
        conn.prepare_cached(
            "INSERT INTO by_account SELECT account, seq FROM events WHERE seq > ?1 ORDER BY account, seq",
        )?
        .execute([listed_to])?;
        conn.prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'by_account_to'")?
            .execute([self.last_seq])?;
        self.listed_to = Some(self.last_seq);
        Ok(())
    }

    fn places(&self, leg: &LegId) -> Option<Places> {
        self.legs.get(leg).copied()
    }

    fn remember(&mut self, leg: &LegId, places: Places) {
        if self.legs.len() >= LEGS_REMEMBERED {
            self.legs.clear();
        }
        self.legs.insert(leg.clone(), places);
    }

    fn note_hour(
        &mut self,
        conn: &Connection,
        clock: Clock,
        micros: i64,
        seq: i64,
    ) -> Result<(), StoreError> {
        let hour = hour_of(micros);
        if self.hours.get(&(clock, hour)).is_some_and(|last| *last >= seq) {
            return Ok(());
        }
        if self.hours.len() >= HOURS_REMEMBERED {
            self.hours.clear();
        }
        let last = seq.saturating_add(HOUR_STEP);
        conn.prepare_cached(
            "INSERT INTO hours VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT DO UPDATE SET last = max(last, excluded.last)",
        )?
        .execute(params![clock as i64, hour, seq, last])?;
        self.hours.insert((clock, hour), last);
        Ok(())
    }
}

/// Up to where the accounts' lists are filled.
pub(super) fn listed_to(conn: &Connection) -> Result<i64, StoreError> {
    let mut select = conn.prepare_cached("SELECT value FROM meta WHERE name = 'by_account_to'")?;
    Ok(select.query_row([], |row| row.get(0))?)
}

/// The hour a moment is in.
pub(super) fn hour_of(micros: i64) -> i64 {
    micros.div_euclid(HOUR_MICROS)
}

pub(super) fn run(
    statements: &mut Statements<'_>,
    memory: &mut Memory,
    moments: &[Moment],
) -> Result<Vec<Vec<Appended>>, StoreError> {
    moments.iter().map(|moment| keep(statements, memory, moment)).collect()
}

fn keep(
    statements: &mut Statements<'_>,
    memory: &mut Memory,
    moment: &Moment,
) -> Result<Vec<Appended>, StoreError> {
    let mut answers = Vec::with_capacity(moment.events.len());
    for row in &moment.events {
        answers.push(keep_event(statements, memory, moment.received_at, row)?);
    }
    let conn = statements.conn;
    for (channel, kept) in &moment.notes {
        match kept {
            Some(kept) => conn
                .prepare_cached("INSERT OR REPLACE INTO notes VALUES (?1, ?2, ?3)")?
                .execute(params![moment.pbx.as_str(), channel, kept])?,
            None => conn
                .prepare_cached("DELETE FROM notes WHERE pbx = ?1 AND channel = ?2")?
                .execute(params![moment.pbx.as_str(), channel])?,
        };
    }
    memory.hear(&moment.pbx, moment.heard_at);
    Ok(answers)
}

fn keep_event(
    statements: &mut Statements<'_>,
    memory: &mut Memory,
    received_at: WallTime,
    row: &Row,
) -> Result<Appended, StoreError> {
    let seq = memory.last_seq + 1;
    let places = match place(statements, memory, row, seq)? {
        Ok(places) => places,
        Err(refused) => return Ok(refused),
    };
    memory.last_seq = seq;
    memory.remember(&row.leg, places);
    memory.note_hour(statements.conn, Clock::Pbx, row.at.as_micros(), seq)?;
    memory.note_hour(statements.conn, Clock::Wall, received_at.0, seq)?;
    let kind = kind_number(row.kind);
    statements.insert_event.execute(params![
        seq,
        kind,
        row.at.as_micros(),
        received_at.0,
        row.account.as_str(),
        row.leg.as_str(),
        row.call.as_str(),
        row.body,
    ])?;
    for integration in &row.integrations {
        statements.insert_pending.execute(params![
            seq,
            integration.number,
            row.account.as_str(),
            kind,
            call_hash(&row.call).cast_signed(),
            received_at.0,
        ])?;
    }
    Ok(Appended::Stored(EventSeq(seq)))
}

/// Takes the place of an event in its leg, or says why it cannot have it.
fn place(
    statements: &mut Statements<'_>,
    memory: &Memory,
    row: &Row,
    seq: i64,
) -> Result<Result<Places, Appended>, StoreError> {
    let known = match memory.places(&row.leg) {
        Some(places) => Some(places),
        // A beginning is nearly always a new leg: try that first, without looking.
        None if begins(row.kind) && begin(statements, row, seq)? => return Ok(Ok(only(row.kind, seq))),
        None => look_up(statements.conn, &row.leg)?,
    };
    let Some(mut places) = known else {
        begin(statements, row, seq)?;
        return Ok(Ok(only(row.kind, seq)));
    };
    if let Some(seq) = places.of(row.kind) {
        return Ok(Err(Appended::Repeat(EventSeq(seq))));
    }
    if places.of(EventKind::Ended).is_some() {
        return Ok(Err(Appended::AfterEnded));
    }
    statements.update_leg.of(row.kind).execute(params![row.leg.as_str(), seq])?;
    if row.kind == EventKind::Ended
        && let Some(first) = places.first()
    {
        statements.close_leg.execute([first])?;
    }
    places.0[usize::from(kind_number(row.kind))] = Some(seq);
    Ok(Ok(places))
}

fn only(kind: EventKind, seq: i64) -> Places {
    let mut places = Places::default();
    places.0[usize::from(kind_number(kind))] = Some(seq);
    places
}

/// Makes the leg's row with its first event, unless it is there.
fn begin(statements: &mut Statements<'_>, row: &Row, seq: i64) -> Result<bool, StoreError> {
    let is_new = statements.insert_leg.of(row.kind).execute(params![row.leg.as_str(), seq])? == 1;
    if is_new {
        statements.insert_call.execute(params![row.call.as_str(), row.leg.as_str()])?;
        if row.kind != EventKind::Ended {
            statements.open_leg.execute([seq])?;
        }
    }
    Ok(is_new)
}

fn look_up(conn: &Connection, leg: &LegId) -> Result<Option<Places>, StoreError> {
    let mut select =
        conn.prepare_cached("SELECT incoming, answered, outgoing, ended FROM legs WHERE leg = ?1")?;
    let places = select
        .query_row([leg.as_str()], |row| Ok(Places([row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?])));
    Ok(places.optional()?)
}
