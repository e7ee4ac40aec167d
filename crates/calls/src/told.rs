//! What another reader of the PBX was the first to tell of a leg holds for all that is told of it later.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::{Direction, Event, EventKind, LegId, OpenLeg, PbxTime, Restored, What};

/// The legs that were told and are open.
#[derive(Debug, Default)]
pub struct Told {
    legs: BTreeMap<LegId, OpenLeg>,
    /// When the PBX was heard last by who told them.
    heard: PbxTime,
}

/// A leg that began so shortly before the PBX was heard last may be kept a moment later.
pub(crate) const ON_ITS_WAY: Duration = Duration::from_secs(2);

impl Told {
    /// What was kept of them.
    pub fn of(restored: &Restored) -> Self {
        let legs = restored.legs.iter().map(|leg| (leg.leg.clone(), leg.clone())).collect();
        Self { legs, heard: restored.last_heard.unwrap_or_default() }
    }

    /// The event as one of the leg that was told: with its call, its phone and its way, the next in number. `None`: that
    /// was told, or cannot be of that leg: it began otherwise, or calls out and answers nothing. Nor is it of one that was
    /// guessed from a list, and that the other heard begin and did not tell.
    pub fn next(&mut self, mut event: Event) -> Option<Event> {
        let Some(leg) = self.legs.get_mut(&event.leg) else {
            let is_guessed = event.assumed && event.begun_at + ON_ITS_WAY <= self.heard;
            return (!is_guessed).then_some(event);
        };
        let is_incoming = leg.direction == Direction::Incoming;
        let is_next = match event.kind() {
            EventKind::Incoming | EventKind::Outgoing => false,
            EventKind::Answered => is_incoming && leg.answered_at.is_none(),
            EventKind::Ended => true,
        };
        if !is_next {
            return None;
        }
        leg.sequence = leg.sequence.saturating_add(1);
        event.sequence = leg.sequence;
        event.call = leg.call.clone();
        event.phone = leg.phone.clone();
        event.direction = leg.direction;
        event.begun_at = leg.begun_at;
        match &mut event.what {
            What::Answered => leg.answered_at = Some(event.at),
            // An outgoing call's answer is no event of its own.
            What::Ended(ended) if is_incoming => ended.answered_at = leg.answered_at,
            What::Ended(ended) => ended.answered_at = leg.answered_at.or(ended.answered_at),
            What::Incoming | What::Outgoing => {}
        }
        Some(event)
    }
}
