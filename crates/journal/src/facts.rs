//! What a gateway kept of a part that another has now: the events it heard, and which deliveries receivers took. These are
//! facts, whoever brings them; what to give up, and notes, are the owner's alone.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use calls::EventId;

use crate::settings::IntegrationId;
use crate::{
    Accepted, Append, Appended, DeliveryId, EventSeq, Facts, Grant, Journal, JournalError, Kept, Outcome,
    Pending, Settle, WallTime, record,
};

/// What came of facts.
#[derive(Debug, Default)]
pub struct Brought {
    /// Events that were not there, each with what waits of it and nobody has taken.
    pub news: Vec<(Arc<Kept>, Vec<Pending>)>,
    /// Events that were there already.
    pub repeats: Vec<EventSeq>,
    /// What was taken, by the places that the deliveries have here.
    pub accepted: Vec<(Settle, Arc<Kept>)>,
    /// Events that cannot be any more: their legs were ended, or begun otherwise.
    pub refused: u64,
}

/// It cannot be read: a newer program wrote it, or it is damaged.
#[derive(Debug, thiserror::Error)]
#[error("what another gateway kept cannot be read: {0}")]
pub struct NoFacts(String);

/// As a [`Wish`](crate::Wish) has them: when something was heard stands there by the store's clock, which says `now`, and
/// not by that of the gateway that heard it.
pub fn write(facts: &Facts, now: WallTime) -> Vec<u8> {
    record::facts::write(facts, now)
}

/// What was written, as old as it is by the store's clock, which says `now`.
///
/// # Errors
/// If a newer program wrote it, or it is damaged.
pub fn read(packed: &[u8], now: WallTime) -> Result<Facts, NoFacts> {
    record::facts::read(packed, now).map_err(|unreadable| NoFacts(unreadable.to_string()))
}

/// Keeps them under the owner's grant, and says what is left to do: to settle what was taken, and to send the rest. Done
/// once more nothing changes.
///
/// # Errors
/// What the journal says, or that the part is another's by now.
pub async fn bring(journal: &dyn Journal, grant: Grant, facts: Facts) -> Result<Brought, JournalError> {
    let Facts { moments, accepted } = facts;
    let moments: Vec<Append> = moments.into_iter().map(|moment| Append { grant, ..moment }).collect();
    let answers = if moments.is_empty() { Vec::new() } else { journal.append(&moments).await? };
    let mut brought = Brought::default();
    let mut places: BTreeMap<EventId, EventSeq> = BTreeMap::new();
    let taken: BTreeSet<(EventId, IntegrationId)> =
        accepted.iter().map(|one| (one.event.clone(), one.integration)).collect();
    for (moment, answers) in moments.into_iter().zip(answers) {
        let Append { pbx, events, received_at, .. } = moment;
        for ((event, _), answer) in events.into_iter().zip(answers) {
            let id = event.id();
            match answer {
                Appended::Stored(seq, waiting) => {
                    let is_left = |one: &Pending| !taken.contains(&(id.clone(), one.id.integration));
                    let waiting = waiting.into_iter().filter(is_left).collect();
                    brought
                        .news
                        .push((Arc::new(Kept { seq, received_at, pbx: pbx.clone(), event }), waiting));
                    places.insert(id, seq);
                }
                Appended::Repeat(seq) => {
                    brought.repeats.push(seq);
                    places.insert(id, seq);
                }
                Appended::Refused(_) => brought.refused += 1,
                Appended::Fenced => return Err(taken_from_us(grant)),
            }
        }
    }
    brought.accepted = settles(journal, grant, accepted, &places).await?;
    Ok(brought)
}

/// What is kept of the events says which deliveries these are.
async fn settles(
    journal: &dyn Journal,
    grant: Grant,
    accepted: Vec<Accepted>,
    places: &BTreeMap<EventId, EventSeq>,
) -> Result<Vec<(Settle, Arc<Kept>)>, JournalError> {
    let wanted: BTreeSet<EventSeq> =
        accepted.iter().filter_map(|one| places.get(&one.event).copied()).collect();
    let found = journal.bodies(wanted.into_iter().collect()).await?;
    let mut kept: BTreeMap<EventId, Arc<Kept>> =
        found.into_iter().map(|kept| (kept.event.id(), kept)).collect();
    let mut all = Vec::with_capacity(accepted.len());
    for Accepted { event, integration, attempt } in accepted {
        if !kept.contains_key(&event)
            && let Some(found) = journal.find(event.clone()).await?
        {
            kept.insert(event.clone(), found);
        }
        // Refused, or forgotten by now; or of what was another part once.
        let Some(found) = kept.get(&event).filter(|kept| kept.seq.part() == grant.part()) else { continue };
        let id = DeliveryId { event: found.seq, integration };
        all.push((Settle { grant, id, attempt, outcome: Outcome::Delivered }, found.clone()));
    }
    Ok(all)
}

fn taken_from_us(grant: Grant) -> JournalError {
    JournalError::Taken { place: format!("part {}", grant.part().0) }
}
