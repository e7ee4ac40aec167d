//! What a person's wish came to.

use journal::{JournalError, Reason};

use crate::reason::{GivesReason, told_by_reason};

/// Why a wish was not granted.
#[derive(Clone, Debug)]
pub enum ControlError {
    /// There is no such delivery.
    NoSuchDelivery,
    /// There is no such integration.
    NoSuchIntegration,
    /// The webhook is paused.
    Paused,
    /// The webhook is switched off.
    SwitchedOff,
    /// The delivery is settled already.
    Settled,
    /// So much is asked of the gateway that has its PBX that nothing more was taken.
    TooMuchAsked,
    /// The journal could not do it.
    Journal(JournalError),
}

impl From<JournalError> for ControlError {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

told_by_reason!(ControlError);

impl GivesReason for ControlError {
    fn reason(&self) -> Reason {
        match self {
            Self::NoSuchDelivery => Reason::new("no_such_delivery"),
            Self::NoSuchIntegration => Reason::new("no_such_integration"),
            Self::Paused => Reason::new("webhook_paused"),
            Self::SwitchedOff => Reason::new("webhook_switched_off"),
            Self::Settled => Reason::new("already_settled"),
            Self::TooMuchAsked => Reason::new("too_much_asked"),
            Self::Journal(error) => Reason::new("journal_failed").with("why", error),
        }
    }
}

/// What sending again came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// It was settled, and is sent again now.
    Again,
    /// It was waiting, and goes as soon as it can.
    Hurried,
    /// Its part is another gateway's, which was asked and does it as soon as it can.
    Asked,
}

/// What cancelling came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cancelled {
    /// It is not sent any more; one that is out right now, not if it fails.
    Done,
    /// Its part is another gateway's, which was asked and does it as soon as it can.
    Asked,
}

/// What resuming a webhook came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Resumed {
    /// So many deliveries that were held are sent, or cancelled.
    pub kept: usize,
    /// So many parts are other gateways', who were asked for what they hold and did not answer yet.
    pub asked: usize,
}

/// What sending many again came to.
#[derive(Clone, Debug, Default)]
pub struct AgainAll {
    /// So many are sent again.
    pub sent: usize,
    /// So many webhooks' deliveries are not, because they are paused.
    pub paused: usize,
    /// Or switched off.
    pub switched_off: usize,
    /// Or because their integration is gone.
    pub gone: usize,
    /// Or because their events are forgotten.
    pub forgotten: usize,
    /// Or because they were settled otherwise meanwhile.
    pub settled: usize,
    /// So many are other gateways', who were asked and do it as soon as they can.
    pub asked: usize,
    /// So many are those of gateways of whom too much was asked already.
    pub full: usize,
    /// Why it stopped before the end.
    pub broke_off: Option<JournalError>,
}
