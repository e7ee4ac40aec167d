//! Events a filter lists, a page at a time: what columns say of them is asked of the engine, the rest is looked at here.

use std::fmt::Write as _;

use tokio_postgres::Client;
use tokio_postgres::types::ToSql;

use super::super::column::plain;
use super::super::errors::Fault;
use super::rows::{COLUMNS, kept};
use crate::record::event::kind_number;
use crate::{Cursor, DeliveryState, Filter, Kept, LegOutcome, WallTime};

/// So many rows a page, at least and at most.
const PAGE: (usize, usize) = (64, 512);

/// How events follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Order {
    /// By their places: there is one part.
    Places,
    /// By cursors, over all parts.
    Cursors,
}

impl Order {
    /// As the indexes have it.
    pub(in super::super) const fn columns(self, is_oldest_first: bool) -> &'static str {
        match (self, is_oldest_first) {
            (Self::Places, true) => "e.seq",
            (Self::Places, false) => "e.seq DESC",
            (Self::Cursors, true) => "CASE WHEN e.seq < 281474976710656 THEN 0 ELSE e.received_at END, e.seq",
            (Self::Cursors, false) => {
                "CASE WHEN e.seq < 281474976710656 THEN 0 ELSE e.received_at END DESC, e.seq DESC"
            }
        }
    }
}

/// Which of a filter's events are wanted.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Only {
    All,
    /// Those that legs begin with, where the legs come out as the filter says.
    Beginnings,
    /// Those with deliveries that did not come through (yet).
    Undelivered,
}

/// Where a walk is.
pub(in super::super) struct Walk<'a> {
    filter: &'a Filter,
    only: Only,
    order: Order,
    place: Option<Cursor>,
    is_over: bool,
}

/// A condition and its parameters.
#[derive(Default)]
struct Condition {
    sql: String,
    params: Vec<Box<dyn ToSql + Sync + Send>>,
}

impl Condition {
    /// `$$` is the parameter.
    fn and(&mut self, sql: &str, param: impl ToSql + Sync + Send + 'static) {
        self.params.push(Box::new(param));
        let named = sql.replace("$$", &format!("${}", self.params.len()));
        // Writing to a text never fails.
        let _ = write!(self.sql, " AND {named}");
    }

    fn beyond(&mut self, order: Order, than: &str, place: Cursor) {
        match order {
            Order::Places => self.and(&format!("e.seq {than} $$"), place.place),
            Order::Cursors => {
                self.params.push(Box::new(place.heard));
                let heard = self.params.len();
                let columns = order.columns(true);
                self.and(&format!("({columns}) {than} (${heard}, $$)"), place.place);
            }
        }
    }

    fn and_plain(&mut self, sql: &str) {
        let _ = write!(self.sql, " AND {sql}");
    }
}

const OF_LEG: &str =
    "e.seq IN (SELECT unnest(ARRAY[incoming, answered, outgoing, ended]) FROM leg WHERE leg = $$)";
const OF_CALL: &str =
    "e.seq IN (SELECT unnest(ARRAY[incoming, answered, outgoing, ended]) FROM leg WHERE call = $$)";

impl<'a> Walk<'a> {
    pub(in super::super) fn of(filter: &'a Filter, only: Only, order: Order) -> Self {
        Self { filter, only, order, place: None, is_over: false }
    }

    /// The next events, in the filter's order; `None`: that was all.
    pub(in super::super) async fn next(&mut self, client: &Client) -> Result<Option<Vec<Kept>>, Fault> {
        if self.is_over {
            return Ok(None);
        }
        let limit = self.filter.bounded_limit().clamp(PAGE.0, PAGE.1);
        let Condition { sql, params } = self.condition();
        let order = self.order.columns(self.filter.after.is_some());
        let select = format!("SELECT {COLUMNS} FROM event e WHERE true{sql} ORDER BY {order} LIMIT {limit}");
        let params: Vec<&(dyn ToSql + Sync)> =
            params.iter().map(|param| &**param as &(dyn ToSql + Sync)).collect();
        let rows = client.query(&select, &params).await?;
        self.is_over = rows.len() < limit;
        let mut page = Vec::with_capacity(rows.len());
        for row in &rows {
            let kept = kept(row)?;
            self.place = Some(kept.cursor());
            if self.filter.accepts(&kept.event) {
                page.push(kept);
            }
        }
        Ok(Some(page))
    }

    fn condition(&self) -> Condition {
        let Filter { account, leg, call, kind, employee, number, from, until, before, after, .. } =
            self.filter;
        let mut where_ = Condition::default();
        let (mut first, mut last) = (*after, *before);
        match (self.place, after) {
            (Some(place), Some(_)) => first = Some(place),
            (Some(place), None) => last = Some(place),
            (None, _) => {}
        }
        if let Some(first) = first {
            where_.beyond(self.order, ">", first);
        }
        if let Some(last) = last {
            where_.beyond(self.order, "<", last);
        }
        if let Some(account) = account {
            where_.and("e.account = $$", plain(account.as_str()));
        }
        if let Some(leg) = leg {
            where_.and(OF_LEG, plain(leg.as_str()));
        }
        if let Some(call) = call {
            where_.and(OF_CALL, plain(call.as_str()));
        }
        if let Some(kind) = kind {
            where_.and("e.kind = $$", i16::from(kind_number(*kind)));
        }
        if let Some(employee) = employee {
            where_.and("e.employee = $$", plain(employee));
        }
        if let Some(number) = number {
            where_.and("position($$ in e.numbers) > 0", plain(number));
        }
        if let Some(from) = from {
            where_.and("e.at >= $$", from.as_micros());
        }
        if let Some(until) = until {
            where_.and("e.at <= $$", until.as_micros());
        }
        match self.only {
            Only::All => {}
            Only::Beginnings => self.beginnings(&mut where_),
            Only::Undelivered => self.undelivered(&mut where_),
        }
        where_
    }

    fn beginnings(&self, where_: &mut Condition) {
        where_.and_plain("e.kind IN (0, 2)");
        match self.filter.outcome {
            None => {}
            Some(LegOutcome::Running) => {
                where_.and_plain("EXISTS (SELECT FROM leg l WHERE l.leg = e.leg AND l.ended IS NULL)");
            }
            Some(outcome) => where_
                .and("EXISTS (SELECT FROM leg l WHERE l.leg = e.leg AND l.outcome = $$)", outcome as i16),
        }
    }

    fn undelivered(&self, where_: &mut Condition) {
        let wants = |state: DeliveryState| self.filter.accepts_state(&state);
        let pending = wants(DeliveryState::Waiting)
            || wants(DeliveryState::Paused)
            || wants(DeliveryState::Retrying(WallTime::default()));
        let given_up =
            wants(DeliveryState::Expired) || wants(DeliveryState::Failed) || wants(DeliveryState::Cancelled);
        let tables = match (pending, given_up) {
            (true, true) => ["pending", "given_up"].as_slice(),
            (true, false) => &["pending"],
            (false, _) => &["given_up"],
        };
        match &self.filter.account {
            Some(account) => {
                let of = |table: &&str| format!("SELECT seq FROM {table} WHERE account = $$");
                let all: Vec<_> = tables.iter().map(of).collect();
                where_.and(&format!("e.seq IN ({})", all.join(" UNION ")), plain(account.as_str()));
            }
            None => {
                let of = |table: &&str| format!("SELECT seq FROM {table}");
                let all: Vec<_> = tables.iter().map(of).collect();
                where_.and_plain(&format!("e.seq IN ({})", all.join(" UNION ")));
            }
        }
    }
}
