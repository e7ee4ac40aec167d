//! One leg, as people see it.

use calls::{LegId, PbxName, PbxTime};
use rusqlite::{Connection, OptionalExtension};

use super::super::errors::StoreError;
use super::super::table::events::of_leg_from;
use super::super::table::packed::Shelf;
use crate::record::note;
use crate::rules::{self, channel_of};
use crate::{Kept, LegRecord};

pub(super) fn begun_by(shelf: &Shelf<'_>, begun: &Kept) -> Result<Option<LegRecord>, StoreError> {
    let events = of_leg_from(shelf, &begun.event.leg)?;
    let noted = answer_noted(shelf.conn(), &begun.pbx, &begun.event.leg)?;
    let events: Vec<&Kept> = events.iter().collect();
    Ok(rules::leg_record(&events, noted).filter(|record| record.seq == begun.seq))
}

fn answer_noted(conn: &Connection, pbx: &PbxName, leg: &LegId) -> Result<Option<PbxTime>, StoreError> {
    let mut select = conn.prepare_cached("SELECT kept FROM notes WHERE pbx = ?1 AND channel = ?2")?;
    let kept: Option<Vec<u8>> =
        select.query_row([pbx.as_str(), channel_of(pbx, leg)], |row| row.get(0)).optional()?;
    let Some(kept) = kept else { return Ok(None) };
    Ok(note::read(&kept)?.answered_at)
}
