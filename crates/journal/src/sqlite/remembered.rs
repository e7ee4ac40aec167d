//! What the writer remembers of the store between commits, so that it has less to ask it; and what it does in
//! large steps because of that. All of it can be forgotten: after a group was undone it is.

use calls::{AccountId, EventKind, LegId, PbxName, PbxTime};
use rusqlite::{Connection, params};
use rustc_hash::FxHashMap;

use super::errors::StoreError;
use super::table::hours::{Clock, hour_of, listed_to};
use crate::record::event::kind_number;

/// How many legs the writer remembers the places of; what is forgotten is looked up.
const LEGS_REMEMBERED: usize = 64 * 1024;
/// How many hours it remembers.
const HOURS_REMEMBERED: usize = 1_024;
/// How many events are told to their accounts' lists at a time. Until then a question looks through them.
pub(super) const LISTED_AT_ONCE: usize = 2_048;
/// The end of what an hour can have is noted this far ahead, so that it is seldom written. A question about
/// that hour looks through about so many events too many.
const HOUR_STEP: i64 = 4 * 1024;

/// The places of a leg's events, by the number of their kind.
#[derive(Clone, Copy, Default)]
pub(super) struct Places(pub(super) [Option<i64>; 4]);

impl Places {
    pub(super) fn of(&self, kind: EventKind) -> Option<i64> {
        self.0[usize::from(kind_number(kind))]
    }

    /// With another event.
    pub(super) fn and(mut self, kind: EventKind, seq: i64) -> Self {
        self.0[usize::from(kind_number(kind))] = Some(seq);
        self
    }

    /// Of its first event.
    pub(super) fn first(&self) -> Option<i64> {
        self.0.iter().flatten().min().copied()
    }
}

/// What the writer remembers of the store.
pub(super) struct Remembered {
    last_seq: i64,
    listed_at_once: usize,
    /// What is in no account's list yet; `None` if it has to be looked up.
    unlisted: Option<Vec<(AccountId, i64)>>,
    legs: FxHashMap<LegId, Places>,
    /// How far each hour of each clock is noted.
    hours: FxHashMap<(Clock, i64), i64>,
    /// What was heard in this group.
    heard: Vec<(PbxName, PbxTime)>,
}

impl Remembered {
    pub(super) fn load(
        conn: &Connection,
        listed_at_once: usize,
        last_in_log: i64,
    ) -> Result<Self, StoreError> {
        let last_seq: i64 = conn.query_row(
            "SELECT max((SELECT coalesce(max(seq), 0) FROM events), (SELECT value FROM meta WHERE name = 'last_seq'))",
            [],
            |row| row.get(0),
        )?;
        Ok(Self {
            last_seq: last_seq.max(last_in_log),
            listed_at_once,
            unlisted: None,
            legs: FxHashMap::default(),
            hours: FxHashMap::default(),
            heard: Vec::new(),
        })
    }

    pub(super) fn last_seq(&self) -> i64 {
        self.last_seq
    }

    /// A place is taken by an event that is in no account's list before its leg is out of the log.
    pub(super) fn pass(&mut self) -> i64 {
        self.last_seq += 1;
        self.last_seq
    }

    /// Tells events of legs that come out of the log to their accounts' lists, with all that gathered for them: what
    /// has a place up to here and is not told yet is in the log, and is told when it comes out.
    pub(super) fn list<'a>(
        &mut self,
        conn: &Connection,
        events: impl Iterator<Item = (&'a str, i64)>,
    ) -> Result<(), StoreError> {
        let gathered = match self.unlisted.take() {
            Some(gathered) => gathered,
            None => unlisted_in(conn)?,
        };
        let mut all: Vec<(&str, i64)> = events.collect();
        all.extend(gathered.iter().map(|(account, seq)| (account.as_str(), *seq)));
        all.sort_unstable();
        let mut insert = conn.prepare_cached("INSERT OR IGNORE INTO by_account VALUES (?1, ?2)")?;
        for (account, seq) in all {
            insert.execute(params![account, seq])?;
        }
        self.listed(conn)?;
        self.unlisted = Some(Vec::new());
        Ok(())
    }

    fn listed(&self, conn: &Connection) -> Result<(), StoreError> {
        conn.prepare_cached("UPDATE meta SET value = ?1 WHERE name = 'by_account_to'")?
            .execute([self.last_seq])?;
        Ok(())
    }

    /// The last place is taken, by an event of this account.
    pub(super) fn advance(&mut self, account: &AccountId) {
        self.last_seq += 1;
        if let Some(unlisted) = &mut self.unlisted {
            unlisted.push((account.clone(), self.last_seq));
        }
    }

    /// Forgets what may not be so, after a group was undone.
    pub(super) fn forget(&mut self, last_seq: i64) {
        self.last_seq = last_seq;
        self.unlisted = None;
        self.legs.clear();
        self.hours.clear();
        self.heard.clear();
    }

    /// Forgets what may be gone, after rows were removed.
    pub(super) fn forget_removed(&mut self) {
        self.unlisted = None;
        self.legs.clear();
        self.hours.clear();
    }

    pub(super) fn hear(&mut self, pbx: &PbxName, at: PbxTime) {
        match self.heard.iter_mut().find(|(known, _)| known == pbx) {
            Some((_, heard)) => *heard = at.max(*heard),
            None => self.heard.push((pbx.clone(), at)),
        }
    }

    /// What was heard in this group.
    pub(super) fn take_heard(&mut self) -> Vec<(PbxName, PbxTime)> {
        std::mem::take(&mut self.heard)
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

    /// Whether something is in no account's list: with so little to do it is told to them, and can be packed.
    pub(super) fn has_unlisted(&mut self, conn: &Connection) -> Result<bool, StoreError> {
        if self.unlisted.is_none() {
            self.unlisted = Some(unlisted_in(conn)?);
        }
        Ok(self.unlisted.as_ref().is_some_and(|unlisted| !unlisted.is_empty()))
    }

    /// Fills the accounts' lists when enough has gathered. Row by row: for a statement that makes many SQLite
    /// copies every page it changes aside.
    pub(super) fn fill_lists(&mut self, conn: &Connection) -> Result<(), StoreError> {
        let unlisted = match &mut self.unlisted {
            Some(unlisted) => unlisted,
            None => self.unlisted.insert(unlisted_in(conn)?),
        };
        if unlisted.len() < self.listed_at_once {
            return Ok(());
        }
        unlisted.sort_unstable();
        let mut insert = conn.prepare_cached("INSERT OR IGNORE INTO by_account VALUES (?1, ?2)")?;
        for (account, seq) in unlisted.drain(..) {
            insert.execute(params![account.as_str(), seq])?;
        }
        self.listed(conn)
    }

    pub(super) fn places(&self, leg: &LegId) -> Option<Places> {
        self.legs.get(leg).copied()
    }

    pub(super) fn remember(&mut self, leg: &LegId, places: Places) {
        if self.legs.len() >= LEGS_REMEMBERED {
            self.legs.clear();
        }
        self.legs.insert(leg.clone(), places);
    }

    pub(super) fn note_hour(
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

fn unlisted_in(conn: &Connection) -> Result<Vec<(AccountId, i64)>, StoreError> {
    let mut select = conn.prepare_cached("SELECT account, seq FROM events WHERE seq > ?1")?;
    let rows = select
        .query_map([listed_to(conn)?], |row| Ok((AccountId::new(row.get_ref(0)?.as_str()?), row.get(1)?)))?;
    Ok(rows.collect::<Result<_, _>>()?)
}
