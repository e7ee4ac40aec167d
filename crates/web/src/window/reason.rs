//! Why something failed, in the reader's language.

use admin::kept::Reason;
use delivery::reason::{danish, english};

use super::Messages;
use super::messages::Language;

/// The sentence. A code this program has no sentence for (a later one wrote it) is shown as it is.
pub(crate) fn told(w: Messages, reason: &Reason) -> String {
    match w.0 {
        Language::Danish => danish(reason),
        Language::English => english(reason),
    }
}

/// The sentence, or nothing where there is no reason.
pub(crate) fn told_if(w: Messages, reason: Option<&Reason>) -> String {
    reason.map(|reason| told(w, reason)).unwrap_or_default()
}
