//! What the directory asks of the settings.

use calls::{AccountId, Employee};
use journal::settings::Holder;

/// The settings, as far as the directory needs them. Answers come from memory.
pub trait Book: Send + Sync {
    /// Changes whenever an answer may have changed.
    fn revision(&self) -> u64;

    /// Who has the phone of this number; `None` when the phone is not known.
    fn holder(&self, account: &AccountId, phone: &str) -> Option<Holder>;

    /// The employee with this local number.
    fn employee(&self, account: &AccountId, number: &str) -> Option<Employee>;

    /// Asks `question` with the feature-code pattern of the account.
    fn with_feature_codes(&self, account: &AccountId, question: &mut dyn FnMut(&str) -> bool) -> bool;
}

/// A book in which nothing has been written: accounts are as they are when first seen.
#[derive(Clone, Copy, Debug)]
pub struct Unwritten;

impl Book for Unwritten {
    fn revision(&self) -> u64 {
        0
    }

    fn holder(&self, _account: &AccountId, _phone: &str) -> Option<Holder> {
        None
    }

    fn employee(&self, _account: &AccountId, _number: &str) -> Option<Employee> {
        None
    }

    fn with_feature_codes(&self, _account: &AccountId, question: &mut dyn FnMut(&str) -> bool) -> bool {
        question(&journal::settings::Integration::default().feature_codes)
    }
}
