//! What the directory asks of the settings.

use std::sync::Arc;

use calls::{AccountId, Employee};
use journal::SettingsCache;
use journal::settings::Holder;
use tokio::sync::watch;

/// The settings, as far as the directory needs them. Answers come from memory.
pub trait KnownSettings: Send + Sync {
    /// Changes whenever an answer may have changed.
    fn revision(&self) -> u64;

    /// Who has the phone of this number; `None` when the phone is not known.
    fn holder(&self, account: &AccountId, phone: &str) -> Option<Holder>;

    /// The employee with this local number.
    fn employee(&self, account: &AccountId, number: &str) -> Option<Employee>;

    /// Asks `question` with the feature-code pattern of the account.
    fn with_feature_codes(&self, account: &AccountId, question: &mut dyn FnMut(&str) -> bool) -> bool;
}

/// A cache in which nothing has been written: accounts are as they are when first seen.
#[derive(Clone, Copy, Debug)]
pub struct Unwritten;

impl KnownSettings for Unwritten {
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

/// The settings of the store, with the revision at hand.
pub struct Written {
    cache: Arc<SettingsCache>,
    revision: watch::Receiver<u64>,
}

impl Written {
    /// Answers from this cache.
    pub fn new(cache: Arc<SettingsCache>) -> Self {
        let revision = cache.watch();
        Self { cache, revision }
    }
}

impl KnownSettings for Written {
    fn revision(&self) -> u64 {
        *self.revision.borrow()
    }

    fn holder(&self, account: &AccountId, phone: &str) -> Option<Holder> {
        let account = self.cache.account(account)?;
        account.phones.get(phone).map(|(phone, _)| phone.holder.clone())
    }

    fn employee(&self, account: &AccountId, number: &str) -> Option<Employee> {
        let account = self.cache.account(account)?;
        let (employee, _) = account.employees.get(number)?;
        Some(Employee { number: Arc::from(number), name: Arc::from(&*employee.name) })
    }

    fn with_feature_codes(&self, account: &AccountId, question: &mut dyn FnMut(&str) -> bool) -> bool {
        let account = self.cache.account(account);
        match account.as_ref().and_then(|account| account.integration()) {
            Some((_, integration, _)) => question(&integration.feature_codes),
            None => Unwritten.with_feature_codes(&AccountId::new(""), question),
        }
    }
}
