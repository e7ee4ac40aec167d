//! How much is in a store, by looking at all of it.

use std::fmt;

use crate::{AuditFilter, Cursor, DeliveryState, Filter, Journal, JournalError};

/// How much of everything.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// Events.
    pub events: u64,
    /// Deliveries that are not settled.
    pub waiting: u64,
    /// Deliveries that came through.
    pub delivered: u64,
    /// Deliveries that ended any other way.
    pub given_up: u64,
    /// Attempts, of all of them.
    pub attempts: u64,
    /// Settings.
    pub settings: u64,
    /// Entries of the audit log.
    pub audit: u64,
}

impl fmt::Display for Counted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { events, waiting, delivered, given_up, attempts, settings, audit } = self;
        write!(
            f,
            "{events} events, {waiting} deliveries that wait, {delivered} that came through, {given_up} given up, {attempts} attempts, {settings} settings, {audit} entries of the audit log"
        )
    }
}

/// Looks at all of it.
///
/// # Errors
/// That it cannot be read.
pub async fn count(journal: &dyn Journal) -> Result<Counted, JournalError> {
    let mut counted = Counted { settings: journal.settings().await?.len() as u64, ..Counted::default() };
    let mut after = Cursor::START;
    loop {
        let page = journal.events(Filter { after: Some(after), ..Filter::default() }).await?;
        let Some(last) = page.last() else { break };
        after = last.cursor();
        counted.events += page.len() as u64;
    }
    after = Cursor::START;
    loop {
        let page = journal.deliveries(Filter { after: Some(after), ..Filter::default() }).await?;
        let Some(last) = page.last() else { break };
        after = last.cursor();
        for record in &page {
            counted.attempts += u64::from(record.attempts);
            match record.state {
                DeliveryState::Waiting | DeliveryState::Retrying(_) | DeliveryState::Paused => {
                    counted.waiting += 1;
                }
                DeliveryState::Delivered => counted.delivered += 1,
                DeliveryState::Expired | DeliveryState::Failed | DeliveryState::Cancelled => {
                    counted.given_up += 1;
                }
            }
        }
    }
    let mut filter = AuditFilter::default();
    loop {
        let page = journal.audit(filter.clone()).await?;
        counted.audit += page.entries.len() as u64;
        filter.after = page.next;
        if filter.after.is_none() {
            return Ok(counted);
        }
    }
}
