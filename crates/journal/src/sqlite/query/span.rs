//! The places a filter can reach.

use rusqlite::Connection;

use super::super::errors::StoreError;
use super::super::table::hours::{Clock, PLACES_OF_HOURS, hour_of};
use crate::Filter;

/// The places a filter can reach, both ends included.
#[derive(Clone, Copy)]
pub(super) struct Span {
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Span {
    /// `None` if there are none. The hours of the PBXs' clocks narrow a search by time.
    pub(super) fn of(conn: &Connection, filter: &Filter) -> Result<Option<Self>, StoreError> {
        let mut span = Self {
            first: filter.after.map_or(i64::MIN, |after| after.place.saturating_add(1)),
            last: filter.before.map_or(i64::MAX, |before| before.place.saturating_sub(1)),
        };
        if filter.from.is_some() || filter.until.is_some() {
            let from = filter.from.map_or(i64::MIN, |from| hour_of(from.as_micros()));
            let until = filter.until.map_or(i64::MAX, |until| hour_of(until.as_micros()));
            let (first, last): (Option<i64>, Option<i64>) = conn
                .prepare_cached(PLACES_OF_HOURS)?
                .query_row([Clock::Pbx as i64, from, until], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let (Some(first), Some(last)) = (first, last) else { return Ok(None) };
            span = Self { first: span.first.max(first), last: span.last.min(last) };
        }
        Ok((span.first <= span.last).then_some(span))
    }
}
