//! The statements of the way every event takes, prepared once: looking them up would cost as much as some of
//! them. What is seldom asked goes through the connection's own cache.

use rusqlite::{Connection, Statement};

use calls::EventKind;

/// Statements of the writer.
pub(super) struct Statements<'conn> {
    pub(super) conn: &'conn Connection,
    pub(super) is_leg: Statement<'conn>,
    pub(super) insert_event: Statement<'conn>,
    pub(super) insert_leg: ByKind<'conn>,
    pub(super) update_leg: ByKind<'conn>,
    pub(super) insert_call: Statement<'conn>,
    pub(super) open_leg: Statement<'conn>,
    pub(super) close_leg: Statement<'conn>,
    pub(super) insert_pending: Statement<'conn>,
    pub(super) delete_pending: Statement<'conn>,
    pub(super) insert_history: Statement<'conn>,
    pub(super) insert_detail: Statement<'conn>,
}

impl<'conn> Statements<'conn> {
    pub(super) fn prepare(conn: &'conn Connection) -> rusqlite::Result<Self> {
        let insert = |kind: &str| format!("INSERT OR IGNORE INTO legs (leg, {kind}) VALUES (?1, ?2)");
        let update = |kind: &str| format!("UPDATE legs SET {kind} = ?2 WHERE leg = ?1");
        Ok(Self {
            conn,
            is_leg: conn.prepare("SELECT 1 FROM legs WHERE leg = ?1")?,
            insert_event: conn.prepare("INSERT INTO events VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?,
            insert_leg: ByKind::prepare(conn, insert)?,
            update_leg: ByKind::prepare(conn, update)?,
            insert_call: conn.prepare("INSERT OR IGNORE INTO calls VALUES (?1, ?2)")?,
            open_leg: conn.prepare("INSERT INTO open_legs VALUES (?1)")?,
            close_leg: conn.prepare("DELETE FROM open_legs WHERE seq = ?1")?,
            insert_pending: conn.prepare(
                "INSERT OR IGNORE INTO pending (event, integration, account, kind, call_hash, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?,
            delete_pending: conn.prepare("DELETE FROM pending WHERE event = ?1 AND integration = ?2")?,
            insert_history: conn.prepare(
                "INSERT OR IGNORE INTO history (id, integration, number, delivered, at, detail_id)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            )?,
            insert_detail: conn.prepare("INSERT INTO details (detail) VALUES (?1)")?,
        })
    }
}

/// A statement for each kind of event.
pub(super) struct ByKind<'conn> {
    incoming: Statement<'conn>,
    answered: Statement<'conn>,
    outgoing: Statement<'conn>,
    ended: Statement<'conn>,
}

impl<'conn> ByKind<'conn> {
    fn prepare(conn: &'conn Connection, sql: impl Fn(&str) -> String) -> rusqlite::Result<Self> {
        Ok(Self {
            incoming: conn.prepare(&sql("incoming"))?,
            answered: conn.prepare(&sql("answered"))?,
            outgoing: conn.prepare(&sql("outgoing"))?,
            ended: conn.prepare(&sql("ended"))?,
        })
    }

    pub(super) fn of(&mut self, kind: EventKind) -> &mut Statement<'conn> {
        match kind {
            EventKind::Incoming => &mut self.incoming,
            EventKind::Answered => &mut self.answered,
            EventKind::Outgoing => &mut self.outgoing,
            EventKind::Ended => &mut self.ended,
        }
    }
}
