//! The rules of one PBX: from an endpoint's name to account and local number.

use std::fmt;
use std::sync::Arc;

use calls::AccountId;
use pbx::Kind;

use crate::config::{Pbx, PhoneRule, Ready, Takes};

/// The account of phones where no rule says otherwise.
pub const USUAL_ACCOUNT: &str = "1";
/// The technologies whose endpoints bear a phone's number, where there are no rules. Analogue and ISDN ports are
/// numbered, too, and that number is nobody's.
const USUAL_TECHNOLOGIES: [&str; 8] = ["PJSIP", "SIP", "IAX2", "SCCP", "Skinny", "USTM", "H323", "OOH323"];
/// How long a local number is that was not given in so many words.
const USUAL_DIGITS: std::ops::RangeInclusive<usize> = 2..=6;

/// Rules, first match wins.
#[derive(Clone, Debug)]
pub struct Rules {
    kind: Kind,
    rules: Vec<PhoneRule>,
}

/// A phone by the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ruled {
    /// The account.
    pub account: AccountId,
    /// The phone's local number.
    pub number: Arc<str>,
    /// Who has it when it first comes into being; else the employee of its own number.
    pub employee: Option<Arc<str>>,
    /// Which rule took it.
    pub by: By,
}

/// Which rule took an endpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum By {
    /// There are none: it can be a phone by its name.
    Name,
    /// One that is ready for a kind of PBX, in this line.
    Ready(Ready, usize),
    /// One of the configuration, in this line.
    Rule(usize),
    /// A line of a file of phones.
    File(String, u64),
}

impl By {
    /// Whether the endpoint merely looks like a phone, and may be a provider's line all the same.
    pub const fn is_guess(&self) -> bool {
        matches!(self, Self::Name | Self::Ready(..))
    }
}

impl fmt::Display for By {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Name => f.write_str("by its name, as there are no rules"),
            Self::Ready(ready, line) => write!(f, "by the rules \"{}\" in line {line}", ready.name()),
            Self::Rule(line) => write!(f, "by the rule in line {line}"),
            Self::File(file, line) => write!(f, "by line {line} of {file}"),
        }
    }
}

impl Rules {
    /// The rules of a PBX; with none, endpoints that can be phones by their name are phones of account `1`.
    pub fn of(pbx: &Pbx) -> Self {
        Self { kind: pbx.kind, rules: pbx.phones.clone() }
    }

    /// None, for such a PBX.
    pub const fn none(kind: Kind) -> Self {
        Self { kind, rules: Vec::new() }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }

    /// The phone behind an endpoint. `own_number` is the caller id the PBX gives the endpoint itself, where it is
    /// known.
    pub fn find(&self, endpoint: &str, own_number: &str) -> Option<Ruled> {
        if self.rules.is_empty() {
            return usual(self.kind, endpoint);
        }
        self.rules.iter().find_map(|rule| by_rule(rule, endpoint, own_number))
    }
}

fn by_rule(rule: &PhoneRule, endpoint: &str, own_number: &str) -> Option<Ruled> {
    let line = rule.place.line;
    let ruled = |account: Option<&str>, phone: &str, employee: Option<&str>, by: By| {
        Some(Ruled {
            account: AccountId::new(account.or(rule.account.as_deref())?),
            number: Arc::from(phone),
            employee: employee.or(rule.employee.as_deref()).map(Arc::from),
            by,
        })
    };
    match &rule.takes {
        Takes::Named { endpoint: name, phone } => {
            (name == endpoint).then(|| ruled(None, phone, None, By::Rule(line))).flatten()
        }
        Takes::Expression(regex) => {
            let found = regex.captures(endpoint)?;
            let group = |name| found.name(name).map(|group| group.as_str()).filter(|text| !text.is_empty());
            ruled(group("account"), group("phone")?, group("employee"), By::Rule(line))
        }
        Takes::File { file, phones } => {
            let listed = phones.get(endpoint)?;
            let by = By::File(file.display().to_string(), listed.line);
            ruled(listed.account.as_deref(), &listed.phone, listed.employee.as_deref(), by)
        }
        Takes::Ready(ready) => {
            ruled(None, by_ready(*ready, endpoint, own_number)?, None, By::Ready(*ready, line))
        }
    }
}

fn usual(kind: Kind, endpoint: &str) -> Option<Ruled> {
    let (account, number) = match kind {
        Kind::Asterisk => (USUAL_ACCOUNT, local_number(named_by_number(endpoint)?)?),
        // Its phones are users of a domain (`101@customer.example`): FusionPBX has a domain an account.
        Kind::FreeSwitch => {
            let (user, domain) = endpoint.split_once('@').filter(|_| !endpoint.contains('/'))?;
            let both = !user.is_empty() && !domain.is_empty();
            both.then_some((domain, user))?
        }
    };
    Some(Ruled { account: AccountId::new(account), number: Arc::from(number), employee: None, by: By::Name })
}

fn by_ready<'a>(ready: Ready, endpoint: &'a str, own_number: &'a str) -> Option<&'a str> {
    let name = named_by_number(endpoint)?;
    match ready {
        Ready::Number => local_number(name),
        Ready::FreePbx => local_number(name).map(|number| browser_twin(number).unwrap_or(number)),
        Ready::Wazo => local_number(name).or_else(|| local_number(own_number)),
        Ready::WsSuffix => {
            let base = name
                .rsplit_once('-')
                .filter(|(_, end)| ["WS", "WSS", "TLS"].iter().any(|twin| end.eq_ignore_ascii_case(twin)));
            local_number(base.map_or(name, |(base, _)| base))
        }
    }
}

/// The name of an endpoint of a technology whose endpoints bear names.
fn named_by_number(endpoint: &str) -> Option<&str> {
    let (technology, name) = endpoint.split_once('/')?;
    USUAL_TECHNOLOGIES.contains(&technology).then_some(name)
}

/// What can be a local number: two to six digits.
pub fn local_number(name: &str) -> Option<&str> {
    (USUAL_DIGITS.contains(&name.len()) && name.bytes().all(|byte| byte.is_ascii_digit())).then_some(name)
}

/// FreePBX puts 99 (or 90) before an extension for the twin of it in a browser. Extensions of three and four digits
/// only: of longer ones it could as well be the number itself.
pub fn browser_twin(number: &str) -> Option<&str> {
    let extension = number.strip_prefix("99").or_else(|| number.strip_prefix("90"))?;
    (matches!(extension.len(), 3 | 4) && !extension.starts_with('0')).then_some(extension)
}
