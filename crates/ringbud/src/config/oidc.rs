//! `[oidc]`: the OpenID provider people may log in through, and who of them may do what.

use std::path::PathBuf;

use calls::AccountId;
use ipnet::IpNet;
use oidc::{Fits, Grants, Issuer, Roles, Rule, Whose};
use regex::Regex;
use url::Url;

use super::addresses::networks;
use super::section::{Found, Section, last_line};
use super::{Http, SecretSource, secret};

/// The claim whose values the rules are about, where nothing else is said.
const ROLE_CLAIM: &str = "roles";
/// What is asked for besides `openid`, where nothing else is said.
const SCOPES: [&str; 1] = ["profile"];
/// The longest label of a button, in characters.
const LABEL_CHARS: usize = 40;

/// The provider.
#[derive(Clone, Debug)]
pub struct Oidc {
    /// The line it is written from, from 1.
    pub line: usize,
    /// Its own name.
    pub issuer: Issuer,
    /// What it calls us.
    pub client_id: String,
    /// What we prove ourselves with; `None` for a public client.
    pub client_secret: Option<SecretSource>,
    /// What is asked for besides `openid`.
    pub scopes: Vec<String>,
    /// What people call it.
    pub label: String,
    /// The authorities to trust besides the public ones, as PEM.
    pub ca: Option<PathBuf>,
    /// Networks it may be in although they are private or local.
    pub allow: Vec<IpNet>,
    /// Where people reach us, sub-path included.
    pub public_url: String,
    /// Who may do what.
    pub roles: Roles,
}

pub(super) fn read(root: &Section<'_>, http: &Http) -> Option<Oidc> {
    let section = root.section("oidc")?;
    let issuer = section.parsed(
        "issuer",
        "the provider's issuer such as \"https://login.example.com/realms/company\"",
        Issuer::parse,
    );
    let client_id = filled(&section, "client_id", "the id of the client at the provider");
    let client_secret = secret::optional(&section, "client_secret");
    let label = section.parsed("label", "what people call it, up to 40 characters", |text| {
        let fine = (1..=LABEL_CHARS).contains(&text.chars().count()) && !text.chars().any(char::is_control);
        if fine { Ok(text.to_owned()) } else { Err("") }
    });
    let role_claim = filled(&section, "role_claim", "the name of a claim such as \"realm_access.roles\"");
    let account_claim = filled(&section, "account_claim", "the name of a claim such as \"account\"");
    let account_claim = account_claim.map(|found| found.value);
    let tables = section.sections("roles");
    let rules = tables.iter().filter_map(|rule| read_rule(rule, account_claim.as_deref())).collect();
    let (scopes, ca, allow) = (scopes(&section), section.path("ca"), networks(&section, "allow"));
    let public_url = public_url(&section, http);
    section.missing(
        "issuer",
        "the provider's issuer, such as issuer = \"https://login.example.com/realms/company\"",
    );
    section.missing("client_id", "the id of the client at the provider, such as client_id = \"ringbud\"");
    if tables.is_empty() && section.for_work() {
        let what = "nobody may log in through the provider; expected at least one [[oidc.roles]]".to_owned();
        section.complain(section.here(), what);
    }
    section.finish();
    let issuer = issuer?.value;
    Some(Oidc {
        line: section.here().line,
        label: label.map_or_else(|| issuer.host().to_owned(), |found| found.value),
        issuer,
        client_id: client_id?.value,
        client_secret,
        scopes,
        ca,
        allow,
        public_url: public_url.unwrap_or_default(),
        roles: Roles { claim: role_claim.map_or_else(|| ROLE_CLAIM.to_owned(), |found| found.value), rules },
    })
}

/// A text with something in it.
fn filled(section: &Section<'_>, key: &'static str, expected: &str) -> Option<Found<String>> {
    section.parsed(key, expected, |text| if text.trim().is_empty() { Err("") } else { Ok(text.to_owned()) })
}

fn scopes(section: &Section<'_>) -> Vec<String> {
    let found = section.texts("scopes");
    for one in &found {
        if one.value.is_empty() || one.value.contains(|c: char| !c.is_ascii_graphic() || "\"\\".contains(c)) {
            let what = format!("expected the name of a scope such as \"profile\", found \"{}\"", one.value);
            section.complain(one.place.clone(), what);
        }
    }
    let named: Vec<_> = found.into_iter().map(|one| one.value).filter(|scope| scope != "openid").collect();
    // An empty list is a wish too.
    if section.has("scopes") { named } else { SCOPES.map(str::to_owned).into() }
}

/// The provider sends people back to this address, so it cannot be guessed.
fn public_url(section: &Section<'_>, http: &Http) -> Option<String> {
    if !section.for_work() {
        return http.public_url.clone();
    }
    let complain = |what: String| {
        section.complain(section.here(), what);
        None
    };
    let Some(public) = &http.public_url else {
        return complain(
            "[http] public_url is missing: the provider sends people back there; expected what they type, such \
             as public_url = \"https://calls.example.com\""
                .to_owned(),
        );
    };
    match Url::parse(public) {
        Ok(url) if url.path().trim_end_matches('/') == http.path => Some(public.clone()),
        Ok(_) => complain(format!(
            "[http] public_url is \"{public}\" and its path is \"{}\": the provider sends people back to what they \
             type, so expected public_url to end with that path and nothing more",
            http.path
        )),
        Err(error) => complain(format!("[http] public_url is \"{public}\", which is no address: {error}")),
    }
}

fn read_rule(section: &Section<'_>, account_claim: Option<&str>) -> Option<Rule> {
    let value = filled(section, "value", "a value of the claim");
    let pattern = section.parsed("pattern", "a regular expression", |text| {
        // By itself first: a bracket in it closes none of ours.
        let whole = Regex::new(text).and_then(|_| Regex::new(&format!("^(?:{text})$")));
        whole.map_err(|error| last_line(&error.to_string()))
    });
    let role = section.parsed("role", "\"operator\", \"account\" or \"read-only\"", |text| match text {
        "operator" | "account" | "read-only" => Ok(text.to_owned()),
        _ => Err(""),
    });
    let account = filled(section, "account", "an account's id");
    section.missing("role", "what they may do: \"operator\", \"account\" or \"read-only\"");
    section.finish();
    let one_of = "expected either value = \"…\" or pattern = '…', and one of them only";
    let fits = match (value, pattern) {
        (Some(value), None) => Fits::Value(value.value),
        (None, Some(pattern)) => {
            let groups: Vec<&str> = pattern.value.capture_names().flatten().collect();
            if let Some(unknown) = groups.iter().find(|group| **group != "account") {
                let what = format!("the group \"{unknown}\" means nothing here; expected the group account");
                section.complain(pattern.place.clone(), what);
            }
            Fits::Pattern(pattern.value)
        }
        (Some(found), Some(_)) => {
            section.complain(found.place, one_of.to_owned());
            return None;
        }
        (None, None) if section.has("value") || section.has("pattern") => return None,
        (None, None) => {
            section.complain(section.here(), one_of.to_owned());
            return None;
        }
    };
    let role = role?;
    let grouped = matches!(&fits, Fits::Pattern(pattern) if pattern.capture_names().flatten().any(|of| of == "account"));
    if role.value == "operator" {
        if let Some(found) = account {
            section.complain(found.place, "an operator is of no account; expected only the role".to_owned());
        }
        return Some(Rule { fits, grants: Grants::Operator });
    }
    let whose = match (account, grouped, account_claim) {
        (Some(account), false, _) => Whose::Account(AccountId::new(account.value)),
        (None, true, _) => Whose::Group,
        (None, false, Some(claim)) => Whose::Claim(claim.to_owned()),
        (Some(found), true, _) => {
            let what = "the pattern names the account already; expected one of them only".to_owned();
            section.complain(found.place, what);
            return None;
        }
        (None, false, None) => {
            let what = "the account is missing; expected account = \"…\", a group (?<account>…) in the pattern, \
                        or account_claim in [oidc]";
            section.complain(role.place, what.to_owned());
            return None;
        }
    };
    Some(Rule { fits, grants: Grants::Account { whose, read_only: role.value == "read-only" } })
}
