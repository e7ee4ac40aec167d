//! Which endpoint is whose phone: the rules of the configuration joined with what the store knows.
//!
//! Owns the answer to [`calls::Directory`], fast enough to be asked for every channel: a rule is matched
//! once an endpoint, the store is asked again only when a setting changed. What a rule names and the store
//! does not know is handed to the learner, and answered at once as if it were there already. Leaves the
//! settings themselves to `journal` and their editing to `web` and the command line.

mod feature_codes;
mod learn;
mod rules;
mod settings;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use calls::{AccountId, Directory, Phone};
use journal::settings::Holder;

pub use learn::{Learner, Newcomer, write_down};
pub use rules::Rules;
pub use settings::{KnownSettings, Unwritten, Written};

use feature_codes::FeatureCodes;

/// So many endpoints are remembered; beyond that all are forgotten and found again by the rules.
const MAX_ENDPOINTS: usize = 100_000;

/// The phones of one PBX.
pub struct Phones {
    rules: Rules,
    cache: Arc<dyn KnownSettings>,
    learner: Learner,
    known: RefCell<HashMap<Box<str>, Known>>,
    feature_codes: RefCell<FeatureCodes>,
}

/// What is known of an endpoint.
struct Known {
    /// Account and local number, by the rules; `None` for what is no phone.
    by_rule: Option<(AccountId, Arc<str>)>,
    /// The answer, and the settings it was made from.
    answer: Option<(u64, Arc<Phone>)>,
}

impl Phones {
    /// Joins rules and settings.
    pub fn new(rules: Rules, cache: Arc<dyn KnownSettings>, learner: Learner) -> Self {
        Self { rules, cache, learner, known: RefCell::default(), feature_codes: RefCell::default() }
    }

    fn answer(&self, account: &AccountId, number: &Arc<str>) -> (Arc<Phone>, bool) {
        let holder = self.cache.holder(account, number);
        let employee = match &holder {
            None => Some(self.cache.employee(account, number).unwrap_or_else(|| unnamed(number))),
            Some(Holder::SameNumber) => self.cache.employee(account, number),
            Some(Holder::Employee(number)) => self.cache.employee(account, number),
            Some(Holder::Nobody) => None,
        };
        let settled = holder.is_some()
            || self.learner.tell(Newcomer { account: account.clone(), number: number.clone() });
        (Arc::new(Phone { account: account.clone(), number: number.clone(), employee }), settled)
    }
}

fn unnamed(number: &Arc<str>) -> calls::Employee {
    calls::Employee { number: number.clone(), name: Arc::from("") }
}

impl Directory for Phones {
    fn phone(&self, endpoint: &str) -> Option<Arc<Phone>> {
        let mut all = self.known.borrow_mut();
        if !all.contains_key(endpoint) {
            if all.len() >= MAX_ENDPOINTS {
                tracing::warn!(
                    endpoints = all.len(),
                    "more endpoints than are remembered; all are looked up anew"
                );
                all.clear();
            }
            all.insert(endpoint.into(), Known { by_rule: self.rules.find(endpoint), answer: None });
        }
        let known = all.get_mut(endpoint)?;
        let (account, number) = known.by_rule.as_ref()?;
        let revision = self.cache.revision();
        if let Some((made_from, phone)) = &known.answer
            && *made_from == revision
        {
            return Some(phone.clone());
        }
        let (phone, settled) = self.answer(account, number);
        known.answer = settled.then(|| (revision, phone.clone()));
        Some(phone)
    }

    fn is_feature_code(&self, account: &AccountId, dialled: &str) -> bool {
        self.cache.with_feature_codes(account, &mut |pattern| {
            self.feature_codes.borrow_mut().matches(pattern, dialled)
        })
    }
}

#[cfg(test)]
mod tests;
