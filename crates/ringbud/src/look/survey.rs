//! The endpoints of one PBX: whose phones they are, by which rule, and what looks wrong about that.
//!
//! For whoever looks before a call comes: `check`, and the first run.

use std::collections::BTreeMap;

use super::said::Said;
use crate::directory::{By, Ruled, Rules, browser_twin};
use crate::link::KnownEndpoint;

/// So many phones are told one by one.
const MAX_PHONES: usize = 200;
/// So many others.
const MAX_OTHERS: usize = 50;
/// A local number is hardly longer.
const MAX_LOCAL_DIGITS: usize = 6;

/// What the rules make of the endpoints.
#[derive(Debug, Default)]
pub struct Survey<'a> {
    /// Whose phone each is.
    pub phones: Vec<Found<'a>>,
    /// Look like a phone, and are a provider's line.
    pub lines: Vec<(&'a str, &'a KnownEndpoint)>,
    /// What no rule takes.
    pub others: Vec<(&'a str, &'a KnownEndpoint)>,
}

/// A phone.
#[derive(Debug)]
pub struct Found<'a> {
    /// The endpoint.
    pub endpoint: &'a str,
    /// What the PBX says of it.
    pub known: &'a KnownEndpoint,
    /// Whose it is.
    pub ruled: Ruled,
}

impl<'a> Survey<'a> {
    /// Looks at them by these rules.
    pub fn of(rules: &Rules, endpoints: &'a BTreeMap<String, KnownEndpoint>) -> Self {
        let mut found = Self::default();
        for (endpoint, known) in endpoints {
            match rules.find(endpoint, &known.number) {
                Some(ruled) if ruled.by.is_guess() && !known.signs.is_empty() => {
                    found.lines.push((endpoint, known));
                }
                Some(ruled) => found.phones.push(Found { endpoint, known, ruled }),
                None => found.others.push((endpoint, known)),
            }
        }
        found
    }

    /// Ports that may have a phone on them, and whose name has no number that is anybody's.
    pub fn ports(&self) -> Vec<&'a str> {
        let is_port = |(endpoint, known): &&(&'a str, &KnownEndpoint)| {
            endpoint.starts_with("DAHDI/") && known.signs.is_empty()
        };
        self.others.iter().filter(is_port).map(|(endpoint, _)| *endpoint).collect()
    }

    /// All of it in sentences.
    pub fn told(&self) -> Vec<Said> {
        let mut said = Vec::new();
        for Found { endpoint, known, ruled } in self.phones.iter().take(MAX_PHONES) {
            let state = if known.is_reachable == Some(false) { " (not registered now)" } else { "" };
            said.push(Said::Fine(format!(
                "{endpoint} is phone {} of account {}, {}{state}",
                ruled.number, ruled.account, ruled.by
            )));
        }
        if self.phones.len() > MAX_PHONES {
            said.push(Said::Fine(format!("and {} phones more", self.phones.len() - MAX_PHONES)));
        }
        for (endpoint, known) in &self.lines {
            said.push(Said::Fine(format!("{endpoint} is taken for no phone: {}", signs(known))));
        }
        if !self.others.is_empty() {
            let names: Vec<&str> =
                self.others.iter().take(MAX_OTHERS).map(|(endpoint, _)| *endpoint).collect();
            let more = self.others.len().saturating_sub(MAX_OTHERS);
            let more = if more == 0 { String::new() } else { format!(" and {more} more") };
            said.push(Said::Fine(format!(
                "no rule takes these, so they are trunks: {}{more}",
                names.join(", ")
            )));
        }
        said.extend(doubts(&self.phones).into_iter().map(Said::Doubt));
        if self.phones.is_empty() && !(self.lines.is_empty() && self.others.is_empty()) {
            said.push(Said::Doubt(
                "no endpoint is a phone by the rules: write [[pbx.phones]] rules that match yours".to_owned(),
            ));
        }
        said
    }
}

fn signs(known: &KnownEndpoint) -> String {
    let signs: Vec<&str> = known.signs.iter().map(|sign| sign.words()).collect();
    let context =
        if known.context.is_empty() { String::new() } else { format!(" (context {})", known.context) };
    format!("{}{context}", signs.join(", "))
}

/// Whether a ready rule knows it for a second device of the phone: its name has more than the number.
fn is_twin(found: &Found<'_>) -> bool {
    let name = found.endpoint.split_once('/').map_or(found.endpoint, |(_, name)| name);
    matches!(found.ruled.by, By::Ready(..))
        && name.contains(&*found.ruled.number)
        && name != &*found.ruled.number
}

/// What looks wrong about the phones that were found.
fn doubts(phones: &[Found<'_>]) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut by_number: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for found in phones {
        let Found { endpoint, known, ruled } = found;
        let number = &*ruled.number;
        let endpoints = by_number.entry((ruled.account.as_str(), number)).or_default();
        if !is_twin(found) {
            endpoints.push(endpoint);
        }
        let is_long = number.len() > MAX_LOCAL_DIGITS && number.bytes().all(|byte| byte.is_ascii_digit());
        if is_long || !known.signs.is_empty() {
            let mut why = Vec::new();
            if is_long {
                why.push(format!("its number has more than {MAX_LOCAL_DIGITS} digits"));
            }
            if !known.signs.is_empty() {
                why.push(signs(known));
            }
            doubts.push(format!(
                "{endpoint} is phone {number} {}, and looks like a trunk: {}. If it is one, let the rules leave it out",
                ruled.by,
                why.join(", ")
            ));
        }
    }
    for ((account, number), endpoints) in &by_number {
        if endpoints.len() > 1 {
            doubts.push(format!(
                "phone {number} of account {account} is behind {} endpoints ({}): each that rings has a leg of its own, which is right for a second device of the same person only",
                endpoints.len(),
                endpoints.join(", ")
            ));
        }
        let twin = browser_twin(number).filter(|twin| by_number.contains_key(&(*account, *twin)));
        if let Some(twin) = twin {
            doubts.push(format!(
                "{} is phone {number} of account {account}, and looks like the browser's twin of {twin}: rules = \"freepbx\" makes it a device of {twin}",
                endpoints.join(", ")
            ));
        }
    }
    doubts
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use calls::AccountId;
    use pbx::Sign;

    use super::*;
    use crate::config::Ready;

    fn phone<'a>(endpoint: &'a str, known: &'a KnownEndpoint, number: &str, by: By) -> Found<'a> {
        let number = Arc::from(number);
        Found { endpoint, known, ruled: Ruled { account: AccountId::new("1"), number, employee: None, by } }
    }

    #[test]
    fn what_looks_wrong_about_a_phone_is_told_with_its_reason() {
        let plain = KnownEndpoint::default();
        let line = KnownEndpoint {
            signs: [Sign::Context, Sign::Registration].into(),
            context: "from-pstn".to_owned(),
            ..KnownEndpoint::default()
        };
        let by = || By::Rule(7);
        let phones = [
            phone("PJSIP/4570201234", &plain, "4570201234", by()),
            phone("PJSIP/201", &plain, "201", by()),
            phone("PJSIP/201b", &plain, "201", by()),
            phone("PJSIP/99201", &plain, "99201", by()),
            phone("PJSIP/300", &line, "300", by()),
        ];
        let doubts = doubts(&phones);
        for said in [
            "PJSIP/4570201234 is phone 4570201234 by the rule in line 7, and looks like a trunk: its number has more than 6 digits",
            "PJSIP/300 is phone 300 by the rule in line 7, and looks like a trunk: its context takes calls from outside, the PBX registers itself with it (context from-pstn)",
            "phone 201 of account 1 is behind 2 endpoints (PJSIP/201, PJSIP/201b)",
            "PJSIP/99201 is phone 99201 of account 1, and looks like the browser's twin of 201",
        ] {
            assert!(doubts.iter().any(|doubt| doubt.starts_with(said)), "{said}\n{doubts:#?}");
        }
        assert_eq!(doubts.len(), 4, "{doubts:#?}");
    }

    #[test]
    fn a_twin_that_a_ready_rule_knows_is_no_doubt() {
        let plain = KnownEndpoint::default();
        let by = || By::Ready(Ready::FreePbx, 3);
        let phones = [phone("PJSIP/201", &plain, "201", by()), phone("PJSIP/99201", &plain, "201", by())];
        assert_eq!(doubts(&phones), Vec::<String>::new());
        let phones = [phone("PJSIP/201", &plain, "201", by()), phone("SIP/201", &plain, "201", by())];
        assert_eq!(doubts(&phones).len(), 1, "the same number on two technologies is a question");
    }
}
