//! A kept event as the rows have it, before anything is read of its body.

use calls::{AccountId, CallId, EventKind, LegId, PbxTime};
use rusqlite::Row;

use super::super::errors::StoreError;
use crate::record::event::{self, Columns, kind_of};
use crate::{EventSeq, Kept, WallTime};

/// An event; the leg is told besides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::sqlite) struct Raw {
    pub(in crate::sqlite) seq: i64,
    pub(in crate::sqlite) kind: u8,
    pub(in crate::sqlite) at: i64,
    pub(in crate::sqlite) received_at: i64,
    pub(in crate::sqlite) account: String,
    pub(in crate::sqlite) call: String,
    pub(in crate::sqlite) body: Vec<u8>,
}

/// What [`raw`] reads.
pub(in crate::sqlite) const RAW: &str =
    "SELECT seq, kind, at, received_at, account, call, body FROM events WHERE seq = ?1";

pub(in crate::sqlite) fn raw(row: &Row<'_>) -> rusqlite::Result<Raw> {
    Ok(Raw {
        seq: row.get(0)?,
        kind: row.get(1)?,
        at: row.get(2)?,
        received_at: row.get(3)?,
        account: row.get(4)?,
        call: row.get(5)?,
        body: row.get(6)?,
    })
}

pub(in crate::sqlite) fn kind(number: u8) -> Result<EventKind, StoreError> {
    kind_of(number).ok_or_else(|| StoreError::Damaged(format!("there is no kind of event {number}")))
}

/// The event of it.
pub(in crate::sqlite) fn kept_of(leg: &LegId, raw: &Raw) -> Result<Kept, StoreError> {
    let columns = Columns {
        kind: kind(raw.kind)?,
        at: PbxTime::from_micros(raw.at),
        account: AccountId::new(&*raw.account),
        leg: leg.clone(),
        call: CallId::new(&*raw.call),
    };
    let (pbx, event) = event::read(columns, &raw.body)?;
    Ok(Kept { seq: EventSeq(raw.seq), received_at: WallTime(raw.received_at), pbx, event })
}
