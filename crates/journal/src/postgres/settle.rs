//! Settling deliveries: one round trip and one commit for a group of outcomes.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join, join_all, join4};
use tokio_postgres::types::ToSql;
use tokio_postgres::{Client, Row as Found, Statement};

use super::column::plain;
use super::errors::Fault;
use super::groups::{Writes, within};
use super::lease::{BEGIN, HOLD};
use super::link::Use;
use super::owned::{Holding, Owned};
use super::pen::{Held, Pen};
use super::spooling::Spooling;
use super::target::Target;
use super::when::{OwnClock, When, counted};
use crate::record::attempt;
use crate::rules;
use crate::settings::IntegrationId;
use crate::spool::{Bytes, Entry, OutcomeShape};
use crate::{DeliveryId, EventSeq, Grant, Outcome, Part, Settle, Settled, WallTime, steady};

const SETTLE: &str = include_str!("settle.sql");
const REVIVE: &str = include_str!("settle_revive.sql");
pub(super) const SQL: &[&str] = &[HOLD, SETTLE, REVIVE];

/// What an outcome is to the statement; up to [`CANCELLED`] the delivery is settled by it.
pub(super) const DELIVERED: i16 = 0;
const EXPIRED: i16 = 1;
const FAILED: i16 = 2;
const CANCELLED: i16 = 3;
const RETRY: i16 = 4;
const HELD: i16 = 5;
const AGAIN: i16 = 6;

/// A settlement, its attempt written out by whoever asked for it.
pub(super) struct Row {
    grant: Grant,
    id: DeliveryId,
    verb: i16,
    number: Option<i32>,
    /// What it came to; `None` leaves what was there.
    last: Option<String>,
    at: i64,
    due: Option<When>,
    detail: Option<Vec<u8>>,
}

impl Row {
    pub(super) fn of(settle: &Settle, clock: &OwnClock) -> Self {
        let Settle { grant, id, attempt, outcome } = settle;
        let (verb, due) = match outcome {
            Outcome::Delivered => (DELIVERED, None),
            Outcome::Expired => (EXPIRED, None),
            Outcome::Failed(_) => (FAILED, None),
            Outcome::Cancelled => (CANCELLED, None),
            Outcome::RetryIn(delay) => (RETRY, Some(clock.ahead(*delay))),
            Outcome::Held => (HELD, None),
            Outcome::Again(delay) => (AGAIN, Some(clock.ahead(*delay))),
        };
        let last = match (outcome, attempt) {
            (Outcome::Failed(Some(why)), _) => Some(why.to_kept()),
            (_, Some(attempt)) => Some(rules::came_to(attempt)),
            (Outcome::Delivered, None) => Some(String::new()),
            (_, None) => None,
        };
        Self {
            grant: *grant,
            id: *id,
            verb,
            number: attempt.as_ref().map(|attempt| attempt.number.into()),
            last: last.as_deref().map(plain),
            at: rules::settled_at(settle, clock.wall()).0,
            due,
            detail: attempt.as_deref().map(attempt::write),
        }
    }

    /// As it lies in the spool.
    fn shape(&self) -> OutcomeShape<'_> {
        OutcomeShape {
            event: self.id.event.0,
            integration: self.id.integration.number,
            verb: self.verb,
            number: self.number,
            last: self.last.as_deref(),
            at: self.at,
            due_at: self.due.map(|due| due.wall().0),
            detail: self.detail.as_deref().map(Bytes),
        }
    }

    /// The same, as it was asked for when the clock that never jumps was ahead of the wall's by so much.
    pub(super) fn of_shape(grant: Grant, ahead: i64, shape: &OutcomeShape<'_>) -> Self {
        let integration = IntegrationId { number: shape.integration };
        Self {
            grant,
            id: DeliveryId { event: EventSeq(shape.event), integration },
            verb: shape.verb,
            number: shape.number,
            last: shape.last.map(str::to_owned),
            at: shape.at,
            due: shape.due_at.map(|at| When::Steady(steady::of_the_wall(WallTime(at), ahead))),
            detail: shape.detail.map(|Bytes(bytes)| bytes.to_vec()),
        }
    }

    /// Under what it is asked for.
    pub(super) fn grant(&self) -> Grant {
        self.grant
    }

    fn key(&self) -> (i64, i32) {
        (self.id.event.0, self.id.integration.number.cast_signed())
    }
}

/// Writes groups of outcomes.
pub(super) struct Settler {
    pen: Pen,
    owned: Arc<Owned>,
    tally: i16,
    patience: Duration,
    spooling: Spooling,
}

impl Settler {
    pub(super) fn new(
        target: Target,
        owned: Arc<Owned>,
        tally: i16,
        patience: Duration,
        spooling: Spooling,
    ) -> Self {
        Self { pen: Pen::new(target, Use::Writing, SQL), owned, tally, patience, spooling }
    }

    async fn settle(&mut self, rows: &[Row]) -> Result<Vec<Settled>, Fault> {
        self.spooling.reach(&mut self.pen, self.patience).await?;
        loop {
            let held = self.owned.holding(rows.iter().map(|row| row.grant));
            let is_ours = |row: &Row| held.has(row.grant.part()) && self.owned.epoch(row.grant).is_some();
            let waves = waves(rows, is_ours);
            if waves.is_empty() {
                return Ok(vec![Settled::Fenced; rows.len()]);
            }
            let tally = self.tally;
            let done = within(&mut self.pen, self.patience, async |pen| {
                settle(pen, rows, &waves, &held, tally).await
            });
            match done.await {
                // Once more without those that others have, or as they are held now.
                Err(Fault::Taken(parts)) => self.owned.lose(&held, &parts),
                done => return done,
            }
        }
    }
}

impl Writes for Settler {
    type Row = Row;
    type Answer = Settled;

    fn weight(_: &Row) -> usize {
        1
    }

    async fn write(&mut self, rows: &[Row]) -> Result<Vec<Settled>, Fault> {
        let pass = self.spooling.pass().await;
        if pass.is_none() {
            match self.settle(rows).await {
                Err(fault) if self.spooling.takes(&fault) => {}
                settled => return settled,
            }
        }
        let is_ours: Vec<bool> = rows.iter().map(|row| self.owned.epoch(row.grant).is_some()).collect();
        let mut of_grants: BTreeMap<Part, (Grant, Vec<OutcomeShape<'_>>)> = BTreeMap::new();
        for (row, _) in rows.iter().zip(&is_ours).filter(|(_, is_ours)| **is_ours) {
            let (_, shapes) = of_grants.entry(row.grant.part()).or_insert_with(|| (row.grant, Vec::new()));
            shapes.push(row.shape());
        }
        if !of_grants.is_empty() {
            let entries = of_grants.into_values().map(|(grant, shapes)| (grant, Entry::Settle(shapes)));
            self.spooling.keep(pass, &entries.collect::<Vec<_>>()).await?;
        }
        // Whether another had settled one of them, the engine says at the merge.
        let settled = |is_ours: bool| if is_ours { Settled::Done } else { Settled::Fenced };
        Ok(is_ours.into_iter().map(settled).collect())
    }
}

/// Rows that are ours by their places, so that no delivery is in a wave twice: what is said of one counts in its order.
pub(super) fn waves(rows: &[Row], is_ours: impl Fn(&Row) -> bool) -> Vec<Vec<usize>> {
    let (mut seen, mut waves) = (HashMap::new(), Vec::<Vec<usize>>::new());
    for (at, row) in rows.iter().enumerate().filter(|(_, row)| is_ours(row)) {
        let before: &mut usize = seen.entry(row.key()).or_default();
        match waves.get_mut(*before) {
            Some(wave) => wave.push(at),
            None => waves.push(vec![at]),
        }
        *before += 1;
    }
    waves
}

/// Settles them in one transaction.
pub(super) async fn settle(
    held: &Held,
    rows: &[Row],
    waves: &[Vec<usize>],
    ours: &Holding,
    tally: i16,
) -> Result<Vec<Settled>, Fault> {
    let client = &held.link.client;
    let [hold, statements @ ..] = &held.statements[..] else {
        return Err(Fault::Undone("its statements are missing".to_owned()));
    };
    let ours: [&(dyn ToSql + Sync); 2] = [&ours.parts, &ours.epochs];
    // All are sent at their first poll, in this order; what follows one that fails fails too.
    let asked = join4(
        client.batch_execute(BEGIN),
        client.execute(hold, &ours),
        join_all(waves.iter().map(|wave| one_wave(client, statements, rows, wave, tally))),
        client.batch_execute("COMMIT"),
    );
    let (begun, holds, done, committed) = asked.await;
    begun?;
    holds?;
    let mut answers = vec![Settled::Fenced; rows.len()];
    for (wave, found) in waves.iter().zip(done) {
        wave.iter().for_each(|at| answers[*at] = Settled::Gone);
        let found: HashSet<(i64, i32)> = found?.iter().map(|row| (row.get(0), row.get(1))).collect();
        for at in wave.iter().filter(|at| found.contains(&rows[**at].key())) {
            answers[*at] = Settled::Done;
        }
    }
    committed?;
    Ok(answers)
}

async fn one_wave(
    client: &Client,
    statements: &[Statement],
    rows: &[Row],
    wave: &[usize],
    tally: i16,
) -> Result<Vec<Found>, tokio_postgres::Error> {
    let [settle, revive] = statements else { return Ok(Vec::new()) };
    let wave: Vec<&Row> = wave.iter().map(|at| &rows[*at]).collect();
    let again: Vec<_> = wave.iter().filter(|row| row.verb == AGAIN).map(|row| row.key()).collect();
    let (events, integrations): (Vec<_>, Vec<_>) = again.into_iter().unzip();
    let revived = async {
        if events.is_empty() {
            Ok(0)
        } else {
            client.execute(revive, &[&events, &integrations, &tally]).await
        }
    };
    let (events, integrations): (Vec<_>, Vec<_>) = wave.iter().map(|row| row.key()).unzip();
    let (from, later) = counted(wave.iter().map(|row| row.due));
    let params: &[&(dyn ToSql + Sync)] = &[
        &events,
        &integrations,
        &wave.iter().map(|row| row.verb).collect::<Vec<_>>(),
        &wave.iter().map(|row| row.number).collect::<Vec<_>>(),
        &wave.iter().map(|row| row.last.as_deref()).collect::<Vec<_>>(),
        &wave.iter().map(|row| row.at).collect::<Vec<_>>(),
        &later,
        &wave.iter().map(|row| row.detail.as_deref()).collect::<Vec<_>>(),
        &tally,
        &from,
    ];
    let (revived, done) = join(revived, client.query(settle, params)).await;
    revived?;
    done
}
