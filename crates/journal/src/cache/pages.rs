//! The cache's content, and how a change turns up in it.

use std::collections::{BTreeMap, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use calls::AccountId;

use super::AccountSettings;
use super::replaced::Replaced;
use crate::SettingChange;
use crate::settings::{Account, IntegrationId, Secret, Setting, SettingKey, Token, User};

#[derive(Default)]
pub(super) struct Pages {
    pub(super) accounts: BTreeMap<AccountId, Arc<AccountSettings>>,
    pub(super) owners: HashMap<IntegrationId, AccountId>,
    pub(super) tokens: BTreeMap<String, (Token, u64)>,
    pub(super) hashes: HashMap<[u8; 32], String>,
    pub(super) users: BTreeMap<String, (User, u64)>,
    pub(super) system: BTreeMap<String, (Secret, u64)>,
    pub(super) replaced: Replaced,
}

impl Pages {
    pub(super) fn accounts_after(
        &self,
        after: Option<&AccountId>,
    ) -> impl Iterator<Item = &Arc<AccountSettings>> {
        let from = after.map_or(Bound::Unbounded, Bound::Excluded);
        let range = self.accounts.range::<AccountId, _>((from, Bound::Unbounded));
        range.map(|(_, account)| account).filter(|account| account.version > 0)
    }

    pub(super) fn turn(&mut self, changes: Vec<SettingChange>) {
        for change in changes {
            if let Some((value, version)) = self.value(&change.key) {
                self.replaced.remember(&change.key, version, value);
            }
            self.take_in(change);
        }
    }

    /// What is set, with its version; nothing of tokens and of what the machine keeps for itself.
    pub(super) fn value(&self, key: &SettingKey) -> Option<(Setting, u64)> {
        let page = |id| self.accounts.get(id);
        match key {
            SettingKey::Account(id) => {
                let found = page(id).filter(|page| page.version > 0)?;
                Some((Setting::Account(found.account.clone()), found.version))
            }
            SettingKey::Employee(id, number) => {
                let (employee, version) = page(id)?.employees.get(number)?;
                Some((Setting::Employee(employee.clone()), *version))
            }
            SettingKey::Phone(id, number) => {
                let (phone, version) = page(id)?.phones.get(number)?;
                Some((Setting::Phone(phone.clone()), *version))
            }
            SettingKey::Integration(id, number) => {
                let (integration, version) = page(id)?.integrations.get(number)?;
                Some((Setting::Integration(Box::new(integration.as_ref().clone())), *version))
            }
            SettingKey::User(name) => {
                let (user, version) = self.users.get(name)?;
                Some((Setting::User(user.clone()), *version))
            }
            SettingKey::Token(_) | SettingKey::System(_) => None,
        }
    }

    /// A value that does not belong to its key counts as none: no journal keeps one.
    fn take_in(&mut self, change: SettingChange) {
        let SettingChange { key, value, version, changed_at: _ } = change;
        match (key, value) {
            (SettingKey::Account(id), Some(Setting::Account(account))) => self.edit(id, |page| {
                page.account = account;
                page.version = version;
            }),
            (SettingKey::Account(id), _) => self.edit(id, |page| {
                page.account = Account::named("");
                page.version = 0;
            }),
            (SettingKey::Employee(id, number), value) => {
                let employee = value.and_then(|value| match value {
                    Setting::Employee(employee) => Some((employee, version)),
                    _ => None,
                });
                self.edit(id, |page| page.employees.set(number, employee));
            }
            (SettingKey::Phone(id, number), value) => {
                let phone = value.and_then(|value| match value {
                    Setting::Phone(phone) => Some((phone, version)),
                    _ => None,
                });
                self.edit(id, |page| page.phones.set(number, phone));
            }
            (SettingKey::Integration(id, number), Some(Setting::Integration(integration))) => {
                self.owners.insert(number, id.clone());
                self.edit(id, |page| page.integrations.set(number, Some((Arc::from(integration), version))));
            }
            (SettingKey::Integration(id, number), _) => {
                self.owners.remove(&number);
                self.edit(id, |page| page.integrations.set(number, None));
            }
            (SettingKey::Token(name), value) => self.take_in_token(name, value, version),
            (SettingKey::User(name), Some(Setting::User(user))) => {
                self.users.insert(name, (user, version));
            }
            (SettingKey::User(name), _) => drop(self.users.remove(&name)),
            (SettingKey::System(name), Some(Setting::System(secret))) => {
                self.system.insert(name, (secret, version));
            }
            (SettingKey::System(name), _) => drop(self.system.remove(&name)),
        }
    }

    fn take_in_token(&mut self, name: String, value: Option<Setting>, version: u64) {
        if let Some((old, _)) = self.tokens.remove(&name) {
            self.hashes.remove(&old.sha256);
        }
        if let Some(Setting::Token(token)) = value {
            self.hashes.insert(token.sha256, name.clone());
            self.tokens.insert(name, (token, version));
        }
    }

    /// Changes one account's page: in place where nobody holds it, else a new one.
    fn edit(&mut self, id: AccountId, change: impl FnOnce(&mut AccountSettings)) {
        let page =
            self.accounts.entry(id.clone()).or_insert_with(|| Arc::new(AccountSettings::empty(id.clone())));
        change(Arc::make_mut(page));
        if page.is_gone() {
            self.accounts.remove(&id);
        }
    }
}
