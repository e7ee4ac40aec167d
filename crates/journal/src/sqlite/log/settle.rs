//! What becomes of deliveries whose leg is in the log: by the rules of those in rows, in memory.

use super::super::errors::StoreError;
use super::super::settle::{GivenUp, Row};
use super::super::table::packed::Noted;
use super::leg::{Delivery, Event, Stands};
use super::tail::Tail;
use crate::record::attempt;
use crate::rules::{self, Standing};
use crate::{EventSeq, Outcome, Settled};

impl Tail {
    /// Whether an event's leg is in the log.
    pub(in crate::sqlite) fn has(&self, event: EventSeq) -> bool {
        self.by_event.contains_key(&event.0)
    }

    /// Sees how far deliveries have come, wherever their legs lie.
    pub(in crate::sqlite) fn sees(&mut self, row: &Row) {
        if row.outcome == Outcome::Delivered {
            self.front.moves(row.id.event.0);
        }
    }

    /// Settles a delivery whose leg is in the log.
    pub(in crate::sqlite) fn settle(&mut self, row: Row) -> Result<Settled, StoreError> {
        self.write_settled(&row);
        self.settle_here(row).map(|settled| settled.unwrap_or(Settled::Gone))
    }

    /// The same for one that is in the log already.
    pub(super) fn settle_here(&mut self, row: Row) -> Result<Option<Settled>, StoreError> {
        let Some(key) = self.by_event.get(&row.id.event.0).copied() else { return Ok(None) };
        let Some(leg) = self.legs.get_mut(&key) else { return Ok(None) };
        let Some(event) = leg.events.iter_mut().find(|event| event.raw.seq == row.id.event.0) else {
            return Ok(None);
        };
        let (waited, noted) = (waiting(event), event.noted.len());
        let settled = settle(event, row)?;
        let bytes: usize =
            event.noted[noted..].iter().map(|noted| noted.detail.as_ref().map_or(0, Vec::len) + 64).sum();
        let waits = waiting(event);
        leg.bytes += bytes;
        self.bytes += bytes;
        let was_ready = leg.waiting == 0;
        leg.waiting = leg.waiting + waits - waited;
        self.waiting = self.waiting + waits - waited;
        if leg.waiting == 0 && !was_ready && leg.has_ended() {
            self.ready.push(key);
        }
        Ok(Some(settled))
    }
}

fn waiting(event: &Event) -> usize {
    event.deliveries.iter().filter(|delivery| delivery.stands == Stands::Waits).count()
}

fn settle(event: &mut Event, row: Row) -> Result<Settled, StoreError> {
    let integration = i64::from(row.id.integration.number);
    let waits = |delivery: &Delivery| delivery.integration == integration && delivery.stands == Stands::Waits;
    let at = match (event.deliveries.iter().position(waits), &row.outcome) {
        (Some(at), _) => at,
        (None, Outcome::Again(_)) => again(event, integration)?,
        (None, _) => return Ok(Settled::Gone),
    };
    let delivery = &mut event.deliveries[at];
    let number = match (&row.outcome, &row.tried) {
        (_, Some((number, _))) => Some(*number),
        (Outcome::Delivered, None) => Some(delivery.standing.attempts.saturating_add(1)),
        (_, None) => None,
    };
    delivery.stands = match &row.outcome {
        Outcome::Delivered => Stands::Delivered,
        Outcome::Expired => Stands::GivenUp(GivenUp::Expired),
        Outcome::Failed(_) => Stands::GivenUp(GivenUp::Failed),
        Outcome::Cancelled => Stands::GivenUp(GivenUp::Cancelled),
        Outcome::RetryIn(_) | Outcome::Again(_) | Outcome::Held => Stands::Waits,
    };
    if let Some(at) = row.due_at {
        (delivery.held, delivery.due_at) = (false, Some(at.0));
    }
    delivery.held |= row.outcome == Outcome::Held;
    let delivered = delivery.stands == Stands::Delivered;
    if !delivered {
        let standing = std::mem::take(&mut delivery.standing);
        delivery.standing = standing.after_outcome(&row.outcome, row.tried);
        delivery.updated_at = Some(row.at.0);
    }
    if let Some(number) = number {
        event.noted.push(Noted { integration, number, delivered, at: row.at.0, detail: row.detail });
    }
    Ok(Settled::Done)
}

/// A settled delivery waits again, or one that never was begins to: with what it had come to. Where it stands among
/// those of its event.
fn again(event: &mut Event, integration: i64) -> Result<usize, StoreError> {
    let at = match event.deliveries.iter().position(|delivery| delivery.integration == integration) {
        Some(at) => at,
        None => {
            event.deliveries.push(Delivery::fresh(integration));
            event.deliveries.len() - 1
        }
    };
    let delivery = &mut event.deliveries[at];
    if delivery.stands == Stands::Delivered {
        let through = event.noted.iter().rfind(|noted| noted.delivered && noted.integration == integration);
        delivery.standing = through.map(came_to).transpose()?.unwrap_or_default();
    }
    *delivery = Delivery { standing: std::mem::take(&mut delivery.standing), ..Delivery::fresh(integration) };
    Ok(at)
}

/// What a delivery that came through had come to.
fn came_to(noted: &Noted) -> Result<Standing, StoreError> {
    let read = |detail: &Vec<u8>| attempt::read(noted.number, detail);
    let attempt = noted.detail.as_ref().map(read).transpose()?;
    let tried = attempt.map(|attempt| (noted.number, rules::came_to(&attempt)));
    let standing = Standing::default().after_outcome(&Outcome::Delivered, tried);
    Ok(Standing { attempts: noted.number, ..standing })
}
