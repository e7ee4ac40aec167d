//! Walking over kept events by place, and along an account's list.

use calls::{AccountId, EventKind};
use rusqlite::{Row, params};

use super::super::errors::StoreError;
use super::super::table::events::{COLUMNS, OF_PLACE, kept};
use super::super::table::hours::listed_to;
use super::super::table::packed::Shelf;
use super::super::table::places::{self, PLACES_BETWEEN, blocks_of};
use super::super::table::raw::kind;
use super::span::Span;
use crate::{Filter, Kept};

/// Shows every event within a span that the filter accepts, in its order, until the visitor has enough.
pub(super) fn walk_stretches(
    shelf: &Shelf<'_>,
    filter: &Filter,
    span: Span,
    only: impl Fn(EventKind) -> bool,
    mut visit: impl FnMut(Kept) -> Result<bool, StoreError>,
) -> Result<(), StoreError> {
    for part in stretches(filter, span, listed_to(shelf.conn())?) {
        let more = match part {
            Part::Placed(span) => walk_places_of_all(shelf, filter, span, &only, &mut visit)?,
            Part::Listed(span) => walk_list(shelf, filter, &span, &only, &mut visit)?,
        };
        if !more {
            break;
        }
    }
    Ok(())
}

/// A part of the places a filter can reach.
enum Part {
    /// By place, in rows and packed.
    Placed(Span),
    /// Along the account's list.
    Listed(Span),
}

/// The parts for a filter without leg or call, in the filter's order. An account's events are in its list up to a
/// place; those after it are few, and looked through.
fn stretches(filter: &Filter, span: Span, listed_to: i64) -> Vec<Part> {
    if filter.account.is_none() {
        return vec![Part::Placed(span)];
    }
    let tail = Span { first: span.first.max(listed_to.saturating_add(1)), last: span.last };
    let list = Span { first: span.first, last: span.last.min(listed_to) };
    match filter.after {
        Some(_) => vec![Part::Listed(list), Part::Placed(tail)],
        None => vec![Part::Placed(tail), Part::Listed(list)],
    }
}

/// By place, and an account's list.
pub(super) fn statements(filter: &Filter) -> [String; 2] {
    let order = if filter.after.is_some() { "ASC" } else { "DESC" };
    [
        format!(
            "{COLUMNS} FROM events WHERE (?3 IS NULL OR account = ?3) AND seq BETWEEN ?1 AND ?2 ORDER BY seq {order}"
        ),
        format!(
            "SELECT seq FROM by_account WHERE account = ?3 AND seq BETWEEN ?1 AND ?2 ORDER BY seq {order}"
        ),
    ]
}

/// Events by place: those in rows and those that are packed, as one list. Whether the visitor wants more.
fn walk_places_of_all(
    shelf: &Shelf<'_>,
    filter: &Filter,
    span: Span,
    only: &impl Fn(EventKind) -> bool,
    visit: &mut impl FnMut(Kept) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    if span.first > span.last {
        return Ok(true);
    }
    let conn = shelf.conn();
    let oldest_first = filter.after.is_some();
    let [by_place, _] = statements(filter);
    let mut in_rows = conn.prepare_cached(&by_place)?;
    let account = filter.account.as_ref().map(AccountId::as_str);
    let mut rows = in_rows.query(params![span.first, span.last, account])?;
    let mut next_in_row = || {
        while let Some(row) = rows.next()? {
            if outline_accepted(filter, row, only)? {
                return kept(row).map(Some);
            }
        }
        Ok::<_, StoreError>(None)
    };
    let between = span.first..=span.last;
    let mut select = conn.prepare_cached(PLACES_BETWEEN[usize::from(!oldest_first)])?;
    let mut places = places::Walk::of(select.query(blocks_of(&between))?, between, oldest_first);
    let mut next_packed = || {
        while let Some((seq, last)) = places.next()? {
            if let Some(kept) = packed(shelf, filter, only, seq, last)? {
                return Ok::<_, StoreError>(Some(kept));
            }
        }
        Ok(None)
    };
    let (mut row, mut packed) = (next_in_row()?, next_packed()?);
    loop {
        let row_is_next = match (&row, &packed) {
            (Some(row), Some(packed)) => (row.seq < packed.seq) == oldest_first,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            (None, None) => return Ok(true),
        };
        let next = if row_is_next {
            std::mem::replace(&mut row, next_in_row()?)
        } else {
            std::mem::replace(&mut packed, next_packed()?)
        };
        if let Some(kept) = next
            && filter.accepts(&kept.event)
            && !visit(kept)?
        {
            return Ok(false);
        }
    }
}

/// Along an account's list. Whether the visitor wants more.
fn walk_list(
    shelf: &Shelf<'_>,
    filter: &Filter,
    span: &Span,
    only: &impl Fn(EventKind) -> bool,
    visit: &mut impl FnMut(Kept) -> Result<bool, StoreError>,
) -> Result<bool, StoreError> {
    let conn = shelf.conn();
    let [_, listed] = statements(filter);
    let account = filter.account.as_ref().map(AccountId::as_str);
    let mut select = conn.prepare_cached(&listed)?;
    let mut list = select.query(params![span.first, span.last, account])?;
    let mut in_row = conn.prepare_cached(OF_PLACE)?;
    while let Some(entry) = list.next()? {
        let seq: i64 = entry.get(0)?;
        let mut rows = in_row.query([seq])?;
        let found = match rows.next()? {
            Some(row) => outline_accepted(filter, row, only)?.then(|| kept(row)).transpose()?,
            None => match places::last_of(conn, seq)? {
                Some(last) => packed(shelf, filter, only, seq, last)?,
                None => None,
            },
        };
        if let Some(kept) = found
            && filter.accepts(&kept.event)
            && !visit(kept)?
        {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A packed event, unless the filter does not want it for its kind or its time.
fn packed(
    shelf: &Shelf<'_>,
    filter: &Filter,
    only: &impl Fn(EventKind) -> bool,
    seq: i64,
    last: i64,
) -> Result<Option<Kept>, StoreError> {
    let found = shelf.event(seq, last)?;
    let raw = &found.leg.events[found.at].raw;
    let kind = kind(raw.kind)?;
    let wanted = only(kind) && filter.accepts_outline(kind, calls::PbxTime::from_micros(raw.at));
    wanted.then(|| found.kept()).transpose()
}

fn outline_accepted(
    filter: &Filter,
    row: &Row<'_>,
    only: impl Fn(EventKind) -> bool,
) -> Result<bool, StoreError> {
    let kind = kind(row.get(1)?)?;
    Ok(only(kind) && filter.accepts_outline(kind, calls::PbxTime::from_micros(row.get(2)?)))
}
