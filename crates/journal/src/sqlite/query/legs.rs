//! Legs: as people see them, and as the call logic needs them back.

use std::sync::Arc;

use calls::{Note, PbxName, PbxTime, Restored};
use rusqlite::{Connection, OptionalExtension, params};

use super::super::errors::StoreError;
use super::super::table::events::{get, of_leg};
use super::super::table::packed::Shelf;
use super::leg::begun_by;
use super::lines;
use super::walk::walk;
use crate::record::note;
use crate::rules::{self, begins};
use crate::{EventSeq, Filter, LegRecord};

pub(in crate::sqlite) fn list(conn: &Connection, filter: &Filter) -> Result<Vec<LegRecord>, StoreError> {
    if lines::serves(filter) {
        return lines::list(conn, filter);
    }
    let limit = filter.bounded_limit();
    let mut found: Vec<LegRecord> = Vec::new();
    let shelf = Shelf::new(conn);
    walk(&shelf, filter, begins, |begun| {
        found.extend(begun_by(&shelf, &begun)?.filter(|leg| filter.accepts_outcome(leg)));
        Ok(found.len() < limit)
    })?;
    Ok(found)
}

pub(in crate::sqlite) fn restore(conn: &Connection, pbx: &PbxName) -> Result<Restored, StoreError> {
    let last_heard = conn
        .prepare_cached("SELECT at FROM heard WHERE pbx = ?1")?
        .query_row([pbx.as_str()], |row| row.get(0))
        .optional()?
        .map(PbxTime::from_micros);
    Ok(Restored { legs: open_legs(conn, pbx)?, notes: notes(conn, pbx)?, last_heard })
}

fn open_legs(conn: &Connection, pbx: &PbxName) -> Result<Vec<calls::OpenLeg>, StoreError> {
    let mut select = conn.prepare_cached("SELECT seq FROM open_legs ORDER BY seq")?;
    let mut rows = select.query([])?;
    let mut open = Vec::new();
    while let Some(row) = rows.next()? {
        let Some(first) = get(conn, EventSeq(row.get(0)?))?.filter(|first| first.pbx == *pbx) else {
            continue;
        };
        let events = of_leg(conn, &first.event.leg)?;
        let plain: Vec<_> = events.iter().map(|kept| &kept.event).collect();
        open.extend(rules::open_leg(&plain));
    }
    Ok(open)
}

fn notes(conn: &Connection, pbx: &PbxName) -> Result<Vec<Note>, StoreError> {
    let mut select =
        conn.prepare_cached("SELECT channel, kept FROM notes WHERE pbx = ?1 ORDER BY channel")?;
    let mut rows = select.query(params![pbx.as_str()])?;
    let mut notes = Vec::new();
    while let Some(row) = rows.next()? {
        let kept: Vec<u8> = row.get(1)?;
        notes.push(Note { channel: Arc::from(row.get::<_, String>(0)?), kept: Some(note::read(&kept)?) });
    }
    Ok(notes)
}
