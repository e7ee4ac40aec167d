//! The tables, and how an older store becomes a newer one.
//!
//! What decides about speed: a pending delivery is one row in one tree, deleted when it is settled, and no
//! tree orders deliveries by when they are due (the sender's schedule is in RAM). Every other tree grows at
//! its right edge, for the ids of legs and calls begin with the time: a commit touches few pages.

use rusqlite::{Connection, OptionalExtension};

use super::audit;
use super::errors::{Failure, StoreError};
use crate::seal::Sealer;
use crate::settings::Secret;

/// The newest format this program knows.
pub(super) const FORMAT: u32 = 12;
/// Marks the file as ours ("ring" in ASCII).
const APPLICATION: i32 = 0x7269_6e67;
/// A store up to this size is checked from end to end when it is opened; a larger one by
/// [`Sqlite::check`](super::Sqlite::check), which does not keep the first call waiting.
const CHECKED_AT_OPEN_BYTES: u64 = 64 * 1024 * 1024;
const SEAL_PLACE: &str = "seal";
const SEALED_WORDS: &str = "ringbud";

const FORMAT_1: &str = "
CREATE TABLE meta (
    name TEXT PRIMARY KEY,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta VALUES ('revision', 0), ('integrations', 0), ('last_seq', 0), ('pruned', 0), ('by_account_to', 0);

-- Kept events. The leg's and the call's other trees are found by name.
CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    at INTEGER NOT NULL,
    received_at INTEGER NOT NULL,
    account TEXT NOT NULL,
    leg TEXT NOT NULL,
    call TEXT NOT NULL,
    body BLOB NOT NULL
) STRICT;

-- Which events are an account's. Filled some hundred at a time, up to the place in meta by_account_to: one
-- by one, every event of a commit would touch another page.
CREATE TABLE by_account (
    account TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;

-- Where a leg's events are: the identity of an event is (leg, kind). Not STRICT: a row that could be refused
-- for its types makes SQLite copy pages aside for every update.
CREATE TABLE legs (
    leg TEXT PRIMARY KEY,
    incoming INTEGER,
    answered INTEGER,
    outgoing INTEGER,
    ended INTEGER
) WITHOUT ROWID;

-- The first events of legs that have not ended.
CREATE TABLE open_legs (
    seq INTEGER PRIMARY KEY
) STRICT;

CREATE TABLE calls (
    call TEXT NOT NULL,
    leg TEXT NOT NULL,
    PRIMARY KEY (call, leg)
) STRICT, WITHOUT ROWID;

-- Which events a given hour of a clock (0 the PBXs', 1 ours) can have: bounds a search by time.
CREATE TABLE hours (
    clock INTEGER NOT NULL,
    hour INTEGER NOT NULL,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    PRIMARY KEY (clock, hour)
) STRICT, WITHOUT ROWID;

-- Deliveries that are not settled. A time that is NULL is created_at.
CREATE TABLE pending (
    event INTEGER NOT NULL,
    integration INTEGER NOT NULL,
    account TEXT NOT NULL,
    kind INTEGER NOT NULL,
    call_hash INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    held INTEGER NOT NULL DEFAULT 0,
    due_at INTEGER,
    updated_at INTEGER,
    last TEXT,
    PRIMARY KEY (event, integration)
) STRICT, WITHOUT ROWID;

-- Attempts, and deliveries that came through (delivered = 1; no detail where no attempt was kept). The id is
-- the event's place times 2^20, and a number within the event: no other tree is needed to find them.
CREATE TABLE history (
    id INTEGER PRIMARY KEY,
    integration INTEGER NOT NULL,
    number INTEGER NOT NULL,
    delivered INTEGER NOT NULL,
    at INTEGER NOT NULL,
    detail BLOB
) STRICT;

-- Deliveries that ended any other way.
CREATE TABLE given_up (
    event INTEGER NOT NULL,
    integration INTEGER NOT NULL,
    account TEXT NOT NULL,
    state INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    last TEXT NOT NULL,
    updated_at INTEGER NOT NULL,
    PRIMARY KEY (event, integration)
) STRICT, WITHOUT ROWID;
CREATE INDEX given_up_by_account ON given_up (account, event);

CREATE TABLE notes (
    pbx TEXT NOT NULL,
    channel TEXT NOT NULL,
    kept BLOB NOT NULL,
    PRIMARY KEY (pbx, channel)
) STRICT, WITHOUT ROWID;

CREATE TABLE heard (
    pbx TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Settings; one that was removed stays as a row without value, so that others learn of it.
CREATE TABLE settings (
    kind INTEGER NOT NULL,
    owner TEXT NOT NULL,
    part TEXT NOT NULL,
    value TEXT,
    version INTEGER NOT NULL,
    changed_at INTEGER NOT NULL,
    PRIMARY KEY (kind, owner, part)
) STRICT, WITHOUT ROWID;
CREATE INDEX settings_by_version ON settings (version);
";

const FORMAT_2: &str = "
INSERT INTO meta VALUES ('digested_to', 0), ('undigested_pruned', 0);

-- Ended legs as lists and reports look for them, by the place of their first event. This and those below are
-- made of the events some hundred at a time, up to the place in meta digested_to, beside the way of an event.
CREATE TABLE outlines (
    account TEXT NOT NULL,
    seq INTEGER NOT NULL,
    begun_at INTEGER NOT NULL,
    outcome INTEGER NOT NULL,
    outgoing INTEGER NOT NULL,
    talk_secs INTEGER NOT NULL,
    ring_micros INTEGER NOT NULL,
    transferred INTEGER NOT NULL,
    employee TEXT NOT NULL,
    name TEXT NOT NULL,
    numbers TEXT NOT NULL,
    PRIMARY KEY (account, seq)
) STRICT, WITHOUT ROWID;
CREATE INDEX outlines_by_outcome ON outlines (account, outcome, seq);
CREATE INDEX outlines_by_employee ON outlines (account, employee, seq);

-- Which events of ended legs are an employee's.
CREATE TABLE by_employee (
    account TEXT NOT NULL,
    employee TEXT NOT NULL,
    seq INTEGER NOT NULL,
    PRIMARY KEY (account, employee, seq)
) STRICT, WITHOUT ROWID;

-- Their sums by day of UTC and person; a row whose legs are all forgotten goes.
CREATE TABLE day_sums (
    account TEXT NOT NULL,
    day INTEGER NOT NULL,
    employee TEXT NOT NULL,
    name TEXT NOT NULL,
    legs INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    missed INTEGER NOT NULL,
    elsewhere INTEGER NOT NULL,
    made INTEGER NOT NULL,
    talks INTEGER NOT NULL,
    talk_secs INTEGER NOT NULL,
    ring_micros INTEGER NOT NULL,
    transferred INTEGER NOT NULL,
    PRIMARY KEY (account, day, employee, name)
) STRICT, WITHOUT ROWID;

-- How many calls by quarter of an hour of UTC.
CREATE TABLE quarter_sums (
    account TEXT NOT NULL,
    quarter INTEGER NOT NULL,
    calls INTEGER NOT NULL,
    PRIMARY KEY (account, quarter)
) STRICT, WITHOUT ROWID;
";

const FORMAT_3: &str = "
-- Webhooks that fail: how many microseconds nothing had succeeded when it was noted last.
CREATE TABLE failing (
    integration INTEGER NOT NULL,
    url TEXT NOT NULL,
    lasted INTEGER NOT NULL,
    PRIMARY KEY (integration, url)
) STRICT, WITHOUT ROWID;
";

const FORMAT_4: &str = "
-- What was sent and answered, in the order it was noted. The history's rows lie with their events, all over its
-- tree while receivers are slow: they are small, and what is large is added at one end. (A row from before has
-- its detail in itself.)
CREATE TABLE details (
    id INTEGER PRIMARY KEY,
    detail BLOB NOT NULL
) STRICT;
ALTER TABLE history ADD COLUMN detail_id INTEGER;
";

const FORMAT_5: &str = "
-- The day sums of spans of 64 and of 8 days, counted from the epoch.
CREATE TABLE long_sums (
    account TEXT NOT NULL,
    span INTEGER NOT NULL,
    block INTEGER NOT NULL,
    employee TEXT NOT NULL,
    name TEXT NOT NULL,
    legs INTEGER NOT NULL,
    taken INTEGER NOT NULL,
    missed INTEGER NOT NULL,
    elsewhere INTEGER NOT NULL,
    made INTEGER NOT NULL,
    talks INTEGER NOT NULL,
    talk_secs INTEGER NOT NULL,
    ring_micros INTEGER NOT NULL,
    transferred INTEGER NOT NULL,
    PRIMARY KEY (account, span, block, employee, name)
) STRICT, WITHOUT ROWID;
INSERT INTO long_sums
    SELECT account, span, day >> shift, employee, name, sum(legs), sum(taken), sum(missed), sum(elsewhere),
        sum(made), sum(talks), sum(talk_secs), sum(ring_micros), sum(transferred)
    FROM day_sums, (SELECT 64 AS span, 6 AS shift UNION ALL SELECT 8, 3)
    GROUP BY account, span, day >> shift, employee, name;

-- The numbers of the ended legs of 1,024 places of the journal in one text (digest::numbers says how).
CREATE TABLE number_lists (
    account TEXT NOT NULL,
    block INTEGER NOT NULL,
    listed TEXT NOT NULL,
    PRIMARY KEY (account, block)
) STRICT, WITHOUT ROWID;
INSERT INTO number_lists
    SELECT account, seq >> 10, group_concat(char(30, 65 + ((seq & 1023) >> 5), 65 + (seq & 31), 97 + outcome)
        || char(31) || replace(replace(numbers, char(30), char(31)), char(10), char(31)), '')
    FROM outlines GROUP BY account, seq >> 10;
";

const FORMAT_6: &str = "
-- Who did what. Appended to; the head is deleted. account is empty where it was done to the gateway.
CREATE TABLE audit (
    id INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind INTEGER NOT NULL,
    actor TEXT NOT NULL,
    account TEXT NOT NULL,
    what TEXT NOT NULL,
    subject TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX audit_by_account ON audit (account);
CREATE INDEX audit_by_actor ON audit (actor);
CREATE INDEX audit_of_people ON audit (id) WHERE kind = 0;
CREATE INDEX audit_of_others ON audit (id) WHERE kind <> 0;
";

const FORMAT_7: &str = "
-- What lists and reports find ended legs by: some fifteen of an account's in a row, by the place of the first that
-- can lie in it (rollup::entry says how), and their sums by day (rollup::day). Made anew of the events.
DROP TABLE outlines;
DROP TABLE by_employee;
DROP TABLE day_sums;
DROP TABLE quarter_sums;
DROP TABLE long_sums;
DROP TABLE number_lists;
CREATE TABLE line (
    account TEXT NOT NULL,
    first INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (account, first)
) STRICT, WITHOUT ROWID;
CREATE TABLE day (
    account TEXT NOT NULL,
    span INTEGER NOT NULL,
    block INTEGER NOT NULL,
    part INTEGER NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (account, span, block, part)
) STRICT, WITHOUT ROWID;
DELETE FROM meta WHERE name = 'undigested_pruned';
INSERT INTO meta VALUES ('longest_leg', 0);
UPDATE meta SET value = (SELECT coalesce(min(seq), 1) - 1 FROM events) WHERE name = 'digested_to';
";

const FORMAT_8: &str = "
-- Ended legs whole, with their events and what was noted of their deliveries until then, by the place of their last
-- event (table::packed says how), and of a thousand places each the leg it is in (table::places). Rows that are
-- packed are taken out of events, history and details; up to the place in meta packed_to every ended leg is.
CREATE TABLE leg (
    last INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
CREATE TABLE place (
    block INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
INSERT INTO meta SELECT 'packed_to', coalesce(min(seq), 1) - 1 FROM events;
UPDATE meta SET name = 'rolled_up_to' WHERE name = 'digested_to';
";

const FORMAT_9: &str = "
-- From where; empty where that is not known.
ALTER TABLE audit ADD COLUMN address TEXT NOT NULL DEFAULT '';
";

// Format 10 changes no table: events, rows of `line` and of `day` may have waits in them since then, which an older
// program could not read.

const FORMAT_11: &str = "
-- What is new, a commit in a row (log::blob says how). What is folded out of it lies in the tables, and a fold counts.
CREATE TABLE log (
    id INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
INSERT INTO meta VALUES ('folds', 0);
-- Room that is given up when a full store has none for what comes out of the log.
CREATE TABLE spare (
    id INTEGER PRIMARY KEY,
    body BLOB NOT NULL
) STRICT;
INSERT INTO spare VALUES (1, zeroblob(65536));
";

// Rows of `day` say since then in which hours their outcomes were. Those that are there learn it (rollup::day).
const FORMAT_12: &str = "INSERT OR REPLACE INTO meta SELECT 'old_days', count(*) > 0 FROM day;";

/// How the store stands to this program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    Empty,
    Older,
    Current,
}

/// Looks at a store without changing it.
pub(super) fn look(conn: &Connection) -> Result<Standing, Failure> {
    let format: u32 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let application: i32 = conn.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let tables: u32 = conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    match (application, format) {
        (0, 0) if tables == 0 => Ok(Standing::Empty),
        (APPLICATION, FORMAT) => Ok(Standing::Current),
        (APPLICATION, found) if found > FORMAT => Err(Failure::Newer { found, known: FORMAT }),
        (APPLICATION, 1..) => Ok(Standing::Older),
        _ => Err(Failure::Damaged("it is an SQLite file of some other program".to_owned())),
    }
}

/// Brings a store to the newest format: all steps in one transaction.
pub(super) fn migrate(conn: &mut Connection, sealer: &Sealer) -> Result<(), Failure> {
    let transaction = conn.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    if look(&transaction)? == Standing::Empty {
        transaction.execute_batch(FORMAT_1)?;
        transaction.pragma_update(None, "application_id", APPLICATION)?;
        seal(&transaction, sealer)?;
    }
    let format: u32 = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if format < 2 {
        transaction.execute_batch(FORMAT_2)?;
    }
    if format < 3 {
        transaction.execute_batch(FORMAT_3)?;
    }
    if format < 4 {
        transaction.execute_batch(FORMAT_4)?;
    }
    if format < 5 {
        transaction.execute_batch(FORMAT_5)?;
    }
    if format < 6 {
        transaction.execute_batch(FORMAT_6)?;
    }
    if format < 7 {
        transaction.execute_batch(FORMAT_7)?;
    }
    if format < 8 {
        transaction.execute_batch(FORMAT_8)?;
    }
    if format < 9 {
        transaction.execute_batch(FORMAT_9)?;
    }
    if format < 11 {
        transaction.execute_batch(FORMAT_11)?;
    }
    if format < 12 {
        transaction.execute_batch(FORMAT_12)?;
    }
    if format < 6 {
        audit::take_over(&transaction, sealer)?;
    }
    transaction.pragma_update(None, "user_version", FORMAT)?;
    transaction.commit()?;
    Ok(())
}

/// Leaves something sealed with the key, to know it by.
pub(super) fn seal(conn: &Connection, sealer: &Sealer) -> Result<(), rusqlite::Error> {
    let sealed = sealer.seal(SEAL_PLACE, &Secret::new(SEALED_WORDS));
    conn.execute("INSERT OR REPLACE INTO meta VALUES ('seal', ?1)", [sealed])?;
    Ok(())
}

/// Refuses a store whose secrets this key does not open.
pub(super) fn check_key(conn: &Connection, sealer: &Sealer) -> Result<(), Failure> {
    let sealed: Option<String> =
        conn.query_row("SELECT value FROM meta WHERE name = 'seal'", [], |row| row.get(0)).optional()?;
    let sealed = sealed.ok_or_else(|| Failure::Damaged("its seal is missing".to_owned()))?;
    sealer.open(SEAL_PLACE, &sealed).map_err(|_| Failure::WrongKey)?;
    Ok(())
}

/// Whether what is sealed with this key is opened by whoever opens the store now.
pub(super) fn is_sealed_with(conn: &Connection, sealer: &Sealer) -> Result<bool, StoreError> {
    let mut select = conn.prepare_cached("SELECT value FROM meta WHERE name = 'seal'")?;
    let sealed: String = select.query_row([], |row| row.get(0))?;
    Ok(sealer.open(SEAL_PLACE, &sealed).is_ok())
}

/// Checks a small store whole.
pub(super) fn check_small(conn: &Connection, bytes: u64) -> Result<(), Failure> {
    if is_large(bytes) { Ok(()) } else { check(conn).map_err(Failure::from) }
}

pub(super) const fn is_large(bytes: u64) -> bool {
    bytes > CHECKED_AT_OPEN_BYTES
}

/// Checks a store from end to end.
pub(super) fn check(conn: &Connection) -> Result<(), StoreError> {
    let found: String = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get(0))?;
    if found == "ok" { Ok(()) } else { Err(StoreError::Damaged(found)) }
}
