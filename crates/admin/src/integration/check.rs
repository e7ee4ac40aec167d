//! What each field may be.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroU32;

use delivery::guard::Guard;
use delivery::payload::{Numbers, Parameter};
use delivery::request::{HEADER_VALUE_MAX, HEADERS_MAX, HeaderProblem, check_header};
use delivery::signing::{BadSecret, Key};
use journal::settings::{Credentials, Extras, ParameterNames, RetryChoice, Secret};

use super::{CredentialsWish, FEATURE_CODES, HIDDEN, Keeping, ZONE, webhook_url};
use crate::accounts::within;
use crate::{Code, Refusal};

const FEATURE_CODES_CHARS: usize = 200;
const REGEX_BYTES: usize = 64 * 1024;
const CREDENTIAL_CHARS: usize = 1_000;
const NAME_CHARS: usize = 64;
const CA_PEM_BYTES: usize = 64 * 1024;
const INCOMING_SECS: std::ops::RangeInclusive<u32> = 1..=3_600;
const RATE: std::ops::RangeInclusive<u32> = 1..=1_000;
const OTHERS_SECS: std::ops::RangeInclusive<u32> = 60..=30 * 24 * 3_600;

/// A URL; absent or blank is off.
pub(super) fn url(field: &str, text: Option<&str>, guard: &Guard) -> Result<Option<String>, Refusal> {
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    webhook_url(field, text, guard)?;
    Ok(Some(text.to_owned()))
}

pub(super) fn parameter_names(names: Option<ParameterNames>) -> Result<ParameterNames, Refusal> {
    let map = match names {
        None | Some(ParameterNames::Default) => return Ok(ParameterNames::Default),
        Some(ParameterNames::AsPrinted) => return Ok(ParameterNames::AsPrinted),
        Some(ParameterNames::Map(map)) => map,
    };
    let mut seen = BTreeSet::new();
    for (parameter, name) in &map {
        let field = format!("parameter_names.{parameter}");
        if Parameter::named(parameter).is_none() {
            return Err(Refusal::of(Code::NoSuchParameter, field));
        }
        if name.is_empty() || name.chars().count() > NAME_CHARS || name.chars().any(char::is_control) {
            return Err(Refusal::of(Code::ParameterName, field).with("most", NAME_CHARS));
        }
        let taken = Parameter::named(name).is_some_and(|other| !map.contains_key(other.name()));
        if taken || !seen.insert(name) {
            return Err(Refusal::of(Code::ParameterTwice, field).with("name", name));
        }
    }
    Ok(if map.is_empty() { ParameterNames::Default } else { ParameterNames::Map(map) })
}

pub(super) fn time_zone(zone: Option<String>) -> Result<String, Refusal> {
    let zone = zone.filter(|zone| !zone.is_empty()).unwrap_or_else(|| ZONE.to_owned());
    match jiff::tz::TimeZone::get(&zone) {
        Ok(_) => Ok(zone),
        Err(_) => Err(Refusal::of(Code::TimeZone, "time_zone").with("zone", zone)),
    }
}

pub(super) fn feature_codes(pattern: Option<String>) -> Result<String, Refusal> {
    let pattern = pattern.unwrap_or_else(|| FEATURE_CODES.to_owned());
    if pattern.len() > FEATURE_CODES_CHARS {
        return Err(Refusal::of(Code::PatternLong, "feature_codes").with("most", FEATURE_CODES_CHARS));
    }
    match regex::RegexBuilder::new(&pattern).size_limit(REGEX_BYTES).build() {
        Ok(_) => Ok(pattern),
        Err(error) => Err(Refusal::of(Code::Pattern, "feature_codes").with("why", error)),
    }
}

pub(super) fn extras(extras: Option<Extras>) -> Result<Extras, Refusal> {
    let names = match extras {
        None | Some(Extras::None) => return Ok(Extras::None),
        Some(Extras::All) => return Ok(Extras::All),
        Some(Extras::Some(names)) => names,
    };
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        if !Parameter::is_extra(&name) {
            return Err(Refusal::of(Code::NoSuchExtra, "extras").with("name", name));
        }
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    Ok(if kept.is_empty() { Extras::None } else { Extras::Some(kept) })
}

pub(super) fn headers(
    headers: BTreeMap<String, String>,
    before: &[(String, String)],
) -> Result<Vec<(String, String)>, Refusal> {
    if headers.len() > HEADERS_MAX {
        return Err(header("headers", HeaderProblem::TooMany(headers.len())));
    }
    let mut kept = Vec::new();
    for (name, value) in headers {
        let old = before.iter().find(|(old, _)| *old == name).filter(|_| value == HIDDEN);
        let value = old.map_or(value, |(_, old)| old.clone());
        check_header(&name, &value).map_err(|problem| header(&format!("headers.{name}"), problem))?;
        kept.push((name, value));
    }
    Ok(kept)
}

fn header(field: &str, problem: HeaderProblem) -> Refusal {
    match problem {
        HeaderProblem::Name(name) => Refusal::of(Code::HeaderName, field).with("name", format!("{name:?}")),
        HeaderProblem::Reserved(name) => Refusal::of(Code::HeaderReserved, field).with("name", name),
        HeaderProblem::Value(name) => {
            Refusal::of(Code::HeaderValue, field).with("name", name).with("most", HEADER_VALUE_MAX)
        }
        HeaderProblem::TooMany(count) => {
            Refusal::of(Code::HeaderMany, field).with("count", count).with("most", HEADERS_MAX)
        }
    }
}

pub(super) fn credentials(
    wish: Keeping<CredentialsWish>,
    before: Option<&Credentials>,
) -> Result<Option<Credentials>, Refusal> {
    let wish = match wish {
        Keeping::Stays => return Ok(before.cloned()),
        Keeping::Goes => return Ok(None),
        Keeping::Becomes(wish) => wish,
    };
    let kind = match (wish.kind.as_deref(), &wish.username, &wish.token) {
        (Some(kind), _, _) => kind,
        (None, _, Some(_)) => "bearer",
        (None, Some(_), None) => "basic",
        (None, None, None) => return Err(Refusal::of(Code::CredentialsNone, "credentials")),
    };
    let secret = |field: &str, text: Option<String>, before: Option<&Secret>| {
        let secret = match (text.filter(|text| !text.is_empty()), before) {
            (Some(text), _) => Secret::new(text),
            (None, Some(before)) => before.clone(),
            (None, None) => return Err(Refusal::of(Code::CredentialsNeeded, field)),
        };
        let text = secret.expose();
        if text.len() > CREDENTIAL_CHARS || text.chars().any(char::is_control) {
            return Err(Refusal::of(Code::CredentialsLine, field).with("most", CREDENTIAL_CHARS));
        }
        Ok(secret)
    };
    match (kind, before) {
        ("basic", before) => {
            let username = wish.username.unwrap_or_default();
            if username.is_empty() || username.contains(':') || username.chars().any(char::is_control) {
                return Err(Refusal::of(Code::CredentialsUser, "credentials.username"));
            }
            let before = match before {
                Some(Credentials::Basic { password, .. }) => Some(password),
                Some(Credentials::Bearer { .. }) | None => None,
            };
            let password = secret("credentials.password", wish.password, before)?;
            Ok(Some(Credentials::Basic { username, password }))
        }
        ("bearer", before) => {
            let before = match before {
                Some(Credentials::Bearer { token }) => Some(token),
                Some(Credentials::Basic { .. }) | None => None,
            };
            Ok(Some(Credentials::Bearer { token: secret("credentials.token", wish.token, before)? }))
        }
        (other, _) => Err(Refusal::of(Code::CredentialsKind, "credentials.type").with("found", other)),
    }
}

pub(super) fn signing_secret(text: &str) -> Result<Secret, Refusal> {
    match Key::parse(text) {
        Ok(_) => Ok(Secret::new(text)),
        Err(BadSecret::NotBase64) => Err(Refusal::of(Code::SecretBase, "secret")),
        Err(BadSecret::Length(bytes)) => Err(Refusal::of(Code::SecretLength, "secret").with("bytes", bytes)),
    }
}

pub(super) fn ca_pem(pem: Option<String>) -> Result<String, Refusal> {
    let pem = pem.unwrap_or_default();
    let pem = pem.trim();
    if pem.is_empty() {
        return Ok(String::new());
    }
    let begun = pem.starts_with("-----BEGIN CERTIFICATE-----");
    if !begun || !pem.ends_with("-----END CERTIFICATE-----") || pem.len() > CA_PEM_BYTES {
        return Err(Refusal::of(Code::CaPem, "ca_pem"));
    }
    Ok(format!("{pem}\n"))
}

pub(super) fn retry(retry: RetryChoice) -> Result<RetryChoice, Refusal> {
    let secs = |field, secs, bounds| within(Code::RetrySecs, field, secs, bounds);
    Ok(RetryChoice {
        incoming_secs: secs("retry.incoming_secs", retry.incoming_secs, INCOMING_SECS)?,
        others_secs: secs("retry.others_secs", retry.others_secs, OTHERS_SECS)?,
    })
}

pub(super) fn rate(rate: Option<u32>) -> Result<Option<NonZeroU32>, Refusal> {
    Ok(within(Code::Rate, "rate", rate, RATE)?.and_then(NonZeroU32::new))
}

/// Two letters of a country; absent or blank: numbers stay as they are.
pub(super) fn e164_country(country: Option<String>) -> Result<Option<String>, Refusal> {
    let country = country.map(|country| country.trim().to_ascii_uppercase()).filter(|text| !text.is_empty());
    match country.as_deref().map(Numbers::of_country) {
        Some(Err(_)) => Err(Refusal::of(Code::Country, "e164_country")),
        None | Some(Ok(_)) => Ok(country),
    }
}
