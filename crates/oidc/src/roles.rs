//! What a person may do here, by what the provider says of them. Pure.

use calls::AccountId;
use journal::settings::Scope;
use regex::Regex;
use serde_json::Value;

use crate::claims::values;

/// The rules; the first that fits holds.
#[derive(Clone, Debug, Default)]
pub struct Roles {
    /// The claim whose values the rules are about.
    pub claim: String,
    /// In order.
    pub rules: Vec<Rule>,
}

/// One rule.
#[derive(Clone, Debug)]
pub struct Rule {
    /// Whom it is about.
    pub fits: Fits,
    /// What they may do.
    pub grants: Grants,
}

/// Which value of the claim a rule is about.
#[derive(Clone, Debug)]
pub enum Fits {
    /// Exactly this one.
    Value(String),
    /// All of this form, from the first to the last character; the group `account` may name the account.
    Pattern(Regex),
}

/// What a rule gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Grants {
    /// Everything.
    Operator,
    /// One account.
    Account {
        /// Which.
        whose: Whose,
        /// Without changes.
        read_only: bool,
    },
}

/// Which account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Whose {
    /// This one.
    Account(AccountId),
    /// The one in the pattern's group `account`.
    Group,
    /// The one this claim names.
    Claim(String),
}

impl Roles {
    /// What a person may do; `None` if no rule is about them.
    pub fn scope(&self, claims: &Value) -> Option<Scope> {
        let held = values(claims, &self.claim);
        self.rules.iter().find_map(|rule| held.iter().find_map(|value| rule.scope(value, claims)))
    }
}

impl Rule {
    fn scope(&self, value: &str, claims: &Value) -> Option<Scope> {
        let group = match &self.fits {
            Fits::Value(exactly) if exactly == value => None,
            Fits::Value(_) => return None,
            Fits::Pattern(pattern) => pattern.captures(value)?.name("account").map(|found| found.as_str()),
        };
        let (whose, read_only) = match &self.grants {
            Grants::Operator => return Some(Scope::Everything),
            Grants::Account { whose, read_only } => (whose, *read_only),
        };
        let account = match whose {
            Whose::Account(account) => account.clone(),
            Whose::Group => AccountId::new(group.filter(|id| !id.is_empty())?),
            // With several accounts it is not said which: no guess.
            Whose::Claim(claim) => match &*values(claims, claim) {
                [one] if !one.is_empty() => AccountId::new(one.as_str()),
                _ => return None,
            },
        };
        Some(if read_only { Scope::ReadAccount(account) } else { Scope::Account(account) })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn roles() -> Roles {
        let pattern = |text: &str| Fits::Pattern(Regex::new(&format!("^(?:{text})$")).unwrap());
        let rule = |fits, grants| Rule { fits, grants };
        let account = |whose, read_only| Grants::Account { whose, read_only };
        Roles {
            claim: "roles".into(),
            rules: vec![
                rule(Fits::Value("ringbud.operator".into()), Grants::Operator),
                rule(pattern(r"ringbud-(?<account>\w*)-admin"), account(Whose::Group, false)),
                rule(Fits::Value("support".into()), account(Whose::Account(AccountId::new("7")), true)),
                rule(Fits::Value("own".into()), account(Whose::Claim("tenant".into()), false)),
            ],
        }
    }

    #[test]
    fn the_first_rule_that_fits_holds_whatever_the_order_of_the_values() {
        let scope = |claims: Value| roles().scope(&claims);
        let admin = |id| Some(Scope::Account(AccountId::new(id)));
        let reads = Some(Scope::ReadAccount(AccountId::new("7")));
        assert_eq!(scope(json!({ "roles": ["support", "ringbud.operator"] })), Some(Scope::Everything));
        assert_eq!(scope(json!({ "roles": ["support", "ringbud-12-admin"] })), admin("12"));
        assert_eq!(scope(json!({ "roles": "support" })), reads);
        assert_eq!(scope(json!({ "roles": ["own"], "tenant": 4711 })), admin("4711"));
    }

    #[test]
    fn what_no_rule_is_about_gives_nothing() {
        for claims in [
            json!({}),
            json!({ "roles": [] }),
            json!({ "roles": ["ringbudXoperator", "RINGBUD.OPERATOR", "ringbud.operator "] }),
            json!({ "roles": ["my-ringbud-12-admin", "ringbud-12-admins", "ringbud--admin"] }),
            json!({ "roles": ["own"] }),
            json!({ "roles": ["own"], "tenant": ["1", "2"] }),
            json!({ "groups": ["ringbud.operator"] }),
        ] {
            assert_eq!(roles().scope(&claims), None, "{claims}");
        }
    }
}
