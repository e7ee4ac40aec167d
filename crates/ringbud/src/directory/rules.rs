//! The rules of one PBX: from an endpoint's name to account and local number.

use std::sync::Arc;

use calls::AccountId;

use crate::config::PhoneRule;

/// The account of phones where no rule says otherwise.
const USUAL_ACCOUNT: &str = "1";
/// The technologies whose endpoints named by digits alone are phones where there are no rules.
const USUAL_TECHNOLOGIES: [&str; 3] = ["PJSIP", "SIP", "IAX2"];

/// Rules, first match wins.
#[derive(Clone, Debug, Default)]
pub struct Rules(Vec<PhoneRule>);

impl Rules {
    /// The rules of a configuration; with none, endpoints named by digits alone are phones of account `1`, and
    /// of endpoints that are users of a domain the domain is the account and the user the phone.
    pub fn new(rules: Vec<PhoneRule>) -> Self {
        Self(rules)
    }

    /// Account and local number of the phone behind an endpoint.
    pub fn find(&self, endpoint: &str) -> Option<(AccountId, Arc<str>)> {
        if self.0.is_empty() {
            return usual(endpoint);
        }
        self.0.iter().find_map(|rule| by_rule(rule, endpoint))
    }
}

fn by_rule(rule: &PhoneRule, endpoint: &str) -> Option<(AccountId, Arc<str>)> {
    let found = rule.endpoint.captures(endpoint)?;
    let phone = found.name("phone").map(|group| group.as_str()).filter(|number| !number.is_empty())?;
    let account = found.name("account").map(|group| group.as_str()).filter(|account| !account.is_empty());
    Some((AccountId::new(account.or(rule.account.as_deref())?), Arc::from(phone)))
}

fn usual(endpoint: &str) -> Option<(AccountId, Arc<str>)> {
    // A FreeSWITCH's phones are users of a domain (`101@customer.example`): FusionPBX has a domain an account.
    if let Some((user, domain)) = endpoint.split_once('@').filter(|_| !endpoint.contains('/')) {
        let both = !user.is_empty() && !domain.is_empty();
        return both.then(|| (AccountId::new(domain), Arc::from(user)));
    }
    let (technology, name) = endpoint.split_once('/')?;
    let digits = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    (digits && USUAL_TECHNOLOGIES.contains(&technology))
        .then(|| (AccountId::new(USUAL_ACCOUNT), Arc::from(name)))
}
