//! Accounts, employees and phones.

use admin::kept::settings::{Account, Employee, Holder, KeepChoice, Phone};
use admin::kept::{AccountSettings, Recent};
use admin::{AccountWish, EmployeeWish, PhoneWish};
use calls::AccountId;
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::{Refusal, micros, read};

/// An account, as it is set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountInput {
    /// For people.
    #[serde(default)]
    #[schema(example = "Nordlys ApS")]
    pub name: String,
    /// How much of what happened is kept; absent: as much as the operator keeps.
    #[serde(default)]
    pub keep: Option<KeepWire>,
    /// Where it is told when one of its web services fails; absent: nowhere.
    #[serde(default)]
    pub alert: Option<AlertWire>,
    /// Read only; ignored.
    #[serde(default, rename = "account")]
    #[schema(ignore)]
    _account: Option<serde::de::IgnoredAny>,
    /// Read only; ignored.
    #[serde(default, rename = "version")]
    #[schema(ignore)]
    _version: Option<serde::de::IgnoredAny>,
    /// Read only; ignored.
    #[serde(default, rename = "recent")]
    #[schema(ignore)]
    _recent: Option<serde::de::IgnoredAny>,
}

/// How much of an account's calls, deliveries and attempts is kept, where it wants less than the operator keeps.
/// What runs or waits to be delivered is never forgotten.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeepWire {
    /// Calls that ended more than so many days ago are forgotten: 1 to 36500; `null`: by the operator's rule.
    #[serde(default)]
    #[schema(example = 30)]
    pub days: Option<u32>,
    /// The oldest calls are forgotten beyond so many megabytes (of a million bytes) of events and attempts: 1 to
    /// 1000000; `null`: by the operator's rule.
    #[serde(default)]
    pub megabytes: Option<u32>,
}

/// Where an account is told of its own web services: that one has failed for an hour, works again, is paused, is
/// resumed.
#[derive(Debug, Default, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlertWire {
    /// A web service of its own, which gets a JSON body by `POST`, signed with the account's secret.
    #[serde(default)]
    #[schema(example = "https://ops.example.com/alerts")]
    pub url: Option<String>,
    /// A mail address; mail goes where the operator has configured a server.
    #[serde(default)]
    #[schema(example = "drift@example.com")]
    pub mail: Option<String>,
    /// `da` (also if absent) or `en`.
    #[serde(default)]
    pub language: Option<String>,
}

/// An account, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccountView {
    /// Its id: the parameter `AccountId`.
    #[schema(example = "1")]
    pub account: String,
    /// For people; may be empty.
    pub name: String,
    /// How much of what happened is kept.
    pub keep: KeepWire,
    /// Where it is told when one of its web services fails.
    pub alert: AlertWire,
    /// Grows with every change; also the `ETag`.
    pub version: u64,
    /// What happened of late; only in the list of accounts.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub recent: Option<RecentView>,
}

/// What happened in an account of late.
#[derive(Debug, Serialize, ToSchema)]
pub struct RecentView {
    /// How many calls have ended that began today, by the account's time zone. A call is a phone's part in one; what a
    /// colleague answered is counted there.
    #[schema(example = 42)]
    pub calls_today: u64,
    /// When the newest call began, whether it has ended or not; `null`: none is kept.
    #[schema(example = "2026-11-29T08:14:03Z")]
    pub last_call_at: Option<String>,
}

/// An employee, as it is set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EmployeeInput {
    /// For people.
    #[serde(default)]
    #[schema(example = "Mette Holm")]
    pub name: String,
    /// Read only; ignored.
    #[serde(default, rename = "number")]
    #[schema(ignore)]
    _number: Option<serde::de::IgnoredAny>,
    /// Read only; ignored.
    #[serde(default, rename = "version")]
    #[schema(ignore)]
    _version: Option<serde::de::IgnoredAny>,
}

/// An employee, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct EmployeeView {
    /// The local number: the parameter `EmployeeLocalNumber`.
    #[schema(example = "101")]
    pub number: String,
    /// For people; may be empty.
    pub name: String,
    /// Grows with every change; also the `ETag`.
    pub version: u64,
}

/// A phone, as it is set.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PhoneInput {
    /// For people.
    #[serde(default)]
    pub name: String,
    /// The employee who has it, by local number; `null`: nobody; absent: the one with the same number.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, example = "101")]
    pub employee: Option<Option<String>>,
    /// Read only; ignored.
    #[serde(default, rename = "number")]
    #[schema(ignore)]
    _number: Option<serde::de::IgnoredAny>,
    /// Read only; ignored.
    #[serde(default, rename = "version")]
    #[schema(ignore)]
    _version: Option<serde::de::IgnoredAny>,
}

/// A phone, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct PhoneView {
    /// Its own local number: `Calledphone` and `PhoneLocalNumber`.
    #[schema(example = "101")]
    pub number: String,
    /// For people; may be empty.
    pub name: String,
    /// The employee who has it, by local number; `null`: nobody; absent: the one with the same number.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>)]
    pub employee: Option<Option<String>>,
    /// Grows with every change; also the `ETag`.
    pub version: u64,
}

/// Tells a `null` from an absent field.
fn present<'de, D: Deserializer<'de>>(reader: D) -> Result<Option<Option<String>>, D::Error> {
    Option::<String>::deserialize(reader).map(Some)
}

/// Reads an account, as a whole.
pub fn account_from_json(json: &[u8]) -> Result<AccountWish, Refusal> {
    let input: AccountInput = read(json)?;
    let keep = input.keep.unwrap_or_default();
    let alert = input.alert.unwrap_or_default();
    Ok(AccountWish {
        name: Some(input.name),
        keep_days: Some(keep.days),
        keep_megabytes: Some(keep.megabytes),
        alert_url: Some(alert.url.unwrap_or_default()),
        alert_mail: Some(alert.mail.unwrap_or_default()),
        alert_language: Some(alert.language.unwrap_or_default()),
    })
}

/// Shows an account.
pub fn account_to_json(id: &AccountId, account: &Account, version: u64) -> AccountView {
    let KeepChoice { days, megabytes } = account.keep;
    AccountView {
        account: id.as_str().to_owned(),
        name: account.name.clone(),
        keep: KeepWire { days, megabytes },
        alert: AlertWire {
            url: account.alert.url.clone(),
            mail: account.alert.mail.clone(),
            language: Some(account.alert.language.clone()).filter(|language| !language.is_empty()),
        },
        version,
        recent: None,
    }
}

/// Shows an account as the list has it.
pub fn account_listed_to_json(found: &AccountSettings, recent: Recent) -> AccountView {
    let recent = RecentView {
        calls_today: recent.calls,
        last_call_at: recent.newest_begun_at.map(|at| micros(at.as_micros())),
    };
    AccountView { recent: Some(recent), ..account_to_json(&found.id, &found.account, found.version) }
}

/// Reads an employee, as a whole.
pub fn employee_from_json(json: &[u8]) -> Result<EmployeeWish, Refusal> {
    let input: EmployeeInput = read(json)?;
    Ok(EmployeeWish { name: Some(input.name) })
}

/// Shows an employee.
pub fn employee_to_json(number: &str, employee: &Employee, version: u64) -> EmployeeView {
    EmployeeView { number: number.to_owned(), name: employee.name.clone(), version }
}

/// Reads a phone, as a whole.
pub fn phone_from_json(json: &[u8]) -> Result<PhoneWish, Refusal> {
    let input: PhoneInput = read(json)?;
    let holder = match input.employee {
        None => Holder::SameNumber,
        Some(None) => Holder::Nobody,
        Some(Some(number)) => Holder::Employee(number),
    };
    Ok(PhoneWish { name: Some(input.name), holder: Some(holder) })
}

/// Shows a phone.
pub fn phone_to_json(number: &str, phone: &Phone, version: u64) -> PhoneView {
    let employee = match &phone.holder {
        Holder::SameNumber => None,
        Holder::Nobody => Some(None),
        Holder::Employee(number) => Some(Some(number.clone())),
    };
    PhoneView { number: number.to_owned(), name: phone.name.clone(), employee, version }
}
