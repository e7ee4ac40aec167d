//! Stores made before the program starts: accounts with their web services, and deliveries that wait.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use calls::{AccountId, CallId, Direction, EndReason, Ended, Event, LegId, PbxName, PbxTime, Phone, What};
use journal::seal::Sealer;
use journal::settings::{Account, Integration, IntegrationId, Secret, Setting, SettingKey, SigningSecret};
use journal::{Access, Append, Failing, Grant, Journal, JournalError, Put, Sqlite, WallTime};

use crate::clock;

/// Events of one commit.
const BATCH: usize = 1_000;
/// So many are left while no more come: some gather, and legs with something that waits are left alone for a while.
const LEFT_TO_ROLL_UP: u64 = 5_000;
/// Accounts made at a time.
const AT_ONCE: usize = 512;

/// A store that is being filled.
pub(crate) struct Store {
    journal: Arc<dyn Journal>,
}

/// The web services of an account.
#[derive(Clone, Default)]
pub(crate) struct Hooks {
    pub(crate) incoming: Option<String>,
    pub(crate) others: Option<String>,
    pub(crate) signed: bool,
}

impl Hooks {
    /// One address for everything.
    pub(crate) fn all(url: String, signed: bool) -> Self {
        Self { incoming: Some(url.clone()), others: Some(url), signed }
    }
}

impl Store {
    /// Makes the store that the program will find in this folder.
    pub(crate) async fn make(folder: &Path) -> anyhow::Result<Self> {
        let data = folder.join("data");
        std::fs::create_dir_all(&data)?;
        let sealer = Sealer::from_key_file(&data.join("secret.key"))?;
        let journal: Arc<dyn Journal> = Arc::new(Sqlite::open(&data, Access::Gateway, sealer)?);
        Ok(Self { journal })
    }

    /// Accounts from `first` on, each with its web services: many in one commit, for one by one a hundred thousand of
    /// them are three hundred thousand.
    pub(crate) async fn accounts(
        &self,
        first: usize,
        many: usize,
        hooks: impl Fn(usize) -> Hooks,
    ) -> anyhow::Result<Vec<(AccountId, IntegrationId)>> {
        let mut all = Vec::with_capacity(many);
        for group in (0..many).collect::<Vec<_>>().chunks(AT_ONCE) {
            let numbers: Vec<_> =
                group.iter().map(|_| tokio::spawn(allocate(self.journal.clone()))).collect();
            let mut puts = Vec::with_capacity(group.len() * 2);
            for (nth, number) in group.iter().zip(numbers) {
                let (account, id) = (AccountId::new((first + nth).to_string()), number.await??);
                let named = Setting::Account(Account::named(""));
                puts.push(new(SettingKey::Account(account.clone()), named));
                let integration = Setting::Integration(Box::new(integration(hooks(*nth))));
                puts.push(new(SettingKey::Integration(account.clone(), id), integration));
                all.push((account, id));
            }
            self.journal.put_all(puts, Vec::new()).await?;
        }
        Ok(all)
    }

    /// What a gateway has noted that has tried these for an hour.
    pub(crate) async fn failing(
        &self,
        webhooks: impl Iterator<Item = (IntegrationId, String)>,
    ) -> anyhow::Result<()> {
        let lasted = Duration::from_secs(3_600);
        let notes =
            webhooks.map(|(integration, url)| Failing { integration, url, lasted, streak: 0 }).collect();
        Ok(self.journal.note_failing(notes).await?)
    }

    /// Waits until what lists and reports are found by is made, as it is of a store that was not just filled.
    pub(crate) async fn rolled_up(&self) -> anyhow::Result<()> {
        while self.journal.size().await?.not_rolled_up > LEFT_TO_ROLL_UP {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        Ok(())
    }

    /// Bytes that are in use.
    pub(crate) async fn used_bytes(&self) -> anyhow::Result<f64> {
        Ok(self.journal.size().await?.used as f64)
    }

    /// Calls that have ended, whose ends were kept and not told, going round the accounts.
    pub(crate) async fn pending(
        &self,
        accounts: &[(AccountId, IntegrationId)],
        many: usize,
    ) -> anyhow::Result<()> {
        let now_us = i64::try_from(clock::now_us())?;
        for from in (0..many).step_by(BATCH) {
            let events = (from..many.min(from + BATCH)).flat_map(|nth| {
                let (account, integration) = &accounts[nth % accounts.len()];
                let begun = (outgoing(account, nth, now_us), Vec::new());
                [begun, (ended(account, nth, now_us), vec![*integration])]
            });
            let append = Append {
                grant: Grant::ALONE,
                pbx: PbxName::new("pbx1"),
                events: events.collect(),
                notes: Vec::new(),
                heard_at: PbxTime::from_micros(now_us),
                received_at: WallTime(now_us),
                age: Duration::ZERO,
            };
            self.journal.append(&[append]).await.context("the store is being filled")?;
        }
        Ok(())
    }
}

async fn allocate(journal: Arc<dyn Journal>) -> Result<IntegrationId, JournalError> {
    journal.allocate_integration().await
}

fn new(key: SettingKey, value: Setting) -> Put {
    Put { key, value: Some(value), expected: None }
}

fn integration(hooks: Hooks) -> Integration {
    let Hooks { incoming, others, signed } = hooks;
    let secret = SigningSecret { secret: Secret::new(delivery::signing::secret_of(&[7; 32])), until: None };
    Integration {
        incoming_url: incoming,
        answered_url: others.clone(),
        outgoing_url: others.clone(),
        ended_url: others,
        secrets: if signed { vec![secret] } else { Vec::new() },
        ..Integration::default()
    }
}

fn outgoing(account: &AccountId, nth: usize, now_us: i64) -> Event {
    let id = format!("pbx1-{}.{nth}", now_us / 1_000_000);
    Event {
        leg: LegId::new(id.as_str()),
        call: CallId::new(id.as_str()),
        sequence: 1,
        phone: Arc::new(Phone { account: account.clone(), number: "101".into(), employee: None }),
        direction: Direction::Outgoing,
        at: PbxTime::from_micros(now_us),
        begun_at: PbxTime::from_micros(now_us),
        waiting_since: None,
        counterpart: None,
        a_number: "101".into(),
        b_number: "+4512345678".into(),
        dialed_number: "".into(),
        queue: "".into(),
        assumed: false,
        what: What::Outgoing,
    }
}

fn ended(account: &AccountId, nth: usize, now_us: i64) -> Event {
    let what = What::Ended(Ended { answered_at: None, reason: EndReason::NoAnswer, transfer: None });
    Event { sequence: 2, what, ..outgoing(account, nth, now_us) }
}
