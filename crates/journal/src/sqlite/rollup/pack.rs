//! Ended legs on their way into one row each: read and squeezed by the thread that gathers, put away by the writer,
//! which takes out the rows they were.

use calls::LegId;
use rusqlite::{Connection, OptionalExtension, params};

use super::super::errors::StoreError;
use super::super::table::history::history_of;
use super::super::table::packed::{Event, Leg, NOTED_BYTES, Noted, Packer};
use super::super::table::places::Blocks;
use super::super::table::raw::{RAW, Raw, raw};

/// What was noted of an event's deliveries, with the rows' ids.
pub(in crate::sqlite) const NOTED: &str =
    "SELECT history.id, integration, number, delivered, at, coalesce(history.detail, details.detail), detail_id
     FROM history LEFT JOIN details ON details.id = detail_id
     WHERE history.id BETWEEN ?1 AND ?2 ORDER BY history.id";
/// Whether something of an event still waits.
pub(in crate::sqlite) const WAITS: &str = "SELECT 1 FROM pending WHERE event = ?1 LIMIT 1";

/// Of a stretch of events, the legs that ended in it.
pub(super) struct Packs {
    packer: Packer,
    /// The rows of the legs, in the order they ended.
    legs: Vec<(i64, Vec<u8>)>,
    blocks: Blocks,
    /// The places of their events.
    events: Vec<i64>,
    /// Of an event the ids of the history that are packed with it, both ends included. What was noted since is
    /// behind them.
    noted: Vec<[i64; 2]>,
    details: Vec<i64>,
    bytes: usize,
}

impl Packs {
    pub(super) fn new() -> Result<Self, StoreError> {
        Ok(Self {
            packer: Packer::new()?,
            legs: Vec::new(),
            blocks: Blocks::default(),
            events: Vec::new(),
            noted: Vec::new(),
            details: Vec::new(),
            bytes: 0,
        })
    }

    /// Adds an ended leg.
    pub(super) fn add(&mut self, conn: &Connection, leg: &LegId, raws: Vec<Raw>) -> Result<(), StoreError> {
        let mut noted = Vec::with_capacity(raws.len());
        for raw in &raws {
            noted.push(noted_of(conn, raw.seq)?);
        }
        let bytes =
            noted.iter().flat_map(|of| &of.noted).map(|noted| noted.detail.as_ref().map_or(0, Vec::len));
        if bytes.sum::<usize>() > NOTED_BYTES {
            noted = noted.iter().map(|_| OfEvent::default()).collect();
        }
        let mut events = Vec::with_capacity(raws.len());
        for (raw, of_event) in raws.into_iter().zip(noted) {
            self.events.push(raw.seq);
            self.noted.extend(of_event.last.map(|last| [history_of(raw.seq)[0], last]));
            self.details.extend(of_event.details);
            events.push(Event { raw, noted: of_event.noted });
        }
        self.put(conn, &Leg { leg: leg.clone(), events })
    }

    /// Adds one of which there are no rows.
    pub(super) fn put(&mut self, conn: &Connection, leg: &Leg) -> Result<(), StoreError> {
        for event in &leg.events {
            self.blocks.put(conn, event.raw.seq, leg.last())?;
        }
        let row = self.packer.pack(leg)?;
        self.bytes += row.len();
        self.legs.push((leg.last(), row));
        Ok(())
    }

    /// About how many rows it writes.
    pub(super) fn many(&self) -> usize {
        self.legs.len() + self.events.len() + self.details.len() + self.blocks.many()
    }

    /// What it will have written.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Puts the legs in and takes the rows they were out.
    pub(super) fn write(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let mut insert = conn.prepare_cached("INSERT INTO leg VALUES (?1, ?2)")?;
        for (last, row) in &self.legs {
            insert.execute(params![last, row])?;
        }
        self.blocks.write(conn)?;
        // In the order they lie in.
        self.events.sort_unstable();
        let mut delete = conn.prepare_cached("DELETE FROM events WHERE seq BETWEEN ?1 AND ?2")?;
        for run in runs(&self.events) {
            delete.execute(run)?;
        }
        self.noted.sort_unstable();
        let mut delete = conn.prepare_cached("DELETE FROM history WHERE id BETWEEN ?1 AND ?2")?;
        for ids in &self.noted {
            delete.execute(*ids)?;
        }
        self.details.sort_unstable();
        let mut delete = conn.prepare_cached("DELETE FROM details WHERE id BETWEEN ?1 AND ?2")?;
        for run in runs(&self.details) {
            delete.execute(run)?;
        }
        Ok(())
    }
}

/// Sorted numbers as stretches without a gap, both ends included: rows that lie side by side are taken out at once.
fn runs(sorted: &[i64]) -> impl Iterator<Item = [i64; 2]> {
    let side_by_side = |one: &i64, next: &i64| next - one <= 1;
    sorted.chunk_by(side_by_side).map(|run| [run[0], run[run.len() - 1]])
}

/// The rows of a leg's events, by their places.
pub(super) fn raws(conn: &Connection, places: &[i64]) -> Result<Vec<Raw>, StoreError> {
    let mut select = conn.prepare_cached(RAW)?;
    let mut raws = Vec::with_capacity(places.len());
    for place in places {
        raws.extend(select.query_row([place], raw).optional()?);
    }
    Ok(raws)
}

/// Whether something of a leg still waits.
pub(super) fn waits(conn: &Connection, places: &[i64]) -> Result<bool, StoreError> {
    let mut select = conn.prepare_cached(WAITS)?;
    for place in places {
        if select.exists([place])? {
            return Ok(true);
        }
    }
    Ok(false)
}

#[derive(Default)]
struct OfEvent {
    noted: Vec<Noted>,
    details: Vec<i64>,
    last: Option<i64>,
}

fn noted_of(conn: &Connection, seq: i64) -> Result<OfEvent, StoreError> {
    let mut select = conn.prepare_cached(NOTED)?;
    let mut rows = select.query(history_of(seq))?;
    let mut of_event = OfEvent::default();
    while let Some(row) = rows.next()? {
        of_event.last = Some(row.get(0)?);
        of_event.noted.push(Noted {
            integration: row.get(1)?,
            number: row.get(2)?,
            delivered: row.get(3)?,
            at: row.get(4)?,
            detail: row.get(5)?,
        });
        of_event.details.extend(row.get::<_, Option<i64>>(6)?);
    }
    Ok(of_event)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_side_by_side_are_one_run_and_no_other_is_in_it() {
        let of = |numbers: &[i64]| runs(numbers).collect::<Vec<_>>();
        assert_eq!(of(&[]), [[0; 2]; 0]);
        assert_eq!(of(&[7]), [[7, 7]]);
        assert_eq!(of(&[1, 2, 3, 5, 8, 9]), [[1, 3], [5, 5], [8, 9]]);
    }
}
