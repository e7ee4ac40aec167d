//! Which endpoint is whose phone: the rules of the configuration joined with what the store knows.
//!
//! Owns the answer to [`calls::Directory`], fast enough to be asked for every channel: a rule is matched
//! once an endpoint, the store is asked again only when a setting changed. What a rule names and the store
//! does not know is handed to the learner, and answered at once as if it were there already. Leaves the
//! settings themselves to `journal` and their editing to `web` and the command line.

mod feature_codes;
mod learn;
mod legacy;
mod rules;
mod settings;

use std::cell::RefCell;
use std::collections::HashMap;
use std::sync::Arc;

use calls::{AccountId, Directory, Phone};
use journal::settings::Holder;

pub use learn::{Learner, Newcomer, write_down};
pub use legacy::not_taken_any_more;
pub use rules::{By, Ruled, Rules, USUAL_ACCOUNT, browser_twin, local_number};
pub use settings::{KnownSettings, Unwritten, Written};

use feature_codes::FeatureCodes;

/// So many endpoints are remembered; beyond that all are forgotten and found again by the rules.
const MAX_ENDPOINTS: usize = 100_000;
/// So many endpoints that are no phones wait to be told.
const MAX_STRANGERS: usize = 1_024;

/// The phones of one PBX.
pub struct Phones {
    rules: Rules,
    cache: Arc<dyn KnownSettings>,
    learner: Learner,
    known: RefCell<HashMap<Box<str>, Known>>,
    told: RefCell<HashMap<Box<str>, Told>>,
    strangers: RefCell<Vec<Stranger>>,
    feature_codes: RefCell<FeatureCodes>,
}

/// What is known of an endpoint.
struct Known {
    /// The phone, by the rules; `None` for what is no phone.
    by_rule: Option<Ruled>,
    /// The answer, and the settings it was made from.
    answer: Option<(u64, Arc<Phone>)>,
    /// It was told that it is no phone.
    is_stranger: bool,
}

/// What the PBX told of an endpoint.
#[derive(Default)]
struct Told {
    /// Something shows that it is a provider's line.
    is_provider: bool,
    /// The caller id the PBX gives it.
    number: Box<str>,
}

/// An endpoint that places or gets calls and is no phone by the rules.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stranger {
    /// Its name.
    pub endpoint: String,
    /// Whether it is known to be a provider's line.
    pub is_provider: bool,
}

impl Phones {
    /// Joins rules and settings.
    pub fn new(rules: Rules, cache: Arc<dyn KnownSettings>, learner: Learner) -> Self {
        Self {
            rules,
            cache,
            learner,
            known: RefCell::default(),
            told: RefCell::default(),
            strangers: RefCell::default(),
            feature_codes: RefCell::default(),
        }
    }

    /// The PBX told something of an endpoint.
    pub fn learn(&self, endpoint: &pbx::Endpoint<'_>) {
        if endpoint.sign.is_none() && endpoint.number.is_empty() {
            return;
        }
        let mut told = self.told.borrow_mut();
        if told.len() >= MAX_ENDPOINTS && !told.contains_key(endpoint.name) {
            return;
        }
        let of = told.entry(endpoint.name.into()).or_default();
        of.is_provider |= endpoint.sign.is_some();
        if !endpoint.number.is_empty() {
            of.number = endpoint.number.into();
        }
        self.known.borrow_mut().remove(endpoint.name);
    }

    /// The account and the number of the phone behind an endpoint, by the rules and what was told of it; nothing is
    /// learned from the question.
    pub fn whose(&self, endpoint: &str) -> Option<(AccountId, Arc<str>)> {
        let told = self.told.borrow();
        let told = told.get(endpoint);
        let ruled = self.rules.find(endpoint, told.map_or("", |told| &told.number))?;
        let is_provider = told.is_some_and(|told| told.is_provider);
        (!(is_provider && ruled.by.is_guess())).then(|| (ruled.account.clone(), ruled.number.clone()))
    }

    /// The endpoints that turned out to be no phones since this was asked last, each once.
    pub fn take_strangers(&self) -> Vec<Stranger> {
        std::mem::take(&mut self.strangers.borrow_mut())
    }

    /// The phone behind an endpoint, whose channel is a provider's line or not.
    fn find(&self, endpoint: &str, on_line: bool) -> Option<Arc<Phone>> {
        let mut all = self.known.borrow_mut();
        if !all.contains_key(endpoint) {
            if all.len() >= MAX_ENDPOINTS {
                tracing::warn!(
                    endpoints = all.len(),
                    "more endpoints than are remembered; all are looked up anew"
                );
                all.clear();
            }
            let told = self.told.borrow();
            let told = told.get(endpoint);
            let by_rule = self.rules.find(endpoint, told.map_or("", |told| &told.number));
            let is_provider = told.is_some_and(|told| told.is_provider);
            let by_rule = by_rule.filter(|ruled| !(is_provider && ruled.by.is_guess()));
            all.insert(endpoint.into(), Known { by_rule, answer: None, is_stranger: false });
        }
        let known = all.get_mut(endpoint)?;
        let Some(ruled) = known.by_rule.as_ref().filter(|ruled| !(on_line && ruled.by.is_guess())) else {
            if !std::mem::replace(&mut known.is_stranger, true) {
                let is_provider =
                    on_line || self.told.borrow().get(endpoint).is_some_and(|of| of.is_provider);
                self.estrange(endpoint, is_provider);
            }
            return None;
        };
        let revision = self.cache.revision();
        if let Some((made_from, phone)) = &known.answer
            && *made_from == revision
        {
            return Some(phone.clone());
        }
        let (phone, settled) = self.answer(ruled);
        known.answer = settled.then(|| (revision, phone.clone()));
        Some(phone)
    }

    fn estrange(&self, endpoint: &str, is_provider: bool) {
        let mut strangers = self.strangers.borrow_mut();
        if strangers.len() < MAX_STRANGERS {
            strangers.push(Stranger { endpoint: endpoint.to_owned(), is_provider });
        }
    }

    fn answer(&self, ruled: &Ruled) -> (Arc<Phone>, bool) {
        let Ruled { account, number, employee: first, .. } = ruled;
        let holder = self.cache.holder(account, number);
        let first = first.as_ref().unwrap_or(number);
        let employee = match &holder {
            None => Some(self.cache.employee(account, first).unwrap_or_else(|| unnamed(first))),
            Some(Holder::SameNumber) => self.cache.employee(account, number),
            Some(Holder::Employee(number)) => self.cache.employee(account, number),
            Some(Holder::Nobody) => None,
        };
        let newcomer =
            || Newcomer { account: account.clone(), number: number.clone(), employee: first.clone() };
        let settled = holder.is_some() || self.learner.tell(newcomer());
        (Arc::new(Phone { account: account.clone(), number: number.clone(), employee }), settled)
    }
}

fn unnamed(number: &Arc<str>) -> calls::Employee {
    calls::Employee { number: number.clone(), name: Arc::from("") }
}

impl Directory for Phones {
    fn phone(&self, endpoint: &str) -> Option<Arc<Phone>> {
        self.find(endpoint, false)
    }

    fn phone_on_line(&self, endpoint: &str) -> Option<Arc<Phone>> {
        self.find(endpoint, true)
    }

    fn is_feature_code(&self, account: &AccountId, dialled: &str) -> bool {
        self.cache.with_feature_codes(account, &mut |pattern| {
            self.feature_codes.borrow_mut().matches(pattern, dialled)
        })
    }
}

#[cfg(test)]
mod tests;
