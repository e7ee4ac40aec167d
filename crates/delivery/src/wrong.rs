//! What the history says of what went wrong: the only words that are kept with attempts, deliveries and paused
//! webhooks. The window knows each form and tells it in the reader's language.

use crate::connect::{BadCa, ConnectError};
use crate::policy::PAUSED_AFTER;
use crate::request::NoRequest;

/// Why an attempt did not come through.
#[derive(Debug, thiserror::Error)]
pub enum Wrong {
    /// The settings make no request.
    #[error(transparent)]
    Request(#[from] NoRequest),
    /// The account's CA is not usable.
    #[error(transparent)]
    Ca(#[from] BadCa),
    /// There was no connection.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// The connection broke before an answer, in the connection's words.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The time was up.
    #[error("no answer in time")]
    TooLate,
    /// 410.
    #[error("410: the web service is gone; the webhook is paused")]
    Gone,
    /// Any 3xx.
    #[error("HTTP {0}: redirects are not followed")]
    Redirect(u16),
    /// Any other refusal.
    #[error("HTTP {0}")]
    Status(u16),
    /// There was nothing to send any more.
    #[error("its event is not in the journal any more")]
    Forgotten,
}

/// Why a webhook is paused, as its settings say it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WhyPaused {
    /// 410.
    #[error("the web service answered 410 Gone")]
    Gone,
    /// It has failed for [`PAUSED_AFTER`].
    #[error("nothing has succeeded for {} days", PAUSED_AFTER.as_secs() / 86_400)]
    Failing,
    /// Somebody wanted it.
    #[error("paused by hand")]
    ByHand,
}
