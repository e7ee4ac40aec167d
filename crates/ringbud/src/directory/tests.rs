//! Rules, settings and newcomers together.

use std::sync::{Arc, Mutex};

use calls::{AccountId, Directory, Employee};
use journal::settings::Holder;
use pbx::{Endpoint, Kind, Sign};

use super::{KnownSettings, Learner, Phones, Rules, Stranger, Unwritten};
use crate::config::{Config, Purpose};

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

/// The rules of a configuration.
fn rules(phones: &str) -> Rules {
    let text = format!("[[pbx]]\nname = \"p\"\n{phones}");
    let config = Config::parse(std::path::Path::new("ringbud.toml"), &text, Purpose::Replay).unwrap();
    Rules::of(&config.pbxs[0])
}

fn phones(rules: Rules) -> Phones {
    Phones::new(rules, Arc::new(Unwritten), Learner::none())
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
fn without_rules_endpoints_of_two_to_six_digits_are_phones_of_account_1() {
    let phones = phones(Rules::none(Kind::Asterisk));
    for (endpoint, number) in
        [("PJSIP/101", "101"), ("SIP/11", "11"), ("IAX2/123456", "123456"), ("SCCP/101", "101")]
    {
        assert_eq!(ask(&phones, endpoint), owned("1", number, Some(&format!("{number} "))), "{endpoint}");
    }
    for trunk in [
        "PJSIP/trunk",
        "PJSIP/1001-101",
        "Local/101@x",
        "PJSIP/",
        "DAHDI/1",
        "DAHDI/33",
        "101",
        "PJSIP/1",
        "PJSIP/4930900",
        "SIP/493023125100",
    ] {
        assert_eq!(ask(&phones, trunk), None, "{trunk}");
    }
}

#[test]
fn the_first_rule_that_matches_the_whole_endpoint_wins() {
    let phones = phones(rules(
        r"
        [[pbx.phones]]
        endpoint = 'PJSIP/(?<account>\d+)-(?<phone>\d+)'
        [[pbx.phones]]
        endpoint = '(?:(?<account>[a-z]+)/)?SIP/(?<phone>\d*)'
        account = '7'
        ",
    ));
    assert_eq!(ask(&phones, "PJSIP/1001-101"), owned("1001", "101", Some("101 ")));
    assert_eq!(ask(&phones, "PJSIP/1001-101-x"), None);
    assert_eq!(
        ask(&phones, "SIP/5"),
        owned("7", "5", Some("5 ")),
        "the fixed account where the group took no part"
    );
    assert_eq!(ask(&phones, "a/SIP/5"), owned("a", "5", Some("5 ")), "a group wins over a key");
    assert_eq!(ask(&phones, "SIP/"), None, "a phone without a number is no phone");
}

#[test]
fn an_endpoint_with_a_phone_beside_it_is_compared_letter_for_letter() {
    let phones = phones(rules(
        r"
        [[pbx.phones]]
        endpoint = 'PJSIP/k3j4h5.'
        phone = '101'
        account = '1001'
        employee = '7'
        [[pbx.phones]]
        endpoint = 'DAHDI/1'
        phone = '201'
        account = '1001'
        ",
    ));
    assert_eq!(ask(&phones, "PJSIP/k3j4h5."), owned("1001", "101", Some("7 ")));
    assert_eq!(ask(&phones, "PJSIP/k3j4h5x"), None, "no expression");
    assert_eq!(ask(&phones, "DAHDI/1"), owned("1001", "201", Some("201 ")));
    assert_eq!(ask(&phones, "DAHDI/11"), None);
}

#[test]
fn a_file_of_phones_stands_at_its_place_in_the_order() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("phones.csv");
    std::fs::write(
        &file,
        "endpoint,phone,account,employee\nSIP/anna,104,,7\nSIP/101,111,2002,\nSIP/102,112,2002,\n",
    )
    .unwrap();
    let phones = phones(rules(&format!(
        r"
        [[pbx.phones]]
        endpoint = 'SIP/102'
        phone = '102'
        account = '1001'
        [[pbx.phones]]
        file = '{}'
        account = '1001'
        [[pbx.phones]]
        endpoint = 'SIP/(?<phone>\d+)'
        account = '3003'
        ",
        file.display()
    )));
    assert_eq!(ask(&phones, "SIP/102"), owned("1001", "102", Some("102 ")), "the rule before it");
    assert_eq!(ask(&phones, "SIP/anna"), owned("1001", "104", Some("7 ")));
    assert_eq!(ask(&phones, "SIP/101"), owned("2002", "111", Some("111 ")), "the line's account wins");
    assert_eq!(ask(&phones, "SIP/103"), owned("3003", "103", Some("103 ")), "the rule after it");
}

#[test]
fn ready_rules_know_how_such_a_pbx_names_its_phones() {
    for (ready, is, is_none) in [
        (
            "number",
            &[("PJSIP/201", "201"), ("PJSIP/99201", "99201"), ("SIP/49", "49")][..],
            &["PJSIP/4930900", "PJSIP/1", "DAHDI/12"][..],
        ),
        (
            "freepbx",
            &[
                ("PJSIP/201", "201"),
                ("PJSIP/99201", "201"),
                ("SIP/902011", "2011"),
                ("SIP/9901", "9901"),
                ("SIP/990123", "990123"),
            ][..],
            &["PJSIP/4930900", "PJSIP/provider", "DAHDI/1"][..],
        ),
        (
            "ws-suffix",
            &[("PJSIP/201", "201"), ("PJSIP/201-WS", "201"), ("PJSIP/201-TLS", "201")],
            &["PJSIP/201-X", "PJSIP/SIP-TRUNK-1A2B", "PJSIP/4930900-WS"],
        ),
        ("wazo", &[("PJSIP/101", "101"), ("SCCP/101", "101")], &["PJSIP/k3j4h5"]),
    ] {
        let phones = phones(rules(&format!("[[pbx.phones]]\nrules = '{ready}'\naccount = '1001'\n")));
        for (endpoint, number) in is {
            assert_eq!(
                ask(&phones, endpoint),
                owned("1001", number, Some(&format!("{number} "))),
                "{endpoint}"
            );
        }
        for endpoint in is_none {
            assert_eq!(ask(&phones, endpoint), None, "{endpoint}");
        }
    }
    // Wazo's names are drawn at random; the number is what the PBX gives the endpoint.
    let phones = phones(rules("[[pbx.phones]]\nrules = 'wazo'\naccount = '1001'\n"));
    assert_eq!(ask(&phones, "PJSIP/k3j4h5"), None);
    phones.learn(&Endpoint { number: "101", ..Endpoint::named("PJSIP/k3j4h5") });
    assert_eq!(ask(&phones, "PJSIP/k3j4h5"), owned("1001", "101", Some("101 ")));
}

#[test]
fn what_merely_looks_like_a_phone_is_none_where_the_pbx_shows_a_providers_line() {
    for guess in ["", "[[pbx.phones]]\nrules = 'freepbx'\naccount = '1'\n"] {
        let phones = phones(rules(guess));
        assert!(phones.phone("SIP/204711").is_some());
        assert!(phones.phone_on_line("SIP/204711").is_none(), "by this very channel");
        assert!(phones.phone("SIP/204711").is_some(), "and not for ever");
        phones.learn(&Endpoint { sign: Some(Sign::Registration), ..Endpoint::named("SIP/204711") });
        assert!(phones.phone("SIP/204711").is_none(), "by what the PBX knows of the endpoint");
    }
    let phones = phones(rules("[[pbx.phones]]\nendpoint = 'SIP/204711'\nphone = '47'\naccount = '1'\n"));
    phones.learn(&Endpoint { sign: Some(Sign::Context), ..Endpoint::named("SIP/204711") });
    assert!(phones.phone_on_line("SIP/204711").is_some(), "what a person wrote counts");
}

#[test]
fn an_endpoint_that_no_rule_takes_is_told_once() {
    let phones = phones(Rules::none(Kind::Asterisk));
    for _ in 0..3 {
        phones.phone("PJSIP/anna");
        phones.phone_on_line("PJSIP/204711");
        phones.phone("PJSIP/101");
    }
    let stranger = |endpoint: &str, is_provider| Stranger { endpoint: endpoint.to_owned(), is_provider };
    assert_eq!(phones.take_strangers(), [stranger("PJSIP/anna", false), stranger("PJSIP/204711", true)]);
    assert!(phones.take_strangers().is_empty());
}

#[test]
fn the_employee_of_a_rule_counts_when_the_phone_comes_into_being() {
    let (learner, mut newcomers) = Learner::new();
    let cache = Arc::new(Notes::default());
    let rules =
        rules("[[pbx.phones]]\nendpoint = 'SIP/anna'\nphone = '104'\naccount = '1'\nemployee = '7'\n");
    let phones = Phones::new(rules, cache.clone(), learner);
    assert_eq!(ask(&phones, "SIP/anna"), owned("1", "104", Some("7 ")));
    let newcomer = newcomers.try_recv().unwrap();
    assert_eq!((&*newcomer.number, &*newcomer.employee), ("104", "7"));
    cache.change(|page| page.phones.push(("104", Holder::SameNumber)));
    cache.change(|page| page.employees = vec![("104", "Bo")]);
    assert_eq!(ask(&phones, "SIP/anna"), owned("1", "104", Some("104 Bo")), "then the store counts");
}

#[test]
fn a_newcomer_is_told_once_and_answered_as_if_it_were_there() {
    let (learner, mut newcomers) = Learner::new();
    let phones = Phones::new(Rules::none(Kind::Asterisk), Arc::new(Notes::default()), learner);
    assert_eq!(ask(&phones, "PJSIP/101"), owned("1", "101", Some("101 ")));
    assert_eq!(ask(&phones, "PJSIP/101"), owned("1", "101", Some("101 ")));
    assert_eq!(newcomers.try_recv().unwrap().number.as_ref(), "101");
    assert!(newcomers.try_recv().is_err());
}

#[test]
fn an_answer_follows_the_settings() {
    let cache = Arc::new(Notes::default());
    let (learner, mut newcomers) = Learner::new();
    let phones = Phones::new(Rules::none(Kind::Asterisk), cache.clone(), learner);
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
    let phones = Phones::new(Rules::none(Kind::Asterisk), cache.clone(), Learner::none());
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
