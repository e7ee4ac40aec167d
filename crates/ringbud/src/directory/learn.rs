//! Writes down what rules name and the store does not know: accounts, employees and phones.

use std::sync::Arc;

use calls::AccountId;
use tokio::sync::mpsc;

/// So many newcomers wait to be written; one more is told again when its phone is next seen.
const MAX_WAITING: usize = 4_096;

/// A phone that was seen for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// The account.
    pub account: AccountId,
    /// The local number of the phone, and of the employee who has it until someone assigns it.
    pub number: Arc<str>,
}

/// Where newcomers are told.
#[derive(Clone, Debug)]
pub struct Learner(Option<mpsc::Sender<Newcomer>>);

impl Learner {
    /// A learner, and what it is told.
    pub fn new() -> (Self, mpsc::Receiver<Newcomer>) {
        let (sender, receiver) = mpsc::channel(MAX_WAITING);
        (Self(Some(sender)), receiver)
    }

    /// One that writes nothing.
    pub fn none() -> Self {
        Self(None)
    }

    /// Tells a newcomer; whether it was heard.
    pub(super) fn tell(&self, newcomer: Newcomer) -> bool {
        self.0.as_ref().is_none_or(|sender| sender.try_send(newcomer).is_ok())
    }
}
