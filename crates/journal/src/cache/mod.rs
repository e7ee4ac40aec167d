//! The view of all settings in RAM that every room shares. Reads never wait for the disk; writes go through
//! to the journal first. What another process changed is seen at the next [`SettingsCache::refresh`].

mod account;
mod pages;
mod replaced;
mod sorted;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard};

use calls::AccountId;
use tokio::sync::{Mutex, watch};

pub use account::AccountSettings;
use pages::Pages;
pub use sorted::Sorted;

use crate::settings::{Integration, IntegrationId, Secret, Setting, SettingKey, Token, User};
use crate::{AuditEntry, Journal, JournalError, Put};

/// All settings, in RAM.
pub struct SettingsCache {
    journal: Arc<dyn Journal>,
    pages: RwLock<Pages>,
    /// One writer or refresher at a time; holds the revision the pages show.
    turn: Mutex<u64>,
    revision: watch::Sender<u64>,
}

impl SettingsCache {
    /// Reads all settings.
    ///
    /// # Errors
    /// What the journal says.
    pub async fn load(journal: Arc<dyn Journal>) -> Result<Self, JournalError> {
        let cache =
            Self { journal, pages: RwLock::default(), turn: Mutex::new(0), revision: watch::Sender::new(0) };
        cache.refresh().await?;
        Ok(cache)
    }

    /// Takes in what was changed by others; costs one small question when nothing was. Says whether
    /// anything was.
    ///
    /// # Errors
    /// What the journal says; the view is as it was.
    pub async fn refresh(&self) -> Result<bool, JournalError> {
        let mut turn = self.turn.lock().await;
        self.catch_up(&mut turn).await
    }

    async fn catch_up(&self, seen: &mut u64) -> Result<bool, JournalError> {
        if self.journal.settings_revision().await? <= *seen {
            return Ok(false);
        }
        let changes = self.journal.settings_since(*seen).await?;
        let Some(newest) = changes.last().map(|change| change.version) else { return Ok(false) };
        self.pages.write().unwrap_or_else(PoisonError::into_inner).turn(changes);
        *seen = newest;
        self.revision.send_replace(newest);
        Ok(true)
    }

    /// Writes or removes a setting, as [`put`](crate::Settings::put), and shows it.
    ///
    /// # Errors
    /// What the journal says. If only looking afterwards failed, the change is kept and shown later.
    pub async fn put(
        &self,
        key: SettingKey,
        value: Option<Setting>,
        expected: Option<u64>,
    ) -> Result<u64, JournalError> {
        let versions = self.put_all(vec![Put { key, value, expected }], Vec::new()).await?;
        Ok(versions.first().copied().unwrap_or(0))
    }

    /// Writes or removes settings and notes it in the audit log, as [`put_all`](crate::Settings::put_all), and shows them.
    ///
    /// # Errors
    /// As [`SettingsCache::put`].
    pub async fn put_all(&self, puts: Vec<Put>, noted: Vec<AuditEntry>) -> Result<Vec<u64>, JournalError> {
        let mut turn = self.turn.lock().await;
        self.write(&mut turn, puts, noted).await
    }

    async fn write(
        &self,
        turn: &mut u64,
        puts: Vec<Put>,
        noted: Vec<AuditEntry>,
    ) -> Result<Vec<u64>, JournalError> {
        let versions = self.journal.put_all(puts, noted).await?;
        if let Err(error) = self.catch_up(turn).await {
            tracing::warn!(%error, "a changed setting is kept, but not shown until the next refresh");
        }
        Ok(versions)
    }

    /// Writes the integration of an account, which gets its number with its first. `expected` as in
    /// [`put`](crate::Settings::put).
    ///
    /// # Errors
    /// What the journal says.
    pub async fn put_integration(
        &self,
        account: &AccountId,
        integration: Integration,
        expected: Option<u64>,
    ) -> Result<(IntegrationId, u64), JournalError> {
        self.put_integration_noted(account, integration, expected, Vec::new()).await
    }

    /// As [`SettingsCache::put_integration`], and notes it in the audit log.
    ///
    /// # Errors
    /// What the journal says.
    pub async fn put_integration_noted(
        &self,
        account: &AccountId,
        integration: Integration,
        expected: Option<u64>,
        noted: Vec<AuditEntry>,
    ) -> Result<(IntegrationId, u64), JournalError> {
        let mut turn = self.turn.lock().await;
        self.catch_up(&mut turn).await?;
        let present = self.account_parts(account).and_then(|parts| parts.integration().map(|(id, ..)| id));
        let id = match (present, expected) {
            (Some(id), _) => id,
            (None, None | Some(0)) => self.journal.allocate_integration().await?,
            (None, Some(expected)) => return Err(JournalError::Conflict { expected, found: 0 }),
        };
        let key = SettingKey::Integration(account.clone(), id);
        let value = Some(Setting::Integration(Box::new(integration)));
        let versions = self.write(&mut turn, vec![Put { key, value, expected }], noted).await?;
        Ok((id, versions.first().copied().unwrap_or(0)))
    }

    /// Removes an account and everything that is set of it; what was kept of its calls stays. Says whether
    /// it was there.
    ///
    /// # Errors
    /// What the journal says; then nothing of it is gone.
    pub async fn remove_account(&self, id: &AccountId) -> Result<bool, JournalError> {
        self.remove_account_noted(id, Vec::new()).await
    }

    /// As [`SettingsCache::remove_account`], and notes it in the audit log.
    ///
    /// # Errors
    /// As [`SettingsCache::remove_account`].
    pub async fn remove_account_noted(
        &self,
        id: &AccountId,
        noted: Vec<AuditEntry>,
    ) -> Result<bool, JournalError> {
        let mut turn = self.turn.lock().await;
        self.catch_up(&mut turn).await?;
        let Some(parts) = self.account_parts(id) else { return Ok(false) };
        let employees = parts.employees.keys().map(|number| SettingKey::Employee(id.clone(), number.clone()));
        let phones = parts.phones.keys().map(|number| SettingKey::Phone(id.clone(), number.clone()));
        let integrations = parts.integrations.keys().map(|of| SettingKey::Integration(id.clone(), *of));
        let account = std::iter::once(SettingKey::Account(id.clone()));
        let keys = integrations.chain(phones).chain(employees).chain(account);
        let puts = keys.map(|key| Put { key, value: None, expected: None }).collect();
        self.write(&mut turn, puts, noted).await?;
        Ok(true)
    }

    /// An account, if there is one of this id.
    pub fn account(&self, id: &AccountId) -> Option<Arc<AccountSettings>> {
        self.account_parts(id).filter(|account| account.version > 0)
    }

    fn account_parts(&self, id: &AccountId) -> Option<Arc<AccountSettings>> {
        self.read().accounts.get(id).cloned()
    }

    /// Up to `limit` accounts by id, from the one after `after` on.
    pub fn accounts(&self, after: Option<&AccountId>, limit: usize) -> Vec<Arc<AccountSettings>> {
        self.read().accounts_after(after).take(limit).cloned().collect()
    }

    /// How many accounts there are.
    pub fn account_count(&self) -> usize {
        self.read().accounts_after(None).count()
    }

    /// The account an integration belongs to, and the integration.
    pub fn integration(&self, id: IntegrationId) -> Option<(Arc<AccountSettings>, Arc<Integration>)> {
        let pages = self.read();
        let account = pages.accounts.get(pages.owners.get(&id)?)?;
        let (integration, _) = account.integrations.get(&id)?;
        Some((account.clone(), integration.clone()))
    }

    /// The API tokens by name, with their versions.
    pub fn tokens(&self) -> BTreeMap<String, (Token, u64)> {
        self.read().tokens.clone()
    }

    /// The token with this hash, with its name.
    pub fn token_by_hash(&self, sha256: &[u8; 32]) -> Option<(String, Token)> {
        let pages = self.read();
        let name = pages.hashes.get(sha256)?;
        let (token, _) = pages.tokens.get(name)?;
        Some((name.clone(), token.clone()))
    }

    /// The people who may log in by name, with their versions.
    pub fn users(&self) -> BTreeMap<String, (User, u64)> {
        self.read().users.clone()
    }

    /// A person who may log in.
    pub fn user(&self, name: &str) -> Option<(User, u64)> {
        self.read().users.get(name).cloned()
    }

    /// A setting of the machine itself.
    pub fn system(&self, name: &str) -> Option<(Secret, u64)> {
        self.read().system.get(name).cloned()
    }

    /// What was set at a revision, with its version: what is set now, if it is as old, else what was replaced since, as
    /// far as it is remembered. Tokens and what the machine keeps for itself are not.
    pub fn at(&self, key: &SettingKey, revision: u64) -> Option<(Setting, u64)> {
        let pages = self.read();
        pages
            .value(key)
            .filter(|(_, version)| *version <= revision)
            .or_else(|| pages.replaced.at(key, revision))
    }

    /// Follows the revision: it changes after every change the view has taken in.
    pub fn watch(&self) -> watch::Receiver<u64> {
        self.revision.subscribe()
    }

    /// The journal behind it.
    pub fn journal(&self) -> &Arc<dyn Journal> {
        &self.journal
    }

    fn read(&self) -> RwLockReadGuard<'_, Pages> {
        self.pages.read().unwrap_or_else(PoisonError::into_inner)
    }
}
