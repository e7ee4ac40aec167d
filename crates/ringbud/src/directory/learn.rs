//! Writes down what rules name and the store does not know: accounts, employees and phones.

use std::sync::Arc;
use std::time::Duration;

use calls::AccountId;
use journal::settings::{Account, Employee, Holder, Phone, Setting, SettingKey};
use journal::{JournalError, SettingsCache};
use tokio::sync::mpsc;

/// So many newcomers wait to be written; one more is told again when its phone is next seen.
const MAX_WAITING: usize = 4_096;
/// How long to wait before trying again what the store could not take.
const RETRY: Duration = Duration::from_secs(1);

/// A phone that was seen for the first time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Newcomer {
    /// The account.
    pub account: AccountId,
    /// The local number of the phone.
    pub number: Arc<str>,
    /// The local number of the employee who has it until someone assigns it.
    pub employee: Arc<str>,
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

/// Writes newcomers into the settings until nobody tells any more.
pub async fn write_down(newcomers: &mut mpsc::Receiver<Newcomer>, cache: Arc<SettingsCache>) {
    while let Some(newcomer) = newcomers.recv().await {
        while let Err(error) = introduce(&cache, &newcomer).await {
            if matches!(error, JournalError::Closed) {
                return;
            }
            tracing::warn!(account = %newcomer.account, phone = %newcomer.number, %error, "a new phone is not written down yet");
            tokio::time::sleep(RETRY).await;
            if newcomers.is_closed() {
                return;
            }
        }
    }
}

/// Account and employee before the phone: who finds the phone finds the others.
async fn introduce(cache: &SettingsCache, newcomer: &Newcomer) -> Result<(), JournalError> {
    let Newcomer { account, number, employee } = newcomer;
    if cache.account(account).is_some_and(|known| known.phones.get(&**number).is_some()) {
        return Ok(());
    }
    let holder = if employee == number { Holder::SameNumber } else { Holder::Employee(employee.to_string()) };
    let (number, employee) = (number.to_string(), employee.to_string());
    let parts = [
        (SettingKey::Account(account.clone()), Setting::Account(Account::named(""))),
        (
            SettingKey::Employee(account.clone(), employee),
            Setting::Employee(Employee { name: String::new() }),
        ),
        (SettingKey::Phone(account.clone(), number), Setting::Phone(Phone { holder, name: String::new() })),
    ];
    for (key, value) in parts {
        match cache.put(key, Some(value), Some(0)).await {
            Ok(_) | Err(JournalError::Conflict { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    tracing::info!(%account, phone = %newcomer.number, "a phone was seen for the first time");
    Ok(())
}
