//! Rows of events as the events they are.

use calls::{AccountId, CallId, LegId, PbxTime};
use tokio_postgres::Row;

use super::super::errors::Fault;
use crate::record::Unreadable;
use crate::record::event::{self, kind_of};
use crate::{EventSeq, Kept, WallTime};

/// What [`kept`] reads, of a table `e`.
pub(super) const COLUMNS: &str = "e.seq, e.kind, e.at, e.received_at, e.account, e.leg, e.call, e.body";

pub(super) fn kept(row: &Row) -> Result<Kept, Fault> {
    let kind: i16 = row.get(1);
    let kind = u8::try_from(kind).ok().and_then(kind_of);
    let kind = kind.ok_or_else(|| Unreadable { what: "event", why: "there is no such kind".to_owned() })?;
    let columns = event::Columns {
        kind,
        at: PbxTime::from_micros(row.get(2)),
        account: AccountId::new(row.get::<_, String>(4)),
        leg: LegId::new(row.get::<_, String>(5)),
        call: CallId::new(row.get::<_, String>(6)),
    };
    let (pbx, event) = event::read(columns, row.get(7))?;
    Ok(Kept { seq: EventSeq(row.get(0)), received_at: WallTime(row.get(3)), pbx, event })
}
