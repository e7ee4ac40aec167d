//! What each field may be.

use std::collections::{BTreeMap, BTreeSet};

use delivery::guard::WebhookUrl;
use delivery::payload::Parameter;
use delivery::reason::GivesReason as _;
use delivery::request::{HEADERS_MAX, HeaderProblem, check_header};
use delivery::signing::Key;
use journal::Reason;
use journal::settings::{Credentials, Extras, ParameterNames, RetryChoice, Secret};

use super::super::read::within;
use super::{CheckUrl, CredentialsInput, ExtrasWire, HIDDEN, NamesWire, Refusal, RetryWire};

const ZONE: &str = "Europe/Copenhagen";
const FEATURE_CODES: &str = r"^\*";
const FEATURE_CODES_CHARS: usize = 200;
const REGEX_BYTES: usize = 64 * 1024;
const CREDENTIAL_CHARS: usize = 1_000;
const NAME_CHARS: usize = 64;
const CA_PEM_BYTES: usize = 64 * 1024;
const INCOMING_SECS: std::ops::RangeInclusive<u32> = 1..=3_600;
const OTHERS_SECS: std::ops::RangeInclusive<u32> = 60..=30 * 24 * 3_600;

/// A URL; absent or blank is off.
pub(super) fn url(
    field: &str,
    text: Option<&str>,
    check_url: CheckUrl<'_>,
) -> Result<Option<String>, Refusal> {
    let text = text.unwrap_or_default().trim();
    if text.is_empty() {
        return Ok(None);
    }
    WebhookUrl::parse(text).map_err(|error| Refusal::because(field, error.reason()))?;
    placeholders(text).and_then(|()| check_url(text)).map_err(|why| Refusal::because(field, why))?;
    Ok(Some(text.to_owned()))
}

/// `{Parameter}` must be the name of one.
fn placeholders(text: &str) -> Result<(), Reason> {
    let mut rest = text;
    while let Some(start) = rest.find('{') {
        let Some(len) = rest[start..].find('}') else { return Ok(()) };
        let name = &rest[start + 1..start + len];
        if Parameter::named(name).is_none() {
            return Err(Reason::new("url_placeholder_unknown").with("name", format!("{{{name}}}")));
        }
        rest = &rest[start + len + 1..];
    }
    Ok(())
}

pub(super) fn parameter_names(names: Option<NamesWire>) -> Result<ParameterNames, Refusal> {
    let map = match names {
        None => return Ok(ParameterNames::Default),
        Some(NamesWire::Named(name)) => match name.as_str() {
            "default" => return Ok(ParameterNames::Default),
            "as-printed" => return Ok(ParameterNames::AsPrinted),
            other => {
                return Err(Refusal::new(
                    "parameter_names",
                    format!("expected \"default\", \"as-printed\" or a map, not \"{other}\""),
                ));
            }
        },
        Some(NamesWire::Map(map)) => map,
    };
    let mut seen = BTreeSet::new();
    for (parameter, name) in &map {
        let field = format!("parameter_names.{parameter}");
        if Parameter::named(parameter).is_none() {
            return Err(Refusal::new(field, "there is no parameter of this name"));
        }
        if name.is_empty() || name.chars().count() > NAME_CHARS || name.chars().any(char::is_control) {
            return Err(Refusal::new(
                field,
                format!("a name has 1 to {NAME_CHARS} characters, no control characters"),
            ));
        }
        let taken = Parameter::named(name).is_some_and(|other| !map.contains_key(other.name()));
        if taken || !seen.insert(name) {
            return Err(Refusal::new(field, format!("two parameters would be called \"{name}\"")));
        }
    }
    Ok(if map.is_empty() { ParameterNames::Default } else { ParameterNames::Map(map) })
}

pub(super) fn time_zone(zone: Option<String>) -> Result<String, Refusal> {
    let zone = zone.filter(|zone| !zone.is_empty()).unwrap_or_else(|| ZONE.to_owned());
    match jiff::tz::TimeZone::get(&zone) {
        Ok(_) => Ok(zone),
        Err(_) => Err(Refusal::new(
            "time_zone",
            format!("\"{zone}\" is not a time zone; write one like Europe/Copenhagen or UTC"),
        )),
    }
}

pub(super) fn feature_codes(pattern: Option<String>) -> Result<String, Refusal> {
    let pattern = pattern.unwrap_or_else(|| FEATURE_CODES.to_owned());
    let refuse = |why: String| Err(Refusal::new("feature_codes", why));
    if pattern.len() > FEATURE_CODES_CHARS {
        return refuse(format!("a pattern has at most {FEATURE_CODES_CHARS} characters"));
    }
    match regex::RegexBuilder::new(&pattern).size_limit(REGEX_BYTES).build() {
        Ok(_) => Ok(pattern),
        Err(error) => refuse(format!("this is not a regular expression: {error}")),
    }
}

pub(super) fn extras(extras: Option<ExtrasWire>) -> Result<Extras, Refusal> {
    let names = match extras {
        None | Some(ExtrasWire::Switch(false)) => return Ok(Extras::None),
        Some(ExtrasWire::Switch(true)) => return Ok(Extras::All),
        Some(ExtrasWire::Some(names)) => names,
    };
    let mut kept: Vec<String> = Vec::new();
    for name in names {
        if !Parameter::is_extra(&name) {
            return Err(Refusal::new(
                "extras",
                format!("\"{name}\" is not an extra; EventId and EndReason are"),
            ));
        }
        if !kept.contains(&name) {
            kept.push(name);
        }
    }
    Ok(if kept.is_empty() { Extras::None } else { Extras::Some(kept) })
}

pub(super) fn headers(
    headers: Option<BTreeMap<String, String>>,
    before: &[(String, String)],
) -> Result<Vec<(String, String)>, Refusal> {
    let headers = headers.unwrap_or_default();
    if headers.len() > HEADERS_MAX {
        return Err(Refusal::because("headers", HeaderProblem::TooMany(headers.len()).reason()));
    }
    let mut kept = Vec::new();
    for (name, value) in headers {
        let old = before.iter().find(|(old, _)| *old == name).filter(|_| value == HIDDEN);
        let value = old.map_or(value, |(_, old)| old.clone());
        check_header(&name, &value)
            .map_err(|error| Refusal::because(format!("headers.{name}"), error.reason()))?;
        kept.push((name, value));
    }
    Ok(kept)
}

pub(super) fn credentials(
    input: Option<Option<CredentialsInput>>,
    before: Option<&Credentials>,
) -> Result<Option<Credentials>, Refusal> {
    let Some(input) = input else { return Ok(before.cloned()) };
    let Some(input) = input else { return Ok(None) };
    let kind = match (input.kind.as_deref(), &input.username, &input.token) {
        (Some(kind), _, _) => kind,
        (None, _, Some(_)) => "bearer",
        (None, Some(_), None) => "basic",
        (None, None, None) => {
            return Err(Refusal::new("credentials", "give `username` and `password`, or `token`"));
        }
    };
    let secret = |field: &str, text: Option<String>, before: Option<&Secret>| {
        let secret = match (text.filter(|text| !text.is_empty()), before) {
            (Some(text), _) => Secret::new(text),
            (None, Some(before)) => before.clone(),
            (None, None) => return Err(Refusal::new(field, "is needed here")),
        };
        let text = secret.expose();
        if text.len() > CREDENTIAL_CHARS || text.chars().any(char::is_control) {
            return Err(Refusal::new(field, format!("is one line of at most {CREDENTIAL_CHARS} characters")));
        }
        Ok(secret)
    };
    match (kind, before) {
        ("basic", before) => {
            let username = input.username.unwrap_or_default();
            if username.is_empty() || username.contains(':') || username.chars().any(char::is_control) {
                return Err(Refusal::new("credentials.username", "is needed here, and has no colon in it"));
            }
            let before = match before {
                Some(Credentials::Basic { password, .. }) => Some(password),
                Some(Credentials::Bearer { .. }) | None => None,
            };
            Ok(Some(Credentials::Basic {
                username,
                password: secret("credentials.password", input.password, before)?,
            }))
        }
        ("bearer", before) => {
            let before = match before {
                Some(Credentials::Bearer { token }) => Some(token),
                Some(Credentials::Basic { .. }) | None => None,
            };
            Ok(Some(Credentials::Bearer { token: secret("credentials.token", input.token, before)? }))
        }
        (other, _) => {
            Err(Refusal::new("credentials.type", format!("expected basic or bearer, not \"{other}\"")))
        }
    }
}

pub(super) fn signing_secret(text: &str) -> Result<Secret, Refusal> {
    Key::parse(text).map_err(|error| Refusal::because("secret", error.reason()))?;
    Ok(Secret::new(text))
}

pub(super) fn ca_pem(pem: Option<String>) -> Result<String, Refusal> {
    let pem = pem.unwrap_or_default();
    let pem = pem.trim();
    if pem.is_empty() {
        return Ok(String::new());
    }
    let begun = pem.starts_with("-----BEGIN CERTIFICATE-----");
    if !begun || !pem.ends_with("-----END CERTIFICATE-----") || pem.len() > CA_PEM_BYTES {
        return Err(Refusal::new(
            "ca_pem",
            "expected the PEM text of a CA certificate, -----BEGIN CERTIFICATE----- and so on",
        ));
    }
    Ok(format!("{pem}\n"))
}

pub(super) fn retry(retry: Option<RetryWire>) -> Result<RetryChoice, Refusal> {
    let retry = retry.unwrap_or_default();
    Ok(RetryChoice {
        incoming_secs: within("retry.incoming_secs", retry.incoming_secs, INCOMING_SECS, "seconds")?,
        others_secs: within("retry.others_secs", retry.others_secs, OTHERS_SECS, "seconds")?,
    })
}
