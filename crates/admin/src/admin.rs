//! The room's state, and what every command and query begins and ends with: who may, what was expected, what is
//! noted.

use std::sync::Arc;

use calls::AccountId;
use delivery::guard::Guard;
use journal::settings::SettingKey;
use journal::{AccountSettings, AuditEntry, Journal, JournalError, Put, SettingsCache};

use crate::actor::Actor;
use crate::change::{Expect, Fields};
use crate::day::Remembered;
use crate::gateway::{Gateway, NoGateway};
use crate::noted::Noted;
use crate::stream::Streams;
use crate::test_calls::Tests;
use crate::{Code, Refusal};

/// A change that meets others so often is refused.
pub(crate) const TRIES: usize = 5;

/// The way to what is kept and set, for people and programs.
pub struct Admin {
    pub(crate) journal: Arc<dyn Journal>,
    pub(crate) cache: Arc<SettingsCache>,
    pub(crate) gateway: Arc<dyn Gateway>,
    pub(crate) guard: Guard,
    pub(crate) tests: Tests,
    pub(crate) streams: Streams,
    pub(crate) days: Remembered,
}

/// What was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written<T> {
    /// What it is called.
    pub key: String,
    /// As it is now.
    pub value: T,
    /// Its version now.
    pub version: u64,
    /// Whether it was not there before.
    pub new: bool,
}

impl Admin {
    /// Beside the gateway that runs.
    pub fn new(
        journal: Arc<dyn Journal>,
        cache: Arc<SettingsCache>,
        gateway: Arc<dyn Gateway>,
        guard: Guard,
    ) -> Self {
        let (tests, streams, days) = (Tests::default(), Streams::default(), Remembered::default());
        Self { journal, cache, gateway, guard, tests, streams, days }
    }

    /// On the store alone, where no gateway runs or another process has it.
    pub fn aside(journal: Arc<dyn Journal>, cache: Arc<SettingsCache>, guard: Guard) -> Self {
        Self::new(journal, cache, Arc::new(NoGateway::default()), guard)
    }

    /// The newest of all settings: what a page was made with, for [`Expect::Seen`].
    pub fn revision(&self) -> u64 {
        *self.cache.watch().borrow()
    }

    /// The account, if it is there and the actor's: another's is as if it were not there.
    pub(crate) fn reads(&self, actor: &Actor, account: &str) -> Result<Arc<AccountSettings>, Refusal> {
        let id = AccountId::new(account);
        let found = if actor.sees(&id) { self.cache.account(&id) } else { None };
        found.ok_or_else(|| Refusal::new(Code::NoAccount))
    }

    /// The account, if the actor may change it.
    pub(crate) fn changes(&self, actor: &Actor, account: &str) -> Result<Arc<AccountSettings>, Refusal> {
        let found = self.reads(actor, account)?;
        if actor.may_change(&found.id) { Ok(found) } else { Err(Refusal::new(Code::ReadOnly)) }
    }

    /// Only operators go on.
    pub(crate) fn operates(actor: &Actor) -> Result<(), Refusal> {
        if actor.operates() { Ok(()) } else { Err(Refusal::new(Code::OperatorsOnly)) }
    }

    /// Writes a setting against the version that was expected. `make` says what is wanted, of what is there; it is
    /// asked anew where somebody was faster and the actor expected nothing in particular. `with` says what else is
    /// written with it, in the same transaction, and what of it all stands in the audit log.
    pub(crate) async fn change<T, F>(
        &self,
        key: &SettingKey,
        expect: Expect,
        there: impl Fn(&SettingsCache) -> Option<(T, u64)>,
        mut make: F,
        with: impl Fn(&T, bool) -> (Vec<Put>, Vec<AuditEntry>),
    ) -> Result<Written<T>, Refusal>
    where
        T: Fields + Clone,
        F: FnMut(Option<&T>) -> Result<T, Refusal>,
    {
        let mut left = TRIES;
        loop {
            let before = there(&self.cache);
            let value = make(before.as_ref().map(|(value, _)| value))?;
            let against = expect.against(
                before.as_ref().map(|(value, version)| (value, *version)),
                Some(&value),
                self.at(key),
            )?;
            let (mut puts, noted) = with(&value, before.is_none());
            puts.push(Put {
                key: key.clone(),
                value: Some(value.clone().setting()),
                expected: Some(against),
            });
            match self.cache.put_all(puts, noted).await {
                Ok(versions) => {
                    let version = versions.last().copied().unwrap_or(0);
                    return Ok(Written { key: String::new(), value, version, new: before.is_none() });
                }
                // Another process wrote it: what it wrote is taken in, and judged as if it had been there.
                Err(JournalError::Conflict { .. }) if left > 0 => {
                    left -= 1;
                    self.cache.refresh().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// What was set at a version, with the version, as far as it is remembered.
    pub(crate) fn at<T: Fields>(&self, key: &SettingKey) -> impl FnOnce(u64) -> Option<(T, u64)> {
        let key = key.clone();
        move |version| {
            let (setting, version) = self.cache.at(&key, version)?;
            Some((T::of(setting)?, version))
        }
    }

    /// Removes a setting that is there.
    pub(crate) async fn take<T>(
        &self,
        actor: &Actor,
        noted: Noted<'_>,
        key: &SettingKey,
        expect: Expect,
        there: impl Fn(&SettingsCache) -> Option<(T, u64)>,
        missing: Code,
    ) -> Result<(), Refusal>
    where
        T: Fields,
    {
        let mut left = TRIES;
        loop {
            let (value, version) = there(&self.cache).ok_or_else(|| Refusal::new(missing))?;
            let against = match expect {
                // Nobody removes what is not there yet: a form that knows no version removes what is there.
                Expect::Any | Expect::New => version,
                Expect::Version(_) | Expect::Seen(_) => {
                    expect.against(Some((&value, version)), None, self.at(key))?
                }
            };
            let put = Put { key: key.clone(), value: None, expected: Some(against) };
            match self.cache.put_all(vec![put], vec![noted.by(actor)]).await {
                Ok(_) => return Ok(()),
                Err(JournalError::Conflict { .. }) if left > 0 => {
                    left -= 1;
                    self.cache.refresh().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
