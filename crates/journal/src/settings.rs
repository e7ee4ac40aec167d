//! What belongs to customers: accounts, employees, phones, integrations, tokens, users.

use std::collections::BTreeMap;
use std::fmt;
use std::num::NonZeroU32;

use calls::{AccountId, EventKind};

use crate::{Reason, WallTime};

/// An integration of an account; today each account has one, number 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IntegrationId {
    /// A small number, unique in the whole store.
    pub number: u32,
}

/// Text that is never printed and only kept encrypted.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes the text.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    /// The text, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// The name of a setting.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum SettingKey {
    /// An account.
    Account(AccountId),
    /// An employee of an account, by local number.
    Employee(AccountId, String),
    /// A phone of an account, by local number.
    Phone(AccountId, String),
    /// An integration.
    Integration(AccountId, IntegrationId),
    /// An API token, by name.
    Token(String),
    /// A person who may log in, by name.
    User(String),
    /// Anything of the machine itself, by name (first-run link, keys).
    System(String),
}

/// A setting.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Setting {
    /// An account.
    Account(Account),
    /// An employee.
    Employee(Employee),
    /// A phone.
    Phone(Phone),
    /// An integration.
    Integration(Box<Integration>),
    /// An API token.
    Token(Token),
    /// A person who may log in.
    User(User),
    /// Anything of the machine itself.
    System(Secret),
}

/// A setting with its version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Versioned {
    /// Its name.
    pub key: SettingKey,
    /// Its value.
    pub value: Setting,
    /// Grows with every change.
    pub version: u64,
    /// When it was changed last.
    pub changed_at: WallTime,
}

/// An account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// For people; may be empty.
    pub name: String,
    /// What is kept of what happened.
    pub keep: KeepChoice,
    /// Whom to tell when its web services fail.
    pub alert: AlertChoice,
}

/// Where an account is told of its web services; nothing: nowhere.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct AlertChoice {
    /// The address of a web service of its own.
    pub url: Option<String>,
    /// A mail address.
    pub mail: Option<String>,
    /// The language's code; empty: Danish.
    pub language: String,
}

impl Account {
    /// One that has no wishes of its own.
    pub fn named(name: impl Into<String>) -> Self {
        Self { name: name.into(), ..Self::default() }
    }
}

/// How much of an account's calls, deliveries and attempts is kept, where it wants less than the operator keeps.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepChoice {
    /// What is older than so many days is forgotten.
    pub days: Option<u32>,
    /// The oldest is forgotten beyond so many megabytes (of a million bytes).
    pub megabytes: Option<u32>,
}

/// An employee.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Employee {
    /// For people; may be empty.
    pub name: String,
}

/// Who has a phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The employee with the same local number, if there is one: what holds until someone assigns it.
    SameNumber,
    /// This employee, by local number.
    Employee(String),
    /// Nobody.
    Nobody,
}

/// A phone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Phone {
    /// Who has it.
    pub holder: Holder,
    /// For people; may be empty.
    pub name: String,
}

/// The HTTP method of an integration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// Parameters in the body.
    Post,
    /// Parameters in the query.
    Get,
}

/// How a `POST` body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyFormat {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`.
    Json,
}

/// What the parameters are called on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ParameterNames {
    /// As in product terms: `UniqueCallId`, ….
    Default,
    /// As the source text prints them: `Unique CallId`, ….
    AsPrinted,
    /// Overrides, from the default name to the name to send.
    Map(BTreeMap<String, String>),
}

/// How a moment is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// `2026-11-22T09:53:00+01:00`.
    Iso,
    /// `2026-11-22 09:53:00`.
    Local,
    /// Seconds since the epoch.
    UnixSeconds,
    /// Milliseconds since the epoch.
    UnixMilliseconds,
}

/// Which extras are sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Extras {
    /// None: the request is exactly the source text's.
    None,
    /// All.
    All,
    /// These, by name.
    Some(Vec<String>),
}

/// How a request proves who sends it, besides the signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Credentials {
    /// HTTP Basic.
    Basic {
        /// The user name.
        username: String,
        /// The password.
        password: Secret,
    },
    /// A bearer token.
    Bearer {
        /// The token.
        token: Secret,
    },
}

/// A signing secret (`whsec_…`), with the moment after which it is no longer used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SigningSecret {
    /// `whsec_` and base64.
    pub secret: Secret,
    /// Set on the older one while a secret is rotated.
    pub until: Option<WallTime>,
}

/// Why a webhook is paused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pause {
    /// Since when.
    pub since: WallTime,
    /// Why.
    pub why: Reason,
    /// What the server said last, if anything.
    pub server_said: Option<Reason>,
    /// Whether a person did it.
    pub by_person: bool,
}

/// How long an event is worth retrying, where the account has its own mind about it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RetryChoice {
    /// Seconds an `Incoming` is tried for; `None` for the default.
    pub incoming_secs: Option<u32>,
    /// Seconds the others are tried for; `None` for the default.
    pub others_secs: Option<u32>,
}

/// The employee integration: one method, up to four URLs, and how the requests are made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Integration {
    /// The method.
    pub method: Method,
    /// Called when a phone rings.
    pub incoming_url: Option<String>,
    /// Called when an employee answers.
    pub answered_url: Option<String>,
    /// Called when an employee places a call.
    pub outgoing_url: Option<String>,
    /// Called when a leg has ended.
    pub ended_url: Option<String>,
    /// How a `POST` body is written.
    pub body_format: BodyFormat,
    /// What the parameters are called.
    pub parameter_names: ParameterNames,
    /// How moments are written.
    pub time_format: TimeFormat,
    /// The IANA name of the account's time zone.
    pub time_zone: String,
    /// A regular expression for dialled numbers that are feature codes and cause no `Outgoing`.
    pub feature_codes: String,
    /// Where numbers are sent in E.164, the country of those without a country's code: two capital letters.
    pub e164_country: Option<String>,
    /// The extras.
    pub extras: Extras,
    /// Fixed headers.
    pub headers: Vec<(String, String)>,
    /// Credentials.
    pub credentials: Option<Credentials>,
    /// Signing secrets, the current one first.
    pub secrets: Vec<SigningSecret>,
    /// PEM of a private CA to trust besides the public ones; empty for none.
    pub ca_pem: String,
    /// Retry times.
    pub retry: RetryChoice,
    /// So many requests a second to all four webhooks together; nothing: as many as there are.
    pub rate: Option<NonZeroU32>,
    /// Which of the webhooks are paused.
    pub paused: BTreeMap<EventKind, Pause>,
}

impl Integration {
    /// The URL for a kind of event.
    pub fn url(&self, kind: EventKind) -> Option<&str> {
        match kind {
            EventKind::Incoming => self.incoming_url.as_deref(),
            EventKind::Answered => self.answered_url.as_deref(),
            EventKind::Outgoing => self.outgoing_url.as_deref(),
            EventKind::Ended => self.ended_url.as_deref(),
        }
    }
}

impl Default for Integration {
    fn default() -> Self {
        Self {
            method: Method::Post,
            incoming_url: None,
            answered_url: None,
            outgoing_url: None,
            ended_url: None,
            body_format: BodyFormat::Form,
            parameter_names: ParameterNames::Default,
            time_format: TimeFormat::Iso,
            time_zone: "Europe/Copenhagen".to_owned(),
            feature_codes: r"^\*".to_owned(),
            e164_country: None,
            extras: Extras::None,
            headers: Vec::new(),
            credentials: None,
            secrets: Vec::new(),
            ca_pem: String::new(),
            retry: RetryChoice::default(),
            rate: None,
            paused: BTreeMap::new(),
        }
    }
}

/// What a token or a person may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// Everything: an operator.
    Everything,
    /// One account, with changes.
    Account(AccountId),
    /// One account, reading only.
    ReadAccount(AccountId),
}

/// An API token; only its hash is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    /// SHA-256 of the token.
    pub sha256: [u8; 32],
    /// What it may do.
    pub scope: Scope,
    /// When it was made.
    pub created_at: WallTime,
}

/// A person who may log in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct User {
    /// argon2id, as a PHC string; empty if the person cannot log in with a password.
    pub password_hash: String,
    /// What they may do.
    pub scope: Scope,
    /// `da` or `en`; empty for the browser's.
    pub language: String,
    /// Who they are elsewhere, where an OpenID provider vouches for them; `None` for who has a password here.
    pub vouched: Option<Vouched>,
}

/// A person as an OpenID provider knows them. Issuer and subject together never change and are nobody else's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Vouched {
    /// The provider's own name, a URL.
    pub issuer: String,
    /// What it calls the person.
    pub subject: String,
    /// For people; may change with every login.
    pub name: String,
    /// When they came first.
    pub came_at: WallTime,
    /// When they logged in last.
    pub seen_at: WallTime,
}
