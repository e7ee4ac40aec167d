//! The messages of the schedule: what goes in, what comes out, and its bounds.

use std::time::Duration;

use calls::EventKind;
use journal::Part;

use crate::policy::{Moment, Patience};

/// Requests in flight in all.
pub const IN_FLIGHT: u32 = 1_024;
/// Requests in flight to one destination.
pub const IN_FLIGHT_PER_DESTINATION: u32 = 64;
/// Requests in flight to a webhook nothing is known of yet.
pub const WINDOW_START: u32 = 16;
/// Deliveries whose outcome is not on disk yet; with so many, nothing more is sent.
pub const UNSETTLED: u32 = 8_192;

/// The place of a delivery in the schedule. Another may have it later: an answer that comes late is not about that one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SlotId {
    pub(super) at: u32,
    /// Its event's place.
    pub(super) seq: i64,
}

impl SlotId {
    /// Its event's place.
    pub const fn seq(self) -> i64 {
        self.seq
    }
}

/// A webhook: one URL of one integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WebhookKey(pub u32);

/// Scheme, host, port and CA.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DestinationKey(pub u32);

/// The bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// In flight in all.
    pub total: u32,
    /// In flight to one destination.
    pub per_destination: u32,
    /// In flight to a webhook at first.
    pub window_start: u32,
    /// Not on disk yet.
    pub unsettled: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            total: IN_FLIGHT,
            per_destination: IN_FLIGHT_PER_DESTINATION,
            window_start: WINDOW_START,
            unsettled: UNSETTLED,
        }
    }
}

/// What is to become of a webhook's deliveries of one kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Disposition {
    /// They are sent.
    Send,
    /// They are kept until the webhook is resumed.
    Hold,
    /// The webhook was switched off: they are cancelled.
    Drop,
    /// The URL was changed: they belong to another webhook now.
    Move(WebhookKey),
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Finish {
    /// Taken.
    Taken,
    /// 410: the webhook is to be paused, the delivery kept for when it is resumed.
    Gone,
    /// Refused by the web service.
    Refused {
        /// What it asked for.
        retry_after: Option<Duration>,
    },
    /// No whole answer in time.
    TimedOut,
    /// The destination could not be connected to.
    Unreachable,
    /// The attempt was not made: nothing was sent, and nothing is known of the receiver.
    NotMade,
    /// It can never be sent: its event is not in the journal any more.
    Impossible,
}

/// What goes in.
#[derive(Clone, Copy, Debug)]
pub enum Input {
    /// A delivery to be made.
    Offer {
        /// The event's place in the journal.
        seq: i64,
        /// Where to.
        webhook: WebhookKey,
        /// The event's kind.
        kind: EventKind,
        /// The lane.
        call_hash: u64,
        /// From when on its patience counts.
        since: Moment,
        /// Attempts so far.
        attempts: u16,
        /// When it is due.
        due: Moment,
    },
    /// An attempt has ended.
    Finished {
        /// Which.
        slot: SlotId,
        /// How.
        how: Finish,
    },
    /// A settlement is on disk.
    Settled {
        /// Which.
        slot: SlotId,
        /// Whether somebody else had settled it before.
        fenced: bool,
        /// What was settled.
        verdict: Verdict,
    },
    /// What is to become of a webhook's deliveries was changed.
    Disposed {
        /// Which webhook.
        webhook: WebhookKey,
        /// By kind, in the order of [`EventKind::ALL`].
        to: [Disposition; 4],
        /// How long events are worth trying now.
        patience: Patience,
    },
    /// A person wants it cancelled. Who does not decide lets it be.
    Cancel {
        /// Which.
        slot: SlotId,
    },
    /// Its receiver took it, from whoever brings that. A request that is out ends first.
    Taken {
        /// Which.
        slot: SlotId,
    },
    /// A person wants it now.
    Hurry {
        /// Which.
        slot: SlotId,
    },
    /// How long this gateway may act, and whether it decides. One that has its store for itself acts for ever, as a
    /// schedule does that is told nothing; in a fleet each time it was heard pushes the moment on.
    Trust {
        /// Nothing starts after it, and nothing is decided.
        until: Moment,
        /// Whether it gives up, holds and cancels. If not, what would be passed by stands, and what is behind it in
        /// its lane: that is for the owner of the part alone.
        decides: bool,
    },
    /// A part of the store is this gateway's from now on. Its deliveries are offered next.
    Granted {
        /// Which.
        part: Part,
        /// Until then somebody else may have requests of the part under way: what is given up is given up as much later
        /// as a request takes, and nothing of it starts in between. Otherwise it could arrive behind what follows it.
        careful_until: Moment,
    },
    /// A part is about to be given back: nothing more of it is started, and its deliveries go as soon as none of them is out.
    Leaving {
        /// Which.
        part: Part,
    },
    /// A part is another's now: its deliveries go. Requests that are out come home to nobody.
    Revoked {
        /// Which.
        part: Part,
        /// How many settlements of the part came out of here and were not answered. They are not to be: the places of
        /// their deliveries are given to others.
        unanswered: u32,
    },
    /// Nothing more is to be started.
    Stop,
}

/// What became of a delivery.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Taken.
    Delivered,
    /// To be tried again.
    RetryAt(Moment),
    /// Too late.
    Expired,
    /// It could not be made.
    Failed,
    /// Cancelled.
    Cancelled,
    /// Kept while its webhook is paused.
    Held,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Out {
    /// A request is to be made.
    Start {
        /// Which delivery.
        slot: SlotId,
        /// Its event.
        seq: i64,
        /// Where to.
        webhook: WebhookKey,
        /// The event's kind.
        kind: EventKind,
        /// The number of this attempt.
        attempt: u16,
    },
    /// A verdict to be put on disk.
    Settle {
        /// Which delivery.
        slot: SlotId,
        /// Its event.
        seq: i64,
        /// Where to.
        webhook: WebhookKey,
        /// What became of it.
        verdict: Verdict,
        /// Another delivery waits for it: at once, please.
        urgent: bool,
    },
    /// Another delivery waits for a settlement that was not urgent when it came out.
    Urgent,
    /// A webhook is to be paused.
    Pause {
        /// Which.
        webhook: WebhookKey,
        /// Since when it has failed, if that is the reason; else its answer was 410.
        failing_since: Option<Moment>,
    },
}

/// How a webhook is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WebhookState {
    /// Deliveries not settled.
    pub pending: u32,
    /// Requests out.
    pub in_flight: u32,
    /// Whether it is left alone but for probes.
    pub open: bool,
    /// Since when nothing has succeeded.
    pub failing_since: Option<Moment>,
    /// When something of it is sent next, if it waits for a moment.
    pub next_try: Option<Moment>,
    /// Whether it waits because as many requests went to its account's receiver as may in a second.
    pub paced: bool,
}
