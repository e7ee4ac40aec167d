//! What a gateway kept of a part that it has no more, for who has the part now.

use calls::EventId;

use super::{Append, Attempt};
use crate::settings::IntegrationId;

/// So many events are in one wish at most.
pub const FACTS_AT_ONCE: usize = 1_000;

/// What a gateway kept of a part.
#[derive(Clone, Debug, Default)]
pub struct Facts {
    /// Moments, as they were heard; their notes are left out, and under what they are kept is the owner's.
    pub moments: Vec<Append>,
    /// What receivers took.
    pub accepted: Vec<Accepted>,
}

/// A delivery that a receiver took. Its place is one that the owner does not know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Accepted {
    /// The event.
    pub event: EventId,
    /// To whom.
    pub integration: IntegrationId,
    /// The attempt, if history is kept.
    pub attempt: Option<Box<Attempt>>,
}
