//! What is asked of whoever has a part, by gateways that do not have it: its inbox.
//!
//! The same wish, asked again while it waits, is the one that waits. An owner does what it is asked and then answers, in
//! this order: one that dies between the two does it again, or the next owner does, and nothing is lost. Done twice, each
//! comes to the same, but for a delivery that was sent again in that moment: it goes once more, with the same
//! `webhook-id`.

use calls::EventKind;

use super::DeliveryId;
use crate::settings::IntegrationId;

/// So many wishes of people wait for the owner of a part at most.
pub const WISHES_OF_A_PART: usize = 512;
/// So many spooled facts wait for it: what brings more of them keeps it until there is room.
pub const FACTS_OF_A_PART: usize = 4_096;
/// A wish names so many deliveries at most.
pub const WISHED_AT_ONCE: usize = 500;

/// What is asked of a part's owner.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Send these again, now.
    Again(Vec<DeliveryId>),
    /// Give these up.
    Cancel(Vec<DeliveryId>),
    /// A webhook was resumed: what is held of it is sent, or cancelled.
    Reload {
        /// Whose.
        integration: IntegrationId,
        /// For this kind of event.
        kind: EventKind,
        /// Whether it is sent.
        with_kept: bool,
    },
    /// What a gateway kept in its spool of a part that it has no more: [`Facts`](super::Facts), written out by the store's
    /// clock.
    Facts(Vec<u8>),
}

impl Wish {
    /// Whether people wish it. Facts have a bound of their own, so that neither keeps the other out.
    pub const fn is_a_persons(&self) -> bool {
        !matches!(self, Self::Facts(_))
    }
}

/// A wish that was put into an inbox.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WishId(pub i64);

/// What asking came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    /// It waits for whoever has the part, or for the next who has it.
    Waits(WishId),
    /// So much waits there already that it was not taken.
    Full,
    /// There is nobody else: one gateway has the store.
    Nobody,
}

/// What a part's owner made of a wish.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// So many deliveries it was done to.
    pub done: u64,
    /// So many it was not, by the code of the reason.
    pub left: Vec<(String, u64)>,
}
