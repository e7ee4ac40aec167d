//! The endpoints of one PBX: whose phones they are, by which rule, and what looks wrong about that.

use std::collections::BTreeMap;

use super::Report;
use crate::config::{Config, Pbx};
use crate::directory::{Ruled, Rules, browser_twin};
use crate::link::{KnownEndpoint, Visit};
use crate::store::Store;

/// So many phones are listed one by one.
const MAX_PHONES: usize = 200;
/// So many others.
const MAX_OTHERS: usize = 50;
/// A local number is hardly longer.
const MAX_LOCAL_DIGITS: usize = 6;

pub(super) fn check(pbx: &Pbx, seen: &Visit, report: &Report) {
    let name = &pbx.name;
    let rules = Rules::of(pbx);
    let mut found = Found::default();
    for (endpoint, known) in &seen.endpoints {
        match rules.find(endpoint, &known.number) {
            Some(ruled) if ruled.by.is_guess() && !known.signs.is_empty() => {
                found.lines.push((endpoint, known))
            }
            Some(ruled) => found.phones.push((endpoint, known, ruled)),
            None => found.others.push((endpoint, known)),
        }
    }
    for (endpoint, known, ruled) in found.phones.iter().take(MAX_PHONES) {
        let state = if known.is_reachable == Some(false) { " (not registered now)" } else { "" };
        report.ok(&format!(
            "{name}: {endpoint} is phone {} of account {}, {}{state}",
            ruled.number, ruled.account, ruled.by
        ));
    }
    if found.phones.len() > MAX_PHONES {
        report.ok(&format!("{name}: and {} phones more", found.phones.len() - MAX_PHONES));
    }
    for (endpoint, known) in &found.lines {
        report.ok(&format!("{name}: {endpoint} is taken for no phone: {}", signs(known)));
    }
    if !found.others.is_empty() {
        let names: Vec<&str> =
            found.others.iter().take(MAX_OTHERS).map(|(endpoint, _)| endpoint.as_str()).collect();
        let more = found.others.len().saturating_sub(MAX_OTHERS);
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        report.ok(&format!("{name}: no rule takes these, so they are trunks: {}{more}", names.join(", ")));
    }
    for doubt in doubts(&found.phones) {
        report.warn(&format!("{name}: {doubt}"));
    }
    if found.phones.is_empty() && !seen.endpoints.is_empty() {
        report.warn(&format!(
            "{name}: no endpoint is a phone by the rules: write [[pbx.phones]] rules that match yours"
        ));
    }
}

#[derive(Default)]
struct Found<'a> {
    phones: Vec<Phone<'a>>,
    /// Look like a phone, and are a provider's line.
    lines: Vec<(&'a String, &'a KnownEndpoint)>,
    /// What no rule takes.
    others: Vec<(&'a String, &'a KnownEndpoint)>,
}

type Phone<'a> = (&'a String, &'a KnownEndpoint, Ruled);

fn signs(known: &KnownEndpoint) -> String {
    let signs: Vec<&str> = known.signs.iter().map(|sign| sign.words()).collect();
    let context =
        if known.context.is_empty() { String::new() } else { format!(" (context {})", known.context) };
    format!("{}{context}", signs.join(", "))
}

/// What looks wrong about the phones that were found.
fn doubts(phones: &[Phone<'_>]) -> Vec<String> {
    let mut doubts = Vec::new();
    let mut by_number: BTreeMap<(&str, &str), Vec<&str>> = BTreeMap::new();
    for (endpoint, known, ruled) in phones {
        let number = &*ruled.number;
        by_number.entry((ruled.account.as_str(), number)).or_default().push(endpoint.as_str());
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

/// Phones of the store that the rules of today make no more.
pub(super) fn check_store(config: &Config, store: &Store, report: &Report) {
    if let Some(sentence) = store.phones_not_taken_any_more(&config.pbxs) {
        report.warn(&sentence);
    }
}

#[cfg(test)]
mod tests {
    use calls::AccountId;
    use pbx::Sign;

    use super::*;
    use crate::directory::By;

    fn phone<'a>(endpoint: &'a String, known: &'a KnownEndpoint, number: &str) -> Phone<'a> {
        let ruled =
            Ruled { account: AccountId::new("1"), number: number.into(), employee: None, by: By::Rule(7) };
        (endpoint, known, ruled)
    }

    #[test]
    fn what_looks_wrong_about_a_phone_is_told_with_its_reason() {
        let names =
            ["PJSIP/4570201234", "PJSIP/201", "PJSIP/201b", "PJSIP/99201", "PJSIP/300"].map(str::to_owned);
        let plain = KnownEndpoint::default();
        let line = KnownEndpoint {
            signs: [Sign::Context, Sign::Registration].into(),
            context: "from-pstn".to_owned(),
            ..KnownEndpoint::default()
        };
        let phones = [
            phone(&names[0], &plain, "4570201234"),
            phone(&names[1], &plain, "201"),
            phone(&names[2], &plain, "201"),
            phone(&names[3], &plain, "99201"),
            phone(&names[4], &line, "300"),
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
}
