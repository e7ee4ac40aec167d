//! Facts at rest: moments without their notes, and what receivers took, by the ids of events.

use calls::EventId;
use serde::{Deserialize, Serialize};

use super::moment::{EventShape, MomentShape};
use super::{Unreadable, Whole, attempt, event, pack, unpack};
use crate::settings::IntegrationId;
use crate::{Accepted, Append, Facts, Grant, WallTime};

const VERSION: u8 = 1;

#[derive(Serialize, Deserialize)]
struct Shape<'a> {
    #[serde(borrow)]
    moments: Vec<MomentShape<'a>>,
    #[serde(borrow)]
    accepted: Vec<AcceptedShape<'a>>,
}

/// A delivery that a receiver took.
#[derive(Serialize, Deserialize)]
pub(crate) struct AcceptedShape<'a> {
    pub(crate) event: &'a str,
    pub(crate) integration: u32,
    /// Its number, and as [`attempt::write`] writes it.
    #[serde(borrow)]
    pub(crate) attempt: Option<(u16, Whole<'a>)>,
}

pub(crate) fn write(facts: &Facts, now: WallTime) -> Vec<u8> {
    let body = |append: &Append| -> Vec<Vec<u8>> {
        append.events.iter().map(|(one, _)| event::write(&append.pbx, one)).collect()
    };
    let bodies: Vec<_> = facts.moments.iter().map(body).collect();
    let moments = facts.moments.iter().zip(&bodies).map(|(append, bodies)| MomentShape {
        first: 0,
        pbx: append.pbx.as_str(),
        heard_at: append.heard_at.as_micros(),
        received_at: now.minus(append.age).0,
        events: append
            .events
            .iter()
            .zip(bodies)
            .map(|((event, owed), body)| EventShape::of(event, owed, body))
            .collect(),
        notes: Vec::new(),
    });
    let details = facts.accepted.iter().map(|one| one.attempt.as_deref().map(attempt::write));
    let details: Vec<_> = details.collect();
    let accepted = facts.accepted.iter().zip(&details).map(|(one, detail)| AcceptedShape {
        event: one.event.as_str(),
        integration: one.integration.number,
        attempt: one.attempt.as_ref().map(|attempt| attempt.number).zip(detail.as_deref().map(Whole)),
    });
    write_shapes(moments.collect(), accepted.collect())
}

/// The same of what is written out already.
pub(crate) fn write_shapes(moments: Vec<MomentShape<'_>>, accepted: Vec<AcceptedShape<'_>>) -> Vec<u8> {
    pack(VERSION, &Shape { moments, accepted })
}

pub(crate) fn read(packed: &[u8], now: WallTime) -> Result<Facts, Unreadable> {
    let Shape { moments, accepted } = unpack("row of facts", VERSION, packed)?;
    let accepted = accepted.into_iter().map(|shape| {
        let attempt =
            shape.attempt.map(|(number, Whole(packed))| attempt::read(number, packed).map(Box::new));
        Ok(Accepted {
            event: EventId::new(shape.event),
            integration: IntegrationId { number: shape.integration },
            attempt: attempt.transpose()?,
        })
    });
    let moment = |shape: &MomentShape<'_>| {
        let age = now.since(WallTime(shape.received_at));
        Ok(Append { age, ..shape.append(Grant::ALONE)? })
    };
    Ok(Facts {
        moments: moments.iter().map(moment).collect::<Result<_, Unreadable>>()?,
        accepted: accepted.collect::<Result<_, Unreadable>>()?,
    })
}
