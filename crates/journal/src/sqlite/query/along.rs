//! Along an account's rows of ended legs, newest first. Where none was found for long of what is looked for, the days say
//! in which hours it can be, and the rows of the others are left out: what few calls have is found as soon as what many
//! have.

use std::collections::VecDeque;

use calls::AccountId;
use memchr::memmem::Finder;
use rusqlite::{Connection, Rows, params};

use super::super::errors::StoreError;
use super::super::rollup::day::{Sought, hours_with};
use super::super::rollup::entry::{self, Entry, Glance};
use super::super::rollup::line::LINES;
use super::super::table::hours::{Clock, PLACES_OF_HOURS};
use super::span::Span;
use crate::Filter;

/// So many rows are read at a time; twice as many as before where nothing was in them, up to the most: each time the
/// tree is gone down anew.
const AT_ONCE: usize = 32;
const MOST_AT_ONCE: usize = 4_096;
/// After so many without anything the days are asked.
const FRUITLESS: usize = 128;

/// Rows of [`LINES`].
pub(super) struct LineRows<'stmt>(pub(super) Rows<'stmt>);

impl LineRows<'_> {
    /// Those of the next row's legs that are wanted, with its key; none of a row whose bytes are not worth reading.
    pub(super) fn next(
        &mut self,
        worth: impl Fn(&[u8]) -> bool,
        wanted: impl Fn(&Glance<'_>) -> bool,
    ) -> Result<Option<(i64, Vec<Entry>)>, StoreError> {
        let Some(row) = self.0.next()? else { return Ok(None) };
        let key = row.get(0)?;
        let body = row.get_ref(1)?.as_blob().map_err(|error| StoreError::Damaged(error.to_string()))?;
        Ok(Some((key, if worth(body) { entry::read_those(key, body, wanted)? } else { Vec::new() })))
    }
}

/// What a filter looks for in the rows.
pub(super) struct Wanted<'f> {
    filter: &'f Filter,
    /// A part of a number.
    part: Option<Finder<'f>>,
    /// What stands in the rows of the employee.
    mark: Option<Finder<'static>>,
}

impl<'f> Wanted<'f> {
    pub(super) fn by(filter: &'f Filter) -> Self {
        let mark = filter.employee.as_deref().map(entry::mark_of);
        Self {
            filter,
            part: filter.number.as_deref().map(Finder::new),
            mark: mark.map(|mark| Finder::new(&mark).into_owned()),
        }
    }

    /// Whether one of them can be in a row.
    fn is_worth(&self, row: &[u8]) -> bool {
        let has = |finder: &Finder<'_>| finder.find(row).is_some();
        self.part.as_ref().is_none_or(has) && self.mark.as_ref().is_none_or(has)
    }

    fn is(&self, leg: &Glance<'_>) -> bool {
        let Self { filter, part, .. } = self;
        filter.outcome.is_none_or(|outcome| leg.is(outcome))
            && filter.employee.as_ref().is_none_or(|employee| *employee == *leg.number)
            && part.as_ref().is_none_or(|part| part.find(leg.numbers.as_bytes()).is_some())
    }

    /// What the days know of it; `None`: nothing.
    fn sought(&self) -> Option<Sought<'_>> {
        let outcome = self.filter.outcome.and_then(entry::outcome_at);
        let mark = self.mark.as_ref();
        (outcome.is_some() || mark.is_some()).then_some(Sought { outcome, mark })
    }
}

/// An account's rows, newest first.
pub(super) struct Along<'a> {
    conn: &'a Connection,
    account: &'a AccountId,
    wanted: Wanted<'a>,
    /// Where legs begin that are wanted; what is read already is cut off.
    left: Span,
    /// Only there; the newest at the end.
    only: Option<Vec<Span>>,
    at_hand: VecDeque<(i64, Vec<Entry>)>,
    fruitless: usize,
    at_once: usize,
}

impl<'a> Along<'a> {
    pub(super) fn of(conn: &'a Connection, account: &'a AccountId, wanted: Wanted<'a>, span: Span) -> Self {
        let (at_hand, fruitless, at_once) = (VecDeque::new(), 0, AT_ONCE);
        Self { conn, account, wanted, left: span, only: None, at_hand, fruitless, at_once }
    }

    /// The next rows' legs that are wanted: with a key, and none with a higher one will come any more.
    pub(super) fn next(&mut self) -> Result<Option<(i64, Vec<Entry>)>, StoreError> {
        while self.at_hand.is_empty() {
            let Some(span) = self.next_span() else { return Ok(None) };
            self.read(&span)?;
            if self.fruitless >= FRUITLESS && self.only.is_none() {
                self.only = self.ask_the_days()?;
            }
        }
        Ok(self.at_hand.pop_front())
    }

    /// Where to read on; `None`: nowhere.
    fn next_span(&mut self) -> Option<Span> {
        let Span { first, last } = self.left;
        if first > last {
            return None;
        }
        let Some(only) = &mut self.only else { return Some(Span { first, last }) };
        while only.last().is_some_and(|span| span.first > last) {
            only.pop();
        }
        let next = only.last()?;
        let span = Span { first: first.max(next.first), last: last.min(next.last) };
        (span.first <= span.last).then_some(span)
    }

    /// Some rows of a span, from its newest end.
    fn read(&mut self, span: &Span) -> Result<(), StoreError> {
        let mut select = self.conn.prepare_cached(LINES)?;
        let mut rows = LineRows(select.query(params![self.account.as_str(), span.last])?);
        let mut fruitful = 0;
        for _ in 0..self.at_once {
            let next = rows.next(|row| self.wanted.is_worth(row), |leg| self.wanted.is(leg))?;
            let Some((key, legs)) = next else {
                self.left.last = i64::MIN;
                self.left.first = i64::MAX;
                return Ok(());
            };
            self.left.last = key.saturating_sub(1);
            self.fruitless = if legs.is_empty() { self.fruitless + 1 } else { 0 };
            fruitful += usize::from(!legs.is_empty());
            match self.at_hand.back_mut().filter(|(_, before)| before.is_empty() && legs.is_empty()) {
                Some((before, _)) => *before = key,
                None => self.at_hand.push_back((key, legs)),
            }
            if key <= span.first {
                // What of this span is left is nothing.
                self.left.last = self.left.last.min(span.first.saturating_sub(1));
                return Ok(());
            }
            if fruitful >= AT_ONCE {
                break;
            }
        }
        self.at_once = if fruitful > 0 { AT_ONCE } else { MOST_AT_ONCE.min(self.at_once * 2) };
        Ok(())
    }

    /// The spans in which what is wanted can be, oldest first; `None`: the days do not know.
    fn ask_the_days(&self) -> Result<Option<Vec<Span>>, StoreError> {
        let Some(sought) = self.wanted.sought() else { return Ok(None) };
        let mut select = self.conn.prepare_cached(PLACES_OF_HOURS)?;
        let mut spans: Vec<Span> = Vec::new();
        for hours in hours_with(self.conn, self.account.as_str(), &sought)? {
            let places = select.query_row(params![Clock::Pbx as i64, hours.start, hours.end - 1], |row| {
                Ok((row.get::<_, Option<i64>>(0)?, row.get::<_, Option<i64>>(1)?))
            })?;
            if let (Some(first), Some(last)) = places {
                spans.push(Span { first, last });
            }
        }
        spans.sort_unstable_by_key(|span| span.first);
        spans.dedup_by(|next, before| {
            let is_beside = next.first <= before.last.saturating_add(1);
            if is_beside {
                before.last = before.last.max(next.last);
            }
            is_beside
        });
        Ok(Some(spans))
    }
}
