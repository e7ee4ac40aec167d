//! `[[pbx]]` and `[[pbx.phones]]`: the PBXs, and which of their endpoints are whose phones.

use std::path::PathBuf;

use calls::PbxName;
use journal::settings::Secret;
use pbx::Kind;
use regex::Regex;

use super::section::{Found, Section};
use super::{SecretSource, secret};

/// No name of a PBX is longer than this: it is part of every leg's id.
const MAX_NAME_BYTES: usize = 32;

/// Which endpoints are phones, and whose.
#[derive(Clone, Debug)]
pub struct PhoneRule {
    /// Matched against the whole name of an endpoint; has the group `phone`, perhaps `account`.
    pub endpoint: Regex,
    /// The account where the expression has no group `account` or it took no part.
    pub account: Option<String>,
}

/// A PBX and how to reach it.
#[derive(Clone, Debug)]
pub struct Pbx {
    /// Its name; part of every leg's id.
    pub name: PbxName,
    /// Its kind.
    pub kind: Kind,
    /// Host and port.
    pub address: String,
    /// Whether the link is encrypted.
    pub tls: bool,
    /// Whether the secret may be sent in clear where the other end knows no challenge.
    pub plain_login: bool,
    /// The authorities to trust besides the public ones, as PEM.
    pub tls_ca: Option<PathBuf>,
    /// The name its certificate is for, where that is not the host of `address`.
    pub tls_name: Option<String>,
    /// Whom to log in as.
    pub username: String,
    /// With what secret.
    pub secret: SecretSource,
    /// Which endpoints are phones; none: those named by digits alone are phones of account `1`.
    pub phones: Vec<PhoneRule>,
}

pub(super) fn read_all(root: &Section<'_>) -> Vec<Pbx> {
    let mut names: Vec<Found<String>> = Vec::new();
    let mut addresses: Vec<Found<String>> = Vec::new();
    root.sections("pbx").iter().filter_map(|section| read(section, &mut names, &mut addresses)).collect()
}

fn read(
    section: &Section<'_>,
    names: &mut Vec<Found<String>>,
    addresses: &mut Vec<Found<String>>,
) -> Option<Pbx> {
    let name = section.parsed("name", "a name of letters, digits and underscores such as \"pbx1\"", |text| {
        let fine = !text.is_empty()
            && text.len() <= MAX_NAME_BYTES
            && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
        if fine { Ok(text.to_owned()) } else { Err("") }
    });
    let kinds = Kind::ALL.map(|kind| format!("\"{}\"", kind.word())).join(" or ");
    let kind = section
        .parsed("kind", &kinds, |text| Kind::ALL.into_iter().find(|kind| kind.word() == text).ok_or(""));
    let kind = kind.map_or(Kind::Asterisk, |found| found.value);
    let address = section.parsed(
        "address",
        &format!("a host and a port such as \"127.0.0.1:{}\"", kind.usual_ports().0),
        super::http::host_and_port,
    );
    let username = section.text("username");
    let secret = secret::optional(section, "secret");
    let pbx = Pbx {
        name: PbxName::new(name.as_ref().map_or("pbx", |found| &found.value)),
        kind,
        address: address.as_ref().map(|found| found.value.clone()).unwrap_or_default(),
        tls: section.flag("tls").unwrap_or(false),
        plain_login: section.flag("plain_login").unwrap_or(false),
        tls_ca: section.path("tls_ca"),
        tls_name: section.text("tls_name").map(|found| found.value),
        username: username.map(|found| found.value).unwrap_or_default(),
        secret: secret.clone().unwrap_or_else(|| SecretSource::Given(Secret::new(""))),
        phones: section.sections("phones").iter().filter_map(read_rule).collect(),
    };
    section.missing("name", "a name for this PBX such as name = \"pbx1\"");
    section.missing(
        "address",
        &format!(
            "where {} listens, such as address = \"127.0.0.1:{}\"",
            kind.protocol(),
            kind.usual_ports().0
        ),
    );
    if kind.needs_username() {
        section.missing("username", &format!("the user of its {}", kind.settings_file()));
    }
    if secret.is_none() && section.text("secret_file").is_none() && section.text("secret_env").is_none() {
        section.missing("secret", "the secret of that user, or secret_file or secret_env");
    }
    once(section, name, names, "name");
    once(section, address, addresses, "address");
    section.finish();
    Some(pbx)
}

/// Complains about what stands in two PBXs.
fn once(section: &Section<'_>, found: Option<Found<String>>, seen: &mut Vec<Found<String>>, what: &str) {
    let Some(found) = found else { return };
    if let Some(earlier) = seen.iter().find(|earlier| earlier.value == found.value) {
        let message = format!(
            "there is a PBX with the {what} \"{}\" on line {} already; expected each PBX once",
            found.value, earlier.place.line
        );
        section.complain(found.place.clone(), message);
    }
    seen.push(found);
}

fn read_rule(section: &Section<'_>) -> Option<PhoneRule> {
    let endpoint = section.parsed("endpoint", "a regular expression", |text| {
        Regex::new(&format!("^(?:{text})$")).map_err(|error| last_line(&error.to_string()))
    });
    let account = section.parsed("account", "an account's id", |text| {
        if text.trim().is_empty() { Err("it is empty") } else { Ok(text.to_owned()) }
    });
    if section.text("endpoint").is_none() {
        section.complain(
            section.here(),
            "endpoint is missing; expected a regular expression such as endpoint = 'PJSIP/(?<phone>\\d+)'"
                .to_owned(),
        );
    }
    section.finish();
    let endpoint = endpoint?;
    let groups: Vec<&str> = endpoint.value.capture_names().flatten().collect();
    let mut fine = true;
    if let Some(unknown) = groups.iter().find(|group| !["account", "phone"].contains(group)) {
        let message =
            format!("the group \"{unknown}\" means nothing here; expected the groups account and phone");
        section.complain(endpoint.place.clone(), message);
        fine = false;
    }
    if !groups.contains(&"phone") {
        let message =
            "the group phone is missing; expected (?<phone>…) around the phone's local number".to_owned();
        section.complain(endpoint.place.clone(), message);
        fine = false;
    }
    if !groups.contains(&"account") && account.is_none() {
        let message =
            "the account is missing; expected a group (?<account>…), or account = \"…\" beside it".to_owned();
        section.complain(endpoint.place.clone(), message);
        fine = false;
    }
    fine.then(|| PhoneRule { endpoint: endpoint.value, account: account.map(|found| found.value) })
}

/// The regex crate draws a picture and says what is wrong below it.
pub(super) fn last_line(message: &str) -> String {
    message.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
}
