//! What is in the spool of a part that another has now, as that one can keep it: rows of facts for its inbox.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use calls::EventId;
use tokio_postgres::Client;

use super::errors::Fault;
use super::query::events::bodies;
use super::settle::DELIVERED;
use crate::record::Whole;
use crate::record::facts::{AcceptedShape, write_shapes};
use crate::record::moment::MomentShape;
use crate::spool::{Bytes, Entry, Oldest, OutcomeShape, Spool};
use crate::{EventSeq, FACTS_AT_ONCE, Kept, WallTime, steady};

/// About so many bytes of events are in a row.
const BYTES_AT_ONCE: usize = 1 << 20;

/// Rows, and how many events are in them.
pub(super) struct Rows {
    pub(super) rows: Vec<Vec<u8>>,
    pub(super) events: u64,
}

/// Of the outcomes those that were taken, each with its event's id: the places are no longer this gateway's. When moments
/// were heard is told by the engine's clock, which is ahead of this process's by so much: whoever reads it has no other.
pub(super) async fn rows(
    oldest: &Oldest,
    spool: &Spool,
    client: &Client,
    engine_ahead: i64,
) -> Result<Rows, Fault> {
    let (mut moments, mut outcomes) = (Vec::new(), Vec::new());
    for (_, ahead, entry) in oldest.entries()? {
        match entry {
            Entry::Append(shapes) => moments.extend(shapes.into_iter().map(|shape| {
                let heard = steady::of_the_wall(WallTime(shape.received_at), ahead);
                MomentShape { received_at: heard.0.saturating_add(engine_ahead), ..shape }
            })),
            Entry::Settle(shapes) => outcomes.extend(shapes.into_iter().filter(|one| one.verb == DELIVERED)),
        }
    }
    let mut ids = ids(&moments)?;
    let elsewhere: BTreeSet<EventSeq> =
        outcomes.iter().map(|one| EventSeq(one.event)).filter(|seq| !ids.contains_key(&seq.0)).collect();
    ids.extend(kept(elsewhere, spool, client).await?.iter().map(|kept| (kept.seq.0, kept.event.id())));
    Ok(cut(moments, &outcomes, &ids))
}

fn ids(moments: &[MomentShape<'_>]) -> Result<BTreeMap<i64, EventId>, Fault> {
    let mut ids = BTreeMap::new();
    for moment in moments {
        for (shape, place) in moment.events.iter().zip(moment.first..) {
            let (_, event) = shape.event()?;
            ids.insert(place, event.id());
        }
    }
    Ok(ids)
}

/// What the engine had before, or what lies elsewhere in the spool.
async fn kept(seqs: BTreeSet<EventSeq>, spool: &Spool, client: &Client) -> Result<Vec<Arc<Kept>>, Fault> {
    if seqs.is_empty() {
        return Ok(Vec::new());
    }
    let seqs: Vec<EventSeq> = seqs.into_iter().collect();
    let mut found = spool.bodies(seqs.clone()).await.map_err(Fault::Damaged)?;
    found.extend(bodies(client, &seqs).await?);
    Ok(found)
}

/// Each event with what was taken of it; then what was taken of others.
fn cut(moments: Vec<MomentShape<'_>>, outcomes: &[OutcomeShape<'_>], ids: &BTreeMap<i64, EventId>) -> Rows {
    let mut taken: BTreeMap<i64, Vec<AcceptedShape<'_>>> = BTreeMap::new();
    for one in outcomes {
        // Of an event that is gone, or that went before: its owner asks once more.
        let Some(id) = ids.get(&one.event) else { continue };
        let number = one.number.and_then(|number| u16::try_from(number).ok());
        let attempt = number.zip(one.detail.map(|Bytes(bytes)| Whole(bytes)));
        let shape = AcceptedShape { event: id.as_str(), integration: one.integration, attempt };
        taken.entry(one.event).or_default().push(shape);
    }
    let mut cut = Rows { rows: Vec::new(), events: 0 };
    let (mut row, mut of_row, mut events, mut bytes) = (Vec::new(), Vec::new(), 0, 0);
    for moment in moments.into_iter().filter(|moment| !moment.events.is_empty()) {
        let many = moment.events.len();
        if events > 0 && (events + many > FACTS_AT_ONCE || bytes > BYTES_AT_ONCE) {
            cut.rows.push(write_shapes(std::mem::take(&mut row), std::mem::take(&mut of_row)));
            (events, bytes) = (0, 0);
        }
        (events, cut.events) = (events + many, cut.events + many as u64);
        for (event, place) in moment.events.iter().zip(moment.first..) {
            let of_event = taken.remove(&place).unwrap_or_default();
            let details = of_event.iter().filter_map(|one| one.attempt.as_ref());
            bytes += event.body.0.len() + details.map(|(_, Whole(detail))| detail.len()).sum::<usize>();
            of_row.extend(of_event);
        }
        row.push(MomentShape { notes: Vec::new(), ..moment });
    }
    let mut rest = taken.into_values().flatten().peekable();
    while rest.peek().is_some() || !row.is_empty() {
        while of_row.len() < FACTS_AT_ONCE
            && let Some(one) = rest.next()
        {
            of_row.push(one);
        }
        cut.rows.push(write_shapes(std::mem::take(&mut row), std::mem::take(&mut of_row)));
    }
    cut
}
