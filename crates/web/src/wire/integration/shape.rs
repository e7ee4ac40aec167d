//! The fields, as they are read and as they are shown.

use std::collections::BTreeMap;

use admin::kept::settings::{BodyFormat, Method, TimeFormat};
use serde::{Deserialize, Deserializer, Serialize};
use utoipa::ToSchema;

use super::super::ReasonView;

/// The HTTP method.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
pub enum MethodWire {
    /// Parameters in the body.
    #[serde(rename = "POST", alias = "post")]
    Post,
    /// Parameters in the query.
    #[serde(rename = "GET", alias = "get")]
    Get,
}

/// How a `POST` body is written.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BodyFormatWire {
    /// `application/x-www-form-urlencoded`.
    Form,
    /// `application/json`.
    Json,
}

/// How moments are written.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TimeFormatWire {
    /// `2026-11-22T09:53:00+01:00`.
    Iso,
    /// `2026-11-22 09:53:00`.
    Local,
    /// Seconds since 1970.
    Unix,
    /// Milliseconds since 1970.
    UnixMs,
}

/// What the parameters are called: `"default"`, `"as-printed"`, or a map from default names to others.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(
    untagged,
    expecting = "expected \"default\", \"as-printed\", or a map like {\"ANumber\": \"caller\"}"
)]
pub enum NamesWire {
    /// `default` or `as-printed`.
    Named(String),
    /// Overrides.
    Map(BTreeMap<String, String>),
}

/// Which extras are sent: `false`, `true` for all, or their names.
#[derive(Clone, Debug, Deserialize, Serialize, ToSchema)]
#[serde(untagged, expecting = "expected false, true, or a list of names like [\"EventId\", \"EndReason\"]")]
pub enum ExtrasWire {
    /// None or all.
    Switch(bool),
    /// These.
    Some(Vec<String>),
}

/// How long events are worth retrying.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryWire {
    /// Seconds an `Incoming` is tried for; absent or `null` for the default, 60.
    #[serde(default)]
    #[schema(example = 60)]
    pub incoming_secs: Option<u32>,
    /// Seconds the others are tried for; absent or `null` for the default, 3 days.
    #[serde(default)]
    #[schema(example = 259_200)]
    pub others_secs: Option<u32>,
}

/// Credentials, as they are set: `username` and `password`, or `token`. A password or token that is left
/// out stays as it was.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialsInput {
    /// `basic` or `bearer`; told by the other fields if absent.
    #[serde(default, rename = "type")]
    pub kind: Option<String>,
    /// For `basic`.
    #[serde(default)]
    pub username: Option<String>,
    /// For `basic`; write only.
    #[serde(default)]
    #[schema(write_only)]
    pub password: Option<String>,
    /// For `bearer`; write only.
    #[serde(default)]
    #[schema(write_only)]
    pub token: Option<String>,
    /// Read only; ignored.
    #[serde(default, rename = "set")]
    #[schema(ignore)]
    pub(super) _set: Option<serde::de::IgnoredAny>,
}

/// The employee integration, as it is set. What is left out has its default; secrets that are left out
/// stay as they were.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct IntegrationInput {
    /// `POST` (default) or `GET`.
    #[serde(default)]
    pub method: Option<MethodWire>,
    /// Called when an employee's phone rings; absent or empty: off.
    #[serde(default)]
    #[schema(example = "https://crm.example/ring")]
    pub incoming_url: Option<String>,
    /// Called when an employee answers; absent or empty: off.
    #[serde(default)]
    pub answered_url: Option<String>,
    /// Called when an employee places a call; absent or empty: off.
    #[serde(default)]
    pub outgoing_url: Option<String>,
    /// Called when a call has ended; absent or empty: off.
    #[serde(default)]
    pub ended_url: Option<String>,
    /// `form` (default) or `json`; only for `POST`.
    #[serde(default)]
    pub body_format: Option<BodyFormatWire>,
    /// `default`, `as-printed`, or a map from default names to the names to send.
    #[serde(default)]
    pub parameter_names: Option<NamesWire>,
    /// `iso` (default), `local`, `unix` or `unix_ms`.
    #[serde(default)]
    pub time_format: Option<TimeFormatWire>,
    /// IANA time zone; `Europe/Copenhagen` if absent.
    #[serde(default)]
    #[schema(example = "Europe/Copenhagen")]
    pub time_zone: Option<String>,
    /// Regular expression of dialled numbers that are feature codes and cause no `Outgoing`; `^\*` if
    /// absent, empty for none.
    #[serde(default)]
    pub feature_codes: Option<String>,
    /// Sends outside numbers in E.164, those without a country's code being of this country (two letters). Absent, `null`
    /// or empty: as the PBX says them.
    #[serde(default)]
    #[schema(example = "DK")]
    pub e164_country: Option<String>,
    /// `false` (default), `true` for all, or a list of names.
    #[serde(default)]
    pub extras: Option<ExtrasWire>,
    /// Fixed headers, from name to value.
    #[serde(default)]
    pub headers: Option<BTreeMap<String, String>>,
    /// Basic or Bearer credentials; `null` removes them, absent leaves them.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<CredentialsInput>)]
    pub credentials: Option<Option<CredentialsInput>>,
    /// Signing secret (`whsec_` and base64 of 24 to 64 bytes); write only. `null` removes it, absent
    /// leaves it. The one before stays good for `secret_overlap_secs`.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<String>, write_only)]
    pub secret: Option<Option<String>>,
    /// How long the secret before is used beside the new one; a day if absent.
    #[serde(default)]
    #[schema(write_only)]
    pub secret_overlap_secs: Option<u32>,
    /// PEM of a private CA to trust besides the public ones.
    #[serde(default)]
    pub ca_pem: Option<String>,
    /// How long events are worth retrying.
    #[serde(default)]
    pub retry: Option<RetryWire>,
    /// At most so many requests a second to all four web services together, 1 to 1,000; what is over waits, in order.
    /// Absent or `null`: no bound.
    #[serde(default)]
    #[schema(example = 5)]
    pub rate: Option<u32>,
    /// Read only; ignored.
    #[serde(default, rename = "secret_set")]
    #[schema(ignore)]
    pub(super) _secret_set: Option<serde::de::IgnoredAny>,
    /// Read only; ignored.
    #[serde(default, rename = "old_secret_until")]
    #[schema(ignore)]
    pub(super) _old_secret_until: Option<serde::de::IgnoredAny>,
    /// Read only; ignored.
    #[serde(default, rename = "paused")]
    #[schema(ignore)]
    pub(super) _paused: Option<serde::de::IgnoredAny>,
    /// Read only; ignored.
    #[serde(default, rename = "version")]
    #[schema(ignore)]
    pub(super) _version: Option<serde::de::IgnoredAny>,
}

/// Credentials, as they are shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct CredentialsView {
    /// `basic` or `bearer`.
    #[serde(rename = "type")]
    pub kind: &'static str,
    /// For `basic`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub username: Option<String>,
    /// A password or token is set; it is not shown.
    pub set: bool,
}

/// Why a webhook is paused.
#[derive(Debug, Serialize, ToSchema)]
pub struct PauseView {
    /// Since when.
    pub since: String,
    /// Why, in English.
    pub why: String,
    /// Why, for programs.
    pub why_reason: ReasonView,
    /// What the server said last, in English; empty if nothing.
    pub server_said: String,
    /// The same for programs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub server_said_reason: Option<ReasonView>,
    /// Whether a person did it.
    pub by_person: bool,
}

/// The employee integration, as it is shown.
#[derive(Debug, Serialize, ToSchema)]
pub struct IntegrationView {
    /// The method.
    pub method: MethodWire,
    /// Called when an employee's phone rings; empty: off.
    pub incoming_url: String,
    /// Called when an employee answers; empty: off.
    pub answered_url: String,
    /// Called when an employee places a call; empty: off.
    pub outgoing_url: String,
    /// Called when a call has ended; empty: off.
    pub ended_url: String,
    /// How a `POST` body is written.
    pub body_format: BodyFormatWire,
    /// What the parameters are called.
    pub parameter_names: NamesWire,
    /// How moments are written.
    pub time_format: TimeFormatWire,
    /// IANA time zone.
    pub time_zone: String,
    /// Dialled numbers that are feature codes.
    pub feature_codes: String,
    /// The country of numbers without a country's code, where all are sent in E.164; `null`: as the PBX says them.
    pub e164_country: Option<String>,
    /// The extras.
    pub extras: ExtrasWire,
    /// Fixed headers; their values are hidden from those who may only read.
    pub headers: BTreeMap<String, String>,
    /// Credentials, without the secret part.
    pub credentials: Option<CredentialsView>,
    /// Whether a signing secret is set; it is not shown.
    pub secret_set: bool,
    /// Until when the secret before is used beside it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub old_secret_until: Option<String>,
    /// PEM of a private CA.
    pub ca_pem: String,
    /// How long events are worth retrying.
    pub retry: RetryWire,
    /// At most so many requests a second to all four web services together; `null`: no bound.
    pub rate: Option<u32>,
    /// The webhooks that are paused, by event.
    pub paused: BTreeMap<&'static str, PauseView>,
    /// Grows with every change; also the `ETag`.
    pub version: u64,
}

/// Tells a `null` from an absent field.
fn present<'de, T: Deserialize<'de>, D: Deserializer<'de>>(reader: D) -> Result<Option<Option<T>>, D::Error> {
    Option::<T>::deserialize(reader).map(Some)
}

macro_rules! same {
    ($wire:ident, $kept:ident { $($one:ident = $other:ident),* $(,)? }) => {
        impl From<$wire> for $kept {
            fn from(wire: $wire) -> Self {
                match wire { $($wire::$one => Self::$other,)* }
            }
        }
        impl From<$kept> for $wire {
            fn from(kept: $kept) -> Self {
                match kept { $($kept::$other => Self::$one,)* }
            }
        }
    };
}

same!(MethodWire, Method { Post = Post, Get = Get });
same!(BodyFormatWire, BodyFormat { Form = Form, Json = Json });
same!(TimeFormatWire, TimeFormat { Iso = Iso, Local = Local, Unix = UnixSeconds, UnixMs = UnixMilliseconds });
