//! What the cache has of one account.

use std::sync::Arc;

use calls::AccountId;

use super::Sorted;
use crate::settings::{Account, Employee, Integration, IntegrationId, Phone};

/// Everything of one account. A change makes a new one; who holds an older one keeps what was true then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountSettings {
    /// Its id.
    pub id: AccountId,
    /// The account.
    pub account: Account,
    /// The version of `account`; 0 while only parts of it are there.
    pub version: u64,
    /// Employees by local number, with their versions.
    pub employees: Sorted<String, (Employee, u64)>,
    /// Phones by local number, with their versions.
    pub phones: Sorted<String, (Phone, u64)>,
    /// Integrations, with their versions.
    pub integrations: Sorted<IntegrationId, (Arc<Integration>, u64)>,
}

impl AccountSettings {
    /// One of which nothing is set.
    pub fn empty(id: AccountId) -> Self {
        Self {
            id,
            account: Account::named(""),
            version: 0,
            employees: Sorted::default(),
            phones: Sorted::default(),
            integrations: Sorted::default(),
        }
    }

    /// The account's integration; the first, should it have several.
    pub fn integration(&self) -> Option<(IntegrationId, &Arc<Integration>, u64)> {
        self.integrations.iter().next().map(|(id, (integration, version))| (*id, integration, *version))
    }

    /// Whether nothing is left of it.
    pub(super) fn is_gone(&self) -> bool {
        self.version == 0
            && self.employees.is_empty()
            && self.phones.is_empty()
            && self.integrations.is_empty()
    }
}
