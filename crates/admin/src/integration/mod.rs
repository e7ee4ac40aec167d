//! The employee integration of an account: what it is to be, what of it can be, and how its secrets are kept over
//! a change.

mod check;
mod url;

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use calls::EventKind;
use delivery::guard::Guard;
use journal::settings::{
    BodyFormat, Extras, Integration, Method, ParameterNames, RetryChoice, Secret, SettingKey, SigningSecret,
    TimeFormat,
};
use journal::{AccountSettings, JournalError, Put, WallTime};

use crate::admin::{Admin, Written};
use crate::noted::Noted;
use crate::{Actor, Code, Expect, Refusal, clock};
pub use url::webhook_url;

/// How long the old signing secret is used beside a new one, where nothing else was asked for.
const SECRET_OVERLAP_SECS: u32 = 24 * 3600;
/// What a reader sees of a header's value; sent back it means: as it was.
pub const HIDDEN: &str = "(hidden)";
const ZONE: &str = "Europe/Copenhagen";
const FEATURE_CODES: &str = r"^\*";

/// What becomes of something secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Keeping<T> {
    /// It stays as it was.
    #[default]
    Stays,
    /// It is removed.
    Goes,
    /// This takes its place.
    Becomes(T),
}

/// Credentials as they are wanted; a password or token that is `None` stays as it was.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct CredentialsWish {
    /// `basic` or `bearer`; told by the others if absent.
    pub kind: Option<String>,
    /// For `basic`.
    pub username: Option<String>,
    /// For `basic`.
    pub password: Option<String>,
    /// For `bearer`.
    pub token: Option<String>,
}

/// The integration as it is wanted, as a whole: what is `None` has its default; secrets stay.
#[derive(Clone, Default)]
pub struct IntegrationWish {
    /// The method.
    pub method: Option<Method>,
    /// Called when a phone rings; blank: off.
    pub incoming_url: Option<String>,
    /// Called when an employee answers.
    pub answered_url: Option<String>,
    /// Called when an employee places a call.
    pub outgoing_url: Option<String>,
    /// Called when a call ended.
    pub ended_url: Option<String>,
    /// How a `POST` body is written.
    pub body_format: Option<BodyFormat>,
    /// What the parameters are called.
    pub parameter_names: Option<ParameterNames>,
    /// How moments are written.
    pub time_format: Option<TimeFormat>,
    /// IANA time zone.
    pub time_zone: Option<String>,
    /// Which dialled numbers are feature codes.
    pub feature_codes: Option<String>,
    /// The country of numbers without a country's code, where all are sent in E.164; blank: as the PBX says them.
    pub e164_country: Option<String>,
    /// The extras.
    pub extras: Option<Extras>,
    /// Fixed headers.
    pub headers: BTreeMap<String, String>,
    /// Credentials.
    pub credentials: Keeping<CredentialsWish>,
    /// The signing secret.
    pub secret: Keeping<String>,
    /// How long the secret before is used beside a new one.
    pub secret_overlap_secs: Option<u32>,
    /// PEM of a private CA.
    pub ca_pem: Option<String>,
    /// How long events are worth retrying.
    pub retry: RetryChoice,
    /// How many requests a second.
    pub rate: Option<u32>,
}

impl IntegrationWish {
    /// What it would be in the place of `before`, if it can be.
    fn over(self, before: &Integration, now: WallTime, guard: &Guard) -> Result<Integration, Refusal> {
        let url = |field: &str, text: &Option<String>| check::url(field, text.as_deref(), guard);
        let mut integration = Integration {
            method: self.method.unwrap_or(Method::Post),
            incoming_url: url("incoming_url", &self.incoming_url)?,
            answered_url: url("answered_url", &self.answered_url)?,
            outgoing_url: url("outgoing_url", &self.outgoing_url)?,
            ended_url: url("ended_url", &self.ended_url)?,
            body_format: self.body_format.unwrap_or(BodyFormat::Form),
            parameter_names: check::parameter_names(self.parameter_names)?,
            time_format: self.time_format.unwrap_or(TimeFormat::Iso),
            time_zone: check::time_zone(self.time_zone)?,
            feature_codes: check::feature_codes(self.feature_codes)?,
            e164_country: check::e164_country(self.e164_country)?,
            extras: check::extras(self.extras)?,
            headers: check::headers(self.headers, &before.headers)?,
            credentials: check::credentials(self.credentials, before.credentials.as_ref())?,
            secrets: before.secrets.clone(),
            ca_pem: check::ca_pem(self.ca_pem)?,
            retry: check::retry(self.retry)?,
            rate: check::rate(self.rate)?,
            paused: before.paused.clone(),
        };
        match self.secret {
            Keeping::Stays => {}
            Keeping::Goes => integration.secrets.clear(),
            Keeping::Becomes(text) => {
                let overlap = self.secret_overlap_secs.unwrap_or(SECRET_OVERLAP_SECS);
                rotate(&mut integration, check::signing_secret(&text)?, overlap, now);
            }
        }
        // A pause belongs to the address that caused it.
        for kind in EventKind::ALL {
            if integration.url(kind) != before.url(kind) {
                integration.paused.remove(&kind);
            }
        }
        Ok(integration)
    }
}

/// Puts a new signing secret in front; the one before it stays good for the overlap.
fn rotate(integration: &mut Integration, secret: Secret, overlap_secs: u32, now: WallTime) {
    if integration.secrets.first().is_some_and(|current| current.secret == secret) {
        return;
    }
    let until = WallTime(now.0.saturating_add(i64::from(overlap_secs) * 1_000_000));
    integration.secrets.truncate(1);
    for old in &mut integration.secrets {
        old.until = Some(until);
    }
    integration.secrets.insert(0, SigningSecret { secret, until: None });
}

/// The integration as it is, with its version; everything off and 0 where none was set.
fn present(account: &AccountSettings) -> (Integration, u64) {
    account
        .integration()
        .map_or_else(Default::default, |(_, one, version)| (Integration::clone(one), version))
}

impl Admin {
    /// What an integration would be if it were saved; nothing is.
    pub fn draft_integration(
        &self,
        actor: &Actor,
        account: &str,
        wish: IntegrationWish,
    ) -> Result<Integration, Refusal> {
        let account = self.reads(actor, account)?;
        wish.over(&present(&account).0, clock::now(), &self.guard)
    }

    /// Sets the integration as a whole. `detail` is what the audit log has of it.
    pub async fn set_integration(
        &self,
        actor: &Actor,
        account: &str,
        wish: IntegrationWish,
        expect: Expect,
        detail: &str,
    ) -> Result<Written<Integration>, Refusal> {
        let account = self.changes(actor, account)?;
        let noted = Noted { what: "audit.integration", account: account.id.as_str(), subject: "", detail };
        let make = |before: &Integration| wish.clone().over(before, clock::now(), &self.guard);
        self.put_integration(actor, noted, &account, expect, make).await
    }

    /// Makes a new signing secret and tells it, this once.
    pub async fn new_signing_secret(&self, actor: &Actor, account: &str) -> Result<String, Refusal> {
        let account = self.changes(actor, account)?;
        let mut bytes = [0_u8; 32];
        getrandom::fill(&mut bytes).map_err(|_| Refusal::new(Code::NoRandom))?;
        let text = format!("whsec_{}", STANDARD.encode(bytes));
        let noted = Noted { what: "audit.secret", account: account.id.as_str(), subject: "", detail: "" };
        self.put_integration(actor, noted, &account, Expect::Any, |before| {
            let mut integration = before.clone();
            rotate(&mut integration, Secret::new(text.clone()), SECRET_OVERLAP_SECS, clock::now());
            Ok(integration)
        })
        .await?;
        Ok(text)
    }

    /// Switches all web services of an account off, and forgets how they were called.
    pub async fn remove_integration(&self, actor: &Actor, account: &str) -> Result<(), Refusal> {
        let account = self.changes(actor, account)?;
        if account.integrations.is_empty() {
            return Err(Refusal::new(Code::NoIntegration));
        }
        let keys = account.integrations.keys().map(|id| SettingKey::Integration(account.id.clone(), *id));
        let puts = keys.map(|key| Put { key, value: None, expected: None }).collect();
        let what = "audit.integration_removed";
        let noted = Noted { what, account: account.id.as_str(), subject: "", detail: "" };
        self.cache.put_all(puts, vec![noted.by(actor)]).await?;
        Ok(())
    }

    /// Secrets and pauses are taken over from what is there: should that change meanwhile, it is made anew.
    async fn put_integration(
        &self,
        actor: &Actor,
        noted: Noted<'_>,
        account: &AccountSettings,
        expect: Expect,
        make: impl Fn(&Integration) -> Result<Integration, Refusal>,
    ) -> Result<Written<Integration>, Refusal> {
        let mut left = crate::admin::TRIES;
        loop {
            let (before, found) =
                self.cache.account(&account.id).map_or_else(Default::default, |now| present(&now));
            let value = make(&before)?;
            let there = (found > 0).then_some((&before, found));
            let at = |version| {
                let (id, ..) = account.integration()?;
                self.at(&SettingKey::Integration(account.id.clone(), id))(version)
            };
            let against = expect.against(there, Some(&value), at)?;
            match self
                .cache
                .put_integration_noted(&account.id, value.clone(), Some(against), vec![noted.by(actor)])
                .await
            {
                Ok((_, version)) => {
                    let key = account.id.as_str().to_owned();
                    return Ok(Written { key, value, version, new: found == 0 });
                }
                Err(JournalError::Conflict { .. }) if left > 0 => {
                    left -= 1;
                    self.cache.refresh().await?;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }
}
