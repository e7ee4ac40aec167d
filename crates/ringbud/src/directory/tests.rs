//! Rules, settings and newcomers together.

use std::sync::{Arc, Mutex};

use calls::{AccountId, Directory, Employee};
use journal::settings::Holder;
use regex::Regex;

use super::{KnownSettings, Learner, Phones, Rules, Unwritten};
use crate::config::PhoneRule;

#[derive(Default)]
struct Page {
    revision: u64,
    phones: Vec<(&'static str, Holder)>,
    employees: Vec<(&'static str, &'static str)>,
    feature_codes: String,
}

#[derive(Default)]
struct Notes(Mutex<Page>);

impl Notes {
    fn change(&self, change: impl FnOnce(&mut Page)) {
        let mut page = self.0.lock().unwrap();
        page.revision += 1;
        change(&mut page);
    }
}

impl KnownSettings for Notes {
    fn revision(&self) -> u64 {
        self.0.lock().unwrap().revision
    }

    fn holder(&self, _account: &AccountId, phone: &str) -> Option<Holder> {
        self.0
            .lock()
            .unwrap()
            .phones
            .iter()
            .find(|(number, _)| *number == phone)
            .map(|(_, holder)| holder.clone())
    }

    fn employee(&self, _account: &AccountId, number: &str) -> Option<Employee> {
        let page = self.0.lock().unwrap();
        page.employees
            .iter()
            .find(|(known, _)| *known == number)
            .map(|(known, name)| Employee { number: Arc::from(*known), name: Arc::from(*name) })
    }

    fn with_feature_codes(&self, _account: &AccountId, question: &mut dyn FnMut(&str) -> bool) -> bool {
        question(&self.0.lock().unwrap().feature_codes)
    }
}

fn rule(endpoint: &str, account: Option<&str>) -> PhoneRule {
    PhoneRule {
        endpoint: Regex::new(&format!("^(?:{endpoint})$")).unwrap(),
        account: account.map(str::to_owned),
    }
}

fn ask(phones: &Phones, endpoint: &str) -> Option<(String, String, Option<String>)> {
    phones.phone(endpoint).map(|phone| {
        let employee =
            phone.employee.as_ref().map(|employee| format!("{} {}", employee.number, employee.name));
        (phone.account.to_string(), phone.number.to_string(), employee)
    })
}

fn owned(account: &str, number: &str, employee: Option<&str>) -> Option<(String, String, Option<String>)> {
    Some((account.to_owned(), number.to_owned(), employee.map(str::to_owned)))
}

#[test]
fn without_rules_endpoints_of_digits_are_phones_of_account_1() {
    let phones = Phones::new(Rules::default(), Arc::new(Unwritten), Learner::none());
    assert_eq!(ask(&phones, "PJSIP/101"), owned("1", "101", Some("101 ")));
    assert_eq!(ask(&phones, "SIP/101"), owned("1", "101", Some("101 ")));
    for trunk in ["PJSIP/trunk", "PJSIP/1001-101", "Local/101@x", "PJSIP/", "DAHDI/1", "101"] {
        assert_eq!(ask(&phones, trunk), None, "{trunk}");
    }
}

#[test]
fn the_first_rule_that_matches_the_whole_endpoint_wins() {
    let rules = Rules::new(vec![
        rule(r"PJSIP/(?<account>\d+)-(?<phone>\d+)", None),
        rule(r"(?:(?<account>[a-z]+)/)?SIP/(?<phone>\d*)", Some("7")),
    ]);
    let phones = Phones::new(rules, Arc::new(Unwritten), Learner::none());
    assert_eq!(ask(&phones, "PJSIP/1001-101"), owned("1001", "101", Some("101 ")));
    assert_eq!(ask(&phones, "PJSIP/1001-101-x"), None);
    assert_eq!(
        ask(&phones, "SIP/5"),
        owned("7", "5", Some("5 ")),
        "the fixed account where the group took no part"
    );
    assert_eq!(ask(&phones, "a/SIP/5"), owned("a", "5", Some("5 ")));
    assert_eq!(ask(&phones, "SIP/"), None, "a phone without a number is no phone");
}

#[test]
fn a_newcomer_is_told_once_and_answered_as_if_it_were_there() {
    let (learner, mut newcomers) = Learner::new();
    let phones = Phones::new(Rules::default(), Arc::new(Notes::default()), learner);
    assert_eq!(ask(&phones, "PJSIP/101"), owned("1", "101", Some("101 ")));
    assert_eq!(ask(&phones, "PJSIP/101"), owned("1", "101", Some("101 ")));
    assert_eq!(newcomers.try_recv().unwrap().number.as_ref(), "101");
    assert!(newcomers.try_recv().is_err());
}

#[test]
fn an_answer_follows_the_settings() {
    let cache = Arc::new(Notes::default());
    let (learner, mut newcomers) = Learner::new();
    let phones = Phones::new(Rules::default(), cache.clone(), learner);
    cache.change(|page| {
        page.phones.push(("101", Holder::SameNumber));
        page.employees = vec![("101", "Anna"), ("102", "Bo")];
    });
    assert_eq!(ask(&phones, "PJSIP/101"), owned("1", "101", Some("101 Anna")));
    cache.change(|page| page.phones[0].1 = Holder::Employee("102".to_owned()));
    assert_eq!(ask(&phones, "PJSIP/101"), owned("1", "101", Some("102 Bo")));
    cache.change(|page| page.phones[0].1 = Holder::Nobody);
    assert_eq!(ask(&phones, "PJSIP/101"), owned("1", "101", None));
    cache.change(|page| {
        page.phones[0].1 = Holder::SameNumber;
        page.employees.clear();
    });
    assert_eq!(
        ask(&phones, "PJSIP/101"),
        owned("1", "101", None),
        "an employee who was removed does not come back"
    );
    assert!(newcomers.try_recv().is_err());
}

#[test]
fn a_feature_code_is_what_the_account_says_it_is() {
    let cache = Arc::new(Notes::default());
    let phones = Phones::new(Rules::default(), cache.clone(), Learner::none());
    let account = AccountId::new("1");
    cache.change(|page| r"^\*".clone_into(&mut page.feature_codes));
    assert!(phones.is_feature_code(&account, "*8"));
    assert!(!phones.is_feature_code(&account, "8"));
    cache.change(|page| r"^(70\d|\*)".clone_into(&mut page.feature_codes));
    assert!(phones.is_feature_code(&account, "701"));
    cache.change(|page| page.feature_codes = "(".to_owned());
    assert!(!phones.is_feature_code(&account, "("));
    cache.change(|page| page.feature_codes.clear());
    assert!(!phones.is_feature_code(&account, "*8"));
}
