//! Keeping events with their deliveries and notes.

use std::sync::Arc;
use std::time::Duration;

use calls::{AccountId, CallId, EventKind, LegId, PbxName, PbxTime};
use rusqlite::{Connection, OptionalExtension, params};

use super::errors::StoreError;
use super::log::{Judged, Tail};
use super::remembered::{Places, Remembered};
use super::rollup::entry::Part;
use super::statements::Statements;
use super::table::hours::Clock;
use super::table::raw::Raw;
use crate::record::event::kind_number;
use crate::record::{event, note};
use crate::rules::{begins, refused};
use crate::settings::IntegrationId;
use crate::{Append, Appended, DeliveryId, EventSeq, Pending, WallTime, call_hash};

/// An append, written out by whoever asked for it, so that the writer has less to do.
pub(super) struct Moment {
    pbx: PbxName,
    events: Vec<Row>,
    notes: Vec<(Arc<str>, Option<Vec<u8>>)>,
    heard_at: PbxTime,
    reached: Reached,
}

/// When something reached us, and how long ago that was.
#[derive(Clone, Copy)]
struct Reached {
    at: WallTime,
    age: Duration,
}

struct Row {
    kind: EventKind,
    at: PbxTime,
    account: AccountId,
    leg: LegId,
    call: CallId,
    body: Vec<u8>,
    /// What lists and sums find its leg by.
    part: Option<Part>,
    integrations: Vec<IntegrationId>,
}

impl Row {
    fn pending(&self, event: EventSeq, integration: IntegrationId, age: Duration) -> Pending {
        Pending {
            id: DeliveryId { event, integration },
            account: self.account.clone(),
            kind: self.kind,
            call_hash: call_hash(&self.call),
            age,
            attempts: 0,
            due_at_age: Duration::ZERO,
            held: false,
        }
    }
}

impl Moment {
    pub(super) fn of(append: &Append) -> Self {
        let Append { grant: _, pbx, events, notes, heard_at, received_at, age } = append;
        let row = |(event, integrations): &(calls::Event, Vec<IntegrationId>)| Row {
            kind: event.kind(),
            at: event.at,
            account: event.account().clone(),
            body: event::write(pbx, event),
            part: Part::of(event),
            leg: event.leg.clone(),
            call: event.call.clone(),
            integrations: integrations.clone(),
        };
        let events = events.iter().map(row).collect();
        let notes =
            notes.iter().map(|note| (note.channel.clone(), note.kept.as_ref().map(note::write))).collect();
        let reached = Reached { at: *received_at, age: *age };
        Self { pbx: pbx.clone(), events, notes, heard_at: *heard_at, reached }
    }

    pub(super) fn weight(&self) -> usize {
        1 + self.events.len() + self.notes.len()
    }
}

pub(super) fn run(
    statements: &mut Statements<'_>,
    memory: &mut Remembered,
    tail: &mut Tail,
    moments: Vec<Moment>,
) -> Result<Vec<Vec<Appended>>, StoreError> {
    moments.into_iter().map(|moment| keep(statements, memory, tail, moment)).collect()
}

fn keep(
    statements: &mut Statements<'_>,
    memory: &mut Remembered,
    tail: &mut Tail,
    moment: Moment,
) -> Result<Vec<Appended>, StoreError> {
    let mut answers = Vec::with_capacity(moment.events.len());
    for row in moment.events {
        answers.push(keep_event(statements, memory, tail, moment.reached, row)?);
    }
    memory.hear(&moment.pbx, moment.heard_at);
    if tail.takes() {
        let notes = &moment.notes;
        notes.iter().for_each(|(channel, kept)| tail.note(&moment.pbx, channel, kept.as_deref()));
        return Ok(answers);
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
    Ok(answers)
}

fn keep_event(
    statements: &mut Statements<'_>,
    memory: &mut Remembered,
    tail: &mut Tail,
    reached: Reached,
    row: Row,
) -> Result<Appended, StoreError> {
    match tail.judge(&row.leg, row.kind) {
        Judged::Repeat(seq) => Ok(Appended::Repeat(EventSeq(seq))),
        Judged::Refused(refusal) => Ok(Appended::Refused(refusal)),
        Judged::Next => log_event(statements, memory, tail, reached, row),
        Judged::NotHere if tail.takes() && is_new(statements, memory, &row.leg)? => {
            log_event(statements, memory, tail, reached, row)
        }
        Judged::NotHere => keep_row(statements, memory, reached, &row),
    }
}

fn is_new(statements: &mut Statements<'_>, memory: &Remembered, leg: &LegId) -> Result<bool, StoreError> {
    Ok(memory.places(leg).is_none() && !statements.is_leg.exists([leg.as_str()])?)
}

/// Into the log.
fn log_event(
    statements: &Statements<'_>,
    memory: &mut Remembered,
    tail: &mut Tail,
    reached: Reached,
    row: Row,
) -> Result<Appended, StoreError> {
    let seq = memory.pass();
    memory.note_hour(statements.conn, Clock::Pbx, row.at.as_micros(), seq)?;
    memory.note_hour(statements.conn, Clock::Wall, reached.at.0, seq)?;
    let pending = |integration: &IntegrationId| row.pending(EventSeq(seq), *integration, reached.age);
    let pending = row.integrations.iter().map(pending).collect();
    let raw = Raw {
        seq,
        kind: kind_number(row.kind),
        at: row.at.as_micros(),
        received_at: reached.at.0,
        account: row.account.as_str().to_owned(),
        call: row.call.as_str().to_owned(),
        body: row.body,
    };
    tail.append(&row.leg, (raw, row.part), &row.integrations);
    Ok(Appended::Stored(EventSeq(seq), pending))
}

/// Into the rows.
fn keep_row(
    statements: &mut Statements<'_>,
    memory: &mut Remembered,
    reached: Reached,
    row: &Row,
) -> Result<Appended, StoreError> {
    let seq = memory.last_seq() + 1;
    let places = match place(statements, memory, row, seq)? {
        Ok(places) => places,
        Err(refused) => return Ok(refused),
    };
    memory.advance(&row.account);
    memory.remember(&row.leg, places);
    memory.note_hour(statements.conn, Clock::Pbx, row.at.as_micros(), seq)?;
    memory.note_hour(statements.conn, Clock::Wall, reached.at.0, seq)?;
    let kind = kind_number(row.kind);
    statements.insert_event.execute(params![
        seq,
        kind,
        row.at.as_micros(),
        reached.at.0,
        row.account.as_str(),
        row.leg.as_str(),
        row.call.as_str(),
        row.body,
    ])?;
    let mut pending = Vec::with_capacity(row.integrations.len());
    for integration in &row.integrations {
        pending.push(row.pending(EventSeq(seq), *integration, reached.age));
        statements.insert_pending.execute(params![
            seq,
            integration.number,
            row.account.as_str(),
            kind,
            call_hash(&row.call).cast_signed(),
            reached.at.0,
        ])?;
    }
    Ok(Appended::Stored(EventSeq(seq), pending))
}

/// Takes the place of an event in its leg, or says why it cannot have it.
fn place(
    statements: &mut Statements<'_>,
    memory: &Remembered,
    row: &Row,
    seq: i64,
) -> Result<Result<Places, Appended>, StoreError> {
    let known = match memory.places(&row.leg) {
        Some(places) => Some(places),
        // A beginning is nearly always a new leg: try that first, without looking.
        None if begins(row.kind) && begin(statements, row, seq)? => {
            return Ok(Ok(Places::default().and(row.kind, seq)));
        }
        None => look_up(statements.conn, &row.leg)?,
    };
    let Some(places) = known else {
        begin(statements, row, seq)?;
        return Ok(Ok(Places::default().and(row.kind, seq)));
    };
    if let Some(seq) = places.of(row.kind) {
        return Ok(Err(Appended::Repeat(EventSeq(seq))));
    }
    if let Some(refusal) = refused(|kind| places.of(kind).is_some(), row.kind) {
        return Ok(Err(Appended::Refused(refusal)));
    }
    statements.update_leg.of(row.kind).execute(params![row.leg.as_str(), seq])?;
    if row.kind == EventKind::Ended
        && let Some(first) = places.first()
    {
        statements.close_leg.execute([first])?;
    }
    Ok(Ok(places.and(row.kind, seq)))
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
